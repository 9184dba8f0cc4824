//! Containers' output in the CRI's log format, written by this process.

mod file;
mod follow;
mod lines;
mod taps;

use std::path::PathBuf;

use tokio::sync::watch;

use crate::connection::Containerd;
use crate::error::Error;
use crate::fifo;

pub(crate) use follow::Source;
pub(crate) use taps::{Tap, Taps};

impl Containerd {
    /// Tells when a container's output is completely in its log file: true as well when nothing writes it.
    #[must_use]
    pub fn log_ended(&self, id: &str) -> watch::Receiver<bool> {
        match self.inner.followed.lock().get(id) {
            Some(followed) => followed.ended.clone(),
            None => watch::channel(true).1,
        }
    }

    /// Follows the output of running containers whose output this process does not follow: those that were
    /// started before this process. Idempotent.
    ///
    /// # Errors
    /// When containerd does not answer. A container whose fifos cannot be opened is told in the log only.
    pub async fn resume(&self) -> Result<(), Error> {
        let (records, tasks) = tokio::try_join!(self.container_records(Vec::new()), self.all_tasks())?;
        for record in records {
            let Some(task) = tasks.get(&record.id) else { continue };
            let log = record.labels.get(LOG).map(PathBuf::from);
            let opened = self.follow_again(&record.id, [&task.stdout, &task.stderr], log);
            if let Err(error) = opened {
                tracing::warn!(container = record.id, %error, "its output cannot be followed");
            }
        }
        Ok(())
    }

    /// Follows from the fifos at these paths, unless that is done already.
    pub(crate) fn follow_again(
        &self,
        id: &str,
        [stdout, stderr]: [&str; 2],
        log: Option<PathBuf>,
    ) -> Result<(), Error> {
        let own = |path: &str| path.starts_with(&*self.inner.options.fifo_dir.to_string_lossy());
        if self.inner.followed.lock().contains_key(id) || !own(stdout) {
            return Ok(());
        }
        let mut sources = Vec::new();
        for (name, path) in [("stdout", stdout), ("stderr", stderr)] {
            if !path.is_empty() {
                let (start, receiver) = fifo::reopen(path.as_ref())?;
                sources.push(Source { name, start, receiver });
            }
        }
        self.follow(id, sources, log);
        Ok(())
    }

    /// Writes what comes from these sources into the log until all end. Two never follow one container: the later
    /// one gives up.
    pub(crate) fn follow(&self, id: &str, sources: Vec<Source>, log: Option<PathBuf>) {
        let (end, ended) = watch::channel(false);
        let taps = Taps::new();
        let mut followed = self.inner.followed.lock();
        if followed.get(id).is_some_and(|followed| !*followed.ended.borrow()) {
            return;
        }
        followed.insert(id.to_owned(), Followed { ended, taps: taps.clone() });
        drop(followed);
        tokio::spawn(async move {
            follow::run(sources, log, &taps).await;
            taps.end();
            end.send_replace(true);
        });
    }
}

/// A container whose output this process follows, or followed to its end.
#[derive(Clone, Debug)]
pub(crate) struct Followed {
    /// Whether its log is complete.
    pub ended: watch::Receiver<bool>,
    pub taps: Taps,
}

/// The label with the path of a container's log.
pub(crate) const LOG: &str = "berth/log";

#[cfg(test)]
mod tests;
