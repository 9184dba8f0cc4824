//! What clients send, and what following over them tells.

use std::sync::Arc;
use std::time::Duration;

use cache::{Change, Follow, Source};
use futures::StreamExt;
use futures::stream::BoxStream;
use object::{Key, PatchType, Status};
use serde_json::{Value, json};

use crate::remote::Patience;
use crate::testing::{Answer, Script, frame, page, pod, pods, scripted};
use crate::{Client, RemoteSource};

fn follow(client: Client, what: Follow) -> BoxStream<'static, Change> {
    let patience = Patience { idle: Duration::from_millis(50), lived: Duration::ZERO };
    RemoteSource::with_patience(client, patience).follow(what)
}

fn following(answers: Vec<Answer>) -> (BoxStream<'static, Change>, Arc<Script>) {
    let (client, script) = scripted(answers);
    (follow(client, Follow::all(&Arc::new(pods()))), script)
}

async fn told(changes: &mut BoxStream<'static, Change>, count: usize) -> Vec<String> {
    let line = |change: Change| match change {
        Change::Reset { objects, revision } => {
            let names: Vec<_> = objects.iter().map(|o| format!("{}@{}", o.key, o.revision)).collect();
            format!("reset {} @{revision}", names.join(" "))
        }
        Change::Put(document) => format!("put {}@{}", document.key, document.revision),
        Change::Gone { key, revision } => format!("gone {key}@{revision}"),
        Change::Progress(revision) => format!("progress @{revision}"),
    };
    tokio::time::timeout(Duration::from_secs(20), changes.take(count).map(line).collect()).await.unwrap()
}

/// The request's line without the random part.
fn revision_asked(line: &str) -> &str {
    line.split('&').find_map(|part| part.strip_prefix("resourceVersion=")).unwrap_or("none")
}

#[tokio::test]
async fn lists_in_pages_and_watches_on() {
    let (mut changes, script) = following(vec![
        page(7, "more", &[pod("a", 3), pod("b", 4)]),
        page(7, "", &[pod("c", 5)]),
        Answer::hanging(&[
            frame("ADDED", &pod("d", 8)) + &frame("MODIFIED", &pod("a", 9)),
            frame("DELETED", &pod("b", 10)),
            frame("BOOKMARK", &json!({"metadata": {"resourceVersion": "12"}})),
        ]),
    ]);
    let expected =
        ["reset ns/a@3 ns/b@4 ns/c@5 @7", "put ns/d@8", "put ns/a@9", "gone ns/b@10", "progress @12"];
    assert_eq!(told(&mut changes, 5).await, expected);
    let lines = script.lines();
    assert_eq!(lines[0], "GET /api/v1/pods?limit=500");
    assert_eq!(lines[1], "GET /api/v1/pods?limit=500&continue=more");
    assert!(lines[2].starts_with(
        "GET /api/v1/pods?watch=true&allowWatchBookmarks=true&resourceVersion=7&timeoutSeconds="
    ));
}

#[tokio::test]
async fn asks_for_what_is_followed() {
    let (client, script) = scripted([page(1, "", &[])]);
    let what = Follow {
        kind: Arc::new(pods()),
        namespace: "ns".into(),
        labels: "app in (a,b)".into(),
        fields: "spec.nodeName=n1".into(),
    };
    let mut changes = follow(client, what);
    told(&mut changes, 1).await;
    let step = tokio::time::timeout(Duration::from_secs(1), changes.next());
    let waited = async { script.wait(2).await };
    tokio::select! { _ = step => {}, () = waited => {} }
    let lines = script.lines();
    let selectors = "labelSelector=app%20in%20%28a%2Cb%29&fieldSelector=spec.nodeName%3Dn1";
    assert_eq!(lines[0], format!("GET /api/v1/namespaces/ns/pods?{selectors}&limit=500"));
    assert!(
        lines[1].starts_with("GET /api/v1/namespaces/ns/pods?watch=true") && lines[1].ends_with(selectors)
    );
}

#[tokio::test]
async fn resumes_where_it_was() {
    let (mut changes, script) = following(vec![
        page(7, "", &[]),
        Answer::frames(&[frame("ADDED", &pod("a", 8))]),
        Answer::Status(Status::unavailable("starting")),
        Answer::Broken,
        Answer::hanging(&[frame("BOOKMARK", &pod("", 20))]),
        Answer::hanging(&[frame("MODIFIED", &pod("a", 21))]),
    ]);
    assert_eq!(told(&mut changes, 4).await, ["reset  @7", "put ns/a@8", "progress @20", "put ns/a@21"]);
    let asked: Vec<_> = script.lines().iter().map(|line| revision_asked(line).to_owned()).collect();
    assert_eq!(asked, ["none", "7", "8", "8", "8", "20"], "silence is noticed and the watch resumed");
}

