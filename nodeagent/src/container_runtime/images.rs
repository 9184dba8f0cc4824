//! The images at hand. They come by import: asking registries for others is not there yet, and the refusal says so.

use std::collections::HashMap;

use object::Time;
use parking_lot::Mutex;

use super::{ContainerRuntime, chain};
use crate::observed::{ContainerState, Image, ImageState, ObservedContainer};
use crate::pod::Pod;
use crate::runtime::RuntimeError;

/// How the last pull of each image went. Locked for a look-up or an update, never across an await.
#[derive(Default)]
pub(super) struct Pulls(Mutex<HashMap<String, Pull>>);

#[derive(Clone)]
struct Pull {
    at: Time,
    /// None where it succeeded: what was wrong, and how often in a row.
    failure: Option<(String, u32)>,
}

impl ContainerRuntime {
    /// Looks for an image that a container needs. One that is there counts as up to date.
    pub(super) async fn pull(&self, image: &str, now: Time) -> Result<(), RuntimeError> {
        let found = self.engine.image(image).await;
        let found = found.map_err(|e| RuntimeError::new("ErrImagePull", chain(&e)))?;
        let mut pulls = self.pulls.0.lock();
        let before = pulls.get(image).and_then(|pull| pull.failure.as_ref()).map_or(0, |(_, times)| *times);
        let failure = found.is_none().then(|| (missing(image), before + 1));
        pulls.insert(image.to_owned(), Pull { at: now, failure });
        Ok(())
    }

    /// The images of a pod's containers, where a decision or the status needs them.
    pub(super) async fn images_of(
        &self,
        pod: &Pod,
        containers: &[ObservedContainer],
    ) -> Result<Vec<Image>, RuntimeError> {
        let running = |name: &str| {
            let latest = containers.iter().filter(|c| c.name == name).max_by_key(|c| c.attempt);
            latest.filter(|c| matches!(c.state, ContainerState::Running { .. }) && !c.image_id.is_empty())
        };
        let mut images = Vec::<Image>::new();
        for container in pod.spec.init.iter().chain(&pod.spec.containers) {
            if images.iter().any(|image| image.name == container.image) {
                continue;
            }
            // What runs has its image: nobody needs to be asked.
            match running(&container.name) {
                Some(running) => images.push(self.known(&container.image, &running.image_id)),
                None => images.extend(self.image_state(pod, &container.image).await?),
            }
        }
        Ok(images)
    }

    fn known(&self, name: &str, id: &str) -> Image {
        let pulled = self.pulls.0.lock().get(name).filter(|pull| pull.failure.is_none()).map(|pull| pull.at);
        Image { name: name.to_owned(), state: ImageState::Present { id: id.to_owned(), pulled } }
    }

    async fn image_state(&self, pod: &Pod, name: &str) -> Result<Option<Image>, RuntimeError> {
        let image = |state| Some(Image { name: name.to_owned(), state });
        if let Err(invalid) = containerd::canonical(name) {
            let (reason, message) = ("InvalidImageName".to_owned(), invalid.to_string());
            let message = format!("Failed to apply default image tag {name:?}: {message}");
            return Ok(image(ImageState::Failed { reason, message, at: Time::now(), failures: 1 }));
        }
        let found = self.engine.image(name).await;
        let found = found.map_err(|e| RuntimeError::new("ErrImagePull", chain(&e)))?;
        let pull = self.pulls.0.lock().get(name).cloned();
        Ok(match (found, pull) {
            (Some(found), pull) => {
                let pulled = pull.filter(|pull| pull.failure.is_none()).map(|pull| pull.at);
                self.pods.update(&pod.uid, |mirror| {
                    mirror.image_ids.insert(found.name.clone(), found.id.clone());
                });
                image(ImageState::Present { id: found.id, pulled })
            }
            (None, Some(Pull { at, failure: Some((message, failures)) })) => {
                image(ImageState::Failed { reason: "ErrImagePull".to_owned(), message, at, failures })
            }
            (None, _) => None,
        })
    }
}

fn missing(image: &str) -> String {
    let name = containerd::canonical(image).unwrap_or_else(|_| image.to_owned());
    format!(
        "failed to pull and unpack image {name:?}: not found on this node, which pulls from no registry: \
         load it with `berth image import`"
    )
}
