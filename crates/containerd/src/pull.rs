//! Pulls of images from registries.
//!
//! All layers are fetched at once, a few at a time, and unpacked in order as they come. A layer that breaks off is gone
//! on with where it ended: within a pull, and by the next one, as what was fetched stays under a lease of the image for
//! an hour. A name leads to an image only once all of it is there.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::future::{try_join, try_join_all};
use futures::{FutureExt, TryStreamExt};
use jiff::SignedDuration;
use oci_spec::image::{Descriptor, ImageIndex, ImageManifest};
use serde_json::Value;
use tokio::sync::{Semaphore, oneshot};
use tokio::time::sleep;
use tonic::{Code, Status};

use crate::connection::Containerd;
use crate::content::{BlobWriter, LONGEST_DOCUMENT};
use crate::error::Error;
use crate::image::{DEEPEST, choose, no_match, sha256};
use crate::import::target;
use crate::layout::Found;
use crate::lease::Lease;
use crate::reference::{canonical, is_digest, parse};
use crate::registry::{Credentials, Document, Refusal, Registries, Source};

/// How long what was fetched of a pull that failed is kept for the next one.
const KEPT: SignedDuration = SignedDuration::from_hours(1);

/// Layers of one image that are fetched at a time.
const AT_A_TIME: usize = 3;

/// How often a layer may bring nothing until it is given up, and the pauses between.
const TRIES: u32 = 4;
const PAUSE: Duration = Duration::from_millis(250);

/// How often it is looked whether another one who fetches the same layer is done.
const LOOK: Duration = Duration::from_millis(200);

/// Data goes to containerd in pieces of this size.
const PIECE: usize = 512 << 10;

/// How far a pull has come, in bytes; shared with who watches it.
#[derive(Debug, Default)]
pub struct Progress {
    total: AtomicU64,
    done: AtomicU64,
}

impl Progress {
    /// Bytes that are there, and bytes there are in all; zero until that is known.
    pub fn get(&self) -> (u64, u64) {
        (self.done.load(Ordering::Relaxed), self.total.load(Ordering::Relaxed))
    }
}

/// An image that was pulled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pulled {
    /// Full name.
    pub name: String,
    /// Digest of its manifest or index: `sha256:…`.
    pub digest: String,
    /// Whether it was there already.
    pub up_to_date: bool,
}

impl Containerd {
    /// Makes an image be there as its registry has it now; nothing but its manifest is fetched where it is.
    ///
    /// # Errors
    /// [`Error::Reference`] when the name is none; [`Error::Pull`] says in one line why it cannot be had.
    pub async fn pull(
        &self,
        reference: &str,
        registries: &Registries,
        credentials: &[Credentials],
        progress: &Progress,
    ) -> Result<Pulled, Error> {
        let name = canonical(reference)?;
        // One at a time: who waits finds it there.
        let turn = self.inner.pulling.lock().entry(name.clone()).or_default().clone();
        let pulled = {
            let _turn = turn.lock().await;
            self.pull_alone(&name, registries, credentials, progress).await
        };
        let mut pulling = self.inner.pulling.lock();
        if Arc::strong_count(&turn) == 2 {
            pulling.remove(&name);
        }
        pulled
    }

    async fn pull_alone(
        &self,
        name: &str,
        registries: &Registries,
        credentials: &[Credentials],
        progress: &Progress,
    ) -> Result<Pulled, Error> {
        let fail = |reason: String| Error::Pull { image: name.to_owned(), reason };
        let source = registries.find(name, credentials).await.map_err(fail)?;
        let digest = source.manifest.digest.clone();
        if let Some(wanted) = parse(name)?.digest.filter(|wanted| *wanted != digest) {
            return Err(fail(format!("the registry has {digest} for {wanted}")));
        }
        let pulled = |up_to_date| Pulled { name: name.to_owned(), digest: digest.clone(), up_to_date };
        let there = self.image(name).await.ok().flatten();
        if there.is_some_and(|image| image.digest == digest && image.name == name) {
            return Ok(pulled(true));
        }
        let lease = self.lease_of(sha256(name.as_bytes()).replace("sha256:", "berth-pull-"), KEPT).await?;
        match self.fetch(&lease, name, &source, progress).await {
            Ok(()) => {
                self.release(&lease, false).await;
                Ok(pulled(false))
            }
            Err(error @ Error::Unavailable(_)) => Err(error),
            Err(error) => {
                let reason = match error {
                    Error::Pull { reason, .. } | Error::Image { reason, .. } => reason,
                    error => error.to_string(),
                };
                // Where there is no room, what was fetched would only be in the way.
                if reason.contains("no space left on device") {
                    self.release(&lease, true).await;
                }
                Err(fail(reason))
            }
        }
    }

