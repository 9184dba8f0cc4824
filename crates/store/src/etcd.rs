//! The store in an etcd of its own.
//!
//! All calls go to one member at a time and move on to another when it fails ([`members`]). Consistent reads share
//! their round trips ([`rounds`]). One watch over everything feeds a bounded history ([`mirror`]), which all watches
//! of this process read; what they do not see is how often etcd had to be asked again.

mod failure;
mod members;
mod message;
mod mirror;
mod options;
mod refusal;
mod rounds;
mod space;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use etcd_client::{CompactionOptions, GetOptions, GetResponse};
use tokio::task::JoinHandle;
use tokio::time::Instant;

pub use self::options::{EtcdOptions, EtcdTls};

use self::failure::Failure;
use self::members::Members;
use self::mirror::Mirror;
use self::refusal::Refusal;
use self::rounds::Rounds;
use self::space::Space;
use crate::txn::check;
use crate::{Committed, Error, KeyValue, Listing, Page, Range, Revision, Store, Txn, Watch, Write};

/// How long a read goes on asking: longer than etcd takes to elect another leader.
const READ: Duration = Duration::from_secs(5);

/// How long a commit waits for its answer: longer than etcd itself waits before it gives up.
const COMMIT: Duration = Duration::from_secs(10);

/// Keys asked for at once: a listing is made of several answers of one revision.
const CHUNK: usize = 1000;

/// How often a listing is begun again because its revision was compacted meanwhile.
const LISTINGS: usize = 5;

/// The data of one cluster in etcd, below a prefix. Its keys begin with `/`.
///
/// etcd has no volatile class: all transactions are durable. It limits requests to `--max-request-bytes`, 1.5 MiB
/// unless set: a larger transaction is [`Error::TooLarge`]. Where it refuses writes but answers reads (no space, no
/// permission) commits are [`Error::ReadOnly`].
#[derive(Debug)]
pub struct Etcd {
    shared: Arc<Shared>,
    tasks: Vec<JoinHandle<()>>,
}

/// What calls and tasks have in common.
#[derive(Debug)]
struct Shared {
    members: Members,
    space: Space,
    mirror: Mirror,
    rounds: Rounds,
    /// Whether etcd refuses writes.
    refusal: parking_lot::Mutex<Refusal>,
}

impl Etcd {
    /// Connects, and begins to follow etcd's changes.
    ///
    /// [`Error::Denied`] where etcd, or its certificate, is not what the options say: that does not mend itself.
    /// [`Error::Unavailable`] where it could not be reached for [`EtcdOptions::patience`].
    pub async fn open(options: EtcdOptions) -> Result<Etcd, Error> {
        let members = Members::new(&options)?;
        let space = Space::new(&options.prefix);
        let until = Instant::now() + options.patience;
        let revision = ask_revision(&members, &space, until).await?;
        let shared = Arc::new(Shared {
            members,
            space,
            mirror: Mirror::new(revision, options.tick),
            rounds: Rounds::default(),
            refusal: parking_lot::Mutex::new(Refusal::none(Instant::now())),
        });
        let tasks = vec![
            tokio::spawn(mirror::run(shared.clone())),
            tokio::spawn(compact_regularly(shared.clone(), options.compact_every)),
        ];
        Ok(Etcd { shared, tasks })
    }

    /// Ends all watches and the tasks behind them.
    pub fn close(&self) {
        self.tasks.iter().for_each(JoinHandle::abort);
        self.shared.mirror.close();
    }
}

impl Drop for Etcd {
    fn drop(&mut self) {
        self.close();
    }
}

impl Shared {
    /// Notes that etcd has come this far.
    fn seen(&self, revision: Revision) -> Revision {
        self.mirror.expect(revision);
        revision
    }

    /// Notes why etcd refused a write that began then, if it did, and says so where that is new.
    fn learn(&self, began: Instant, refused: Option<&str>) {
        let is_new = self.refusal.lock().learn(began, refused.is_some(), Instant::now());
        match refused {
            Some(reason) if is_new => tracing::warn!("the store is read-only: {reason}"),
            None if is_new => tracing::info!("the store takes writes again"),
            _ => {}
        }
    }

    async fn revision(self: &Arc<Self>) -> Result<Revision, Error> {
        let shared = self.clone();
        let ask = move || {
            let shared = shared.clone();
            async move { ask_revision(&shared.members, &shared.space, Instant::now() + READ).await }
        };
        Ok(self.seen(self.rounds.join(ask).await?))
    }

    async fn commit(&self, txn: &Txn) -> Result<Committed, Failure> {
        let request = self.space.request(txn)?;
        let until = Instant::now() + COMMIT;
        let send = |client: etcd_client::Client| {
            let request = request.clone();
            async move { kv(&client).txn(request).await }
        };
        let answer = self.members.once(until, send).await?;
        let committed = self.space.committed(txn, answer)?;
        let (Committed::Done { revision } | Committed::Conflict { revision, .. }) = committed;
        self.seen(revision);
        Ok(committed)
    }

    /// One answer's worth of a range, as of a revision where one is given.
    async fn chunk(
        &self,
        (start, end): (Vec<u8>, Vec<u8>),
        limit: usize,
        at: Option<Revision>,
    ) -> Result<GetResponse, Failure> {
        let mut options = GetOptions::new().with_range(end).with_limit(limit as i64);
        if let Some(at) = at {
            options = options.with_revision(at as i64);
        }
        let get = |client: etcd_client::Client| {
            let (start, options) = (start.clone(), options.clone());
            async move { kv(&client).get(start, Some(options)).await }
        };
        self.members.again(Instant::now() + READ, get).await
    }

