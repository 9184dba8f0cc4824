//! kube-rs, as operators are written with it: typed and dynamic objects, discovery, watchers, a controller.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::authentication::v1::TokenRequest;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Node, Pod, Secret, ServiceAccount};
use kube::api::{
    DeleteParams, DynamicObject, EvictParams, ListParams, Patch, PostParams, Preconditions, WatchEvent,
    WatchParams,
};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::PartialObjectMetaExt;
use kube::discovery::Discovery;
use kube::runtime::controller::Action;
use kube::runtime::events::{Event as Note, EventType, Recorder, Reporter};
use kube::runtime::finalizer::{Event, finalizer};
use kube::runtime::wait::{await_condition, conditions};
use kube::runtime::{Controller, WatchStreamExt, reflector, watcher};
use kube::{Api, Client, Config, Resource, ResourceExt};
use serde_json::json;

use crate::harness::{Cluster, PATIENCE};

/// A client as any program makes it from a kubeconfig.
async fn connect(kubeconfig: &Path) -> Client {
    // the process may have several cryptographic libraries: the programs' authors choose
    let _ = rustls::crypto::ring::default_provider().install_default();
    let file = Kubeconfig::read_from(kubeconfig).expect("a kubeconfig");
    let config = Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await;
    Client::try_from(config.expect("a configuration")).expect("a client")
}

fn read<K: serde::de::DeserializeOwned>(document: serde_json::Value) -> K {
    serde_json::from_value(document).expect("a valid document")
}

fn config_map(name: &str, data: &str) -> ConfigMap {
    read(json!({"metadata": {"name": name, "labels": {"app": "web"}}, "data": {"a": data}}))
}

#[test]
fn kube_rs_works_as_with_kubernetes() {
    let cluster = Cluster::with_nodes(1);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let client = connect(Path::new(&cluster.kubeconfig())).await;
        let everything = async {
            discovers(&client).await;
            writes_and_reads(&client).await;
            follows(&client).await;
            runs_pods(&client).await;
            controls(&client).await;
        };
        tokio::time::timeout(2 * PATIENCE, everything).await.expect("in time");
    });
}

async fn discovers(client: &Client) {
    let version = client.apiserver_version().await.expect("a version");
    assert!(version.minor.parse::<u32>().is_ok_and(|minor| minor >= 37), "{version:?}");
    let plain = Discovery::new(client.clone()).run().await.expect("groups");
    let aggregated = Discovery::new(client.clone()).run_aggregated().await.expect("groups");
    for found in [plain, aggregated] {
        let apps = found.get("apps").expect("a group");
        let (deployments, abilities) = apps.recommended_kind("Deployment").expect("a kind");
        assert_eq!((deployments.plural.as_str(), apps.preferred_version_or_latest()), ("deployments", "v1"));
        assert!(abilities.supports_operation("deletecollection"));
        assert!(abilities.subresources.iter().any(|(part, _)| part.plural.ends_with("scale")));
        // any kind, without a type for it
        let any: Api<DynamicObject> = Api::all_with(client.clone(), &deployments);
        assert!(any.list(&ListParams::default()).await.expect("a list").items.is_empty());
    }
}

