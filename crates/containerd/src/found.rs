//! Containers that exist.

use std::collections::{BTreeMap, HashMap};

use containerd_client::services::v1::{
    Container as Record, GetRequest, ListContainersRequest, ListTasksRequest,
};
use containerd_client::types::v1::{Process as Task, Status};
use futures::future::try_join_all;
use jiff::Timestamp;
use tonic::Code;

use crate::connection::Containerd;
use crate::error::Error;

/// A container.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// Its id.
    pub id: String,
    /// Its image's name, as it was given.
    pub image: String,
    /// Its labels, with one more for the path of its log.
    pub labels: BTreeMap<String, String>,
    /// When its record was made.
    pub created: Timestamp,
    /// What its process does.
    pub state: TaskState,
    /// Its first process on the host; 0 when there is none.
    pub pid: u32,
}

/// What a container's process does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TaskState {
    /// There is none: never created, deleted, or lost by a reboot or with its shim.
    None,
    /// Created, not started.
    Created,
    /// Runs.
    Running,
    /// Stopped by the freezer.
    Paused,
    /// Ended.
    Exited {
        /// Exit code; 128 and the signal's number when a signal ended it.
        code: u32,
        /// When.
        at: Option<Timestamp>,
    },
}

impl Containerd {
    /// All containers of the namespace.
    ///
    /// # Errors
    /// When containerd does not answer.
    pub async fn list(&self) -> Result<Vec<Found>, Error> {
        let (records, tasks) = tokio::try_join!(self.container_records(Vec::new()), self.all_tasks())?;
        let found = |record: Record| {
            let task = tasks.get(&record.id);
            self.found(record, task)
        };
        Ok(records.into_iter().map(found).collect())
    }

    /// The containers with this label.
    ///
    /// # Errors
    /// When containerd does not answer.
    pub async fn find(&self, label: &str, value: &str) -> Result<Vec<Found>, Error> {
        let filter = format!("labels.{}=={}", quoted(label), quoted(value));
        let records = self.container_records(vec![filter]).await?;
        try_join_all(records.into_iter().map(|record| self.with_task(record))).await
    }

    /// The container of this id.
    ///
    /// # Errors
    /// When containerd does not answer.
    pub async fn get(&self, id: &str) -> Result<Option<Found>, Error> {
        match self.container_record(id).await {
            Ok(record) => self.with_task(record).await.map(Some),
            Err(Error::NotFound(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn with_task(&self, record: Record) -> Result<Found, Error> {
        let task = self.task(&record.id, "").await?;
        Ok(self.found(record, task.as_ref()))
    }

    /// A container's task, or a process in it.
    pub(crate) async fn task(&self, id: &str, exec: &str) -> Result<Option<Task>, Error> {
        let request = GetRequest { container_id: id.to_owned(), exec_id: exec.to_owned() };
        match self.tasks().get(self.request(request)).await {
            Ok(answer) => Ok(answer.into_inner().process),
            Err(status) if status.code() == Code::NotFound => Ok(None),
            Err(status) => Err(Error::rpc(format!("task {id}"), status)),
        }
    }

    pub(crate) async fn container_records(&self, filters: Vec<String>) -> Result<Vec<Record>, Error> {
        let fail = |status| Error::rpc("containers", status);
        let request = self.request(ListContainersRequest { filters });
        let mut stream = self.containers().list_stream(request).await.map_err(fail)?.into_inner();
        let mut records = Vec::new();
        while let Some(message) = stream.message().await.map_err(fail)? {
            records.extend(message.container);
        }
        Ok(records)
    }

    /// All tasks by their container's id.
    pub(crate) async fn all_tasks(&self) -> Result<HashMap<String, Task>, Error> {
        let answer = self.tasks().list(self.request(ListTasksRequest::default())).await;
        let tasks = answer.map_err(|status| Error::rpc("tasks", status))?.into_inner().tasks;
        let id = |task: &Task| {
            if task.container_id.is_empty() { task.id.clone() } else { task.container_id.clone() }
        };
        Ok(tasks.into_iter().map(|task| (id(&task), task)).collect())
    }

    fn found(&self, record: Record, task: Option<&Task>) -> Found {
        Found {
            state: task.map_or(TaskState::None, state),
            pid: task.map_or(0, |task| task.pid),
            created: record.created_at.and_then(time).unwrap_or(Timestamp::UNIX_EPOCH),
            id: record.id,
            image: record.image,
            labels: record.labels.into_iter().collect(),
        }
    }
}

fn state(task: &Task) -> TaskState {
    match task.status() {
        Status::Unknown => TaskState::None,
        Status::Created => TaskState::Created,
        Status::Running => TaskState::Running,
        Status::Paused | Status::Pausing => TaskState::Paused,
        Status::Stopped => TaskState::Exited { code: task.exit_status, at: task.exited_at.and_then(time) },
    }
}

/// containerd writes "never" as the year 1.
pub(crate) fn time(time: prost_types::Timestamp) -> Option<Timestamp> {
    Timestamp::new(time.seconds, time.nanos).ok().filter(|time| *time > Timestamp::UNIX_EPOCH)
}

/// A word of containerd's filter language.
fn quoted(word: &str) -> String {
    format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\""))
}
