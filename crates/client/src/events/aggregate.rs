//! Counting repeated Events instead of creating them again, and keeping talkative objects quiet.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};

use object::{Key, Time, Value, format_time};
use serde_json::json;

use super::{ObjectRef, Severity, event};

/// Repeats after a longer pause are new Events; the API keeps Events for an hour.
const REPEAT_SECONDS: i64 = 600;

/// Events that one object may cause at once.
const BURST: f64 = 25.0;

/// Seconds until a talkative object may cause one more.
const REFILL_SECONDS: f64 = 300.0;

/// What to do about something that happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Create this Event.
    Create(Value),
    /// Count it on an Event told before: merge-patch this one. Where it is gone by now, create `instead`.
    Count {
        /// The Event told before.
        key: Key,
        /// The patch.
        patch: Value,
        /// The Event as a new one.
        instead: Value,
    },
    /// Tell nothing: the object caused too many.
    Quiet,
}

/// Remembers what was told lately; what it remembers is bounded, and forgotten without harm.
#[derive(Debug)]
pub struct Aggregator {
    component: String,
    capacity: usize,
    /// What was told, by the hash of all that makes Events alike.
    told: Recent<Told>,
    /// How much objects may still tell, by the hash of the object.
    budgets: Recent<Budget>,
}

#[derive(Clone, Debug)]
struct Told {
    key: Key,
    count: u64,
    last: Time,
}

#[derive(Clone, Copy, Debug)]
struct Budget {
    left: f64,
    at: Time,
}

impl Aggregator {
    /// An aggregator of a component's Events that remembers up to `capacity` of them, and as many objects.
    pub fn new(component: &str, capacity: usize) -> Self {
        Self {
            component: component.to_owned(),
            capacity,
            told: Recent::default(),
            budgets: Recent::default(),
        }
    }

    /// Decides what to do about something that happened.
    pub fn step(
        &mut self,
        now: Time,
        about: &ObjectRef,
        severity: Severity,
        reason: &str,
        message: &str,
    ) -> Step {
        if !self.spend(now, about) {
            return Step::Quiet;
        }
        let new = event(now, &self.component, about, severity, reason, message);
        let alike = hash((about, severity, reason, message));
        let fresh = |told: &Told| now.as_second() - told.last.as_second() <= REPEAT_SECONDS;
        match self.told.take(alike).filter(fresh) {
            Some(mut told) => {
                told.count += 1;
                told.last = now;
                let patch = json!({"count": told.count, "lastTimestamp": format_time(now)});
                let key = told.key.clone();
                self.told.put(alike, told, self.capacity);
                Step::Count { key, patch, instead: new }
            }
            None => {
                self.remember(alike, &new, now);
                Step::Create(new)
            }
        }
    }

    /// Notes that `event` was created instead of counting on one that was gone.
    pub fn replaced(&mut self, gone: &Key, event: &Value, now: Time) {
        let Some(alike) = self.told.find(|told| told.key == *gone) else { return };
        self.remember(alike, event, now);
    }

    fn remember(&mut self, alike: u64, event: &Value, now: Time) {
        let text = |field: &str| event["metadata"][field].as_str().unwrap_or_default();
        let told = Told { key: Key::new(text("namespace"), text("name")), count: 1, last: now };
        self.told.put(alike, told, self.capacity);
    }

    fn spend(&mut self, now: Time, about: &ObjectRef) -> bool {
        let object = hash((&about.kind, &about.namespace, &about.name, &about.uid));
        let before = self.budgets.take(object).unwrap_or(Budget { left: BURST, at: now });
        let waited = (now.as_second() - before.at.as_second()).max(0) as f64;
        let left = (before.left + waited / REFILL_SECONDS).min(BURST);
        let may = left >= 1.0;
        let left = if may { left - 1.0 } else { left };
        self.budgets.put(object, Budget { left, at: now }, self.capacity);
        may
    }
}

fn hash(what: impl Hash) -> u64 {
    let mut hash = DefaultHasher::new();
    what.hash(&mut hash);
    hash.finish()
}

/// The values put last, up to a number.
#[derive(Debug)]
struct Recent<T> {
    values: HashMap<u64, (u64, T)>,
    by_age: BTreeMap<u64, u64>,
    next: u64,
}

