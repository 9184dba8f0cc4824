use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use cache::{Change, Document, View};
use futures::StreamExt;
use futures::stream::BoxStream;
use object::{Meta, Value};
use serde::Deserialize;
use serde_json::json;

use super::*;
use crate::laws::{Refusal, World};
use crate::{Action, Map, Query};

/// How far informers are behind.
const LAG: Duration = Duration::from_millis(5);

macro_rules! view {
    ($name:ident of $group:literal $kind:literal) => {
        #[derive(Deserialize)]
        struct $name {
            metadata: Meta,
            #[serde(default)]
            spec: Value,
        }

        impl View for $name {
            const GROUP: &'static str = $group;
            const KIND: &'static str = $kind;

            fn decode(document: &[u8]) -> Result<Self, serde_json::Error> {
                serde_json::from_slice(document)
            }

            fn meta(&self) -> &Meta {
                &self.metadata
            }
        }
    };
}

view!(Set of "apps" "ReplicaSet");
view!(Pod of "" "Pod");

/// An API server and its watch, behind by [`LAG`].
struct Shared {
    world: Mutex<World>,
    changed: watch::Sender<u64>,
    told: Mutex<Vec<String>>,
    /// How many more writes fail after they were carried out.
    unknown: AtomicU64,
}

impl Shared {
    fn new(objects: Vec<Value>) -> Arc<Self> {
        Arc::new(Self {
            world: Mutex::new(World::new(Time::UNIX_EPOCH, objects)),
            changed: watch::Sender::new(0),
            told: Mutex::default(),
            unknown: AtomicU64::new(0),
        })
    }

    fn change<R>(&self, change: impl FnOnce(&mut World) -> R) -> R {
        let mut world = self.world.lock();
        let result = change(&mut world);
        self.changed.send_replace(world.revision());
        result
    }

    fn list(&self, kind: &str) -> Change {
        let world = self.world.lock();
        let document = |object: Value| Document {
            key: Meta::of(&object).key(),
            revision: Meta::of(&object).resource_version.parse().unwrap(),
            bytes: Bytes::from(object.to_string()),
        };
        Change::Reset {
            objects: world.all(kind).into_iter().map(document).collect(),
            revision: world.revision(),
        }
    }
}

struct Lagging(Arc<Shared>);

impl Source for Lagging {
    fn follow(&self, what: Follow) -> BoxStream<'static, Change> {
        let (shared, kind) = (self.0.clone(), what.kind.kind.clone());
        let mut changed = shared.changed.subscribe();
        changed.mark_changed();
        futures::stream::unfold((shared, changed), move |(shared, mut changed)| {
            let kind = kind.clone();
            async move {
                changed.changed().await.ok()?;
                let list = shared.list(&kind);
                tokio::time::sleep(LAG).await;
                Some((list, (shared, changed)))
            }
        })
        .boxed()
    }
}

#[async_trait]
impl Actor for Shared {
    async fn perform(&self, action: &Action) -> Result<Option<Wait>, Refused> {
        let revision = self.change(|world| world.apply(action).map(|()| world.revision()));
        let refused = |refusal: Refusal| Refused {
            message: format!("{refusal:?}"),
            conflict: refusal == Refusal::Conflict,
            unknown: false,
        };
        let revision = revision.map_err(refused)?;
        if self.unknown.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1)).is_ok() {
            return Err(Refused { message: "cut off".into(), conflict: false, unknown: true });
        }
        Ok(Some(Wait::Revision { kind: action.kind().clone(), revision }))
    }

    async fn answer(&self, query: &Query) -> Result<Option<Value>, Refused> {
        Ok(self.world.lock().answer(query))
    }

    async fn revision(&self, _: &GroupKind) -> Result<u64, Refused> {
        Ok(self.world.lock().revision())
    }

    async fn tell(&self, controller: &'static str, note: &Note) {
        self.told.lock().push(format!("{controller} {} {}", note.reason, note.key));
    }
}

