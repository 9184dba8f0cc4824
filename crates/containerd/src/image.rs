//! Images that are present.

use std::collections::HashMap;
use std::sync::Arc;

use containerd_client::services::v1::{
    DeleteImageRequest, GetImageRequest, Image as Record, ListImagesRequest,
};
use containerd_client::types::Descriptor as Target;
use oci_spec::image::{Descriptor, ImageConfiguration, ImageIndex, ImageManifest};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tonic::Code;

use crate::connection::Containerd;
use crate::error::Error;
use crate::reference::{canonical, is_digest, parse};

/// Details of this many images are remembered.
const REMEMBERED: usize = 512;
/// Indexes may lie in indexes this deep.
pub(crate) const DEEPEST: usize = 4;

/// An image.
#[derive(Clone, Debug, PartialEq)]
pub struct Image {
    /// Full name, as `docker.io/library/web:1`.
    pub name: String,
    /// Digest of its manifest, or of the index of its platforms: `sha256:…`.
    pub digest: String,
    /// Digest of its configuration: `sha256:…`.
    pub id: String,
    /// Bytes of its configuration and layers, as stored (most often compressed).
    pub size: u64,
    /// What it says about its processes.
    pub config: ImageConfig,
}

/// What an image says about its processes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageConfig {
    /// Environment, as `KEY=value`.
    pub env: Vec<String>,
    /// Entry point.
    pub entrypoint: Vec<String>,
    /// Its arguments, or the command when there is no entry point.
    pub cmd: Vec<String>,
    /// Working directory; empty is `/`.
    pub working_dir: String,
    /// `user` or `user:group`, each a name or a number; empty is root.
    pub user: String,
    /// Signal that stops it, as `SIGQUIT` or `3`.
    pub stop_signal: Option<String>,
    /// Labels.
    pub labels: HashMap<String, String>,
}

/// What an image's content says.
#[derive(Debug)]
pub(crate) struct Details {
    pub id: String,
    pub size: u64,
    pub config: ImageConfig,
    /// Name of the snapshot of all layers.
    pub chain: String,
}

/// An image's parts for this host's platform.
pub(crate) struct Resolved {
    /// The index and the manifests on the way, each with the digests it refers to.
    pub parents: Vec<(String, Vec<String>)>,
    pub manifest: ImageManifest,
    pub configuration: ImageConfiguration,
    /// Whether it is for another platform, by its own word alone: what an index says of it counts more.
    is_foreign: bool,
}

impl Resolved {
    /// Whether this host can run it.
    pub(crate) fn check_platform(&self, name: &str) -> Result<(), Error> {
        if !self.is_foreign {
            return Ok(());
        }
        let digest = self.parents.last().map_or("", |(digest, _)| digest);
        Err(Error::Image { image: name.to_owned(), reason: no_match(digest) })
    }
}

impl Containerd {
    /// The image of this name, in any spelling: `web`, `web:1`, `team/web@sha256:…`, or an image's id or digest
    /// as `sha256:…`. None when it is not present.
    ///
    /// # Errors
    /// When the name is none, when the image's content is damaged, when containerd does not answer.
    pub async fn image(&self, reference: &str) -> Result<Option<Image>, Error> {
        let found = self.record(reference).await?;
        match found {
            Some(record) => self.describe(record).await.map(Some),
            None => Ok(None),
        }
    }

    /// All images whose content is there.
    ///
    /// # Errors
    /// When containerd does not answer.
    pub async fn images(&self) -> Result<Vec<Image>, Error> {
        let mut images = Vec::new();
        for record in self.records(Vec::new()).await? {
            match self.describe(record).await {
                Ok(image) => images.push(image),
                Err(error @ Error::Unavailable(_)) => return Err(error),
                Err(error) => tracing::debug!(%error, "an image without its content"),
            }
        }
        Ok(images)
    }

    /// Removes a name; the content follows when nothing else needs it. Says whether it was there.
    ///
    /// # Errors
    /// When the name is none, when containerd does not answer.
    pub async fn remove_image(&self, reference: &str) -> Result<bool, Error> {
        let Some(record) = self.record(reference).await? else { return Ok(false) };
        let request = DeleteImageRequest { name: record.name, sync: true, ..Default::default() };
        match self.image_service().delete(self.request(request)).await {
            Ok(_) => Ok(true),
            Err(status) if status.code() == Code::NotFound => Ok(false),
            Err(status) => Err(Error::rpc(format!("remove image {reference}"), status)),
        }
    }

