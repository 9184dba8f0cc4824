//! The driver: follows what the controllers watch, decides about one item at a time and carries out what was
//! decided.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Weak};
use std::time::Duration;

use cache::{Difference, Follow, Informers, Snapshot, Source};
use client::Client;
use futures::future::try_join_all;
use kinds::Kinds;
use object::Time;
use parking_lot::Mutex;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::actor::{Actor, ApiActor, Refused};
use crate::backoff::Backoff;
use crate::barrier::{Barrier, Wait};
use crate::carry::{Carried, carry_out};
use crate::leader::{self, Leadership};
use crate::measures::{self, Name};
use crate::queue::WorkQueue;
use crate::sight::Sight;
use crate::{Controller, GroupKind, Item, Memory, Note, Outcome, Watch, Watched};

/// Rounds of questions in one run.
const MAX_QUESTIONS: usize = 16;
/// How long a run waits for what the last one wrote, before it goes on without.
const BARRIER_LIMIT: Duration = Duration::from_secs(300);
/// Notes that wait to be told; more are dropped.
const NOTES: usize = 4096;

/// How controllers run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Who runs them.
    pub leadership: Leadership,
    /// Items that each controller works on at a time.
    pub workers: usize,
    /// How often everything known is looked at without cause.
    pub resync: Duration,
}

impl Options {
    /// The usual options.
    pub fn new(leadership: Leadership) -> Self {
        Self { leadership, workers: 4, resync: Duration::from_secs(600) }
    }
}

/// Runs controllers until `shutdown` becomes true, whenever this process is the leader. Each term of leadership
/// begins with consistent lists of what is watched.
pub async fn run(
    controllers: &'static [Controller],
    client: Client,
    source: Arc<dyn Source>,
    kinds: Arc<Kinds>,
    options: Options,
    mut shutdown: watch::Receiver<bool>,
) {
    let names = controllers.iter().map(|controller| controller.name);
    let actor: Arc<dyn Actor> = Arc::new(ApiActor::new(client.clone(), kinds.clone(), names));
    let term = || serve(controllers, actor.clone(), source.clone(), kinds.clone(), options.clone());
    let stop = async { drop(shutdown.wait_for(|stop| *stop).await) };
    leader::lead(&client, &kinds, &options.leadership, term, stop).await;
}

/// One term: runs controllers until it is dropped.
async fn serve(
    controllers: &'static [Controller],
    actor: Arc<dyn Actor>,
    source: Arc<dyn Source>,
    kinds: Arc<Kinds>,
    options: Options,
) {
    let informers = Arc::new(Informers::new(source));
    let sight = Arc::new(Sight::new(controllers, informers.clone(), &kinds));
    let (sender, notes) = mpsc::channel(NOTES);
    let hands = Hands { actor: actor.clone(), sight, notes: sender };
    let engines: Vec<_> = controllers.iter().map(|c| Arc::new(Engine::new(c, hands.clone()))).collect();
    let _term = Term(engines.clone());
    listen(&engines, &informers);
    follow(&engines, &informers, &kinds);
    informers.wait_synced().await;
    let mut tasks = JoinSet::new();
    tasks.spawn(tell(actor, notes));
    for engine in engines {
        for _ in 0..options.workers {
            tasks.spawn(engine.clone().work());
        }
        tasks.spawn(engine.resync(options.resync));
    }
    while let Some(ended) = tasks.join_next().await {
        tracing::error!(?ended, "a task of the driver ended");
    }
}

/// Ends what the engines have begun when the term ends.
struct Term(Vec<Arc<Engine>>);

impl Drop for Term {
    fn drop(&mut self) {
        self.0.iter().for_each(|engine| engine.finishing.lock().abort_all());
    }
}

/// The engines own the informers, not the other way round.
fn listen(engines: &[Arc<Engine>], informers: &Informers) {
    let engines: Vec<Weak<Engine>> = engines.iter().map(Arc::downgrade).collect();
    informers.listen(Arc::new(move |snapshot, difference| {
        engines.iter().filter_map(Weak::upgrade).for_each(|engine| engine.see(snapshot, difference));
    }));
}

