//! containerd's content store: blobs by digest.

use std::collections::HashMap;

use containerd_client::services::v1::{
    AbortRequest, AddResourceRequest, Info, InfoRequest, ReadContentRequest, Resource, StatusRequest,
    UpdateRequest, WriteAction, WriteContentRequest,
};
use futures::SinkExt;
use futures::channel::mpsc;
use prost_types::FieldMask;
use tokio::task::JoinHandle;
use tonic::{Code, Status};

use crate::connection::Containerd;
use crate::error::Error;
use crate::lease::{Lease, unique};

/// The longest manifest or configuration that is read.
pub(crate) const LONGEST_DOCUMENT: u64 = 4 << 20;

impl Containerd {
    /// A small blob.
    pub(crate) async fn read(&self, digest: &str) -> Result<Vec<u8>, Error> {
        let fail = |status| Error::rpc(format!("content {digest}"), status);
        let request = ReadContentRequest { digest: digest.to_owned(), ..Default::default() };
        let mut parts = self.content().read(self.request(request)).await.map_err(fail)?.into_inner();
        let mut content = Vec::new();
        while let Some(part) = parts.message().await.map_err(fail)? {
            content.extend_from_slice(&part.data);
            if content.len() as u64 > LONGEST_DOCUMENT {
                return Err(Error::Rpc { what: format!("content {digest}"), message: "too long".into() });
            }
        }
        Ok(content)
    }

    /// The size of a blob, none when it is absent.
    pub(crate) async fn stat(&self, digest: &str) -> Result<Option<i64>, Error> {
        let request = self.request(InfoRequest { digest: digest.to_owned() });
        match self.content().info(request).await {
            Ok(answer) => Ok(answer.into_inner().info.map(|info| info.size)),
            Err(status) if status.code() == Code::NotFound => Ok(None),
            Err(status) => Err(Error::rpc(format!("content {digest}"), status)),
        }
    }

    /// Adds labels to a blob, keeping those it has.
    pub(crate) async fn label(&self, digest: &str, labels: HashMap<String, String>) -> Result<(), Error> {
        let paths = labels.keys().map(|key| format!("labels.{key}")).collect();
        let info = Info { digest: digest.to_owned(), labels, ..Default::default() };
        let request = UpdateRequest { info: Some(info), update_mask: Some(FieldMask { paths }) };
        let answer = self.content().update(self.request(request)).await;
        answer.map(drop).map_err(|status| Error::rpc(format!("label content {digest}"), status))
    }

    /// Starts to write a blob of this size under the lease; its digest is checked when it is known.
    pub(crate) fn writer(&self, lease: &Lease, size: u64, digest: Option<String>) -> BlobWriter {
        let reference = format!("berth-{}", unique());
        let (messages, receiver) = mpsc::channel(2);
        let request = lease.hold(self.unbounded(receiver));
        let mut content = self.content();
        let answers = tokio::spawn(async move {
            let mut answers = content.write(request).await?.into_inner();
            let mut last = None;
            while let Some(answer) = answers.message().await? {
                last = Some(answer);
            }
            last.filter(|answer| answer.action == WriteAction::Commit as i32)
                .map(drop)
                .ok_or_else(|| Status::aborted("the write was not committed"))
        });
        let next = WriteContentRequest {
            action: WriteAction::Write as i32,
            r#ref: reference,
            total: size as i64,
            expected: digest.unwrap_or_default(),
            ..Default::default()
        };
        BlobWriter { containerd: self.clone(), messages, answers, next, present: false }
    }

