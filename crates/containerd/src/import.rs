//! Import of image archives.

use std::collections::HashMap;
use std::path::Path;

use containerd_client::services::v1::{CreateImageRequest, Image as Record, UpdateImageRequest};
use containerd_client::types::Descriptor as Target;
use tokio::sync::mpsc::{self, Receiver};
use tonic::Code;

use crate::archive::{self, Item};
use crate::connection::Containerd;
use crate::content::BlobWriter;
use crate::error::Error;
use crate::image::{Resolved, chains};
use crate::layout::{Contents, Found, Stored, compression};
use crate::lease::Lease;

/// An image that was imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// Full name.
    pub name: String,
    /// Digest of its manifest or index: `sha256:…`.
    pub digest: String,
}

impl Containerd {
    /// Imports the images of an archive, an OCI layout or what `docker save` writes, plain or gzip, and unpacks
    /// them. Names that are there already move to the new images. An archive that fails changes nothing.
    ///
    /// # Errors
    /// [`Error::Archive`] when the archive is damaged or of an unknown layout.
    pub async fn import(&self, archive: &Path) -> Result<Vec<Imported>, Error> {
        let lease = self.lease().await?;
        let result = self.import_under(&lease, archive).await;
        self.release(&lease, result.is_err()).await;
        result.map_err(|error| match error {
            Error::Image { reason, .. } => Error::Archive { path: archive.to_owned(), reason },
            Error::NotFound(what) => {
                Error::Archive { path: archive.to_owned(), reason: format!("{what} is missing") }
            }
            error => error,
        })
    }

    async fn import_under(&self, lease: &Lease, archive: &Path) -> Result<Vec<Imported>, Error> {
        let fail = |reason| Error::Archive { path: archive.to_owned(), reason };
        let contents = self.store(lease, archive).await?;
        let images = contents.images().map_err(fail)?;
        for image in &images {
            self.complete(lease, image).await?;
        }
        let mut imported = Vec::new();
        for image in images {
            for name in &image.names {
                self.register(name, &image).await?;
                imported.push(Imported { name: name.clone(), digest: image.digest.clone() });
            }
        }
        Ok(imported)
    }

    /// Puts the archive's blobs into the content store.
    async fn store(&self, lease: &Lease, archive: &Path) -> Result<Contents, Error> {
        let (items, received) = mpsc::channel(4);
        let path = archive.to_owned();
        let reader = tokio::task::spawn_blocking(move || archive::read(&path, &items));
        let contents = self.receive(lease, received).await;
        let read = reader.await.unwrap_or_else(|error| Err(error.to_string()));
        read.map_err(|reason| Error::Archive { path: archive.to_owned(), reason })?;
        contents
    }

    async fn receive(&self, lease: &Lease, mut items: Receiver<Item>) -> Result<Contents, Error> {
        let mut contents = Contents::default();
        let mut open: Option<(BlobWriter, String, Stored)> = None;
        while let Some(item) = items.recv().await {
            match item {
                Item::Document { path, content } if path == "index.json" => contents.index = Some(content),
                Item::Document { content, .. } => contents.manifest = Some(content),
                Item::Link { path, target } => drop(contents.links.insert(path, target)),
                Item::Blob { path, size, digest } => {
                    let writer = self.writer(lease, size, digest);
                    open = Some((writer, path, Stored { digest: String::new(), size, compression: "" }));
                }
                Item::Data(data) => {
                    let Some((writer, _, stored)) = &mut open else { continue };
                    if writer.is_new() {
                        stored.compression = compression(&data);
                    }
                    writer.data(data).await;
                }
                Item::End { digest } => {
                    let Some((writer, path, stored)) = open.take() else { continue };
                    writer.commit(digest.clone()).await?;
                    contents.blobs.insert(path, Stored { digest, ..stored });
                }
            }
        }
        if let Some((writer, ..)) = open {
            writer.abort().await;
        }
        Ok(contents)
    }

    /// Checks that all parts of an image are there, ties them together and unpacks the layers.
    async fn complete(&self, lease: &Lease, image: &Found) -> Result<(), Error> {
        if let Some(manifest) = &image.made {
            self.write(lease, manifest.clone(), image.digest.clone()).await?;
        }
        let name = &image.names[0];
        let resolved = self.resolve(name, &target(image)).await?;
        resolved.check_platform(name)?;
        self.check(name, &resolved).await?;
        self.tie(&resolved).await?;
        self.unpack(lease, name, &resolved, Vec::new()).await
    }

    /// Labels an image's parts so that containerd's collector keeps what they refer to.
    pub(crate) async fn tie(&self, resolved: &Resolved) -> Result<(), Error> {
        for (parent, children) in &resolved.parents {
            let label = |(number, child): (usize, &String)| {
                (format!("containerd.io/gc.ref.content.{number}"), child.clone())
            };
            self.label(parent, children.iter().enumerate().map(label).collect()).await?;
        }
        let chain = chains(resolved.configuration.rootfs().diff_ids()).pop().unwrap_or_default();
        let label = format!("containerd.io/gc.ref.snapshot.{}", self.snapshotter());
        self.label(resolved.manifest.config().digest().as_ref(), HashMap::from([(label, chain)])).await
    }

    /// Whether all parts of an image are there.
    pub(crate) async fn check(&self, name: &str, resolved: &Resolved) -> Result<(), Error> {
        let fail = |reason| Error::Image { image: name.to_owned(), reason };
        let layers = resolved.manifest.layers();
        if layers.is_empty() || layers.len() != resolved.configuration.rootfs().diff_ids().len() {
            return Err(fail("its manifest and its configuration have different layers".to_owned()));
        }
        for part in layers.iter().chain([resolved.manifest.config()]) {
            match self.stat(part.digest().as_ref()).await? {
                Some(size) if size as u64 == part.size() => {}
                Some(_) => {
                    return Err(fail(format!("{} does not have the size its manifest says", part.digest())));
                }
                None => return Err(fail(format!("{} is missing", part.digest()))),
            }
        }
        Ok(())
    }

    /// Makes a name lead to an image.
    pub(crate) async fn register(&self, name: &str, image: &Found) -> Result<(), Error> {
        let record = Record { name: name.to_owned(), target: Some(target(image)), ..Default::default() };
        let request = CreateImageRequest { image: Some(record.clone()), ..Default::default() };
        match self.image_service().create(self.request(request)).await {
            Ok(_) => return Ok(()),
            Err(status) if status.code() == Code::AlreadyExists => {}
            Err(status) => return Err(Error::rpc(format!("create image {name}"), status)),
        }
        let request = UpdateImageRequest { image: Some(record), ..Default::default() };
        let answer = self.image_service().update(self.request(request)).await;
        answer.map(drop).map_err(|status| Error::rpc(format!("update image {name}"), status))
    }
}

pub(crate) fn target(image: &Found) -> Target {
    Target {
        media_type: image.media_type.clone(),
        digest: image.digest.clone(),
        size: image.size as i64,
        ..Default::default()
    }
}
