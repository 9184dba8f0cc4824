//! `kill -9` of the server, again and again, under writers and a watcher: no acknowledged write is lost, and the watch
//! has neither gaps nor repeats.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use client::Client;
use http::Method;
use http_body_util::BodyExt;
use kube::client::Body;
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::harness::{Cluster, PATIENCE, items};

const KILLS: usize = 200;
const WRITERS: usize = 4;
const NAMES: usize = 5;
/// How many acknowledged writes there are between one kill and the next.
const WRITES: usize = 12;
const PATH: &str = "/api/v1/namespaces/default/configmaps";
/// Between attempts at a server that is not there.
const AGAIN: Duration = Duration::from_millis(2);

/// What writers, the watcher and the killer share.
#[derive(Default)]
struct Shared {
    /// Revisions of acknowledged creates and updates.
    written: Mutex<Vec<u64>>,
    acknowledged: AtomicUsize,
    stop: AtomicBool,
    /// The revision after which nothing is written any more, once it is known.
    end: OnceLock<u64>,
}

#[test]
fn a_server_killed_again_and_again_loses_nothing_and_repeats_nothing() {
    let mut cluster = Cluster::start();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let shared = Arc::new(Shared::default());
    let config = cluster.kubeconfig();
    let connect = || runtime.block_on(Client::from_kubeconfig(Path::new(&config), "test")).expect("a client");
    let writers: Vec<_> =
        (0..WRITERS).map(|writer| runtime.spawn(write(connect(), shared.clone(), writer))).collect();
    let watcher = runtime.spawn(Watcher::new(connect()).follow(shared.clone()));
    for _ in 0..KILLS {
        let enough = shared.acknowledged.load(Ordering::SeqCst) + WRITES;
        let deadline = Instant::now() + PATIENCE;
        while shared.acknowledged.load(Ordering::SeqCst) < enough {
            assert!(Instant::now() < deadline && writers.iter().all(|w| !w.is_finished()), "writing goes on");
            std::thread::park_timeout(AGAIN);
        }
        cluster.restart_server();
    }
    shared.stop.store(true, Ordering::SeqCst);
    for writer in writers {
        runtime.block_on(writer).expect("a writer");
    }
    let client = connect();
    let last = runtime.block_on(client.json(Method::GET, PATH.into(), None)).expect("a list");
    shared.end.set(revision(&last)).expect("set once");
    let watched = runtime.block_on(watcher).expect("the watcher");
    assert_eq!(watched.state, state(&last), "what was watched is what is there");
    watched.check(&shared.written.lock());
}

/// A ConfigMap's value, as far as it is known: after a write without an answer it may be the old or the new one.
type Possible = Vec<Option<u64>>;

/// Writes a few names that nobody else writes, and holds what is found against what was acknowledged.
async fn write(client: Client, shared: Arc<Shared>, writer: usize) {
    let mut known: BTreeMap<String, Possible> =
        (0..NAMES).map(|name| (format!("w{writer}-{name}"), vec![None])).collect();
    let mut number = 0;
    while !shared.stop.load(Ordering::SeqCst) {
        for (name, possible) in &mut known {
            number += 1;
            let path = format!("{PATH}/{name}");
            let found = match client.json(Method::GET, path.clone(), None).await {
                Ok(found) => Some(value(&found)),
                Err(error) if error.is_not_found() => None,
                Err(_) => {
                    tokio::time::sleep(AGAIN).await;
                    continue;
                }
            };
            assert!(possible.contains(&found), "{name} is {found:?}, not one of {possible:?}");
            let object = json!({"metadata": {"name": name}, "data": {"number": number.to_string()}});
            let (wanted, answer) = match found {
                None => (Some(number), client.json(Method::POST, PATH.into(), Some(&object)).await),
                Some(_) if number % 3 == 0 => (None, client.json(Method::DELETE, path, None).await),
                Some(_) => (Some(number), client.json(Method::PUT, path, Some(&object)).await),
            };
            *possible = match answer {
                Ok(answer) => {
                    if wanted.is_some() {
                        shared.written.lock().push(revision(&answer));
                    }
                    shared.acknowledged.fetch_add(1, Ordering::SeqCst);
                    vec![wanted]
                }
                Err(_) => vec![found, wanted],
            };
        }
    }
}

fn value(object: &Value) -> u64 {
    object["data"]["number"].as_str().and_then(|text| text.parse().ok()).expect("a number")
}