    async fn fetch(
        &self,
        lease: &Lease,
        name: &str,
        source: &Source,
        progress: &Progress,
    ) -> Result<(), Error> {
        let (found, manifest) = self.documents(lease, name, source).await?;
        let (config, layers) = (manifest.config(), manifest.layers());
        if config.size() > LONGEST_DOCUMENT {
            let reason = "its configuration is too long".to_owned();
            return Err(Error::Pull { image: name.to_owned(), reason });
        }
        let total: u64 = layers.iter().chain([config]).map(Descriptor::size).sum();
        progress.total.store(total, Ordering::Relaxed);
        let transfer = &Transfer { containerd: self, lease, source, progress };
        transfer.part(name, config).await?;
        let resolved = self.resolve(name, &target(&found)).await?;
        resolved.check_platform(name)?;
        self.tie(&resolved).await?;
        let turns = &Semaphore::new(AT_A_TIME);
        let (mut fetching, mut ready) = (Vec::new(), Vec::new());
        for layer in layers {
            let (there, comes) = oneshot::channel();
            ready.push(comes);
            let fetch = async move {
                let _turn = turns.acquire().await;
                transfer.part(name, layer).await?;
                let _ = there.send(());
                Ok(())
            };
            fetching.push(fetch.boxed());
        }
        let unpacking = self.unpack(lease, name, &resolved, ready).boxed();
        try_join(try_join_all(fetching), unpacking).await?;
        self.check(name, &resolved).await?;
        self.register(name, &found).await
    }

    /// Fetches the manifest for this platform, and the indexes on the way to it.
    async fn documents(
        &self,
        lease: &Lease,
        name: &str,
        source: &Source,
    ) -> Result<(Found, ImageManifest), Error> {
        let fail = |reason: String| Error::Pull { image: name.to_owned(), reason };
        let mut found = None;
        let mut next: Option<Document> = None;
        for _ in 0..DEEPEST {
            let Document { content, digest } = next.as_ref().unwrap_or(&source.manifest);
            let wrong = |why: &dyn std::fmt::Display| fail(format!("manifest {digest}: {why}"));
            if content.len() as u64 > LONGEST_DOCUMENT {
                return Err(wrong(&"is too long"));
            }
            let value: Value = serde_json::from_slice(content).map_err(|error| wrong(&error))?;
            let is_index = value.get("manifests").is_some();
            self.write(lease, content.clone(), digest.clone()).await?;
            self.hold(lease, digest).await?;
            let found = found.get_or_insert_with(|| Found {
                names: vec![name.to_owned()],
                media_type: media_type(&value, is_index),
                digest: digest.clone(),
                size: content.len() as u64,
                made: None,
            });
            if !is_index {
                let manifest = serde_json::from_value(value).map_err(|error| wrong(&error))?;
                return Ok((found.clone(), manifest));
            }
            let index: ImageIndex = serde_json::from_value(value).map_err(|error| wrong(&error))?;
            let chosen = choose(index.manifests()).ok_or_else(|| fail(no_match(digest)))?;
            let child = source.manifest(chosen.digest().as_ref()).await;
            next = Some(
                child.map_err(|refusal| fail(format!("manifest {}: {}", chosen.digest(), refusal.reason)))?,
            );
        }
        Err(fail("its indexes are nested too deep".to_owned()))
    }
}

/// From where to where an image's parts go.
struct Transfer<'a> {
    containerd: &'a Containerd,
    lease: &'a Lease,
    source: &'a Source,
    progress: &'a Progress,
}

