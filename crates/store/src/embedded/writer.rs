//! The one thread that writes.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Instant;

use tokio::sync::watch::Sender;

use super::Options;
use super::disk::Disk;
use super::frame::Builder;
use super::group::{Group, decide};
use super::log::Log;
use super::queue::{Job, Queue, Taken};
use super::record::{write_clean, write_reserve, write_txn};
use super::snapshot;
use super::view::View;
use crate::live::Live;
use crate::{Change, Committed, Durability, Error, Revision};

/// A group is full when its changes have this many bytes.
const GROUP_BYTES: usize = 4 << 20;

/// A snapshot is due when there are this many segments more than their content needs.
const SPARE_SEGMENTS: u64 = 16;

pub(crate) struct Writer {
    view: Arc<View>,
    /// Wakes the watches; they end when this is dropped.
    current: Sender<Revision>,
    queue: Arc<Queue>,
    log: Log,
    disk: Arc<dyn Disk>,
    options: Options,
    /// Volatile transactions may be given revisions up to this one: durably reserved.
    reserved: Revision,
    /// A reservation in the log that is not yet durable.
    reserving: Revision,
    /// Since when something in the log waits for its sync.
    unsynced_since: Option<Instant>,
    /// The snapshot under way.
    snapshot: Option<JoinHandle<()>>,
    cancel_snapshot: Arc<AtomicBool>,
    failure: Option<Failure>,
}

/// What has stopped all writing.
struct Failure {
    reason: String,
    /// When the next attempt to write is due.
    retry: Instant,
    /// The log that was begun since: nothing is appended to it before a snapshot is beside it.
    begun: Option<u64>,
}

impl Writer {
    pub(crate) fn new(
        view: Arc<View>,
        current: Sender<Revision>,
        queue: Arc<Queue>,
        log: Log,
        disk: Arc<dyn Disk>,
        options: Options,
    ) -> Writer {
        Writer {
            view,
            current,
            queue,
            log,
            disk,
            options,
            reserved: 0,
            reserving: 0,
            unsynced_since: None,
            snapshot: None,
            cancel_snapshot: Arc::default(),
            failure: None,
        }
    }

    /// Works until the queue is closed and empty, then closes the log.
    pub(crate) fn run(mut self) -> Result<(), Error> {
        loop {
            match self.queue.take(self.deadline()) {
                Taken::Jobs(jobs) => {
                    // the jobs are concurrent, so those that need no sync may go first
                    let volatile = |job: &Job| job.txn.durability == Durability::Volatile;
                    let (volatile, durable) = jobs.into_iter().partition(volatile);
                    self.commit_all(volatile, Durability::Volatile);
                    self.commit_all(durable, Durability::Durable);
                }
                Taken::Idle => {}
                Taken::Closed => return self.close(),
            }
            if self.deadline().is_some_and(|deadline| deadline <= Instant::now()) {
                self.do_what_is_due();
            }
            if self.snapshot_is_due() {
                let _recorded = self.attempt(Writer::begin_snapshot);
            }
        }
    }

    /// When there is something to do though no job comes.
    fn deadline(&self) -> Option<Instant> {
        match &self.failure {
            Some(failure) => Some(failure.retry),
            None => self.unsynced_since.map(|since| since + self.options.volatile_sync),
        }
    }

    fn do_what_is_due(&mut self) {
        match self.failure.take() {
            Some(failure) => self.heal(failure),
            None => drop(self.attempt(Writer::sync)),
        }
    }

    fn commit_all(&mut self, mut jobs: VecDeque<Job>, durability: Durability) {
        while !jobs.is_empty() {
            let mut bytes = 0;
            let full = jobs.iter().position(|job| {
                bytes += job.txn.size();
                bytes > GROUP_BYTES
            });
            let rest = jobs.split_off(full.unwrap_or(jobs.len()).max(1));
            self.commit(jobs, durability);
            jobs = rest;
        }
    }

    /// Decides, writes, shows and answers one group of jobs.
    fn commit(&mut self, jobs: VecDeque<Job>, durability: Durability) {
        let result = self.attempt(|writer| writer.write_group(&jobs, durability));
        match result {
            Ok(answers) => {
                for (job, answer) in jobs.into_iter().zip(answers) {
                    job.answer(Ok(answer));
                }
            }
            Err(error) => jobs.into_iter().for_each(|job| job.answer(Err(error.clone()))),
        }
    }

    fn write_group(&mut self, jobs: &VecDeque<Job>, durability: Durability) -> Result<Vec<Committed>, Error> {
        let txns = jobs.iter().map(|job| &job.txn);
        let mut group = self.view.with_live(|live| decide(live, txns));
        let answers = std::mem::take(&mut group.answers);
        if !group.txns.is_empty() {
            self.write(&group, durability)?;
            self.view.publish(group, &self.current);
        } else if durability == Durability::Durable {
            // that nothing is to be changed may rest on a volatile transaction
            self.sync()?;
        }
        Ok(answers)
    }

