//! The queue of keys: a key never runs twice at once, and its earliest deadline wins.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

/// Where a key stands; a key that is not in the queue has no state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State<T> {
    /// Due at this time; left by [`Queue::take`].
    Waiting(T),
    /// Handed out; left by [`Queue::done`], to `Waiting` where it was touched meanwhile.
    Running(Option<T>),
}

/// A queue of keys with deadlines. Time is any ordered value, and always an argument.
#[derive(Debug)]
pub struct Queue<K, T> {
    due: BTreeSet<(T, K)>,
    states: HashMap<K, State<T>>,
}

impl<K: Clone + Ord + Hash, T: Copy + Ord> Default for Queue<K, T> {
    fn default() -> Self {
        Self { due: BTreeSet::new(), states: HashMap::new() }
    }
}

impl<K: Clone + Ord + Hash, T: Copy + Ord> Queue<K, T> {
    /// Asks for a run at `at`; an earlier deadline of the same key stands.
    pub fn touch(&mut self, key: K, at: T) {
        match self.states.get_mut(&key) {
            None => self.wait(key, at),
            Some(State::Running(again)) => *again = Some(again.map_or(at, |old| old.min(at))),
            Some(State::Waiting(old)) if *old <= at => {}
            Some(State::Waiting(old)) => {
                self.due.remove(&(*old, key.clone()));
                self.wait(key, at);
            }
        }
    }

    fn wait(&mut self, key: K, at: T) {
        self.due.insert((at, key.clone()));
        self.states.insert(key, State::Waiting(at));
    }

    /// Hands out the most overdue key; it runs until [`Queue::done`].
    pub fn take(&mut self, now: T) -> Option<K> {
        if self.due.first()?.0 > now {
            return None;
        }
        let (_, key) = self.due.pop_first()?;
        self.states.insert(key.clone(), State::Running(None));
        Some(key)
    }

    /// The run of a key has ended.
    pub fn done(&mut self, key: &K) {
        if let Some(State::Running(Some(at))) = self.states.remove(key) {
            self.wait(key.clone(), at);
        }
    }

    /// The earliest deadline.
    pub fn next(&self) -> Option<T> {
        self.due.first().map(|(at, _)| *at)
    }

    /// Keys that wait, whether due or not.
    pub fn len(&self) -> usize {
        self.due.len()
    }

    /// Whether no key waits.
    pub fn is_empty(&self) -> bool {
        self.due.is_empty()
    }
}

/// A [`Queue`] that tasks share and wait on.
#[derive(Debug)]
pub struct WorkQueue<K> {
    /// Never held across an await.
    queue: Mutex<Queue<K, Instant>>,
    wake: Notify,
}

impl<K: Clone + Ord + Hash> Default for WorkQueue<K> {
    fn default() -> Self {
        Self { queue: Mutex::default(), wake: Notify::new() }
    }
}

impl<K: Clone + Ord + Hash> WorkQueue<K> {
    /// Asks for a run at `at`.
    pub fn touch(&self, key: K, at: Instant) {
        self.queue.lock().touch(key, at);
        self.wake.notify_one();
    }

    /// The run of a key has ended.
    pub fn done(&self, key: &K) {
        self.queue.lock().done(key);
        self.wake.notify_one();
    }

    /// Keys that wait, whether due or not.
    pub fn depth(&self) -> usize {
        self.queue.lock().len()
    }

    /// The next due key, as soon as there is one. Cancel-safe.
    pub async fn take(&self) -> K {
        loop {
            match self.poll(Instant::now()) {
                Ok(key) => return key,
                Err(Some(at)) => {
                    tokio::select! {
                        () = self.wake.notified() => {}
                        () = tokio::time::sleep_until(at) => {}
                    }
                }
                Err(None) => self.wake.notified().await,
            }
        }
    }

    /// A due key, or the time to look again. Where more is due another waiter is woken in turn.
    fn poll(&self, now: Instant) -> Result<K, Option<Instant>> {
        let mut queue = self.queue.lock();
        let key = queue.take(now).ok_or_else(|| queue.next())?;
        if queue.next().is_some() {
            self.wake.notify_one();
        }
        Ok(key)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;

    /// One step of a story: `+a@5` touches, `-a` ends, `5` takes what is due at 5 until nothing is.
    fn tell(story: &str) -> String {
        let mut queue = Queue::<String, u32>::default();
        let mut taken = Vec::new();
        for step in story.split_whitespace() {
            if let Some((key, at)) = step.strip_prefix('+').and_then(|s| s.split_once('@')) {
                queue.touch(key.to_owned(), at.parse().unwrap());
            } else if let Some(key) = step.strip_prefix('-') {
                queue.done(&key.to_owned());
            } else {
                let now = step.parse().unwrap();
                taken.extend(std::iter::from_fn(|| queue.take(now)).map(|key| format!("{key}@{now}")));
            }
        }
        taken.join(" ")
    }

    #[test]
    fn keys_run_once_at_their_earliest_deadline() {
        let rows = [
            ("+a@1 0", ""),
            ("+a@1 1 2", "a@1"),
            ("+a@9 +a@3 +a@5 3 9", "a@3"),
            ("+b@2 +a@1 2", "a@2 b@2"),
            ("+a@1 1 +a@1 2", "a@1"),
            ("+a@1 1 +a@1 2 -a 3", "a@1 a@3"),
            ("+a@1 1 +a@8 +a@4 -a 3 4 8", "a@1 a@4"),
            ("+a@1 1 -a 2 +a@3 3", "a@1 a@3"),
            ("-a +a@1 1", "a@1"),
        ];
        for (story, expect) in rows {
            assert_eq!(tell(story), expect, "{story}");
        }
    }

    #[tokio::test]
    async fn many_waiters_share_what_is_due() {
        let queue = Arc::new(WorkQueue::<u32>::default());
        let worker = |queue: Arc<WorkQueue<u32>>| tokio::spawn(async move { queue.take().await });
        let workers: Vec<_> = (0..4).map(|_| worker(queue.clone())).collect();
        tokio::task::yield_now().await;
        let start = Instant::now();
        for key in 0..4 {
            queue.touch(key, start + Duration::from_millis(u64::from(key / 2) * 30));
        }
        let mut keys = Vec::new();
        for worker in workers {
            keys.push(worker.await.unwrap());
        }
        keys.sort_unstable();
        assert_eq!(keys, [0, 1, 2, 3]);
        assert!(start.elapsed() >= Duration::from_millis(30));
    }
}
