//! Which pending pod is next: by priority, then by age. Pods that fit nowhere wait until something changes.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hashbrown::HashMap;
use jiff::SignedDuration;
use object::Time;

use crate::pod::PodView;

/// A pod that fits nowhere is tried again after this, whatever happens.
const FLUSH: SignedDuration = SignedDuration::from_secs(60);
/// The first delay after a failed attempt; doubles with each.
const FIRST_DELAY: SignedDuration = SignedDuration::from_secs(1);
/// The longest delay after a failed attempt.
const LONGEST_DELAY: SignedDuration = SignedDuration::from_secs(10);

type Uid = Arc<str>;
type Rank = (Reverse<i32>, Option<Time>, u64);

/// Where a pending pod is.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    /// To be scheduled now; left by [`Queue::pop`].
    Active,
    /// Popped; left by [`Queue::stuck`], [`Queue::retry`] or [`Queue::remove`].
    InHand,
    /// To be scheduled at this time; left by [`Queue::advance`].
    BackingOff(Time),
    /// Fits nowhere since this time; left by [`Queue::wake`], or by [`Queue::advance`] after a minute.
    Stuck(Time),
}

#[derive(Debug)]
struct Entry {
    pod: Arc<PodView>,
    rank: Rank,
    place: Place,
    failures: u32,
    failed: Option<Time>,
}

/// All pending pods. Time is an argument of everything that reads it.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    pods: HashMap<Uid, Entry>,
    active: BTreeMap<Rank, Uid>,
    later: BTreeSet<(Time, Uid)>,
    stuck: BTreeSet<(Time, Uid)>,
    arrivals: u64,
}

impl Queue {
    /// Adds a pending pod, or notes how it changed; a change of what it asks for makes it active.
    pub(crate) fn put(&mut self, pod: Arc<PodView>) {
        let Some(entry) = self.pods.get_mut(&pod.uid) else {
            self.arrivals += 1;
            let rank = (Reverse(pod.priority), pod.created, self.arrivals);
            let uid = pod.uid.clone();
            let entry = Entry { pod, rank, place: Place::InHand, failures: 0, failed: None };
            self.pods.insert(uid.clone(), entry);
            self.go(&uid, Place::Active);
            return;
        };
        let same = entry.pod.needs == pod.needs && entry.pod.labels == pod.labels;
        let uid = pod.uid.clone();
        entry.pod = pod;
        if !same && entry.place != Place::InHand {
            self.go(&uid, Place::Active);
        }
    }

    /// Takes a pod out: it is bound, gone, or not ours.
    pub(crate) fn remove(&mut self, uid: &str) {
        if let Some((uid, entry)) = self.pods.remove_entry(uid) {
            self.leave(&uid, &entry.rank, entry.place);
        }
    }

    /// The next pod to schedule.
    pub(crate) fn pop(&mut self) -> Option<Arc<PodView>> {
        let (_, uid) = self.active.pop_first()?;
        let entry = self.pods.get_mut(&uid)?;
        entry.place = Place::InHand;
        Some(entry.pod.clone())
    }

    /// The popped pod fits nowhere.
    pub(crate) fn stuck(&mut self, uid: &Uid, now: Time) {
        if self.count_failure(uid, now).is_some() {
            self.go(uid, Place::Stuck(now));
        }
    }

    /// The popped pod could not be bound: try again later.
    pub(crate) fn retry(&mut self, uid: &Uid, now: Time) {
        if let Some(until) = self.count_failure(uid, now) {
            self.go(uid, Place::BackingOff(until));
        }
    }

    /// Something changed that may make room: the stuck pods are tried again, each not before its delay is over.
    pub(crate) fn wake(&mut self, now: Time) {
        for (_, uid) in std::mem::take(&mut self.stuck) {
            self.release(&uid, now);
        }
    }

    /// Makes active what is due.
    pub(crate) fn advance(&mut self, now: Time) {
        while let Some((_, uid)) = first_until(&mut self.later, now) {
            self.go(&uid, Place::Active);
        }
        while let Some((_, uid)) = first_until(&mut self.stuck, now - FLUSH) {
            self.release(&uid, now);
        }
    }

    /// When [`Queue::advance`] has something to do.
    pub(crate) fn next(&self) -> Option<Time> {
        let later = self.later.first().map(|(at, _)| *at);
        let stuck = self.stuck.first().map(|(since, _)| *since + FLUSH);
        later.into_iter().chain(stuck).min()
    }

    /// How many pods wait for a node.
    pub(crate) fn len(&self) -> usize {
        self.pods.len()
    }

    /// Whether a pod is to be scheduled now.
    pub(crate) fn has_active(&self) -> bool {
        !self.active.is_empty()
    }

