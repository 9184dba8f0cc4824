//! Crashes at random points of random work: nothing acknowledged is lost, nothing is half done,
//! no revision is used twice.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::join_all;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use store::{
    Committed, Durability, Embedded, Error, FaultyDisk, Options, PowerLoss, Range, Revision, Store, Txn,
    Write,
};

use crate::support::{Seeds, small};

const SEEDS: u64 = 1250;
const LIVES: usize = 8;
const KEYS: u32 = 6;

#[tokio::test]
async fn no_crash_breaks_a_promise() {
    for seed in Seeds::of(SEEDS) {
        let mut world = World::new(seed);
        for life in 0..LIVES {
            println!("life {life}");
            world.live().await;
        }
    }
}

/// What became of one key, by one transaction: the unique value it was given, or its deletion.
#[derive(Clone, Debug)]
struct Attempt {
    value: Option<Bytes>,
    /// The revision, if it was acknowledged.
    acked: Option<Revision>,
    durability: Durability,
}

struct World {
    rng: StdRng,
    disk: FaultyDisk,
    options: Options,
    /// What may be found at the next start, by key; the first attempt is what certainly was.
    attempts: BTreeMap<u32, Vec<Attempt>>,
    /// The highest revision that was ever acknowledged or shown.
    highest: Revision,
    /// Whether volatile transactions must have survived.
    keeps_volatile: bool,
    values: u64,
}

impl World {
    fn new(seed: u64) -> World {
        let mut rng = StdRng::seed_from_u64(seed);
        let segment_bytes = rng.random_range(300..20_000);
        World {
            disk: FaultyDisk::new(seed),
            options: Options { segment_bytes, snapshot_min_bytes: 6000, ..small() },
            rng,
            attempts: BTreeMap::new(),
            highest: 0,
            keeps_volatile: true,
            values: 0,
        }
    }

    /// One life of a process: start, check, work, die.
    async fn live(&mut self) {
        self.disk.crash_after(self.rng.random_range(0..80));
        match Embedded::open_on(Arc::new(self.disk.clone()), self.options.clone()) {
            Ok(store) => {
                self.check(&store).await;
                self.work(&store).await;
                let closed = self.rng.random_ratio(1, 4) && store.close().await.is_ok();
                self.die(closed);
            }
            Err(error) => {
                assert!(self.disk.has_crashed(), "{error}");
                self.die(false);
            }
        }
    }

    fn die(&mut self, closed: bool) {
        let loss = match self.rng.random_range(0..4) {
            0 => PowerLoss::KeepsAll,
            1 => PowerLoss::LosesAll,
            _ => PowerLoss::KeepsSome,
        };
        println!("dies: closed {closed}, power loss {loss:?}");
        self.keeps_volatile &= closed || loss == PowerLoss::KeepsAll;
        self.disk = self.disk.power_loss(loss);
    }

    async fn work(&mut self, store: &Embedded) {
        for _ in 0..self.rng.random_range(1..40) {
            let count = self.rng.random_range(1..5);
            let work: Vec<(u32, Attempt)> = (0..count).map(|_| self.attempt()).collect();
            let commits = work.iter().map(|(key, attempt)| store.commit(txn(*key, attempt)));
            let answers = join_all(commits).await;
            for ((key, mut attempt), answer) in work.into_iter().zip(answers) {
                match answer {
                    Ok(Committed::Done { revision }) => {
                        self.highest = self.highest.max(revision);
                        attempt.acked = Some(revision);
                    }
                    Err(Error::Io { .. } | Error::Closed) => {}
                    Err(Error::ReadOnly { .. }) => continue,
                    other => panic!("unexpected answer {other:?}"),
                }
                self.attempts.entry(key).or_default().push(attempt);
            }
        }
    }

    fn attempt(&mut self) -> (u32, Attempt) {
        self.values += 1;
        let value = self.rng.random_ratio(4, 5).then(|| {
            let length = self.rng.random_range(0..2) * self.rng.random_range(0..1500);
            format!("{}:{}", self.values, "x".repeat(length)).into()
        });
        let durability = if self.rng.random() { Durability::Durable } else { Durability::Volatile };
        (self.rng.random_range(0..KEYS), Attempt { value, acked: None, durability })
    }

    /// Compares what is found with what may be found, and takes it as the new truth.
    async fn check(&mut self, store: &Embedded) {
        let current = store.revision().await.expect("revision");
        assert!(current >= self.highest, "{current} < {}", self.highest);
        let promised = |attempt: &&Attempt| self.keeps_volatile || attempt.durability == Durability::Durable;
        let all = self.attempts.values().flatten();
        let mut survived = all.filter(promised).filter_map(|attempt| attempt.acked).max().unwrap_or(0);
        let mut found = BTreeMap::new();
        for key in 0..KEYS {
            let object = store.get(object(key).as_bytes()).await.expect("get").0;
            let claim = store.get(claim(key).as_bytes()).await.expect("get").0;
            let parts = |item: &Option<store::KeyValue>| {
                item.as_ref().map(|item| (item.value.clone(), item.mod_revision))
            };
            assert_eq!(parts(&object), parts(&claim), "key {key} is half done");
            survived = survived.max(object.as_ref().map_or(0, |object| object.mod_revision));
            found.insert(key, object);
        }
        for (key, found) in found {
            let attempts = self.attempts.remove(&key).unwrap_or_default();
            let value = found.as_ref().map(|found| found.value.clone());
            assert_explained(key, value.as_ref(), &attempts, survived);
            for lost in attempts.iter().filter_map(|attempt| attempt.acked) {
                if lost > survived && attempts.iter().all(|attempt| attempt.value.is_some()) {
                    let watch = store.watch(Range::all(), lost).await.map(drop);
                    assert!(matches!(watch, Err(Error::Compacted { .. })), "{lost}: {watch:?}");
                }
            }
            let acked = Some(found.map_or(0, |found| found.mod_revision));
            let durability = Durability::Durable;
            self.attempts.insert(key, vec![Attempt { value, acked, durability }]);
        }
        self.highest = current;
        self.keeps_volatile = true;
    }
}

/// The value is that of the last attempt that was acknowledged up to the revision that survived,
/// or of one whose answer never came, or a deletion later than anything that can be seen.
fn assert_explained(key: u32, value: Option<&Bytes>, attempts: &[Attempt], survived: Revision) {
    let acked = attempts.iter().filter(|attempt| attempt.acked.is_some_and(|at| at <= survived));
    let certain = acked.max_by_key(|attempt| attempt.acked).and_then(|last| last.value.as_ref());
    let possible = attempts.iter().any(|attempt| {
        let unknown = attempt.acked.is_none();
        let deleted = attempt.value.is_none() && attempt.acked > Some(survived);
        attempt.value.as_ref() == value && (unknown || deleted)
    });
    assert!(value == certain || possible, "key {key} has {value:?} after {attempts:?}, survived {survived}");
}

fn object(key: u32) -> String {
    format!("/object/{key}")
}

fn claim(key: u32) -> String {
    format!("/.claim/{key}")
}

fn txn(key: u32, attempt: &Attempt) -> Txn {
    let write = |key: String| match &attempt.value {
        Some(value) => Write::Put { key: key.into(), value: value.clone() },
        None => Write::Delete { key: key.into() },
    };
    let writes = vec![write(object(key)), write(claim(key))];
    Txn { compares: Vec::new(), writes, durability: attempt.durability }
}
