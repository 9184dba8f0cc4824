//! What informers make of a source's changes.

use std::collections::HashMap;
use std::sync::Arc;

use futures::StreamExt;
use futures::stream::{BoxStream, unfold};
use kinds::Kinds;
use object::{Key, Meta};
use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::testing::pods;
use crate::{Change, Document, Follow, Informers, Row, Source, View, ViewKind};

#[derive(Deserialize)]
struct Pod {
    metadata: Meta,
    spec: Spec,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spec {
    node_name: String,
}

impl View for Pod {
    const GROUP: &'static str = "";
    const KIND: &'static str = "Pod";

    fn decode(document: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(document)
    }

    fn meta(&self) -> &Meta {
        &self.metadata
    }
}

/// A source whose changes the test tells, by kind.
#[derive(Default)]
struct Told(Mutex<HashMap<String, mpsc::Sender<Change>>>);

impl Source for Told {
    fn follow(&self, what: Follow) -> BoxStream<'static, Change> {
        let (sender, receiver) = mpsc::channel(100);
        self.0.lock().insert(what.kind.kind.clone(), sender);
        unfold(receiver, |mut receiver| async { Some((receiver.recv().await?, receiver)) }).boxed()
    }
}

impl Told {
    fn tell(&self, kind: &str, change: Change) {
        self.0.lock()[kind].try_send(change).unwrap();
    }
}

fn document(name: &str, revision: u64, spec: Value, owners: &[&str]) -> Document {
    let owners: Vec<_> = owners.iter().map(|uid| json!({"uid": uid})).collect();
    let object = json!({
        "metadata": {
            "namespace": "ns", "name": name, "uid": format!("uid-{name}"), "ownerReferences": owners,
            "resourceVersion": revision.to_string(), "annotations": {"much": "text"},
        },
        "spec": spec,
    });
    Document { key: Key::new("ns", name), bytes: object.to_string().into(), revision }
}

fn pod(name: &str, node: &str, revision: u64) -> Document {
    document(name, revision, json!({"nodeName": node}), &[])
}

fn gone(name: &str, revision: u64) -> Change {
    Change::Gone { key: Key::new("ns", name), revision }
}

fn following() -> (Arc<Told>, Informers) {
    let source = Arc::new(Told::default());
    (source.clone(), Informers::new(source))
}

fn nodes(informers: &Informers) -> Vec<String> {
    let snapshot = informers.read();
    snapshot
        .table::<Pod>()
        .iter()
        .map(|pod| format!("{} {}", pod.metadata.name, pod.spec.node_name))
        .collect()
}

#[tokio::test]
async fn keeps_a_table() {
    let (source, informers) = following();
    informers.follow(ViewKind::of::<Pod>(), Follow::all(&Arc::new(pods())));
    assert!(nodes(&informers).is_empty(), "a followed table can be read before the first list");
    assert!(!informers.is_synced());
    source.tell("Pod", Change::Reset { objects: vec![pod("a", "n1", 3), pod("b", "n1", 4)], revision: 5 });
    informers.wait_synced().await;
    assert_eq!(nodes(&informers), ["a n1", "b n1"]);
    assert_eq!(informers.revision_of("", "Pod"), 5);
    source.tell("Pod", Change::Put(pod("b", "n2", 6)));
    source.tell("Pod", gone("a", 7));
    source.tell("Pod", Change::Progress(9));
    informers.wait_revision("", "Pod", 9).await;
    assert_eq!(nodes(&informers), ["b n2"]);
    source.tell("Pod", Change::Reset { objects: vec![pod("c", "n3", 2)], revision: 2 });
    source.tell("Pod", Change::Put(pod("d", "n4", 10)));
    informers.wait_revision("", "Pod", 10).await;
    assert_eq!(nodes(&informers), ["c n3", "d n4"]);
    assert_eq!(informers.revision_of("", "Other"), 0);
}

#[tokio::test]
async fn a_declared_table_is_empty_before_anything_is_followed() {
    let informers = Informers::new(Arc::new(Told::default()));
    informers.declare(ViewKind::of::<Pod>());
    assert!(informers.read().table::<Pod>().is_empty());
    informers.follow(ViewKind::of::<Pod>(), Follow::all(&Arc::new(pods())));
    informers.declare(ViewKind::of::<Pod>());
    assert!(informers.read().table::<Pod>().revision() == 0, "declaring is not knowing");
}

#[tokio::test]
async fn what_does_not_decode_is_left_out() {
    let (source, informers) = following();
    informers.follow(ViewKind::of::<Pod>(), Follow::all(&Arc::new(pods())));
    let broken = |name: &str, revision| document(name, revision, json!({"nodeName": 7}), &[]);
    source.tell("Pod", Change::Reset { objects: vec![pod("a", "n1", 1), broken("b", 2)], revision: 2 });
    source.tell("Pod", Change::Put(broken("a", 3)));
    informers.wait_revision("", "Pod", 3).await;
    assert!(nodes(&informers).is_empty());
    source.tell("Pod", Change::Put(pod("a", "n2", 4)));
    informers.wait_revision("", "Pod", 4).await;
    assert_eq!(nodes(&informers), ["a n2"]);
}