    /// Goes on with the blob of this digest where an earlier write under the lease ended, or starts it; the offset that
    /// the data must go on from. Another one may be writing it: then this write fails when it ends.
    pub(crate) async fn resume_write(
        &self,
        lease: &Lease,
        size: u64,
        digest: &str,
    ) -> Result<(BlobWriter, u64), Error> {
        let reference = format!("berth-{digest}");
        let asked =
            self.content().status(lease.hold(self.request(StatusRequest { r#ref: reference.clone() }))).await;
        let offset = match asked {
            Ok(answer) => answer.into_inner().status.map_or(0, |status| status.offset),
            Err(status) if status.code() == Code::NotFound => 0,
            Err(status) => return Err(Error::rpc(format!("content {digest}"), status)),
        };
        let mut writer = self.writer(lease, size, Some(digest.to_owned()));
        (writer.next.r#ref, writer.next.offset) = (reference, offset);
        Ok((writer, offset as u64))
    }

    /// Puts a blob that is there under the lease; whether it is.
    pub(crate) async fn hold(&self, lease: &Lease, digest: &str) -> Result<bool, Error> {
        if self.stat(digest).await?.is_none() {
            return Ok(false);
        }
        let resource = Resource { id: digest.to_owned(), r#type: "content".to_owned() };
        let request = AddResourceRequest { id: lease.id(), resource: Some(resource) };
        let added = self.leases().add_resource(self.request(request)).await;
        added.map_err(|status| Error::rpc(format!("lease {digest}"), status))?;
        // It may have gone before it was held.
        Ok(self.stat(digest).await?.is_some())
    }

    /// Writes a small blob.
    pub(crate) async fn write(&self, lease: &Lease, blob: Vec<u8>, digest: String) -> Result<(), Error> {
        let mut writer = self.writer(lease, blob.len() as u64, Some(digest.clone()));
        writer.data(blob).await;
        writer.commit(digest).await
    }

    /// Removes what was written of a blob.
    pub(crate) async fn abort(&self, reference: String) {
        let request = self.request(AbortRequest { r#ref: reference });
        let _ = self.content().abort(request).await;
    }
}

/// A blob that is being written.
pub(crate) struct BlobWriter {
    containerd: Containerd,
    messages: mpsc::Sender<WriteContentRequest>,
    answers: JoinHandle<Result<(), Status>>,
    next: WriteContentRequest,
    /// containerd listens no more: it has the blob, or has failed; `commit` tells which.
    present: bool,
}

impl BlobWriter {
    /// Whether nothing was written yet.
    pub fn is_new(&self) -> bool {
        self.next.offset == 0
    }

    /// Appends data.
    pub async fn data(&mut self, data: Vec<u8>) {
        if self.present {
            return;
        }
        let length = data.len() as i64;
        let message = WriteContentRequest { data, ..self.next.clone() };
        self.present = self.messages.send(message).await.is_err();
        self.next.offset += length;
    }

    /// What containerd calls the write.
    pub fn reference(&self) -> String {
        self.next.r#ref.clone()
    }

    /// Whether containerd takes no more: it has the blob, or has failed.
    pub fn is_over(&self) -> bool {
        self.present
    }

    /// Ends the blob, which must have this digest. What was written of one that fails is removed.
    pub async fn commit(self, digest: String) -> Result<(), Error> {
        let (containerd, reference) = (self.containerd.clone(), self.next.r#ref.clone());
        let ended = self.end(&digest).await;
        if ended.is_err() {
            containerd.abort(reference).await;
        }
        ended.map_err(|status| Error::rpc(format!("write content {digest}"), status))
    }

    /// The same; what was written of one that fails stays.
    pub async fn end(mut self, digest: &str) -> Result<(), Status> {
        let action = WriteAction::Commit as i32;
        let message = WriteContentRequest { action, expected: digest.to_owned(), ..self.next };
        let _ = self.messages.send(message).await;
        self.messages.close_channel();
        match self.answers.await.unwrap_or_else(|_| Err(Status::aborted("the write ended"))) {
            Err(status) if status.code() != Code::AlreadyExists => Err(status),
            _ => Ok(()),
        }
    }

    /// Stops for now; what was written stays, for [`Containerd::resume_write`].
    pub async fn pause(mut self) {
        self.messages.close_channel();
        let _ = self.answers.await;
    }

    /// Gives up.
    pub async fn abort(mut self) {
        self.messages.close_channel();
        let _ = self.answers.await;
        self.containerd.abort(self.next.r#ref).await;
    }
}
