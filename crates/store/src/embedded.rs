//! The store in one directory: all live data in memory, a log and snapshots on disk.
//!
//! One writer thread takes all waiting transactions, decides them in order ([`group`]), appends
//! them as one frame ([`record`], [`frame`]) to the log ([`log`]), syncs once, shows them to
//! readers and watches ([`view`]), and answers. [`snapshot`] bounds the log; [`recovery`] reads
//! both back. All of it reaches the directory through [`Disk`].

mod disk;
mod frame;
mod group;
mod layout;
mod lock;
mod log;
pub mod maintenance;
mod queue;
mod record;
mod recovery;
mod snapshot;
mod view;
mod writer;

use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use async_trait::async_trait;
use nix::fcntl::Flock;
use parking_lot::Mutex;
use tokio::sync::{oneshot, watch::channel};

pub use disk::{Disk, DiskFile, Fault, FaultyDisk, PowerLoss, RealDisk};

use self::queue::{Job, Queue};
use self::view::View;
use self::writer::Writer;
use crate::txn::check;
use crate::watch::follow;
use crate::{Committed, Error, KeyValue, Listing, Page, Range, Revision, Store, Txn, Watch};

/// How an [`Embedded`] store behaves. The default suits production.
#[derive(Clone, Debug)]
pub struct Options {
    /// The size of a log segment, preallocated; a larger frame gets a segment of its own size.
    pub segment_bytes: u64,
    /// No snapshot is taken before the log since the last one has this size.
    pub snapshot_min_bytes: u64,
    /// A snapshot is taken when the log is this many times as large as the live data.
    pub snapshot_factor: u64,
    /// How many changes are kept for watches to resume.
    pub history_count: usize,
    /// How many bytes of changes are kept for watches to resume.
    pub history_bytes: usize,
    /// How many revisions are reserved at a time for volatile transactions.
    pub reserve_block: u64,
    /// How long a volatile transaction may stay unsynced.
    pub volatile_sync: Duration,
    /// How long after a failure of the disk writing is tried again.
    pub retry: Duration,
    /// How many transactions may wait for the writer before further commits wait to be queued.
    pub queue: usize,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            segment_bytes: 64 << 20,
            snapshot_min_bytes: 64 << 20,
            snapshot_factor: 2,
            history_count: 20_000,
            history_bytes: 8 << 20,
            reserve_block: 10_000,
            volatile_sync: Duration::from_millis(500),
            retry: Duration::from_secs(1),
            queue: 4096,
        }
    }
}

/// A durable store in one directory, open in one process at a time.
///
/// After a failure of the disk the store is read-only: what a failed sync has left on disk is
/// unknown, and nothing more is built on it. The store goes on by itself once all live data could
/// be written anew, which is tried every [`Options::retry`].
#[derive(Debug)]
pub struct Embedded {
    view: Arc<View>,
    queue: Arc<Queue>,
    /// Ends once the queue is closed; taken by whoever closes first.
    writer: Mutex<Option<JoinHandle<Result<(), Error>>>>,
}

impl Embedded {
    /// Opens the store in `dir`, which is created if absent. Blocks while the data is read.
    ///
    /// [`Error::Locked`] if another process has it open, [`Error::Corrupt`] if data that was
    /// promised is damaged, [`Error::Format`] if another version wrote it; in each of these
    /// cases the data is left as it is.
    pub fn open(dir: impl AsRef<Path>, options: Options) -> Result<Embedded, Error> {
        let dir = dir.as_ref();
        create_directory(dir)?;
        let lock = lock::acquire(dir)?;
        Embedded::start(Arc::new(RealDisk::new(dir)), options, Some(lock))
    }

    /// Opens the store on a [`Disk`], without a lock.
    pub fn open_on(disk: Arc<dyn Disk>, options: Options) -> Result<Embedded, Error> {
        Embedded::start(disk, options, None)
    }

    fn start(
        disk: Arc<dyn Disk>,
        options: Options,
        lock: Option<Flock<std::fs::File>>,
    ) -> Result<Embedded, Error> {
        let recovered = recovery::recover(&*disk, &options)?;
        let log = recovery::resume(&disk, &recovered, &options)?;
        let (sender, current) = channel(recovered.live.revision);
        let view = Arc::new(View::new(recovered.live, recovered.history, current));
        let queue = Arc::new(Queue::new(options.queue));
        let writer = Writer::new(view.clone(), sender, queue.clone(), log, disk, options);
        let run = move || {
            let _lock = lock;
            writer.run()
        };
        let thread = std::thread::Builder::new().name("store-writer".to_owned()).spawn(run);
        let thread = thread.map_err(Error::io("start the writer thread"))?;
        Ok(Embedded { view, queue, writer: Mutex::new(Some(thread)) })
    }

    /// Answers what is queued, marks the log as cleanly closed, ends all watches and releases the
    /// directory. Every later call is [`Error::Closed`]. Dropping the store does the same, and
    /// blocks for it.
    pub async fn close(&self) -> Result<(), Error> {
        self.queue.close();
        let Some(thread) = self.writer.lock().take() else {
            return Ok(());
        };
        let joined = tokio::task::spawn_blocking(move || join(thread)).await;
        joined.unwrap_or(Err(Error::Closed))
    }

    fn open_view(&self) -> Result<&Arc<View>, Error> {
        if self.queue.is_closed() { Err(Error::Closed) } else { Ok(&self.view) }
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        self.queue.close();
        if let Some(thread) = self.writer.get_mut().take()
            && let Err(error) = join(thread)
        {
            tracing::warn!(%error, "the store was not closed cleanly");
        }
    }
}

fn create_directory(dir: &Path) -> Result<(), Error> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true).mode(0o700);
    builder.create(dir).map_err(Error::io(format!("create {}", dir.display())))
}

fn join(thread: JoinHandle<Result<(), Error>>) -> Result<(), Error> {
    thread.join().unwrap_or_else(|_| Err(Error::Unavailable("the writer has panicked".to_owned())))
}

#[async_trait]
impl Store for Embedded {
    async fn get(&self, key: &[u8]) -> Result<(Option<KeyValue>, Revision), Error> {
        Ok(self.open_view()?.get(key))
    }

    async fn list(&self, range: &Range, page: &Page) -> Result<Listing, Error> {
        Ok(self.open_view()?.list(range, page))
    }

    async fn commit(&self, txn: Txn) -> Result<Committed, Error> {
        check(&txn)?;
        let slot = self.queue.slot().await?;
        let (answer, answered) = oneshot::channel();
        self.queue.push(Job { txn, answer, slot })?;
        answered.await.unwrap_or(Err(Error::Closed))
    }

    async fn watch(&self, range: Range, after: Revision) -> Result<Watch, Error> {
        let view = self.open_view()?.clone();
        view.check(after)?;
        let current = view.current();
        Ok(follow(after, current, move |after| view.read(&range, after)))
    }

    async fn compact(&self, upto: Revision) -> Result<(), Error> {
        self.open_view()?.compact(upto)
    }

    async fn revision(&self) -> Result<Revision, Error> {
        Ok(self.open_view()?.revision())
    }

    async fn writable(&self) -> Result<(), Error> {
        match self.open_view()?.failure() {
            None => Ok(()),
            Some(reason) => Err(Error::ReadOnly { reason }),
        }
    }
}