    /// Whether the pod is pending.
    pub(crate) fn contains(&self, uid: &str) -> bool {
        self.pods.contains_key(uid)
    }

    fn release(&mut self, uid: &Uid, now: Time) {
        let Some(entry) = self.pods.get(uid) else { return };
        let until = entry.failed.map_or(now, |failed| failed + delay(entry.failures));
        self.go(uid, if until > now { Place::BackingOff(until) } else { Place::Active });
    }

    /// Counts a failed attempt; until when the pod should rest.
    fn count_failure(&mut self, uid: &Uid, now: Time) -> Option<Time> {
        let entry = self.pods.get_mut(uid)?;
        entry.failures += 1;
        entry.failed = Some(now);
        Some(now + delay(entry.failures))
    }

    fn go(&mut self, uid: &Uid, place: Place) {
        let Some(entry) = self.pods.get_mut(uid) else { return };
        let rank = entry.rank;
        let old = std::mem::replace(&mut entry.place, place);
        self.leave(uid, &rank, old);
        match place {
            Place::Active => drop(self.active.insert(rank, uid.clone())),
            Place::BackingOff(until) => drop(self.later.insert((until, uid.clone()))),
            Place::Stuck(since) => drop(self.stuck.insert((since, uid.clone()))),
            Place::InHand => {}
        }
    }

    fn leave(&mut self, uid: &Uid, rank: &Rank, place: Place) {
        match place {
            Place::Active => drop(self.active.remove(rank)),
            Place::BackingOff(until) => drop(self.later.remove(&(until, uid.clone()))),
            Place::Stuck(since) => drop(self.stuck.remove(&(since, uid.clone()))),
            Place::InHand => {}
        }
    }
}

fn delay(failures: u32) -> SignedDuration {
    let doubled = FIRST_DELAY.checked_mul(1 << failures.saturating_sub(1).min(16));
    doubled.unwrap_or(LONGEST_DELAY).min(LONGEST_DELAY)
}

fn first_until(set: &mut BTreeSet<(Time, Uid)>, now: Time) -> Option<(Time, Uid)> {
    if set.first()?.0 > now {
        return None;
    }
    set.pop_first()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use object::Time;

    use super::Queue;
    use crate::pod::PodView;

    /// One step of a story: `+a/3` a pod of priority 3 comes, `a?stuck` and `a?retry` end an attempt, `-a` goes,
    /// `!5` something changes at second 5, `5` what is due at 5 is popped.
    fn tell(story: &str) -> String {
        let mut queue = Queue::default();
        let mut now = Time::UNIX_EPOCH;
        let mut popped = Vec::new();
        let second = |text: &str| Time::from_second(text.parse().unwrap()).unwrap();
        for step in story.split_whitespace() {
            if let Some((name, priority)) = step.strip_prefix('+').and_then(|s| s.split_once('/')) {
                let priority = priority.parse().unwrap();
                queue.put(Arc::new(PodView { uid: name.into(), priority, ..PodView::default() }));
            } else if let Some(name) = step.strip_prefix('-') {
                queue.remove(name);
            } else if let Some(name) = step.strip_suffix("?stuck") {
                queue.stuck(&name.into(), now);
            } else if let Some(name) = step.strip_suffix("?retry") {
                queue.retry(&name.into(), now);
            } else if let Some(at) = step.strip_prefix('!') {
                now = second(at);
                queue.wake(now);
            } else {
                now = second(step);
                queue.advance(now);
                popped.extend(std::iter::from_fn(|| queue.pop()).map(|pod| format!("{}@{step}", pod.uid)));
            }
        }
        popped.join(" ")
    }

    #[test]
    fn stories() {
        let rows = [
            ("+a/0 +b/5 +c/0 1", "b@1 a@1 c@1"),
            ("+a/0 -a 1", ""),
            ("+a/0 1 a?stuck 59 60 61", "a@1 a@61"),
            ("+a/0 1 a?stuck !30 30", "a@1 a@30"),
            ("+a/0 1 a?stuck !1 1 2", "a@1 a@2"),
            ("+a/0 1 a?retry 1 2 a?retry 3 4 a?retry 7 8", "a@1 a@2 a@4 a@8"),
            (
                "+a/0 1 a?retry 10 a?retry 20 a?retry 30 a?retry 40 a?retry 50 a?retry 59 60",
                "a@1 a@10 a@20 a@30 a@40 a@50 a@60",
            ),
            ("+a/0 1 -a a?stuck !2 100", "a@1"),
        ];
        for (story, expect) in rows {
            assert_eq!(tell(story), expect, "{story}");
        }
    }
}