    fn write(&mut self, group: &Group, durability: Durability) -> Result<(), Error> {
        let mut frame = Builder::new();
        let room = self.reserving.saturating_sub(group.revision);
        let reserves = self.reserving > 0 || durability == Durability::Volatile;
        if reserves && room <= self.options.reserve_block / 2 {
            self.reserving = group.revision + self.options.reserve_block;
            write_reserve(frame.records(), self.reserving);
        }
        group.txns.iter().for_each(|changes: &Vec<Change>| write_txn(frame.records(), changes));
        self.log.append(frame, self.view.revision(), self.reserved)?;
        if durability == Durability::Durable || group.revision > self.reserved {
            return self.sync();
        }
        self.unsynced_since.get_or_insert_with(Instant::now);
        Ok(())
    }

    fn sync(&mut self) -> Result<(), Error> {
        self.log.sync()?;
        self.reserved = self.reserving;
        self.unsynced_since = None;
        Ok(())
    }

    fn snapshot_runs(&self) -> bool {
        self.snapshot.as_ref().is_some_and(|snapshot| !snapshot.is_finished())
    }

    fn snapshot_is_due(&self) -> bool {
        if self.snapshot_runs() || self.failure.is_some() {
            return false;
        }
        let (segments, bytes) = self.log.size();
        let needed = bytes / self.options.segment_bytes.max(1);
        let live = self.view.with_live(|live| live.bytes());
        let limit = self.options.snapshot_factor.saturating_mul(live);
        bytes > limit.max(self.options.snapshot_min_bytes) || segments > needed + SPARE_SEGMENTS
    }

    /// Begins a segment, and a thread that writes the live data as of its beginning.
    fn begin_snapshot(&mut self) -> Result<(), Error> {
        self.sync()?;
        let id = self.log.rotate(self.view.revision(), self.reserved)?;
        self.log.reset_size();
        let (name, live) = ((self.log.store(), id), self.view.with_live(Live::copy));
        let (disk, cancel) = (self.disk.clone(), self.cancel_snapshot.clone());
        let write = move || {
            // a snapshot that fails costs nothing: the log still has everything
            if let Err(error) = snapshot::write(&*disk, name, &live, &cancel) {
                tracing::warn!(%error, "cannot take a snapshot");
            }
        };
        let thread = std::thread::Builder::new().name("store-snapshot".to_owned()).spawn(write);
        self.snapshot = Some(thread.map_err(Error::io("start the snapshot thread"))?);
        Ok(())
    }

    /// Syncs, marks the log as cleanly closed, and gives back unused space.
    fn close(&mut self) -> Result<(), Error> {
        self.attempt(|writer| {
            let mut frame = Builder::new();
            write_clean(frame.records());
            writer.log.append(frame, writer.view.revision(), writer.reserved)?;
            writer.sync()?;
            writer.log.finish();
            Ok(())
        })
    }

    /// Does something that writes, unless writing has failed. What a failure has left in the log is
    /// unknown, and nothing may be appended to that: all writing stops until [`Writer::heal`].
    fn attempt<T>(&mut self, step: impl FnOnce(&mut Writer) -> Result<T, Error>) -> Result<T, Error> {
        if let Some(Failure { reason, .. }) = &self.failure {
            return Err(Error::ReadOnly { reason: reason.clone() });
        }
        step(self).inspect_err(|error| {
            tracing::error!(%error, "the store is now read-only");
            self.unsynced_since = None;
            self.fail(Failure { reason: error.to_string(), retry: Instant::now(), begun: None });
        })
    }

    fn fail(&mut self, failure: Failure) {
        self.view.set_failure(Some(failure.reason.clone()));
        self.failure = Some(Failure { retry: Instant::now() + self.options.retry, ..failure });
    }

    /// Tries to write again: all live data anew, beside the log with its unknown end.
    fn heal(&mut self, mut failure: Failure) {
        match self.write_anew(&mut failure.begun) {
            Ok(()) => {
                tracing::info!(reason = failure.reason, "the store is writable again");
                self.view.set_failure(None);
            }
            Err(error) => {
                tracing::debug!(%error, "the store stays read-only");
                self.fail(Failure { reason: error.to_string(), ..failure });
            }
        }
    }

    /// Begins a log behind all that is surely on disk, then writes the snapshot that belongs before
    /// it. Until that is durable, a start reads the old log up to there, and nothing is in the new one.
    fn write_anew(&mut self, begun: &mut Option<u64>) -> Result<(), Error> {
        if let Some(snapshot) = self.snapshot.take() {
            let _reported_by_itself = snapshot.join();
        }
        let id = match *begun {
            Some(id) => id,
            None => *begun.insert(self.log.abandon(self.view.revision(), self.reserved)?),
        };
        self.reserving = self.reserved;
        let live = self.view.with_live(Live::copy);
        snapshot::write(&*self.disk, (self.log.store(), id), &live, &self.cancel_snapshot)?;
        self.log.reset_size();
        Ok(())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue.abandon();
        self.cancel_snapshot.store(true, Ordering::Relaxed);
        if let Some(snapshot) = self.snapshot.take() {
            let _reported_by_itself = snapshot.join();
        }
    }
}
