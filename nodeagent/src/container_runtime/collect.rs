//! Room on the disk: images that nobody uses are removed when it gets short, those first that were used longest ago.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use client::events::{ObjectRef, Recorder, Severity};
use containerd::Image;
use jiff::SignedDuration;
use object::Time;

use super::{ContainerRuntime, chain};
use crate::facts;

/// When images are removed; percentages are of the disk with the images, as upstream's `imageGC…ThresholdPercent`.
#[derive(Clone, Copy, Debug)]
pub struct ImageCollection {
    /// Used this much, images are removed.
    pub high: u8,
    /// Until no more than this is used.
    pub low: u8,
    /// How often the disk is looked at.
    pub period: Duration,
    /// How long an image that nobody uses is kept at least.
    pub min_age: SignedDuration,
}

impl Default for ImageCollection {
    fn default() -> Self {
        let (period, min_age) = (Duration::from_secs(300), SignedDuration::from_secs(120));
        Self { high: 85, low: 80, period, min_age }
    }
}

/// When each image was first seen, and when it was used last. An agent that begins anew takes all for fresh.
#[derive(Default)]
struct Ages(HashMap<String, (Time, Time)>);

impl Ages {
    /// Notes which images there are by now, and which of them are used.
    fn note(&mut self, images: &[Image], used: &BTreeSet<String>, now: Time) {
        self.0.retain(|name, _| images.iter().any(|image| image.name == *name));
        for image in images {
            let (_, last) = self.0.entry(image.name.clone()).or_insert((now, now));
            if used.contains(&image.name) {
                *last = now;
            }
        }
    }

    /// The image that was used longest ago, of those that may go.
    fn oldest(&self, used: &BTreeSet<String>, min_age: SignedDuration, now: Time) -> Option<&str> {
        let idle = self.0.iter().filter(|(name, (first, last))| {
            !used.contains(*name) && now.duration_since(*first.max(last)) >= min_age
        });
        idle.min_by_key(|(name, (first, last))| (*last, *first, *name)).map(|(name, _)| name.as_str())
    }
}

impl ContainerRuntime {
    /// Looks at the disk now and then, for ever; `node` is whom events are about.
    pub(crate) async fn collect_images(
        self: Arc<Self>,
        when: ImageCollection,
        recorder: Recorder,
        node: ObjectRef,
    ) {
        let mut ages = Ages::default();
        loop {
            if let Err(error) = self.collect_once(&when, &mut ages, &recorder, &node).await {
                tracing::warn!(error = chain(&error), "images are not looked at");
            }
            tokio::time::sleep(when.period).await;
        }
    }

    async fn collect_once(
        &self,
        when: &ImageCollection,
        ages: &mut Ages,
        recorder: &Recorder,
        node: &ObjectRef,
    ) -> Result<(), containerd::Error> {
        let Some(root) = self.engine.layers_root().await? else { return Ok(()) };
        let used = self.used_images().await?;
        ages.note(&self.engine.images().await?, &used, Time::now());
        if used_percent(&root).is_none_or(|percent| percent < when.high) {
            return Ok(());
        }
        while let Some(percent) = used_percent(&root).filter(|percent| *percent > when.low) {
            let Some(name) = ages.oldest(&used, when.min_age, Time::now()).map(str::to_owned) else {
                let message = format!(
                    "Insufficient free disk space on the node's image filesystem ({percent}% used). Failed to free \
                     sufficient space by deleting unused images: all that are left are in use, or younger than {:?}.",
                    Duration::try_from(when.min_age).unwrap_or_default()
                );
                recorder.record(Time::now(), node, Severity::Warning, "FreeDiskSpaceFailed", &message).await;
                return Ok(());
            };
            tracing::info!(image = name, percent, "removed, as the disk gets full");
            self.engine.remove_image(&name).await?;
            self.pulls.forget_image(&name);
            ages.0.remove(&name);
        }
        Ok(())
    }

    /// The full names of images that containers are of, running or not.
    async fn used_images(&self) -> Result<BTreeSet<String>, containerd::Error> {
        let containers = self.engine.list().await?;
        Ok(containers.iter().filter_map(|found| containerd::canonical(&found.image).ok()).collect())
    }
}

/// How much is used of what unprivileged users can have of a file system, in percent, as `df` tells it.
fn used_percent(path: &Path) -> Option<u8> {
    let disk = facts::disk(path).ok()?;
    let all = u128::from(disk.used) + u128::from(disk.available);
    u8::try_from((u128::from(disk.used) * 100).checked_div(all)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Time {
        Time::from_second(second).unwrap()
    }

    fn image(name: &str) -> Image {
        let text = String::new;
        Image { name: name.to_owned(), digest: text(), id: text(), size: 0, config: Default::default() }
    }

    #[test]
    fn the_image_goes_that_was_used_longest_ago() {
        let names = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
        let images = ["a", "b", "c"].map(image);
        let (none, age, mut ages) = (names(&[]), SignedDuration::from_secs(120), Ages::default());
        ages.note(&images[..2], &names(&["a"]), at(0));
        assert_eq!(ages.oldest(&none, age, at(119)), None, "all are young");
        assert_eq!(ages.oldest(&names(&["a"]), age, at(120)), Some("b"));
        ages.note(&images, &names(&["b"]), at(200));
        assert_eq!(ages.oldest(&none, age, at(300)), Some("a"), "c is young, and b was used");
        assert_eq!(ages.oldest(&none, age, at(320)), Some("a"));
        ages.note(&images[1..], &none, at(330));
        assert_eq!(ages.oldest(&none, age, at(330)), Some("b"), "a is gone");
        assert_eq!(ages.oldest(&names(&["b", "c"]), age, at(999)), None);
    }
}
