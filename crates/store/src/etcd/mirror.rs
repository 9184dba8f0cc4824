//! etcd's recent changes, followed by one watch over everything.
//!
//! The watch begins again behind the last change seen, at another member where one fails, so that readers notice
//! nothing. Where etcd has compacted what was missed, or has lost what was seen, all watches end and their readers
//! list again.
//!
//! A watch tells how far it has come by changes alone: etcd 3.4 sends no dependable progress. Where etcd is known to
//! have come further without a change of ours (another prefix was written), a hidden key is written to see one.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use etcd_client::{EventType, WatchOptions, WatchStream};
use futures::StreamExt;
use futures::stream::once;
use parking_lot::Mutex;
use tokio::sync::watch::{Receiver, Sender, channel};
use tokio::time::{Instant, sleep, timeout};

use super::failure::{Failure, classify};
use super::{Shared, ask_revision};
use crate::history::History;
use crate::watch::follow;
use crate::{Change, Error, Range, Revision, Txn, Watch, Write};

/// The changes kept for watches to read.
const HISTORY_COUNT: usize = 20_000;
const HISTORY_BYTES: usize = 8 << 20;

/// How many hidden keys are written until a watch that sees none of them is taken for dead.
const DEAD: u32 = 20;

/// How long a watch may take to begin.
const BEGIN: Duration = Duration::from_secs(3);

/// Pauses between attempts, from the first to the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));

/// How long a caller waits for a revision that etcd has reached.
const PATIENCE: Duration = Duration::from_secs(5);

/// Written to see a change.
const TICK_KEY: &[u8] = b"/.tick";

/// A transaction that only raises the revision.
pub(super) fn tick() -> Txn {
    let write = Write::Put { key: Bytes::from_static(TICK_KEY), value: Bytes::new() };
    Txn { writes: vec![write], ..Txn::default() }
}

/// The recent changes, and those who wait for more.
#[derive(Debug)]
pub(super) struct Mirror {
    /// Replaced when there is a gap; none once closed.
    followed: Arc<Mutex<Option<Followed>>>,
    /// The highest revision that any answer of etcd has shown.
    known: Sender<Revision>,
    /// [`EtcdOptions::tick`](super::EtcdOptions::tick).
    tick: Duration,
}

/// Changes without a gap. The watches that read them end when this is dropped.
#[derive(Debug)]
struct Followed {
    history: Arc<Mutex<History>>,
    /// The history's latest revision.
    current: Sender<Revision>,
}

impl Followed {
    fn new(after: Revision) -> Followed {
        let history = History::new(after, HISTORY_COUNT, HISTORY_BYTES);
        Followed { history: Arc::new(Mutex::new(history)), current: channel(after).0 }
    }
}

impl Mirror {
    /// Nothing yet, after this revision.
    pub(super) fn new(after: Revision, tick: Duration) -> Mirror {
        let followed = Arc::new(Mutex::new(Some(Followed::new(after))));
        Mirror { followed, known: channel(after).0, tick }
    }

    /// Notes that etcd has come this far.
    pub(super) fn expect(&self, revision: Revision) {
        self.known.send_if_modified(|known| std::mem::replace(known, revision.max(*known)) < revision);
    }

    /// The latest revision up to which all changes are here.
    pub(super) fn reached(&self) -> Revision {
        self.followed.lock().as_ref().map_or(0, |followed| *followed.current.borrow())
    }

    /// All changes of a range after a revision that etcd has reached.
    pub(super) async fn watch(&self, range: Range, after: Revision) -> Result<Watch, Error> {
        let (history, current) = self.at(after).await?;
        history.lock().check(after)?;
        let watch = follow(after, current, move |after| history.lock().read(&range, after));
        // A watch whose history was replaced has missed something; that of a closed store just ends.
        let followed = self.followed.clone();
        let end = once(async move { followed.lock().is_some().then_some(Err(Error::Lagged)) });
        Ok(Watch::new(watch.chain(end.filter_map(std::future::ready))))
    }

    /// Forgets changes up to a revision that etcd has reached.
    pub(super) async fn compact(&self, upto: Revision) -> Result<(), Error> {
        self.at(upto).await?.0.lock().compact(upto)
    }

    /// The history, once it has come this far.
    async fn at(&self, revision: Revision) -> Result<(Arc<Mutex<History>>, Receiver<Revision>), Error> {
        let (history, mut current) = match &*self.followed.lock() {
            Some(followed) => (followed.history.clone(), followed.current.subscribe()),
            None => return Err(Error::Closed),
        };
        let come = timeout(PATIENCE, current.wait_for(|now| *now >= revision)).await.map(|come| come.is_ok());
        match come {
            Ok(true) => Ok((history, current)),
            Ok(false) => Err(Error::Lagged),
            Err(_) => {
                Err(Error::Unavailable(format!("etcd's watch has not come to revision {revision} yet")))
            }
        }
    }

    /// Ends all watches for good.
    pub(super) fn close(&self) {
        *self.followed.lock() = None;
    }