async fn writes_and_reads(client: &Client) {
    let maps: Api<ConfigMap> = Api::default_namespaced(client.clone());
    let made = maps.create(&PostParams::default(), &config_map("a", "1")).await.expect("create");
    let again = maps.create(&PostParams::default(), &config_map("a", "1")).await.expect_err("it is there");
    assert!(matches!(again, kube::Error::Api(status) if status.is_already_exists()));
    let merge = Patch::Merge(json!({"data": {"b": "2"}}));
    let patched = maps.patch("a", &Default::default(), &merge).await.expect("patch");
    assert_eq!(patched.data.expect("data").len(), 2);
    let stale = maps.replace("a", &PostParams::default(), &made).await.expect_err("it changed");
    assert!(matches!(stale, kube::Error::Api(status) if status.is_conflict()));
    let strategic = Patch::Strategic(json!({"data": {"b": null}, "metadata": {"labels": {"more": "yes"}}}));
    let patched = maps.patch("a", &Default::default(), &strategic).await.expect("patch");
    assert_eq!((patched.data.expect("data").len(), patched.metadata.labels.expect("labels").len()), (1, 2));
    let metadata = maps.get_metadata("a").await.expect("metadata");
    assert_eq!(metadata.labels()["more"], "yes");
    let more = BTreeMap::from([("from".to_owned(), "metadata".to_owned())]);
    let of_meta = kube::core::ObjectMeta { annotations: Some(more), ..Default::default() }
        .into_request_partial::<ConfigMap>();
    let patched: kube::core::PartialObjectMeta<ConfigMap> =
        maps.patch_metadata("a", &Default::default(), &Patch::Merge(&of_meta)).await.expect("patch");
    assert_eq!(patched.annotations()["from"], "metadata");

    let mut entry = maps.entry("b").await.expect("an entry").or_insert(|| config_map("b", "1"));
    entry.commit(&PostParams::default()).await.expect("it is made");
    entry.get_mut().data = Some(BTreeMap::from([("a".to_owned(), "changed".to_owned())]));
    entry.commit(&PostParams::default()).await.expect("it is changed");
    assert_eq!(maps.get("b").await.expect("get").data.expect("data")["a"], "changed");

    for name in ["c", "d", "e"] {
        maps.create(&PostParams::default(), &config_map(name, "1")).await.expect("create");
    }
    let page = maps.list(&ListParams::default().labels("app=web").limit(2)).await.expect("a page");
    assert_eq!(page.items.len(), 2);
    let token = page.metadata.continue_.expect("a token");
    let rest =
        maps.list(&ListParams::default().labels("app=web").continue_token(&token)).await.expect("the rest");
    assert_eq!((rest.items.len(), rest.metadata.resource_version), (3, page.metadata.resource_version));
    let names = maps.list_metadata(&ListParams::default().fields("metadata.name=c")).await.expect("a list");
    assert_eq!(names.items.len(), 1);
    let wrong = DeleteParams::default()
        .preconditions(Preconditions { uid: Some("x".into()), resource_version: None });
    assert!(maps.delete("c", &wrong).await.is_err());
    let labelled = ListParams::default().labels("app=web");
    maps.delete_collection(&DeleteParams::default(), &labelled).await.expect("a deletion");
    assert!(maps.get_opt("c").await.expect("get").is_none());

    let accounts: Api<ServiceAccount> = Api::default_namespaced(client.clone());
    let wish: TokenRequest = read(json!({"spec": {"audiences": ["vault"], "expirationSeconds": 600}}));
    let token =
        accounts.create_token_request("default", &PostParams::default(), &wish).await.expect("a token");
    let token = token.status.and_then(|status| status.token).expect("a token");
    assert_eq!(token.split('.').count(), 3);
    let namespaces: Api<Namespace> = Api::all(client.clone());
    assert!(namespaces.list(&ListParams::default()).await.expect("a list").items.len() >= 4);
}

/// Watches, plain and as streams of everything that there is and happens.
async fn follows(client: &Client) {
    let secrets: Api<Secret> = Api::default_namespaced(client.clone());
    let start =
        secrets.list(&ListParams::default()).await.expect("a list").metadata.resource_version.expect("one");
    let secret = |name: &str| read::<Secret>(json!({"metadata": {"name": name}, "stringData": {"a": "b"}}));
    secrets.create(&PostParams::default(), &secret("s")).await.expect("create");
    let only = WatchParams::default().fields("metadata.name=s").timeout(20);
    let mut events = secrets.watch(&only, &start).await.expect("a watch").boxed();
    let first = events.try_next().await.expect("no error").expect("an event");
    assert!(
        matches!(first, WatchEvent::Added(secret) if secret.data.as_ref().is_some_and(|data| data["a"].0 == b"b"))
    );
    drop(events);
    for config in [watcher::Config::default(), watcher::Config::default().streaming_lists()] {
        let (reader, writer) = reflector::store();
        let all = watcher(secrets.clone(), config).reflect(writer);
        let all = tokio::spawn(all.for_each(|event| async move { assert!(event.is_ok(), "{event:?}") }));
        reader.wait_until_ready().await.expect("it follows");
        assert!(reader.state().iter().any(|secret| secret.name_any() == "s"));
        secrets.create(&PostParams::default(), &secret("late")).await.expect("create");
        while !reader.state().iter().any(|secret| secret.name_any() == "late") {
            tokio::task::yield_now().await;
        }
        secrets.delete("late", &DeleteParams::default()).await.expect("delete");
        while reader.len() > 1 {
            tokio::task::yield_now().await;
        }
        all.abort();
    }
}

