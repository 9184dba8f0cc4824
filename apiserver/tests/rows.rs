//! Every stored kind through every verb: a new row of the table is tested by being there.

use std::time::Duration;

use cache::{Change, Follow};
use client::{ListParams, PatchType};
use futures::StreamExt;
use kinds::{Kind, Verb};
use object::{Key, Value};
use serde_json::json;

use crate::{World, fixtures, forms};

#[tokio::test]
async fn every_row_goes_through_every_verb() {
    let world = World::new().await;
    let stored: Vec<_> = world.kinds.iter().filter(|kind| is_written(kind)).cloned().collect();
    assert!(stored.len() > 50);
    for kind in &stored {
        Row { world: &world, kind }.check().await;
    }
    world.server.stop().await;
}

#[tokio::test]
async fn every_row_has_every_form() {
    let world = World::new().await;
    let kinds = world.kinds.served().filter(|kind| is_written(kind));
    futures::future::join_all(kinds.map(|kind| forms::check(&world, kind))).await;
    world.server.stop().await;
}

/// What one version writes the other reads, by any verb.
#[tokio::test]
async fn further_versions_are_of_the_same_objects() {
    let world = World::new().await;
    for served in world.kinds.served().filter(|kind| kind.storage.is_some()) {
        let stored = world.kinds.stored(served);
        let (row, other) = (Row { world: &world, kind: served }, Row { world: &world, kind: stored });
        let created = row.create("a").await;
        assert_eq!(created["apiVersion"], served.api_version(), "{served:?}");
        assert_eq!(row.get("a").await, created, "{served:?}");
        let there = other.get("a").await;
        assert_eq!(there["apiVersion"], stored.api_version());
        assert_eq!(there["metadata"]["uid"], created["metadata"]["uid"]);
        row.conflicts().await;
        row.patches().await;
        row.dry_run().await;
        row.pages().await;
        let through = other.create("b").await;
        let seen = row.get("b").await;
        let updated = world.client.update(stored, &row.key("b"), &through).await.expect("an update");
        assert_eq!(updated, through, "{served:?}: nothing changed");
        let back = world.client.update(served, &row.key("b"), &seen).await.expect("an update");
        assert_eq!(back, seen, "{served:?}: there and back loses nothing");
        row.collection_delete().await;
    }
    world.server.stop().await;
}

/// Whether clients make objects of a kind, and these are kept.
fn is_written(kind: &Kind) -> bool {
    kind.has(Verb::Create) && !kind.policy.talk
}

/// One kind under test.
struct Row<'a> {
    world: &'a World,
    kind: &'a Kind,
}

