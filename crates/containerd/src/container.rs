//! Containers: making, starting, ending, deleting.

use std::time::Duration;

use containerd_client::services::v1::container::Runtime;
use containerd_client::services::v1::snapshots::{MountsRequest, PrepareSnapshotRequest};
use containerd_client::services::v1::{
    Container as Record, CreateContainerRequest, CreateTaskRequest, DeleteContainerRequest,
    DeleteTaskRequest, GetContainerRequest, KillRequest, StartRequest,
};
use containerd_client::types::Mount;
use containerd_client::types::v1::Status as State;
use prost_types::Any;
use tonic::{Code, Status};

use crate::connection::Containerd;
use crate::error::{Error, accept};
use crate::fifo::{self, Fifos, word};
use crate::image::Details;
use crate::log::{LOG, Source};
use crate::oci::{self, Host};
use crate::rootfs;
use crate::spec::ContainerSpec;

const RUNTIME: &str = "io.containerd.runc.v2";
/// A shim that is just going down refuses new tasks: another one takes them.
const ATTEMPTS: u32 = 8;
const BACKOFF: Duration = Duration::from_millis(40);
/// Waiting for a log's end when its container is deleted.
const LAST_OUTPUT: Duration = Duration::from_secs(2);
const TRANSIENT: [&str; 4] =
    ["failed to start shim", "ttrpc: closed", "ttrpc: client shutting down", "connection refused"];

impl Containerd {
    /// Makes a container up to a created task: a start is all that is missing. What exists of it is kept.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the image is not present; [`Error::Spec`] when there is nothing to run, or its user
    /// is unknown.
    pub async fn create(&self, spec: &ContainerSpec) -> Result<(), Error> {
        check_id(&spec.id)?;
        let fifos = self.fifos(spec);
        let (image, ()) = tokio::try_join!(self.usable(&spec.image), async { fifos.make() })?;
        let mounts = self.root(&spec.id, &image.chain).await?;
        self.add_record(spec, &image, &mounts).await?;
        self.add_task(spec, mounts, &fifos).await
    }

    /// Starts a container's process. Does nothing when it runs, or has ended.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no task; the runtime's words when it cannot start the process.
    pub async fn start(&self, id: &str) -> Result<(), Error> {
        let request = StartRequest { container_id: id.to_owned(), exec_id: String::new() };
        let Err(status) = self.tasks().start(self.request(request)).await else { return Ok(()) };
        let begun = status.code() != Code::NotFound
            && self.task(id, "").await?.is_some_and(|task| {
                matches!(task.status(), State::Running | State::Paused | State::Pausing)
                    || (task.status() == State::Stopped
                        && task.exited_at.and_then(crate::found::time).is_some())
            })
            && !status.message().contains("OCI runtime");
        match begun {
            true => Ok(()),
            false => Err(Error::rpc(format!("start container {id}"), status)),
        }
    }

    /// Sends a signal to a container's first process, or to all. Does nothing when it is gone.
    ///
    /// # Errors
    /// When containerd does not answer or the runtime refuses.
    pub async fn kill(&self, id: &str, signal: i32, all: bool) -> Result<(), Error> {
        let signal = signal.unsigned_abs();
        let request = KillRequest { container_id: id.to_owned(), signal, all, ..Default::default() };
        let answer = self.tasks().kill(self.request(request)).await;
        accept(answer, Code::NotFound, || format!("kill container {id}"))
    }

    /// Deletes a container that does not run: task, record, root file system, fifos. Its log stays. Does nothing
    /// when it is gone.
    ///
    /// # Errors
    /// When it runs; when containerd does not answer.
    pub async fn delete(&self, id: &str) -> Result<(), Error> {
        check_id(id)?;
        let request = DeleteTaskRequest { container_id: id.to_owned() };
        let answer = self.tasks().delete(self.request(request)).await;
        accept(answer, Code::NotFound, || format!("delete task {id}"))?;
        let request = DeleteContainerRequest { id: id.to_owned() };
        let answer = self.containers().delete(self.request(request)).await;
        accept(answer, Code::NotFound, || format!("delete container {id}"))?;
        self.remove_snapshot(id).await?;
        Fifos::plan(self.inner.options.fifo_dir.join(id), false, false, false).remove()?;
        self.forget(id).await;
        Ok(())
    }

    /// The shim copied all before the task could be deleted: the end of its output is near.
    async fn forget(&self, id: &str) {
        let mut ended = self.log_ended(id);
        let _ = tokio::time::timeout(LAST_OUTPUT, ended.wait_for(|ended| *ended)).await;
        self.inner.followed.lock().remove(id);
    }

    pub(crate) async fn container_record(&self, id: &str) -> Result<Record, Error> {
        let answer = self.containers().get(self.request(GetContainerRequest { id: id.to_owned() })).await;
        let found = answer.map_err(|status| Error::rpc(format!("container {id}"), status))?.into_inner();
        found.container.ok_or_else(|| Error::NotFound(format!("container {id}")))
    }

    async fn usable(&self, image: &str) -> Result<std::sync::Arc<Details>, Error> {
        let record = self.record(image).await?.ok_or_else(|| Error::NotFound(format!("image {image}")))?;
        self.details(&record).await
    }