impl Transfer<'_> {
    /// Fetches a layer or a configuration, where it is not there.
    async fn part(&self, name: &str, part: &Descriptor) -> Result<(), Error> {
        let digest = part.digest().to_string();
        let fetched = match is_digest(&digest) {
            true => self.persist(&digest, part.size()).await,
            false => Err("is no digest".to_owned()),
        };
        fetched.map_err(|reason| {
            let reason = format!("failed to copy: layer {digest}: {reason}");
            Error::Pull { image: name.to_owned(), reason }
        })
    }

    /// Tries again as long as there is hope, and waits where another one is at it.
    async fn persist(&self, digest: &str, size: u64) -> Result<(), String> {
        let (mut failures, mut here) = (0, 0);
        loop {
            let there = self.containerd.hold(self.lease, digest).await;
            if there.map_err(|error| error.to_string())? {
                self.come(&mut here, size);
                return Ok(());
            }
            let before = here;
            match self.attempt(digest, size, &mut here).await {
                Ok(()) => return Ok(()),
                Err(Broken::Elsewhere) => sleep(LOOK).await,
                Err(Broken::Lasting(reason)) => return Err(reason),
                Err(Broken::Passing(reason)) => {
                    failures = if here > before { 1 } else { failures + 1 };
                    if failures == TRIES {
                        return Err(reason);
                    }
                    tracing::debug!(digest, reason, "a layer broke off and is gone on with");
                    sleep(PAUSE * (1 << failures)).await;
                }
            }
        }
    }

    /// Notes that so much of a part is here, of which `here` was.
    fn come(&self, here: &mut u64, now: u64) {
        self.progress.done.fetch_add(now.saturating_sub(*here), Ordering::Relaxed);
        *here = now.max(*here);
    }

    /// Fetches what is missing of a part, and commits it.
    async fn attempt(&self, digest: &str, size: u64, here: &mut u64) -> Result<(), Broken> {
        let begun = self.containerd.resume_write(self.lease, size, digest).await;
        let (mut writer, offset) = begun.map_err(|error| Broken::Passing(error.to_string()))?;
        self.come(here, offset);
        let copied = match offset < size {
            true => self.copy(&mut writer, digest, (offset, size), here).await,
            false => Ok(()),
        };
        match copied {
            Ok(()) => {}
            Err(broken @ Broken::Lasting(_)) => {
                writer.abort().await;
                return Err(broken);
            }
            Err(broken) => {
                writer.pause().await;
                return Err(broken);
            }
        }
        let reference = writer.reference();
        let Err(status) = writer.end(digest).await else { return Ok(()) };
        let broken = broken_write(&status);
        if matches!(broken, Broken::Lasting(_)) {
            self.containerd.abort(reference).await;
        }
        Err(broken)
    }

    /// Writes what the registry sends from an offset on, until all is there or containerd takes no more.
    async fn copy(
        &self,
        writer: &mut BlobWriter,
        digest: &str,
        (offset, size): (u64, u64),
        here: &mut u64,
    ) -> Result<(), Broken> {
        let mut at = offset;
        let mut data = self.source.blob(digest, offset).await.map_err(|refusal| ended(&refusal, at, size))?;
        let mut piece = Vec::with_capacity(PIECE);
        loop {
            let more = data.try_next().await;
            if let Ok(Some(more)) = &more {
                at += more.len() as u64;
                if at > size {
                    return Err(Broken::Lasting(format!(
                        "has more than the {size} bytes that its manifest says"
                    )));
                }
                piece.extend_from_slice(more);
            }
            let last = !matches!(more, Ok(Some(_)));
            if piece.len() >= PIECE || last && !piece.is_empty() {
                writer.data(std::mem::replace(&mut piece, Vec::with_capacity(PIECE))).await;
                self.come(here, at);
            }
            match more {
                _ if writer.is_over() => return Ok(()),
                Ok(Some(_)) => {}
                Ok(None) if at == size => return Ok(()),
                Ok(None) => {
                    let refusal = Refusal { reason: "no more comes".to_owned(), passing: true };
                    return Err(ended(&refusal, at, size));
                }
                Err(refusal) => return Err(ended(&refusal, at, size)),
            }
        }
    }
}

fn ended(refusal: &Refusal, at: u64, size: u64) -> Broken {
    let reason = &refusal.reason;
    match refusal.passing {
        true => Broken::Passing(format!("ends after {at} of {size} bytes: {reason}")),
        false => Broken::Lasting(reason.clone()),
    }
}

/// Why an attempt at a layer ended.
enum Broken {
    /// Another one is at it.
    Elsewhere,
    /// Worth another attempt.
    Passing(String),
    Lasting(String),
}

fn broken_write(status: &Status) -> Broken {
    let message = status.message();
    match status.code() {
        Code::Unavailable if message.contains("locked") => Broken::Elsewhere,
        Code::Unavailable | Code::Aborted => Broken::Passing(message.to_owned()),
        _ => Broken::Lasting(message.to_owned()),
    }
}

/// A document's own word, or what such a document is called.
fn media_type(document: &Value, is_index: bool) -> String {
    let kind = if is_index { "index" } else { "manifest" };
    let said = document["mediaType"].as_str().map(str::to_owned);
    said.unwrap_or_else(|| format!("application/vnd.oci.image.{kind}.v1+json"))
}
