//! The scheduler against an API server: follows nodes, pods and namespaces, binds and tells.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use cache::{Change, Follow, Source};
use client::Client;
use drive::Leadership;
use futures::StreamExt;
use futures::stream::{BoxStream, SelectAll};
use kinds::Kinds;
use object::Time;
use parking_lot::Mutex;
use tokio::task::JoinSet;

use crate::driver::{Bound, Driver, Job, Topic};
use crate::measures;
use crate::pod::PodView;
use crate::score::Profile;
use crate::writer::Writer;

/// How the scheduler runs.
#[derive(Clone, Debug)]
pub struct Options {
    /// How nodes are scored.
    pub profile: Profile,
    /// Pods with this `spec.schedulerName` are scheduled.
    pub scheduler_name: String,
    /// The most requests at a time.
    pub in_flight: usize,
    /// Chooses among equal nodes.
    pub seed: u64,
    /// Who schedules.
    pub leadership: Leadership,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            profile: Profile::default(),
            scheduler_name: "default-scheduler".to_owned(),
            in_flight: 64,
            seed: rand::random(),
            leadership: Leadership::default(),
        }
    }
}

/// The most changes applied, and decisions made, before the other gets its turn.
const BATCH: usize = 256;

/// Why the scheduler cannot run.
#[derive(Debug, thiserror::Error)]
#[error("the table of kinds lacks {0}")]
pub struct MissingKind(pub(crate) &'static str);

/// Schedules pods until `shutdown`, whenever this process is the leader; requests that are under way at the end are
/// waited for. Each term of leadership begins with consistent lists.
pub async fn run(
    client: Client,
    source: Arc<dyn Source>,
    kinds: Arc<Kinds>,
    options: Options,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), MissingKind> {
    let topics = topics(&kinds)?;
    let writer = Arc::new(Writer::new(client.clone(), &kinds, &options.scheduler_name)?);
    let unfinished = Unfinished::default();
    let term = || async {
        let mut running = Loop {
            driver: Driver::new(options.profile, options.scheduler_name.clone(), options.seed),
            writer: writer.clone(),
            changes: changes(&*source, &topics),
            jobs: JoinSet::new(),
            untold: VecDeque::new(),
            most: options.in_flight.max(1),
            unfinished: &unfinished,
        };
        loop {
            running.turn().await;
        }
    };
    drive::lead(&client, &kinds, &options.leadership, term, shutdown).await;
    for mut jobs in unfinished.into_inner() {
        while jobs.join_next().await.is_some() {}
    }
    Ok(())
}

type Changes = SelectAll<BoxStream<'static, Vec<(Topic, Change)>>>;

/// What is followed of each topic.
fn topics(kinds: &Kinds) -> Result<Vec<(Topic, Follow)>, MissingKind> {
    let of = |topic: Topic| {
        let (plural, fields) = match topic {
            Topic::Nodes => ("nodes", ""),
            Topic::Pods => ("pods", "status.phase!=Succeeded,status.phase!=Failed"),
            Topic::Namespaces => ("namespaces", ""),
        };
        let kind = kinds.resource("", plural).ok_or(MissingKind(plural))?;
        Ok((topic, Follow { fields: fields.to_owned(), ..Follow::all(kind) }))
    };
    Topic::ALL.into_iter().map(of).collect()
}

fn changes(source: &dyn Source, topics: &[(Topic, Follow)]) -> Changes {
    let of = |&(topic, ref follow): &(Topic, Follow)| {
        source.follow(follow.clone()).map(move |change| (topic, change)).ready_chunks(BATCH).boxed()
    };
    topics.iter().map(of).collect()
}

/// A finished job.
type Finished = Option<(Arc<PodView>, Bound)>;

/// Requests that were under way when a term ended. They take effect or not, as those of a lost connection.
type Unfinished = Mutex<Vec<JoinSet<Finished>>>;

struct Loop<'a> {
    driver: Driver,
    writer: Arc<Writer>,
    changes: Changes,
    jobs: JoinSet<Finished>,
    /// Jobs that wait for a free place.
    untold: VecDeque<Job>,
    most: usize,
    unfinished: &'a Unfinished,
}

impl Drop for Loop<'_> {
    fn drop(&mut self) {
        self.unfinished.lock().push(std::mem::take(&mut self.jobs));
    }
}

impl Loop<'_> {
    /// Waits for something to do and does it.
    async fn turn(&mut self) {
        let room = self.jobs.len() < self.most;
        let work = room && (self.driver.has_work() || !self.untold.is_empty());
        let sleep = self.driver.queue.next().map_or(Duration::from_secs(60), until);
        tokio::select! {
            biased;
            Some(finished) = self.jobs.join_next(), if !self.jobs.is_empty() => self.finished(finished),
            Some(changes) = self.changes.next() => self.apply(changes),
            () = std::future::ready(()), if work => self.schedule(),
            () = tokio::time::sleep(sleep) => {}
        }
        self.driver.queue.advance(Time::now());
        tokio::task::consume_budget().await;
    }

    fn finished(&mut self, finished: Result<Finished, tokio::task::JoinError>) {
        match finished {
            Ok(Some((pod, outcome))) => self.untold.extend(self.driver.bound(pod, outcome, Time::now())),
            Ok(None) => {}
            Err(error) => tracing::error!(%error, "a request's task died"),
        }
    }

    fn apply(&mut self, changes: Vec<(Topic, Change)>) {
        let now = Time::now();
        for (topic, change) in changes {
            self.untold.extend(self.driver.apply(topic, change, now));
        }
    }

    fn schedule(&mut self) {
        let now = Time::now();
        measures::PENDING.set(i64::try_from(self.driver.queue.len()).unwrap_or(i64::MAX));
        while self.jobs.len() < self.most {
            let Some(job) = self.next_job(now) else { return };
            let writer = self.writer.clone();
            self.jobs.spawn(async move { writer.perform(job).await });
        }
    }

    /// Decisions first: telling can wait, but not without bound.
    fn next_job(&mut self, now: Time) -> Option<Job> {
        let patient = self.untold.len() < BATCH && self.driver.is_ready();
        let decided = if patient { self.driver.step(now) } else { None };
        decided.or_else(|| self.untold.pop_front())
    }
}

/// How long until a time; a little longer, so that it has come for sure.
fn until(at: Time) -> Duration {
    let left = at.duration_since(Time::now());
    Duration::try_from(left).unwrap_or(Duration::ZERO) + Duration::from_millis(1)
}
