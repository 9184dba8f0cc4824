//! Logs over HTTPS.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tempfile::TempDir;
use tokio::sync::watch;

use crate::fake::Fake;
use crate::node::{Node, text, within};

fn append(path: &Path, lines: &[&str]) {
    let mut file = File::options().create(true).append(true).open(path).unwrap();
    for line in lines {
        writeln!(file, "2026-01-01T00:00:00.5Z stdout F {line}").unwrap();
    }
}

fn log(folder: &TempDir) -> Fake {
    Fake { log: folder.path().join("0.log"), ..Fake::default() }
}

/// The next text of a body that goes on.
async fn next(body: &mut Incoming) -> Option<String> {
    let frame = within(body.frame()).await?.unwrap();
    Some(String::from_utf8(frame.into_data().unwrap().to_vec()).unwrap())
}

#[tokio::test]
async fn a_log_is_served_with_its_options() {
    let folder = tempfile::tempdir().unwrap();
    let fake = log(&folder);
    append(&fake.log, &["one", "two", "three"]);
    append(&fake.log.with_extension("log-previous"), &["before"]);
    let node = Node::start(fake).await;
    for (query, expect) in [
        ("", "one\ntwo\nthree\n"),
        ("?tailLines=1&timestamps=true", "2026-01-01T00:00:00.500000000Z three\n"),
        ("?previous=true", "before\n"),
        ("?limitBytes=5", "one\nt"),
        ("?sinceSeconds=1", ""),
        // this container has ended: there is nothing to wait for
        ("?follow=true&tailLines=2", "two\nthree\n"),
    ] {
        let answer = node.get(&format!("/containerLogs/ns/web/app{query}")).await;
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "text/plain");
        assert_eq!(text(answer).await, expect, "{query}");
    }
}

#[tokio::test]
async fn a_log_is_followed_through_rotations_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let (end, ended) = watch::channel(false);
    let fake = Fake { ended: Some(ended), ..log(&folder) };
    let path = fake.log.clone();
    append(&path, &["one", "two"]);
    let node = Node::start(fake).await;
    let mut body = node.get("/containerLogs/ns/web/app?follow=1&tailLines=1").await.into_body();
    assert_eq!(next(&mut body).await.unwrap(), "two\n");
    append(&path, &["three"]);
    assert_eq!(next(&mut body).await.unwrap(), "three\n");
    std::fs::rename(&path, path.with_extension("log.20260101-000000")).unwrap();
    append(&path, &["four"]);
    assert_eq!(next(&mut body).await.unwrap(), "four\n");
    append(&path, &["five"]);
    end.send(true).unwrap();
    assert_eq!(next(&mut body).await.unwrap(), "five\n");
    assert_eq!(next(&mut body).await, None);
}

#[tokio::test]
async fn a_follower_that_leaves_is_let_go() {
    let folder = tempfile::tempdir().unwrap();
    let (end, ended) = watch::channel(false);
    let fake = Fake { ended: Some(ended), ..log(&folder) };
    append(&fake.log, &["one"]);
    let node = Node::start(fake).await;
    let mut body = node.get("/containerLogs/ns/web/app?follow=1").await.into_body();
    assert_eq!(next(&mut body).await.unwrap(), "one\n");
    // the server and this body hold the receiver
    assert_eq!(end.receiver_count(), 2);
    drop(body);
    within(async {
        while end.receiver_count() > 1 {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_long_log_arrives_whole() {
    let folder = tempfile::tempdir().unwrap();
    let fake = log(&folder);
    let lines: Vec<String> = (0..100_000).map(|number| format!("line {number}")).collect();
    append(&fake.log, &lines.iter().map(String::as_str).collect::<Vec<_>>());
    let node = Node::start(fake).await;
    let got = text(node.get("/containerLogs/ns/web/app").await).await;
    assert_eq!(got, lines.join("\n") + "\n");
}