fn revision(object: &Value) -> u64 {
    object["metadata"]["resourceVersion"].as_str().and_then(|text| text.parse().ok()).expect("a revision")
}

/// The revision of every object by name.
fn state(list: &Value) -> BTreeMap<String, u64> {
    items(list).iter().map(|item| (name(item), revision(item))).collect()
}

fn name(object: &Value) -> String {
    object["metadata"]["name"].as_str().unwrap_or_default().to_owned()
}

/// What a watch told from one list to the next.
#[derive(Default)]
struct Session {
    from: u64,
    to: u64,
    told: BTreeSet<u64>,
}

struct Watcher {
    client: Client,
    state: BTreeMap<String, u64>,
    sessions: Vec<Session>,
}

impl Watcher {
    fn new(client: Client) -> Self {
        Self { client, state: BTreeMap::new(), sessions: Vec::new() }
    }

    /// Lists, watches, resumes where the watch was cut, and lists again where that cannot be: until the last revision
    /// was reached that the test wrote.
    async fn follow(mut self, shared: Arc<Shared>) -> Self {
        let deadline = || tokio::time::Instant::now() + PATIENCE;
        let mut until = deadline();
        loop {
            let reached = self.sessions.last().map_or(0, |session| session.to);
            if shared.end.get().is_some_and(|end| *end <= reached) {
                return self;
            }
            assert!(tokio::time::Instant::now() < until, "the watch comes no further");
            let before = self.sessions.last().map(|session| session.to);
            // Cut from time to time, so that a resumption is tried while the server lives, too.
            let _cut = tokio::time::timeout(Duration::from_millis(300), self.step()).await;
            if before != self.sessions.last().map(|session| session.to) {
                until = deadline();
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    async fn step(&mut self) {
        let Some(session) = self.sessions.last() else { return self.list().await };
        let path = format!("{PATH}?watch=true&allowWatchBookmarks=true&resourceVersion={}", session.to);
        let request = http::Request::get(path).body(Body::empty()).expect("a request");
        match self.client.open(request).await {
            Ok(response) => {
                if self.read(response.into_body()).await {
                    self.list().await;
                }
            }
            Err(error) if error.is_expired() => self.list().await,
            Err(_) => {}
        }
    }

    async fn list(&mut self) {
        if let Ok(list) = self.client.json(Method::GET, PATH.into(), None).await {
            let from = revision(&list);
            let before = self.sessions.last().map_or(0, |session| session.to);
            assert!(from >= before, "the revision went back from {before} to {from}");
            self.state = state(&list);
            self.sessions.push(Session { from, to: from, told: BTreeSet::new() });
        }
    }

    /// Takes what a watch tells; true where it says that it cannot go on from there.
    async fn read(&mut self, mut body: Body) -> bool {
        let mut buffer = Vec::new();
        while let Some(Ok(frame)) = body.frame().await {
            buffer.extend_from_slice(frame.data_ref().map_or(&[], |data| data));
            while let Some(end) = buffer.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = buffer.drain(..=end).collect();
                let event: Value = serde_json::from_slice(&line).expect("an event");
                if event["type"] == "ERROR" {
                    return true;
                }
                self.take(&event);
            }
        }
        false
    }

    fn take(&mut self, event: &Value) {
        let (object, session) = (&event["object"], self.sessions.last_mut().expect("a session"));
        let kind = event["type"].as_str().unwrap_or_default();
        let (name, at) = (name(object), revision(object));
        assert!(at > session.to || kind == "BOOKMARK", "{kind} of {name} at {at} after {}", session.to);
        let present = match kind {
            "DELETED" => self.state.remove(&name),
            "BOOKMARK" => None,
            _ => self.state.insert(name.clone(), at),
        };
        let fits = match kind {
            "ADDED" => present.is_none(),
            "MODIFIED" | "DELETED" => present.is_some_and(|before| before < at),
            _ => true,
        };
        assert!(fits, "{kind} of {name} at {at}, which was {present:?}");
        session.to = session.to.max(at);
        session.told.insert(at);
    }

    /// Every acknowledged write that lies within a session was told in it.
    fn check(&self, written: &[u64]) {
        for at in written {
            let within = self.sessions.iter().find(|session| session.from < *at && *at <= session.to);
            assert!(within.is_none_or(|session| session.told.contains(at)), "revision {at} was not told");
        }
    }
}