impl Row<'_> {
    fn namespace(&self) -> &str {
        if self.kind.namespaced() { "default" } else { "" }
    }

    fn key(&self, name: &str) -> Key {
        Key::new(self.namespace(), fixtures::name(self.kind, name))
    }

    /// The names of the objects that pages and collections are of.
    fn names(&self) -> Vec<String> {
        ["p1", "p2", "p3"].iter().map(|name| fixtures::name(self.kind, name)).collect()
    }

    async fn create(&self, name: &str) -> Value {
        let object = fixtures::object(self.kind, name);
        let created = self.world.client.create(self.kind, self.namespace(), &object).await;
        created.unwrap_or_else(|e| panic!("{:?}: create: {e}", self.kind))
    }

    async fn get(&self, name: &str) -> Value {
        let got = self.world.client.get(self.kind, &self.key(name)).await;
        got.unwrap_or_else(|e| panic!("{:?}: get: {e}", self.kind))
    }

    async fn check(&self) {
        let mut changes = self.world.server.source(apiserver::Identity::admin()).follow(self.follow());
        let first = changes.next().await;
        assert!(
            matches!(first, Some(Change::Reset { objects, .. }) if objects.is_empty()),
            "{:?}",
            self.kind
        );
        self.reads().await;
        self.conflicts().await;
        self.patches().await;
        self.dry_run().await;
        self.status_is_isolated().await;
        self.finalizers().await;
        self.pages().await;
        self.collection_delete().await;
        self.watch_told(&mut changes).await;
    }

    fn follow(&self) -> Follow {
        let kind = self.world.kinds.kind(&self.kind.group, &self.kind.kind).expect("a row");
        Follow { labels: "row=tested".into(), ..Follow::all(kind) }
    }

    async fn reads(&self) {
        let created = self.create("a").await;
        let meta = &created["metadata"];
        for field in ["uid", "resourceVersion", "creationTimestamp"] {
            assert!(meta[field].is_string(), "{:?}: {field} in {meta}", self.kind);
        }
        assert_eq!(self.get("a").await, created, "{:?}: what is read is what was answered", self.kind);
        let again =
            self.world.client.create(self.kind, self.namespace(), &fixtures::object(self.kind, "a")).await;
        assert!(again.is_err_and(|e| e.is_already_exists()), "{:?}: twice", self.kind);
        let missing = self.world.client.get(self.kind, &self.key("missing")).await;
        assert!(missing.is_err_and(|e| e.is_not_found()), "{:?}: missing", self.kind);
    }

    async fn conflicts(&self) {
        let mut stale = self.get("a").await;
        let mut fresh = stale.clone();
        fresh["metadata"]["labels"]["changed"] = "yes".into();
        let updated = self.world.client.update(self.kind, &self.key("a"), &fresh).await;
        let updated = updated.unwrap_or_else(|e| panic!("{:?}: update: {e}", self.kind));
        assert_ne!(updated["metadata"]["resourceVersion"], stale["metadata"]["resourceVersion"]);
        assert_eq!(updated["metadata"]["generation"], stale["metadata"]["generation"], "{:?}", self.kind);
        stale["metadata"]["labels"]["changed"] = "no".into();
        let refused = self.world.client.update(self.kind, &self.key("a"), &stale).await;
        assert!(refused.is_err_and(|e| e.is_conflict()), "{:?}: stale update", self.kind);
    }

    async fn patches(&self) {
        let patches = [
            (PatchType::Merge, json!({"metadata": {"annotations": {"merge": "1"}}})),
            (PatchType::Strategic, json!({"metadata": {"annotations": {"strategic": "1"}}})),
            (PatchType::Json, json!([{"op": "add", "path": "/metadata/annotations/json", "value": "1"}])),
        ];
        for (patch_type, patch) in patches {
            let patched = self.world.client.patch(self.kind, &self.key("a"), None, patch_type, &patch).await;
            patched.unwrap_or_else(|e| panic!("{:?}: {patch_type:?}: {e}", self.kind));
        }
        let annotations = self.get("a").await["metadata"]["annotations"].clone();
        for name in ["merge", "strategic", "json"] {
            assert_eq!(annotations[name], "1", "{:?}: {name} in {annotations}", self.kind);
        }
    }

    async fn dry_run(&self) {
        let path = format!("{}?dryRun=All", self.kind.path(self.namespace()));
        let object = fixtures::object(self.kind, "dry");
        let answer = self.world.client.json(http::Method::POST, path, Some(&object)).await;
        answer.unwrap_or_else(|e| panic!("{:?}: dry run: {e}", self.kind));
        let missing = self.world.client.get(self.kind, &self.key("dry")).await;
        assert!(missing.is_err_and(|e| e.is_not_found()), "{:?}: a dry run leaves nothing", self.kind);
    }

    async fn status_is_isolated(&self) {
        if self.kind.subresource("status").is_none() {
            return;
        }
        let before = self.get("a").await;
        let mut changed = before.clone();
        changed["spec"] = json!(null);
        let patch = json!({"metadata": {"annotations": {"by": "status"}}});
        let patched = self
            .world
            .client
            .patch(self.kind, &self.key("a"), Some("status"), PatchType::Merge, &patch)
            .await;
        let patched = patched.unwrap_or_else(|e| panic!("{:?}: status: {e}", self.kind));
        assert_eq!(patched["spec"], before["spec"], "{:?}: a status write leaves the spec", self.kind);
        let mut main = patched.clone();
        main["status"] = json!({});
        let updated = self.world.client.update(self.kind, &self.key("a"), &main).await;
        let updated = updated.unwrap_or_else(|e| panic!("{:?}: update: {e}", self.kind));
        assert_eq!(updated["status"], patched["status"], "{:?}: a write leaves the status", self.kind);
    }

    async fn finalizers(&self) {
        let add = json!({"metadata": {"finalizers": ["example.com/hold"]}});
        let client = &self.world.client;
        client.patch(self.kind, &self.key("a"), None, PatchType::Merge, &add).await.expect("a finalizer");
        client.delete(self.kind, &self.key("a"), &json!({})).await.expect("marks it");
        let held = self.get("a").await;
        assert!(held["metadata"]["deletionTimestamp"].is_string(), "{:?}: it waits", self.kind);
        if self.kind.kind == "Namespace" {
            let mut finalized = held.clone();
            finalized["spec"]["finalizers"] = json!([]);
            let done = client.update_subresource(self.kind, &self.key("a"), "finalize", &finalized).await;
            done.expect("finalize");
        }
        let remove = json!({"metadata": {"finalizers": null}});
        client.patch(self.kind, &self.key("a"), None, PatchType::Merge, &remove).await.expect("the last one");
        let gone = client.get(self.kind, &self.key("a")).await;
        assert!(gone.is_err_and(|e| e.is_not_found()), "{:?}: it goes with its last finalizer", self.kind);
    }

    async fn pages(&self) {
        for name in ["p1", "p2", "p3"] {
            let mut object = fixtures::object(self.kind, name);
            object["metadata"]["labels"] = json!({"row": "tested"});
            let created = self.world.client.create(self.kind, self.namespace(), &object).await;
            created.unwrap_or_else(|e| panic!("{:?}: create: {e}", self.kind));
        }
        let mut names = Vec::new();
        let mut params = ListParams { labels: "row=tested".into(), limit: 2, ..ListParams::default() };
        loop {
            let list = self.world.client.list(self.kind, self.namespace(), &params).await;
            let list = list.unwrap_or_else(|e| panic!("{:?}: list: {e}", self.kind));
            assert_eq!(list["kind"], format!("{}List", self.kind.kind));
            names.extend(list["items"].as_array().unwrap().iter().map(|i| i["metadata"]["name"].clone()));
            params.cont = list["metadata"]["continue"].as_str().unwrap_or_default().to_owned();
            if params.cont.is_empty() {
                break;
            }
        }
        assert_eq!(names, self.names(), "{:?}", self.kind);
    }

    async fn collection_delete(&self) {
        // no controller runs here that would take a finalizer off
        let query = "labelSelector=row%3Dtested&propagationPolicy=Background";
        let path = format!("{}?{query}", self.kind.path(self.namespace()));
        let deleted = self.world.client.json(http::Method::DELETE, path, None).await;
        if !self.kind.has(Verb::DeleteCollection) {
            assert_eq!(deleted.unwrap_err().status().map(|s| s.code), Some(405), "{:?}", self.kind);
            for name in ["p1", "p2", "p3"] {
                self.world.client.delete(self.kind, &self.key(name), &json!({})).await.expect("delete");
                let mut object = self.get(name).await;
                object["spec"]["finalizers"] = json!([]);
                self.world
                    .client
                    .update_subresource(self.kind, &self.key(name), "finalize", &object)
                    .await
                    .expect("finalize");
            }
            return;
        }
        deleted.unwrap_or_else(|e| panic!("{:?}: deletecollection: {e}", self.kind));
        let params = ListParams { labels: "row=tested".into(), ..ListParams::default() };
        let list = self.world.client.list(self.kind, self.namespace(), &params).await.expect("list");
        assert_eq!(list["items"], json!([]), "{:?}", self.kind);
    }

    async fn watch_told(&self, changes: &mut futures::stream::BoxStream<'static, Change>) {
        let (mut put, mut gone) = (Vec::new(), Vec::new());
        let until = tokio::time::Instant::now() + Duration::from_secs(10);
        while gone.len() < 3 {
            let next = tokio::time::timeout_at(until, changes.next()).await;
            match next.unwrap_or_else(|_| panic!("{:?}: watch told {put:?} {gone:?}", self.kind)) {
                Some(Change::Put(document)) => {
                    if !put.contains(&document.key.name) {
                        put.push(document.key.name);
                    }
                }
                Some(Change::Gone { key, .. }) => gone.push(key.name),
                Some(Change::Progress(_)) => {}
                other => panic!("{:?}: {other:?}", self.kind),
            }
        }
        put.sort();
        gone.sort();
        assert_eq!((put, gone.clone()), (gone, self.names()), "{:?}", self.kind);
    }
}