#[tokio::test]
async fn lists_again_when_the_revision_is_gone() {
    let gone = Status::expired("too old").to_value();
    let (mut changes, script) = following(vec![
        page(7, "", &[pod("a", 3)]),
        Answer::frames(&[frame("ADDED", &pod("b", 8)), frame("ERROR", &gone)]),
        page(30, "", &[pod("c", 29)]),
        Answer::Status(Status::expired("too old")),
        page(40, "", &[]),
        Answer::frames(&["not json\n".into()]),
        page(50, "", &[]),
    ]);
    let expected = ["reset ns/a@3 @7", "put ns/b@8", "reset ns/c@29 @30", "reset  @40", "reset  @50"];
    assert_eq!(told(&mut changes, 5).await, expected);
    let asked: Vec<_> = script.lines().iter().map(|line| revision_asked(line).to_owned()).collect();
    assert_eq!(asked, ["none", "7", "none", "30", "none", "40", "none"]);
}

#[tokio::test]
async fn lists_in_one_when_pages_expire() {
    let (mut changes, script) = following(vec![
        page(7, "more", &[pod("a", 3)]),
        Answer::Status(Status::expired("continue")),
        page(9, "", &[pod("a", 3), pod("b", 8)]),
    ]);
    assert_eq!(told(&mut changes, 1).await, ["reset ns/a@3 ns/b@8 @9"]);
    assert_eq!(script.lines()[2], "GET /api/v1/pods");
}

#[tokio::test]
async fn retries_a_list_that_fails() {
    let (mut changes, _) =
        following(vec![Answer::Status(Status::unauthorized()), Answer::Broken, page(7, "", &[pod("a", 3)])]);
    assert_eq!(told(&mut changes, 1).await, ["reset ns/a@3 @7"]);
}

#[tokio::test]
async fn requests() {
    let (client, script) = scripted((0..9).map(|i| Answer::Json(json!({"i": i}))));
    let (kind, key) = (pods(), Key::new("ns", "a"));
    let object = pod("a", 1);
    let mut answers = vec![
        client.create(&kind, "ns", &object).await,
        client.get(&kind, &key).await,
        client.update(&kind, &key, &object).await,
        client.update_subresource(&kind, &key, "status", &object).await,
        client.create_subresource(&kind, &key, "binding", &object).await,
        client.patch(&kind, &key, Some("status"), PatchType::Merge, &object).await,
        client.apply(&kind, &key, None, ("me", true), &object).await,
        client.delete(&kind, &key, &Value::Null).await,
        client.delete(&kind, &key, &object).await,
    ];
    for (i, answer) in answers.drain(..).enumerate() {
        assert_eq!(answer.unwrap(), json!({"i": i}));
    }
    let asked = script.asked.lock().clone();
    let lines: Vec<_> =
        asked.iter().map(|a| (a.line.as_str(), a.media_type.as_str(), !a.body.is_null())).collect();
    let path = "/api/v1/namespaces/ns/pods";
    let json = "application/json";
    let expected = [
        (format!("POST {path}"), json, true),
        (format!("GET {path}/a"), "", false),
        (format!("PUT {path}/a"), json, true),
        (format!("PUT {path}/a/status"), json, true),
        (format!("POST {path}/a/binding"), json, true),
        (format!("PATCH {path}/a/status"), "application/merge-patch+json", true),
        (format!("PATCH {path}/a?fieldManager=me&force=true"), "application/apply-patch+yaml", true),
        (format!("DELETE {path}/a"), "", false),
        (format!("DELETE {path}/a"), json, true),
    ];
    assert_eq!(
        lines,
        expected.each_ref().map(|(line, media_type, body)| (line.as_str(), *media_type, *body))
    );
}

#[tokio::test]
async fn refusals_are_the_apis_own_words() {
    let (client, _) = scripted([Answer::Status(Status::not_found("", "pods", "a")), Answer::Broken]);
    let key = Key::new("ns", "a");
    let error = client.get(&pods(), &key).await.unwrap_err();
    assert!(error.is_not_found() && !error.is_unknown());
    assert_eq!(error.to_string(), "pods \"a\" not found");
    assert!(client.get(&pods(), &key).await.unwrap_err().is_unknown());
}