/// Follows all kinds. A change of the first may come before the last is followed, so all tables are made before.
fn follow(engines: &[Arc<Engine>], informers: &Informers, kinds: &Kinds) {
    for watch in engines.iter().flat_map(|engine| &engine.watches) {
        if let Watched::View(view) = watch.what {
            informers.declare(view);
        }
    }
    for watch in engines.iter().flat_map(|engine| &engine.watches) {
        match watch.what {
            Watched::Everything => informers.follow_everything(kinds),
            Watched::View(view) => match kinds.kind(view.group, view.kind) {
                Some(kind) => informers.follow(view, Follow::all(kind)),
                None => tracing::error!(?view, "a watched kind is not in the table"),
            },
        }
    }
}

/// Tells notes one after the other, so that Events neither hold work up nor flood the API.
async fn tell(actor: Arc<dyn Actor>, mut notes: mpsc::Receiver<(&'static str, Note)>) {
    while let Some((controller, note)) = notes.recv().await {
        actor.tell(controller, &note).await;
    }
    std::future::pending().await
}

/// What all controllers share.
#[derive(Clone)]
struct Hands {
    actor: Arc<dyn Actor>,
    sight: Arc<Sight>,
    notes: mpsc::Sender<(&'static str, Note)>,
}

/// One controller at work.
struct Engine {
    controller: &'static Controller,
    watches: Vec<Watch>,
    hands: Hands,
    queue: WorkQueue<Item>,
    backoff: Mutex<Backoff<Item>>,
    /// Of every item that is known; an item at work has its memory with it.
    memories: Mutex<HashMap<Item, Memory>>,
    /// Runs that wait for what they wrote to be seen.
    finishing: Mutex<JoinSet<()>>,
}

impl Engine {
    fn new(controller: &'static Controller, hands: Hands) -> Self {
        Self {
            controller,
            watches: (controller.watches)(),
            hands,
            queue: WorkQueue::default(),
            backoff: Mutex::default(),
            memories: Mutex::default(),
            finishing: Mutex::default(),
        }
    }

    /// Queues the items that a change concerns.
    fn see(&self, snapshot: &Snapshot, difference: &Difference<'_>) {
        let sides = [(difference.old, difference.old_meta), (difference.new, difference.new_meta)];
        for (object, meta) in sides.into_iter().filter_map(|(object, meta)| object.zip(meta)) {
            for watch in self.watches.iter().filter(|watch| watch.concerns(object)) {
                for item in watch.map.items(self.controller.kind, snapshot, object, meta) {
                    self.queue.touch(item, Instant::now());
                }
            }
        }
    }

    /// Works off the queue for ever.
    async fn work(self: Arc<Self>) {
        loop {
            let item = self.queue.take().await;
            let (name, begun) = (Name { name: self.controller.name }, Instant::now());
            measures::ADDS.get_or_create(&name).inc();
            measures::DEPTH.get_or_create(&name).set(self.queue.depth() as i64);
            let barrier = self.run(&item).await;
            measures::WORK.get_or_create(&name).observe(begun.elapsed().as_secs_f64());
            if barrier.clone().first(&*self.hands.sight).is_none() {
                self.queue.done(&item);
            } else {
                let mut finishing = self.finishing.lock();
                while finishing.try_join_next().is_some() {}
                finishing.spawn(self.clone().finish(item, barrier));
            }
        }
    }

    /// Ends a run when what it wrote was seen; until then the item counts as running.
    async fn finish(self: Arc<Self>, item: Item, barrier: Barrier) {
        if tokio::time::timeout(BARRIER_LIMIT, self.hands.sight.wait(barrier)).await.is_err() {
            tracing::warn!(controller = self.controller.name, ?item, "what was written is not seen");
        }
        self.queue.done(&item);
    }

    /// Touches every known item now and then, spread over the time until the next.
    async fn resync(self: Arc<Self>, period: Duration) {
        loop {
            tokio::time::sleep(period).await;
            let items: Vec<Item> = self.memories.lock().keys().cloned().collect();
            let step = period.checked_div(items.len().try_into().unwrap_or(u32::MAX)).unwrap_or_default();
            let mut at = Instant::now();
            for item in items {
                self.queue.touch(item, at);
                at += step;
            }
        }
    }

    /// Runs an item once; what must be seen before it runs again.
    async fn run(&self, item: &Item) -> Barrier {
        let mut memory = self.memories.lock().remove(item).unwrap_or_default();
        memory.forget_answers();
        let barrier = match self.decide(item, &mut memory).await {
            Ok(Decision { actions, wake, notes }) => {
                let carried = carry_out(&*self.hands.actor, &actions).await;
                self.conclude(item, &mut memory, carried, notes, wake).await
            }
            Err(refused) => {
                tracing::warn!(controller = self.controller.name, ?item, error = %refused, "cannot decide");
                self.retry(item);
                Barrier::default()
            }
        };
        if item.key.name.is_empty() || memory.failure().is_some() || self.hands.sight.exists(item) {
            self.memories.lock().insert(item.clone(), memory);
        }
        barrier
    }

    /// Tells, remembers and plans the next run.
    async fn conclude(
        &self,
        item: &Item,
        memory: &mut Memory,
        mut carried: Carried,
        notes: Vec<Note>,
        wake: Option<Duration>,
    ) -> Barrier {
        for note in carried.true_notes(notes) {
            if self.hands.notes.try_send((self.controller.name, note)).is_err() {
                tracing::debug!(controller = self.controller.name, "too many notes: one is dropped");
            }
        }
        for kind in &carried.unknown {
            carried.barrier.add(self.fresh(kind).await);
        }
        if let Some(wake) = wake {
            self.queue.touch(item.clone(), Instant::now() + wake);
        }
        match &carried.failure {
            None => self.backoff.lock().succeeded(item),
            Some(failure) => {
                let (conflict, error) = (failure.conflict, &failure.message);
                tracing::debug!(
                    controller = self.controller.name,
                    ?item,
                    conflict,
                    error,
                    "an action failed"
                );
                self.retry(item);
            }
        }
        memory.ended(carried.failure);
        carried.barrier
    }

    /// A write may have happened: the informer must come as far as a read that is made after it.
    async fn fresh(&self, kind: &GroupKind) -> Wait {
        let mut backoff = Backoff::default();
        loop {
            match self.hands.actor.revision(kind).await {
                Ok(revision) => return Wait::Revision { kind: kind.clone(), revision },
                Err(refused) => {
                    tracing::debug!(?kind, error = %refused, "no revision to wait for");
                    tokio::time::sleep(backoff.failed(())).await;
                }
            }
        }
    }

    fn retry(&self, item: &Item) {
        measures::RETRIES.get_or_create(&Name { name: self.controller.name }).inc();
        let delay = self.backoff.lock().failed(item.clone());
        self.queue.touch(item.clone(), Instant::now() + delay);
    }

    /// Decides, with all questions answered.
    async fn decide(&self, item: &Item, memory: &mut Memory) -> Result<Decision, Refused> {
        for _ in 0..MAX_QUESTIONS {
            let queries = match self.reconcile(item, memory)? {
                Outcome::Do { actions, wake, notes } => return Ok(Decision { actions, wake, notes }),
                Outcome::Ask(queries) => queries,
            };
            let answers = try_join_all(queries.iter().map(|query| self.hands.actor.answer(query))).await?;
            queries.into_iter().zip(answers).for_each(|(query, answer)| memory.answered(query, answer));
        }
        Err(broken("it asks without end"))
    }

    /// One call. A panic ends the run, not the driver.
    fn reconcile(&self, item: &Item, memory: &mut Memory) -> Result<Outcome, Refused> {
        let snapshot = self.hands.sight.read();
        let call = || (self.controller.reconcile)(&snapshot, item, memory, Time::now());
        catch_unwind(AssertUnwindSafe(call)).map_err(|_| broken("it panics"))
    }
}

/// An [`Outcome::Do`].
struct Decision {
    actions: Vec<crate::Action>,
    wake: Option<Duration>,
    notes: Vec<Note>,
}

fn broken(how: &str) -> Refused {
    Refused { message: format!("the controller is broken: {how}"), conflict: false, unknown: false }
}

#[cfg(test)]
mod tests;