async fn runs_pods(client: &Client) {
    let deployments: Api<Deployment> = Api::default_namespaced(client.clone());
    let template = json!({"metadata": {"labels": {"app": "w"}}, "spec": {"containers": [{"name": "w", "image": "w:1"}]}});
    let deployment: Deployment = read(json!({
        "metadata": {"name": "w"},
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "w"}}, "template": template},
    }));
    deployments.create(&PostParams::default(), &deployment).await.expect("create");
    let done = await_condition(deployments.clone(), "w", conditions::is_deployment_completed());
    done.await.expect("it rolls out");
    let scale = Patch::Merge(json!({"spec": {"replicas": 2}}));
    let scaled = deployments.patch_scale("w", &Default::default(), &scale).await.expect("a scale");
    assert_eq!(scaled.spec.expect("a spec").replicas, Some(2));
    let version = deployments.restart("w").await.expect("a restart").metadata.generation;
    assert!(version > Some(2));
    let again = await_condition(deployments.clone(), "w", conditions::is_deployment_completed());
    again.await.expect("it rolls out");

    let pods: Api<Pod> = Api::default_namespaced(client.clone());
    let pod = pods.list(&ListParams::default().labels("app=w")).await.expect("pods").items.remove(0);
    let (name, uid) = (pod.name_any(), pod.uid().expect("a UID"));
    assert_eq!(pods.evict(&name, &EvictParams::default()).await.expect("an eviction").code, 201);
    await_condition(pods.clone(), &name, conditions::is_deleted(&uid)).await.expect("it goes");
    let nodes: Api<Node> = Api::all(client.clone());
    let node = nodes.list(&ListParams::default()).await.expect("nodes").items.remove(0).name_any();
    nodes.cordon(&node).await.expect("a patch");
    let cordoned = nodes.uncordon(&node).await.expect("a patch");
    assert_ne!(cordoned.spec.expect("a spec").unschedulable, Some(true));

    let reporter = Reporter { controller: "example.com/test".into(), instance: Some("test-1".into()) };
    let note = Note {
        type_: EventType::Normal,
        reason: "Tested".into(),
        note: Some("it was tested".into()),
        action: "Testing".into(),
        secondary: None,
    };
    let recorder = Recorder::new(client.clone(), reporter);
    let about = deployments.get("w").await.expect("get").object_ref(&());
    // the same once more is a series
    for _ in 0..2 {
        recorder.publish(&note, &about).await.expect("an event");
    }
    let events: Api<k8s_openapi::api::events::v1::Event> = Api::default_namespaced(client.clone());
    let told =
        events.list(&ListParams::default().fields("reason=Tested")).await.expect("events").items.remove(0);
    assert_eq!(
        (told.regarding.expect("what").name, told.series.expect("a series").count),
        (Some("w".into()), 2)
    );
    deployments.delete("w", &DeleteParams::foreground()).await.expect("delete");
    await_condition(deployments, "w", conditions::is_deleted(&about.uid.expect("a UID")))
        .await
        .expect("it goes");
    assert!(pods.list(&ListParams::default().labels("app=w")).await.expect("pods").items.is_empty());
}

/// A controller that copies the data of config maps to secrets of their own, and tidies up before a config map goes.
async fn controls(client: &Client) {
    let maps: Api<ConfigMap> = Api::default_namespaced(client.clone());
    let secrets: Api<Secret> = Api::default_namespaced(client.clone());
    let only = watcher::Config::default().labels("copied=yes");
    let controller = Controller::new(maps.clone(), only).owns(secrets.clone(), watcher::Config::default());
    let (all, copies) = (maps.clone(), secrets.clone());
    let reconcile = move |map: Arc<ConfigMap>, _: Arc<()>| {
        let (all, copies) = (all.clone(), copies.clone());
        async move {
            let copy = |event: Event<ConfigMap>| async move {
                let copied = match event {
                    Event::Apply(map) => {
                        let owner = map.controller_owner_ref(&());
                        let secret = read::<Secret>(json!({
                            "metadata": {"name": map.name_any(), "ownerReferences": [owner]}, "stringData": map.data,
                        }));
                        copies.create(&PostParams::default(), &secret).await.map(drop)
                    }
                    Event::Cleanup(map) => {
                        copies.delete(&map.name_any(), &DeleteParams::default()).await.map(drop)
                    }
                };
                match copied {
                    Err(kube::Error::Api(status)) if status.code == 409 || status.code == 404 => {
                        Ok(Action::await_change())
                    }
                    copied => copied.map(|()| Action::await_change()),
                }
            };
            finalizer(&all, "example.com/copy", map, copy).await
        }
    };
    let again = |_: Arc<ConfigMap>, _: &_, _: Arc<()>| Action::requeue(Duration::from_millis(100));
    let running = tokio::spawn(controller.run(reconcile, again, Arc::new(())).for_each(|_| async {}));
    let map: ConfigMap =
        read(json!({"metadata": {"name": "original", "labels": {"copied": "yes"}}, "data": {"a": "b"}}));
    let made = maps.create(&PostParams::default(), &map).await.expect("create");
    let there = conditions::is_created::<Secret>();
    await_condition(secrets.clone(), "original", there).await.expect("it is copied");
    secrets.delete("original", &DeleteParams::default()).await.expect("delete");
    await_condition(secrets.clone(), "original", conditions::is_created()).await.expect("it is copied again");
    maps.delete("original", &DeleteParams::default()).await.expect("delete");
    let gone = conditions::is_deleted(made.metadata.uid.as_deref().expect("a UID"));
    await_condition(maps, "original", gone).await.expect("it goes");
    assert!(secrets.get_opt("original").await.expect("get").is_none());
    running.abort();
}