    /// The record of an image in any spelling.
    pub(crate) async fn record(&self, reference: &str) -> Result<Option<Record>, Error> {
        if is_digest(reference) {
            return self.by_digest(reference).await;
        }
        let name = canonical(reference)?;
        let request = self.request(GetImageRequest { name });
        match self.image_service().get(request).await {
            Ok(answer) => return Ok(answer.into_inner().image),
            Err(status) if status.code() == Code::NotFound => {}
            Err(status) => return Err(Error::rpc(format!("image {reference}"), status)),
        }
        let parts = parse(reference)?;
        let Some(digest) = parts.digest else { return Ok(None) };
        let of_repository = |record: &Record| parse(&record.name).is_ok_and(|other| other.name == parts.name);
        let records = self.records(vec![format!("target.digest=={digest}")]).await?;
        Ok(records.into_iter().find(of_repository))
    }

    async fn by_digest(&self, digest: &str) -> Result<Option<Record>, Error> {
        for record in self.records(Vec::new()).await? {
            let is_target = record.target.as_ref().is_some_and(|target| target.digest == digest);
            if is_target || self.details(&record).await.is_ok_and(|details| details.id == digest) {
                return Ok(Some(record));
            }
        }
        Ok(None)
    }

    async fn records(&self, filters: Vec<String>) -> Result<Vec<Record>, Error> {
        let answer = self.image_service().list(self.request(ListImagesRequest { filters })).await;
        Ok(answer.map_err(|status| Error::rpc("images", status))?.into_inner().images)
    }

    async fn describe(&self, record: Record) -> Result<Image, Error> {
        let details = self.details(&record).await?;
        Ok(Image {
            name: record.name,
            digest: record.target.unwrap_or_default().digest,
            id: details.id.clone(),
            size: details.size,
            config: details.config.clone(),
        })
    }

    /// What the image's content says; remembered, as content never changes.
    pub(crate) async fn details(&self, record: &Record) -> Result<Arc<Details>, Error> {
        let target = record.target.clone().unwrap_or_default();
        if let Some(known) = self.inner.details.lock().get(&target.digest) {
            return Ok(known.clone());
        }
        let resolved = self.resolve(&record.name, &target).await?;
        let details = Arc::new(details(&resolved));
        let mut known = self.inner.details.lock();
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(target.digest, details.clone());
        Ok(details)
    }

    /// Reads an image's documents, from the index down to the configuration for this platform.
    pub(crate) async fn resolve(&self, image: &str, target: &Target) -> Result<Resolved, Error> {
        let fail = |reason: String| Error::Image { image: image.to_owned(), reason };
        let mut digest = target.digest.clone();
        let (mut parents, mut is_chosen) = (Vec::new(), false);
        for _ in 0..DEEPEST {
            let document = self.read(&digest).await?;
            let value: Value = serde_json::from_slice(&document).map_err(|error| fail(error.to_string()))?;
            if value.get("manifests").is_some() {
                let index: ImageIndex =
                    serde_json::from_value(value).map_err(|error| fail(error.to_string()))?;
                let refers = digests(index.manifests());
                parents.push((std::mem::take(&mut digest), refers));
                let chosen =
                    choose(index.manifests()).ok_or_else(|| fail(format!("nothing for {}", platform())))?;
                is_chosen = chosen.platform().is_some();
                digest = chosen.digest().to_string();
                continue;
            }
            let manifest: ImageManifest =
                serde_json::from_value(value).map_err(|error| fail(error.to_string()))?;
            let refers = digests(std::iter::once(manifest.config()).chain(manifest.layers()));
            parents.push((digest, refers));
            let document = self.read(manifest.config().digest().as_ref()).await?;
            let document: Value =
                serde_json::from_slice(&document).map_err(|error| fail(error.to_string()))?;
            let is_foreign = !is_chosen && is_foreign(&document);
            let configuration = configuration(document).map_err(|error| fail(error.to_string()))?;
            return Ok(Resolved { parents, manifest, configuration, is_foreign });
        }
        Err(fail("its indexes are nested too deep".into()))
    }
}

fn digests<'a>(descriptors: impl IntoIterator<Item = &'a Descriptor>) -> Vec<String> {
    descriptors.into_iter().map(|descriptor| descriptor.digest().to_string()).collect()
}

/// This host's platform, as `linux/amd64`.
pub(crate) fn platform() -> String {
    format!("linux/{}", architecture())
}

/// What is said of an image, or of an index of images, of which none is for this host.
pub(crate) fn no_match(digest: &str) -> String {
    format!("no match for platform {} in manifest {digest}: not found", platform())
}

fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

/// Whether a configuration says that it is for another platform than this host's.
fn is_foreign(configuration: &Value) -> bool {
    let other = |name: &str, ours: &str| {
        configuration[name].as_str().is_some_and(|said| !said.is_empty() && said != ours)
    };
    other("os", "linux") || other("architecture", architecture())
}