    async fn list(&self, range: &Range, page: &Page) -> Result<Listing, Failure> {
        let mut listing = Listing { items: Vec::new(), revision: 0, more: false };
        let (mut after, mut at) = (page.after.clone(), None);
        loop {
            let limit = if page.limit == 0 { CHUNK } else { CHUNK.min(page.limit - listing.items.len()) };
            let answer = match self.space.bounds(range, after.as_deref()) {
                Some(bounds) => self.chunk(bounds, limit, at).await?,
                // nothing can lie there: only the revision is of interest
                None => self.chunk(self.space.nothing(), 1, at).await?,
            };
            let revision = message::revision(answer.header());
            if at.is_none() {
                listing.revision = self.seen(revision);
                at = Some(revision);
            }
            listing.more = answer.0.more;
            listing.items.extend(answer.0.kvs.into_iter().filter_map(|found| self.space.item(found)));
            after = listing.items.last().map(|last| last.key.clone());
            if !listing.more || listing.items.len() == page.limit {
                return Ok(listing);
            }
        }
    }
}

/// The client's calls on keys, without a limit to the size of answers: etcd sends what Berth has written.
fn kv(client: &etcd_client::Client) -> etcd_client::KvClient {
    client.kv_client().max_decoding_message_size(usize::MAX)
}

/// etcd's revision, linearizable.
async fn ask_revision(members: &Members, space: &Space, until: Instant) -> Result<Revision, Error> {
    let key = space.nothing().0;
    let get = |client: etcd_client::Client| {
        let key = key.clone();
        async move { kv(&client).get(key, Some(GetOptions::new().with_count_only())).await }
    };
    let answer = members.again(until, get).await.map_err(Error::from)?;
    Ok(message::revision(answer.header()))
}

/// Forgets etcd's history behind the revision of one round ago: else it would fill its disk.
async fn compact_regularly(shared: Arc<Shared>, every: Duration) {
    let mut before = None;
    loop {
        match shared.revision().await {
            Ok(now) => {
                if let Some(upto) = before.replace(now)
                    && let Err(error) = compact(&shared, upto).await
                {
                    tracing::warn!("etcd's history cannot be compacted: {error}");
                }
            }
            Err(error) => tracing::debug!("etcd's revision is unknown: {error}"),
        }
        tokio::time::sleep(every).await;
    }
}

async fn compact(shared: &Shared, upto: Revision) -> Result<(), Error> {
    let compact = |client: etcd_client::Client| async move {
        client.kv_client().compact(upto as i64, Some(CompactionOptions::new())).await
    };
    match shared.members.again(Instant::now() + READ, compact).await {
        Ok(_) | Err(Failure::Compacted) => Ok(()),
        Err(failure) => Err(failure.into()),
    }
}

#[async_trait]
impl Store for Etcd {
    async fn get(&self, key: &[u8]) -> Result<(Option<KeyValue>, Revision), Error> {
        let (range, page) = (Range::key(Bytes::copy_from_slice(key)), Page { limit: 1, after: None });
        let listing = self.shared.list(&range, &page).await?;
        Ok((listing.items.into_iter().next(), listing.revision))
    }

    async fn list(&self, range: &Range, page: &Page) -> Result<Listing, Error> {
        let mut tries = LISTINGS;
        loop {
            tries -= 1;
            match self.shared.list(range, page).await {
                Err(Failure::Compacted) if tries > 0 => {}
                listing => return Ok(listing?),
            }
        }
    }

    async fn commit(&self, txn: Txn) -> Result<Committed, Error> {
        check(&txn)?;
        let began = Instant::now();
        match self.shared.commit(&txn).await {
            Ok(committed) => {
                // a full etcd goes on to delete
                if txn.writes.iter().any(|write| matches!(write, Write::Put { .. })) {
                    self.shared.learn(began, None);
                }
                Ok(committed)
            }
            Err(Failure::Full(reason) | Failure::Denied(reason)) => {
                self.shared.learn(began, Some(&reason));
                Err(Error::ReadOnly { reason })
            }
            Err(failure) => Err(failure.into()),
        }
    }

    async fn watch(&self, range: Range, after: Revision) -> Result<Watch, Error> {
        let mirror = &self.shared.mirror;
        if after > mirror.reached() {
            let current = self.shared.revision().await?;
            if after > current {
                return Err(Error::FutureRevision { asked: after, current });
            }
        }
        mirror.watch(range, after).await
    }

    async fn compact(&self, upto: Revision) -> Result<(), Error> {
        let current = self.shared.revision().await?;
        if upto > current {
            return Err(Error::FutureRevision { asked: upto, current });
        }
        self.shared.mirror.compact(upto).await?;
        compact(&self.shared, upto).await
    }

    async fn revision(&self) -> Result<Revision, Error> {
        self.shared.revision().await
    }

    /// After a refused write only another one can tell whether etcd takes writes again: a small one is made.
    async fn writable(&self) -> Result<(), Error> {
        if !self.shared.refusal.lock().is_there() {
            return self.shared.revision().await.map(drop);
        }
        self.commit(mirror::tick()).await.map(drop)
    }
}
