//! Layers become snapshots.

use containerd_client::services::v1::ApplyRequest;
use containerd_client::services::v1::snapshots::{
    CommitSnapshotRequest, PrepareSnapshotRequest, RemoveSnapshotRequest, StatSnapshotRequest,
};
use containerd_client::types::Descriptor as Target;
use oci_spec::image::Descriptor;
use tokio::sync::oneshot;
use tonic::{Code, Status};

use crate::connection::Containerd;
use crate::error::{Error, accept};
use crate::image::{Resolved, chains};
use crate::lease::{Lease, unique};

/// A layer to put upon those before it.
struct Step<'a> {
    image: &'a str,
    layer: &'a Descriptor,
    /// Digest of the uncompressed layer.
    diff: &'a str,
    /// The snapshot below; empty for the first layer.
    parent: String,
    /// The snapshot to make.
    chain: String,
}

impl Step<'_> {
    fn failed(&self, status: Status) -> Error {
        match status.code() {
            Code::Unavailable => Error::rpc("unpack", status),
            _ => self.wrong(status.message()),
        }
    }

    fn wrong(&self, reason: &str) -> Error {
        let reason = format!("layer {}: {reason}", self.layer.digest());
        Error::Image { image: self.image.to_owned(), reason }
    }
}

impl Containerd {
    /// Makes the snapshots of an image's layers that are not there yet, each once `ready` says that the layer is; of
    /// those that nothing is said of, all are. Ends never where `ready` says that one does not come.
    pub(crate) async fn unpack(
        &self,
        lease: &Lease,
        image: &str,
        resolved: &Resolved,
        ready: Vec<oneshot::Receiver<()>>,
    ) -> Result<(), Error> {
        let mut ready = ready.into_iter();
        let diffs = resolved.configuration.rootfs().diff_ids();
        let mut parent = String::new();
        for ((layer, diff), chain) in resolved.manifest.layers().iter().zip(diffs).zip(chains(diffs)) {
            if let Some(come) = ready.next()
                && come.await.is_err()
            {
                std::future::pending::<()>().await;
            }
            if !self.has_snapshot(&chain).await? {
                let key = format!("extract-{} {chain}", unique());
                let step = Step { image, layer, diff, parent, chain: chain.clone() };
                let applied = self.apply(lease, &step, &key).await;
                if applied.is_err() {
                    let _ = self.remove_snapshot(&key).await;
                }
                applied?;
            }
            parent = chain;
        }
        Ok(())
    }

    async fn has_snapshot(&self, key: &str) -> Result<bool, Error> {
        let request = StatSnapshotRequest { snapshotter: self.snapshotter(), key: key.to_owned() };
        match self.snapshots().stat(self.request(request)).await {
            Ok(_) => Ok(true),
            Err(status) if status.code() == Code::NotFound => Ok(false),
            Err(status) => Err(Error::rpc(format!("snapshot {key}"), status)),
        }
    }

    async fn apply(&self, lease: &Lease, step: &Step<'_>, key: &str) -> Result<(), Error> {
        let failed = |status| step.failed(status);
        let prepare = PrepareSnapshotRequest {
            snapshotter: self.snapshotter(),
            key: key.to_owned(),
            parent: step.parent.clone(),
            ..Default::default()
        };
        let prepared = self.snapshots().prepare(lease.hold(self.request(prepare))).await.map_err(failed)?;
        let layer = Target {
            media_type: step.layer.media_type().to_string(),
            digest: step.layer.digest().to_string(),
            size: step.layer.size() as i64,
            ..Default::default()
        };
        let mounts = prepared.into_inner().mounts;
        let apply = ApplyRequest { diff: Some(layer), mounts, ..Default::default() };
        let applied = self.diff().apply(lease.hold(self.unbounded(apply))).await.map_err(failed)?;
        let digest = applied.into_inner().applied.unwrap_or_default().digest;
        if digest != step.diff {
            return Err(step.wrong(&format!("unpacks to {digest}, not to {}", step.diff)));
        }
        let commit = CommitSnapshotRequest {
            snapshotter: self.snapshotter(),
            name: step.chain.clone(),
            key: key.to_owned(),
            ..Default::default()
        };
        match self.snapshots().commit(lease.hold(self.request(commit))).await {
            Ok(_) => Ok(()),
            Err(status) if status.code() == Code::AlreadyExists => self.remove_snapshot(key).await,
            Err(status) => Err(failed(status)),
        }
    }

    /// Removes a snapshot, if it is there.
    pub(crate) async fn remove_snapshot(&self, key: &str) -> Result<(), Error> {
        let request = RemoveSnapshotRequest { snapshotter: self.snapshotter(), key: key.to_owned() };
        let answer = self.snapshots().remove(self.request(request)).await;
        accept(answer, Code::NotFound, || format!("remove snapshot {key}"))
    }
}