/// A configuration; one that names no platform is let through.
fn configuration(mut document: Value) -> serde_json::Result<ImageConfiguration> {
    if let Some(fields) = document.as_object_mut() {
        for name in ["os", "architecture"] {
            fields.entry(name).or_insert_with(|| "".into());
        }
    }
    serde_json::from_value(document)
}

/// The manifest for this host: one that says so, else one that says nothing.
pub(crate) fn choose(manifests: &[Descriptor]) -> Option<&Descriptor> {
    choose_for(architecture(), manifests)
}

fn choose_for<'a>(architecture: &str, manifests: &'a [Descriptor]) -> Option<&'a Descriptor> {
    let fits = |descriptor: &&Descriptor| {
        descriptor.platform().as_ref().is_some_and(|platform| {
            platform.os().to_string() == "linux" && platform.architecture().to_string() == architecture
        })
    };
    manifests
        .iter()
        .find(fits)
        .or_else(|| manifests.iter().find(|descriptor| descriptor.platform().is_none()))
}

fn details(resolved: &Resolved) -> Details {
    let manifest = &resolved.manifest;
    let layers: u64 = manifest.layers().iter().map(Descriptor::size).sum();
    Details {
        id: manifest.config().digest().to_string(),
        size: layers + manifest.config().size(),
        config: config(&resolved.configuration),
        chain: chains(resolved.configuration.rootfs().diff_ids()).pop().unwrap_or_default(),
    }
}

fn config(configuration: &ImageConfiguration) -> ImageConfig {
    let Some(config) = configuration.config() else { return ImageConfig::default() };
    ImageConfig {
        env: config.env().clone().unwrap_or_default(),
        entrypoint: config.entrypoint().clone().unwrap_or_default(),
        cmd: config.cmd().clone().unwrap_or_default(),
        working_dir: config.working_dir().clone().unwrap_or_default(),
        user: config.user().clone().unwrap_or_default(),
        stop_signal: config.stop_signal().clone().filter(|signal| !signal.is_empty()),
        labels: config.labels().clone().unwrap_or_default(),
    }
}

/// The chain id of each layer upon those before it (OCI image specification, "Layer ChainID").
pub(crate) fn chains(layers: &[String]) -> Vec<String> {
    layers
        .iter()
        .scan(None, |below: &mut Option<String>, layer| {
            let chain = match below {
                None => layer.clone(),
                Some(below) => sha256(format!("{below} {layer}").as_bytes()),
            };
            *below = Some(chain.clone());
            Some(chain)
        })
        .collect()
}

/// The digest of a document.
pub(crate) fn sha256(document: &[u8]) -> String {
    format!("sha256:{:x}", Sha256::digest(document))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn manifests(platforms: &[Value]) -> Vec<Descriptor> {
        let descriptor = |(number, platform): (usize, &Value)| {
            let digest = format!("sha256:{number:064}");
            let mut descriptor = json!({"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digest, "size": 1});
            if !platform.is_null() {
                descriptor["platform"] = platform.clone();
            }
            serde_json::from_value(descriptor).unwrap()
        };
        platforms.iter().enumerate().map(descriptor).collect()
    }

    #[test]
    fn an_image_is_foreign_by_its_own_word() {
        let ours = json!({"os": "linux", "architecture": architecture()});
        for (field, value, expect) in [
            ("architecture", json!("s390x"), true),
            ("os", json!("windows"), true),
            ("architecture", json!(""), false),
            ("os", Value::Null, false),
        ] {
            let mut document = ours.clone();
            document[field] = value;
            assert_eq!(is_foreign(&document), expect, "{document}");
        }
        assert!(!is_foreign(&ours) && !is_foreign(&json!({})));
        let silent = json!({"rootfs": {"type": "layers", "diff_ids": ["sha256:1"]}});
        assert_eq!(configuration(silent).unwrap().rootfs().diff_ids(), &["sha256:1"]);
    }

    #[test]
    fn each_machine_takes_what_was_made_for_it() {
        let platform = |os: &str, architecture: &str| json!({"os": os, "architecture": architecture});
        let index = manifests(&[
            platform("windows", "arm64"),
            platform("linux", "amd64"),
            json!({"os": "linux", "architecture": "arm", "variant": "v7"}),
            json!({"os": "linux", "architecture": "arm64", "variant": "v8"}),
            platform("unknown", "unknown"),
        ]);
        assert_eq!(choose_for("amd64", &index), Some(&index[1]));
        assert_eq!(choose_for("arm64", &index), Some(&index[3]));
        assert_eq!(
            choose_for("riscv64", &index),
            None,
            "others' are refused, and what certifies an image is none"
        );
        let vague = manifests(&[platform("linux", "arm64"), Value::Null]);
        assert_eq!(choose_for("arm64", &vague), Some(&vague[0]));
        assert_eq!(choose_for("amd64", &vague), Some(&vague[1]), "what says nothing fits all");
    }
}