#[tokio::test]
async fn notices_hold_each_object_once_from_first_to_last() {
    let (source, informers) = following();
    let mut notices = informers.subscribe();
    informers.follow(ViewKind::of::<Pod>(), Follow::all(&Arc::new(pods())));
    source.tell("Pod", Change::Reset { objects: vec![pod("a", "n1", 1), pod("b", "n1", 2)], revision: 2 });
    informers.wait_synced().await;
    assert_eq!(notices.next().await.len(), 2);
    for revision in 3..6 {
        source.tell("Pod", Change::Put(pod("a", "n1", revision)));
    }
    source.tell("Pod", gone("b", 6));
    source.tell("Pod", Change::Put(pod("c", "n1", 7)));
    source.tell("Pod", gone("c", 8));
    informers.wait_revision("", "Pod", 8).await;
    let version = |meta: &Option<Arc<Meta>>| meta.as_ref().map(|meta| meta.resource_version.clone());
    let got: Vec<_> = notices
        .take()
        .iter()
        .map(|n| (n.key.name.clone(), version(&n.old), version(&n.new), n.revision))
        .collect();
    let expected = [("a", Some("1"), Some("5"), 5), ("b", Some("2"), None, 6), ("c", None, None, 8)];
    let expected = expected
        .map(|(name, old, new, at)| (name.to_owned(), old.map(str::to_owned), new.map(str::to_owned), at));
    assert_eq!(got, expected);
    assert!(notices.take().is_empty());
}

#[tokio::test]
async fn a_reset_tells_only_what_differs() {
    let (source, informers) = following();
    let mut notices = informers.subscribe();
    informers.follow(ViewKind::of::<Pod>(), Follow::all(&Arc::new(pods())));
    let objects = vec![pod("a", "n1", 1), pod("b", "n1", 2), pod("c", "n1", 3)];
    source.tell("Pod", Change::Reset { objects, revision: 3 });
    informers.wait_synced().await;
    notices.take();
    source.tell("Pod", Change::Reset { objects: vec![pod("a", "n1", 1), pod("b", "n2", 7)], revision: 9 });
    informers.wait_revision("", "Pod", 9).await;
    let names: Vec<_> =
        notices.take().into_iter().map(|notice| (notice.key.name, notice.new.is_some())).collect();
    assert_eq!(names, [("b".to_owned(), true), ("c".to_owned(), false)]);
}

#[tokio::test]
async fn listeners_see_the_old_and_the_new_view() {
    let (source, informers) = following();
    let seen = Arc::new(Mutex::new(Vec::new()));
    informers.listen(Arc::new({
        let seen = seen.clone();
        move |snapshot, difference| {
            let node =
                |view: Option<&dyn std::any::Any>| Some(view?.downcast_ref::<Pod>()?.spec.node_name.clone());
            let count = snapshot.table::<Pod>().len();
            seen.lock().push((node(difference.old), node(difference.new), count));
        }
    }));
    informers.follow(ViewKind::of::<Pod>(), Follow::all(&Arc::new(pods())));
    source.tell("Pod", Change::Reset { objects: vec![pod("a", "n1", 1)], revision: 1 });
    informers.wait_synced().await;
    for (change, revision) in [(Change::Put(pod("a", "n2", 2)), 2), (gone("a", 3), 3)] {
        source.tell("Pod", change);
        informers.wait_revision("", "Pod", revision).await;
    }
    let (n1, n2) = (Some("n1".to_owned()), Some("n2".to_owned()));
    assert_eq!(*seen.lock(), [(None, n1.clone(), 1), (n1, n2.clone(), 1), (n2, None, 0)]);
}

#[tokio::test]
async fn everything_by_kind_owner_and_namespace() {
    let (source, informers) = following();
    let secrets = kinds::Kind { kind: "Secret".into(), plural: "secrets".into(), ..pods() };
    let talk = kinds::Policy { talk: true, ..kinds::Policy::default() };
    let review = kinds::Kind { kind: "Review".into(), plural: "reviews".into(), policy: talk, ..pods() };
    informers.follow_everything(&Kinds::new([pods(), secrets, review]));
    let owned = |name: &str, revision, owners: &[&str]| document(name, revision, json!({}), owners);
    let mut objects = vec![owned("a", 1, &["uid-s"]), owned("b", 2, &["uid-s", "uid-a"])];
    source.tell("Pod", Change::Reset { objects: objects.clone(), revision: 2 });
    source.tell("Secret", Change::Reset { objects: vec![owned("s", 2, &[])], revision: 2 });
    informers.wait_synced().await;
    let names =
        |rows: &mut dyn Iterator<Item = &Arc<Row>>| rows.map(|row| row.key.name.clone()).collect::<Vec<_>>();
    {
        let snapshot = informers.read();
        let all = snapshot.everything();
        assert_eq!(names(&mut all.owned_by("uid-s")), ["a", "b"]);
        assert_eq!(names(&mut all.owned_by("uid-a")), ["b"]);
        assert_eq!(names(&mut all.namespace("ns")), ["a", "b", "s"]);
        assert_eq!(&*all.by_uid("uid-s").unwrap().kind, "Secret");
        assert!(all.get("", "Pod", &Key::new("ns", "a")).unwrap().meta.annotations.is_empty());
    }
    source.tell("Pod", Change::Put(owned("b", 3, &[])));
    objects[0] = owned("c", 4, &["uid-s"]);
    objects.truncate(1);
    source.tell("Pod", Change::Reset { objects, revision: 4 });
    informers.wait_revision("", "Pod", 4).await;
    {
        let snapshot = informers.read();
        let all = snapshot.everything();
        assert_eq!(names(&mut all.owned_by("uid-s")), ["c"]);
        assert_eq!(all.owned_by("uid-a").count(), 0);
        assert_eq!(all.iter().count(), 2);
        assert_eq!(all.revision("", "Pod"), 4);
    }
    informers.forget("", "Pod");
    let snapshot = informers.read();
    assert_eq!(names(&mut snapshot.everything().namespace("ns")), ["s"]);
    assert_eq!(snapshot.everything().revision("", "Pod"), 0);
}
