//! What an archive's documents say: which images it holds. Decides only.

use std::collections::HashMap;

use oci_spec::image::{Descriptor, ImageIndex};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::image::{choose, platform, sha256};
use crate::reference::canonical;

/// The archive's documents, and where its blobs are.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    pub index: Option<Vec<u8>>,
    pub manifest: Option<Vec<u8>>,
    pub blobs: HashMap<String, Stored>,
    pub links: HashMap<String, String>,
}

/// A blob in the content store.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub digest: String,
    pub size: u64,
    /// As media types end: empty, `+gzip` or `+zstd`.
    pub compression: &'static str,
}

/// An image to register.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Found {
    /// Full names.
    pub names: Vec<String>,
    pub media_type: String,
    pub digest: String,
    pub size: u64,
    /// The manifest, where the archive has none and it was made here.
    pub made: Option<Vec<u8>>,
}

/// One image in `manifest.json`, as `docker save` writes it.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Saved {
    config: String,
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
    layers: Vec<String>,
}

const NAME: &str = "io.containerd.image.name";
const REF_NAME: &str = "org.opencontainers.image.ref.name";

impl Contents {
    /// The images of the archive. An index with names counts more than `manifest.json`.
    ///
    /// # Errors
    /// Why there are none, in one line.
    pub fn images(&self) -> Result<Vec<Found>, String> {
        let indexed = match &self.index {
            Some(document) => indexed(document)?,
            None => Vec::new(),
        };
        match (&self.manifest, indexed.is_empty()) {
            (_, false) => Ok(indexed),
            (Some(document), true) => self.saved(document),
            (None, true) if self.index.is_some() => Err("no image in it has a name".into()),
            (None, true) => Err("neither index.json nor manifest.json is in it".into()),
        }
    }

    fn saved(&self, document: &[u8]) -> Result<Vec<Found>, String> {
        let images: Vec<Saved> =
            serde_json::from_slice(document).map_err(|error| format!("manifest.json: {error}"))?;
        let found: Vec<Found> = images.iter().map(|image| self.made(image)).collect::<Result<_, _>>()?;
        match found.iter().any(|image| !image.names.is_empty()) {
            true => Ok(found.into_iter().filter(|image| !image.names.is_empty()).collect()),
            false => Err("no image in it has a name".into()),
        }
    }

    /// An OCI manifest for a saved image.
    fn made(&self, image: &Saved) -> Result<Found, String> {
        let config = self.blob(&image.config)?;
        let layers = image.layers.iter().map(|path| self.blob(path)).collect::<Result<Vec<_>, _>>()?;
        let layer = |blob: &Stored| {
            let media_type = format!("application/vnd.oci.image.layer.v1.tar{}", blob.compression);
            json!({ "mediaType": media_type, "digest": blob.digest, "size": blob.size })
        };
        let media_type = "application/vnd.oci.image.manifest.v1+json";
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": media_type,
            "config": {
                "mediaType": "application/vnd.oci.image.config.v1+json",
                "digest": config.digest,
                "size": config.size,
            },
            "layers": layers.into_iter().map(layer).collect::<Vec<Value>>(),
        })
        .to_string()
        .into_bytes();
        let names = image.repo_tags.iter().flatten().map(|name| full(name)).collect::<Result<_, _>>()?;
        let (digest, size) = (sha256(&manifest), manifest.len() as u64);
        Ok(Found { names, media_type: media_type.into(), digest, size, made: Some(manifest) })
    }

    /// The blob at a path, through links.
    fn blob(&self, path: &str) -> Result<&Stored, String> {
        let mut at = path;
        for _ in 0..8 {
            match (self.blobs.get(at), self.links.get(at)) {
                (Some(blob), _) => return Ok(blob),
                (None, Some(target)) => at = target,
                (None, None) => break,
            }
        }
        Err(format!("{path} is missing"))
    }
}

/// The named images of an index; of one name, the one for this platform.
fn indexed(document: &[u8]) -> Result<Vec<Found>, String> {
    let index: ImageIndex =
        serde_json::from_slice(document).map_err(|error| format!("index.json: {error}"))?;
    let mut by_name: Vec<(String, Vec<Descriptor>)> = Vec::new();
    for descriptor in index.manifests() {
        let Some(name) = name(descriptor) else { continue };
        let name = full(name)?;
        match by_name.iter_mut().find(|(other, _)| *other == name) {
            Some((_, descriptors)) => descriptors.push(descriptor.clone()),
            None => by_name.push((name, vec![descriptor.clone()])),
        }
    }
    let found = |(name, descriptors): (String, Vec<Descriptor>)| {
        let descriptor = choose(&descriptors).ok_or_else(|| format!("{name}: nothing for {}", platform()))?;
        Ok(Found {
            names: vec![name],
            media_type: descriptor.media_type().to_string(),
            digest: descriptor.digest().to_string(),
            size: descriptor.size(),
            made: None,
        })
    };
    by_name.into_iter().map(found).collect()
}

fn name(descriptor: &Descriptor) -> Option<&str> {
    let annotations = descriptor.annotations().as_ref()?;
    annotations.get(NAME).or_else(|| annotations.get(REF_NAME)).map(String::as_str)
}

fn full(name: &str) -> Result<String, String> {
    canonical(name).map_err(|error| error.to_string())
}

/// How a layer is compressed, by its first bytes.
pub(crate) fn compression(start: &[u8]) -> &'static str {
    match start {
        [0x1f, 0x8b, ..] => "+gzip",
        [0x28, 0xb5, 0x2f, 0xfd, ..] => "+zstd",
        _ => "",
    }
}

#[cfg(test)]
mod tests;