impl<T> Default for Recent<T> {
    fn default() -> Self {
        Self { values: HashMap::new(), by_age: BTreeMap::new(), next: 0 }
    }
}

impl<T> Recent<T> {
    fn take(&mut self, key: u64) -> Option<T> {
        let (age, value) = self.values.remove(&key)?;
        self.by_age.remove(&age);
        Some(value)
    }

    fn put(&mut self, key: u64, value: T, capacity: usize) {
        self.take(key);
        self.values.insert(key, (self.next, value));
        self.by_age.insert(self.next, key);
        self.next += 1;
        while self.values.len() > capacity {
            let Some((_, oldest)) = self.by_age.pop_first() else { return };
            self.values.remove(&oldest);
        }
    }

    fn find(&self, is: impl Fn(&T) -> bool) -> Option<u64> {
        self.values.iter().find(|(_, (_, value))| is(value)).map(|(key, _)| *key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about(name: &str) -> ObjectRef {
        ObjectRef { kind: "Pod".into(), namespace: "ns".into(), name: name.into(), ..ObjectRef::default() }
    }

    fn at(second: i64) -> Time {
        Time::from_second(second).unwrap()
    }

    fn tell(aggregator: &mut Aggregator, second: i64, name: &str, message: &str) -> Step {
        aggregator.step(at(second), &about(name), Severity::Warning, "Failed", message)
    }

    fn key_of(step: &Step) -> Key {
        let Step::Create(event) = step else { panic!("{step:?}") };
        Key::new("ns", event["metadata"]["name"].as_str().unwrap())
    }

    #[test]
    fn counts_repeats() {
        let mut aggregator = Aggregator::new("c", 10);
        let first = key_of(&tell(&mut aggregator, 0, "a", "m"));
        for (second, count) in [(5, 2), (600, 3)] {
            let Step::Count { key, patch, .. } = tell(&mut aggregator, second, "a", "m") else { panic!() };
            assert_eq!((key, &patch["count"]), (first.clone(), &json!(count)));
        }
        assert_ne!(key_of(&tell(&mut aggregator, 600, "a", "other")), first);
        assert_ne!(
            key_of(&tell(&mut aggregator, 2000, "a", "m")),
            first,
            "an hour's event is not counted on for ever"
        );
    }

    #[test]
    fn counts_on_the_one_created_instead() {
        let mut aggregator = Aggregator::new("c", 10);
        tell(&mut aggregator, 0, "a", "m");
        let Step::Count { key, instead, .. } = tell(&mut aggregator, 1, "a", "m") else { panic!() };
        aggregator.replaced(&key, &instead, at(1));
        let Step::Count { key: later, patch, .. } = tell(&mut aggregator, 2, "a", "m") else { panic!() };
        assert_eq!(
            (later.name.as_str(), &patch["count"]),
            (instead["metadata"]["name"].as_str().unwrap(), &json!(2))
        );
    }

    #[test]
    fn keeps_talkative_objects_quiet() {
        let mut aggregator = Aggregator::new("c", 100);
        let told = (0..40).filter(|i| tell(&mut aggregator, 0, "a", &i.to_string()) != Step::Quiet).count();
        assert_eq!(told, 25);
        assert_ne!(tell(&mut aggregator, 0, "b", "m"), Step::Quiet);
        assert_eq!(tell(&mut aggregator, 299, "a", "m"), Step::Quiet);
        assert_ne!(tell(&mut aggregator, 600, "a", "m"), Step::Quiet);
    }

    #[test]
    fn remembers_a_bounded_number() {
        let mut aggregator = Aggregator::new("c", 3);
        for i in 0..100 {
            tell(&mut aggregator, 0, &format!("p{i}"), "m");
        }
        assert_eq!((aggregator.told.values.len(), aggregator.budgets.values.len()), (3, 3));
        assert_eq!((aggregator.told.by_age.len(), aggregator.budgets.by_age.len()), (3, 3));
        assert!(matches!(tell(&mut aggregator, 1, "p99", "m"), Step::Count { .. }));
        assert!(matches!(tell(&mut aggregator, 1, "p0", "m"), Step::Create(_)));
    }
}