    /// A terminal has one output; the shim wants to write it even when nobody wants it.
    fn fifos(&self, spec: &ContainerSpec) -> Fifos {
        let directory = self.inner.options.fifo_dir.join(&spec.id);
        let logged = spec.log.is_some();
        Fifos::plan(directory, spec.stdin, logged || spec.tty, logged && !spec.tty)
    }

    /// The root file system's mounts.
    async fn root(&self, id: &str, chain: &str) -> Result<Vec<Mount>, Error> {
        let prepared = match self.prepare(id, chain, false).await {
            Err(status) if status.code() == Code::NotFound => self.prepare(id, chain, true).await,
            result => result,
        };
        match prepared {
            Ok(mounts) => Ok(mounts),
            Err(status) if status.code() == Code::AlreadyExists => self.mounts(id).await,
            Err(status) => Err(Error::rpc(format!("root file system of {id}"), status)),
        }
    }

    async fn prepare(&self, id: &str, chain: &str, fresh: bool) -> Result<Vec<Mount>, Status> {
        let lease = self.create_lease(fresh).await.map_err(|error| match error {
            Error::Unavailable(message) => Status::unavailable(message),
            error => Status::unknown(error.to_string()),
        })?;
        let request = PrepareSnapshotRequest {
            snapshotter: self.snapshotter(),
            key: id.to_owned(),
            parent: chain.to_owned(),
            ..Default::default()
        };
        Ok(self.snapshots().prepare(lease.hold(self.request(request))).await?.into_inner().mounts)
    }

    async fn mounts(&self, id: &str) -> Result<Vec<Mount>, Error> {
        let request = MountsRequest { snapshotter: self.snapshotter(), key: id.to_owned() };
        let answer = self.snapshots().mounts(self.request(request)).await;
        Ok(answer
            .map_err(|status| Error::rpc(format!("root file system of {id}"), status))?
            .into_inner()
            .mounts)
    }

    async fn add_record(&self, spec: &ContainerSpec, image: &Details, mounts: &[Mount]) -> Result<(), Error> {
        let user = rootfs::identity(&spec.user, &image.config.user, mounts)?;
        let host = Host::look(spec.security.privileged);
        let document = oci::build(spec, &image.config, &user, &host)?;
        let mut labels: std::collections::HashMap<_, _> = spec.labels.clone().into_iter().collect();
        if let Some(log) = &spec.log {
            labels.insert(LOG.to_owned(), log.to_string_lossy().into_owned());
        }
        let record = Record {
            id: spec.id.clone(),
            labels,
            image: spec.image.clone(),
            runtime: Some(Runtime { name: RUNTIME.to_owned(), options: None }),
            spec: Some(Any { type_url: oci::SPEC.to_owned(), value: document.to_string().into_bytes() }),
            snapshotter: self.snapshotter(),
            snapshot_key: spec.id.clone(),
            ..Default::default()
        };
        let request = CreateContainerRequest { container: Some(record) };
        let answer = self.containers().create(self.request(request)).await;
        accept(answer, Code::AlreadyExists, || format!("create container {}", spec.id)).map(drop)
    }

    async fn add_task(&self, spec: &ContainerSpec, mounts: Vec<Mount>, fifos: &Fifos) -> Result<(), Error> {
        let request = CreateTaskRequest {
            container_id: spec.id.clone(),
            rootfs: mounts,
            stdin: word(&fifos.stdin),
            stdout: word(&fifos.stdout),
            stderr: word(&fifos.stderr),
            terminal: spec.tty,
            ..Default::default()
        };
        let mut sources = Vec::new();
        for (name, path) in [("stdout", &fifos.stdout), ("stderr", &fifos.stderr)] {
            if let Some(path) = path {
                sources.push(Source { name, start: Vec::new(), receiver: Some(fifo::reader(path)?) });
            }
        }
        match self.create_task(request).await {
            Ok(()) if sources.is_empty() => Ok(()),
            Ok(()) => {
                self.follow(&spec.id, sources, spec.log.clone());
                Ok(())
            }
            Err(status) if status.code() == Code::AlreadyExists => {
                drop(sources);
                self.follow_again(&spec.id, [&word(&fifos.stdout), &word(&fifos.stderr)], spec.log.clone())
            }
            Err(status) => Err(Error::rpc(format!("create task {}", spec.id), status)),
        }
    }

    async fn create_task(&self, request: CreateTaskRequest) -> Result<(), Status> {
        let mut attempt = 1;
        loop {
            let answer = self.tasks().create(self.request(request.clone())).await;
            let Err(status) = answer else { return Ok(()) };
            let transient = TRANSIENT.iter().any(|words| status.message().contains(words));
            if !transient || attempt == ATTEMPTS {
                return Err(status);
            }
            tokio::time::sleep(BACKOFF * attempt).await;
            attempt += 1;
        }
    }
}

/// Ids are parts of paths: containerd's own rule.
fn check_id(id: &str) -> Result<(), Error> {
    let word = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    match id.len() <= 76 && id.split(['.', '_', '-']).all(word) {
        true => Ok(()),
        false => Err(Error::Spec(format!("invalid container id {id:?}"))),
    }
}