    /// Begins anew after a gap: all watches end.
    fn restart(&self, after: Revision) {
        if let Some(followed) = &mut *self.followed.lock() {
            *followed = Followed::new(after);
        }
        self.known.send_replace(after);
    }

    fn record(&self, changes: &[Change]) {
        let Some(last) = changes.last().map(Change::revision) else { return };
        if let Some(followed) = &*self.followed.lock() {
            followed.history.lock().record(changes);
            followed.current.send_replace(last);
        }
        self.expect(last);
    }
}

/// Why a watch of etcd ended.
enum Ended {
    /// It can go on where it stopped.
    Broken(Failure),
    /// etcd has no longer, or not yet, what follows.
    Gap(&'static str),
}

impl From<Failure> for Ended {
    fn from(failure: Failure) -> Ended {
        Ended::Broken(failure)
    }
}

/// Follows etcd for as long as the store is open.
pub(super) async fn run(shared: Arc<Shared>) {
    let mut pause = PAUSES.0;
    let mut down = false;
    loop {
        let (at, client) = shared.members.current().await;
        let begun = shared.mirror.reached();
        let ended = match client {
            Ok(client) => match follow_member(&shared, client).await {
                Ended::Broken(failure) => Ended::Broken(shared.members.located(at, failure)),
                gap => gap,
            },
            Err(failure) => failure.into(),
        };
        if shared.mirror.reached() > begun {
            (pause, down) = (PAUSES.0, false);
        }
        match ended {
            Ended::Gap(why) => {
                match ask_revision(&shared.members, &shared.space, Instant::now() + PATIENCE).await {
                    Ok(now) => {
                        tracing::warn!("{why}: everything is read again from revision {now} on");
                        shared.mirror.restart(now);
                    }
                    // Then it is found again.
                    Err(_) => sleep(pause).await,
                }
            }
            Ended::Broken(failure) => {
                shared.members.leave(at);
                // Said once; that etcd is back is said by whoever waits for it.
                if !std::mem::replace(&mut down, true) {
                    tracing::warn!("the watch broke and begins again: {}", Error::from(failure));
                }
                sleep(pause).await;
                pause = PAUSES.1.min(pause * 2);
            }
        }
    }
}

async fn follow_member(shared: &Shared, client: etcd_client::Client) -> Ended {
    let (from, upto) = shared.space.all();
    let after = shared.mirror.reached();
    let options = WatchOptions::new().with_range(upto).with_start_revision(after as i64 + 1);
    let mut watch = client.watch_client().max_decoding_message_size(usize::MAX);
    let stream = match timeout(BEGIN, watch.watch(from, Some(options))).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return classify(error).into(),
        Err(_) => return Failure::NotDone("the watch does not begin".to_owned()).into(),
    };
    match read(shared, stream, after).await {
        Ok(ended) => ended,
        Err(error) => classify(error).into(),
    }
}

/// Takes in what a watch tells until it ends.
async fn read(
    shared: &Shared,
    mut stream: WatchStream,
    after: Revision,
) -> Result<Ended, etcd_client::Error> {
    let mut known = shared.mirror.known.subscribe();
    let tick_after = shared.mirror.tick;
    let mut ticks = 0;
    let mut tick_at = Instant::now() + tick_after;
    loop {
        let behind = *known.borrow_and_update() > shared.mirror.reached();
        tokio::select! {
            told = stream.message() => {
                let Some(told) = told? else {
                    return Ok(Failure::NotDone("the watch ended".to_owned()).into());
                };
                if told.compact_revision() > 0 {
                    return Ok(Ended::Gap("etcd has compacted what this server has not seen yet"));
                }
                if told.canceled() {
                    return Ok(Failure::NotDone(format!("the watch was cancelled: {}", told.cancel_reason())).into());
                }
                if told.created() && super::message::revision(told.header()) < after {
                    return Ok(Ended::Gap("etcd went back behind what it had shown (was it restored?)"));
                }
                shared.mirror.record(&changes(shared, told));
                (ticks, tick_at) = (0, Instant::now() + tick_after);
            }
            changed = known.changed(), if !behind => {
                if changed.is_err() {
                    return Ok(Failure::NotDone("the store is closed".to_owned()).into());
                }
                tick_at = Instant::now() + tick_after;
            }
            () = tokio::time::sleep_until(tick_at), if behind => {
                if ticks == DEAD {
                    return Ok(Failure::NotDone("the watch tells nothing any more".to_owned()).into());
                }
                ticks += 1;
                // What comes of it is seen by the watch, or by whoever writes next.
                let _ = timeout(tick_after, shared.commit(&tick())).await;
                tick_at = Instant::now() + tick_after;
            }
        }
    }
}

/// A message's changes.
fn changes(shared: &Shared, told: etcd_client::WatchResponse) -> Vec<Change> {
    let change = |event: etcd_client::proto::PbEvent| {
        let kind = event.r#type;
        let now = shared.space.item(event.kv?)?;
        Some(if kind == EventType::Delete as i32 {
            Change::Delete { key: now.key, revision: now.mod_revision }
        } else {
            Change::Put { now }
        })
    };
    told.0.events.into_iter().filter_map(change).collect()
}