/// Makes pods with ever new names: were it to decide on an old view, there would be too many.
static KEEPER: [Controller; 1] =
    [Controller { name: "keeper", kind: ("apps", "ReplicaSet"), watches: keeper_watches, reconcile: keep }];

fn keeper_watches() -> Vec<Watch> {
    vec![Watch::of::<Set>(Map::Itself), Watch::of::<Pod>(Map::Controller(("apps", "ReplicaSet")))]
}

fn keep(snapshot: &Snapshot, item: &Item, memory: &mut Memory, _: Time) -> Outcome {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let Some(set) = snapshot.get::<Set>(&item.key) else { return Outcome::nothing() };
    let question = Query::Get { kind: item.kind.clone(), key: item.key.clone() };
    if memory.answer(&question).is_none() {
        return Outcome::Ask(vec![question]);
    }
    let uid = set.metadata.uid.as_str();
    let wanted = set.spec["replicas"].as_u64().unwrap();
    let present = snapshot.table::<Pod>().owned_by(uid).filter(|pod| pod.spec.is_null()).count() as u64;
    let mut plan = crate::Plan::default();
    for _ in present..wanted {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let owner = json!({
            "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": item.key.name, "uid": uid, "controller": true,
        });
        let metadata = json!({"name": format!("pod-{number}"), "namespace": "d", "ownerReferences": [owner]});
        let object = json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata});
        let note = Note {
            kind: item.kind.clone(),
            key: item.key.clone(),
            uid: uid.to_owned(),
            severity: crate::NoteType::Normal,
            reason: "Created",
            message: String::new(),
            after: None,
        };
        plan.act_and_tell(Action::Create { kind: GroupKind::new("", "Pod"), object }, note);
    }
    plan.into()
}

fn set(name: &str, replicas: u64) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {"name": name, "namespace": "d"}, "spec": {"replicas": replicas},
    })
}

async fn until(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..1000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("{what} never happens");
}

/// Runs the keeper over these sets, and once more after `then`; the pods must be as many as wanted, and stay so.
async fn check(sets: Vec<Value>, unknown: u64, then: fn(&mut World)) {
    let shared = Shared::new(sets);
    shared.unknown.store(unknown, Ordering::Relaxed);
    let kinds = Arc::new(kinds::built_in());
    let options = Options::new(Leadership::Held);
    let source = Arc::new(Lagging(shared.clone()));
    let running = tokio::spawn(serve(&KEEPER, shared.clone(), source, kinds, options));
    let settled = |shared: &Shared| {
        let world = shared.world.lock();
        let wanted: u64 =
            world.all("ReplicaSet").iter().map(|set| set["spec"]["replicas"].as_u64().unwrap()).sum();
        world.all("Pod").len() as u64 >= wanted
    };
    until("the first state", || settled(&shared)).await;
    shared.change(then);
    until("the second state", || settled(&shared)).await;
    tokio::time::sleep(LAG * 10).await;
    running.abort();
    let world = shared.world.lock();
    let wanted: u64 =
        world.all("ReplicaSet").iter().map(|set| set["spec"]["replicas"].as_u64().unwrap()).sum();
    assert_eq!(world.all("Pod").len() as u64, wanted);
    let told = shared.told.lock().len() as u64;
    assert_eq!(told, wanted - unknown, "every creation that is known to have succeeded is told once");
}

fn grow(world: &mut World) {
    for set in world.all("ReplicaSet") {
        world.change(&set, |set| set["spec"]["replicas"] = 9.into());
    }
}

#[tokio::test]
async fn never_decides_on_what_it_has_not_seen() {
    check(vec![set("a", 5), set("b", 7), set("c", 0)], 0, grow).await;
}

#[tokio::test]
async fn waits_after_a_write_of_unknown_outcome() {
    check(vec![set("a", 5)], 2, grow).await;
}
