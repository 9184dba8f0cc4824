//! Asks one container, probe by probe, when each is due.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::ask::{Tried, ask};
use super::checks::Checks;
use super::exec::ExecProbe;
use super::prober::{News, Target};
use super::spec::{Probe, ProbeKind};

/// What asks one container.
pub(crate) struct Watcher {
    pub(crate) target: Target,
    /// Locked for a look-up or an update, never across an await.
    pub(crate) checks: Arc<Mutex<Checks>>,
    /// When the container had the target's age.
    pub(crate) since: Instant,
    pub(crate) exec: Arc<dyn ExecProbe>,
    pub(crate) news: mpsc::Sender<News>,
}

impl Watcher {
    /// Asks until no probe will ask any more. Probes of one container do not wait for each other.
    pub(crate) async fn run(self) {
        let mut asking = FuturesUnordered::new();
        loop {
            let due = self.checks.lock().due();
            let at = due.map_or(self.since, |(_, age)| self.instant(age));
            tokio::select! {
                Some((index, kind, tried)) = asking.next() => self.settle(index, kind, &tried).await,
                () = sleep_until(at), if due.is_some() => {
                    if let Some((index, probe)) = self.begin() {
                        asking.push(self.ask(index, probe));
                    }
                }
                else => return,
            }
        }
    }

    /// The probe that is due by now, which may be another one than was waited for.
    fn begin(&self) -> Option<(usize, Arc<Probe>)> {
        let mut checks = self.checks.lock();
        let (index, _) = checks.due().filter(|(_, age)| *age <= self.age())?;
        Some((index, checks.begin(index)))
    }

    async fn ask(&self, index: usize, probe: Arc<Probe>) -> (usize, ProbeKind, Tried) {
        (index, probe.kind, ask(&probe, &self.target, &*self.exec).await)
    }

    /// Counts an answer and tells what is new.
    async fn settle(&self, index: usize, kind: ProbeKind, tried: &Tried) {
        let changed = self.checks.lock().answer(index, tried.answer(), self.age());
        let Target { pod, container, .. } = &self.target;
        if let Some((reason, message)) = tried.event(kind) {
            let (pod, container) = (pod.clone(), container.clone());
            self.tell(News::Event { pod, container, reason, message }).await;
        }
        if changed {
            self.tell(News::Changed { pod: pod.clone() }).await;
        }
    }

    async fn tell(&self, news: News) {
        // Without a reader the prober is on its way out.
        let _ = self.news.send(news).await;
    }

    fn age(&self) -> Duration {
        self.target.age + self.since.elapsed()
    }

    fn instant(&self, age: Duration) -> Instant {
        self.since + age.saturating_sub(self.target.age)
    }
}
