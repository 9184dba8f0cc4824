//! What only the store in etcd can show: what it makes of an etcd that is slow, full, gone or another's.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::join_all;
use store::{
    Change, Committed, Error, Etcd, EtcdOptions, EtcdTls, Page, Range, Revision, Store, Txn, Watch, Write,
};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use crate::etcd_admin::Authority;
use crate::etcd_server::{Network, Server, options};
use crate::support::{done, keys, put};

const PATIENCE: Duration = Duration::from_secs(30);

/// Waits until an attempt succeeds.
async fn eventually<T>(what: &str, attempt: impl AsyncFn() -> Option<T>) -> T {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = attempt().await {
            return found;
        }
        assert!(Instant::now() < until, "{what} did not come");
        sleep(Duration::from_millis(20)).await;
    }
}

async fn written(store: &dyn Store, key: &str) -> Revision {
    let written = async || match store.commit(put(key, "v")).await {
        Ok(Committed::Done { revision }) => Some(revision),
        _ => None,
    };
    eventually("a commit", written).await
}

/// The changes up to a key's, and its own.
async fn seen(watch: &mut Watch, last: &str) -> Vec<String> {
    let mut seen = Vec::new();
    while !seen.iter().any(|key| key == last) {
        let batch =
            timeout(PATIENCE, watch.next()).await.expect("in time").expect("it goes on").expect("no error");
        seen.extend(batch.changes.iter().map(|change| String::from_utf8_lossy(change.key()).into_owned()));
    }
    seen
}

/// The store with the watch's guard at work, as users have it.
async fn guarded(place: &str) -> Etcd {
    let options = EtcdOptions { tick: Duration::from_millis(100), ..options(&[place], "/berth") };
    Etcd::open(options).await.expect("open")
}

/// Two stores on one etcd, of which one has lost its network.
struct Cut {
    network: Network,
    near: Etcd,
    far: Etcd,
    /// The last revision that both have seen.
    base: Revision,
    /// The far one's, from there on.
    watch: Watch,
    _server: Server,
}

async fn cut() -> Cut {
    let server = Server::start();
    let network = Network::to(&server).await;
    let (near, far) = (server.open().await, guarded(&network.place()).await);
    let base = done(&near, put("/0", "v")).await;
    let watch = far.watch(Range::all(), base).await.expect("watch");
    network.set(false);
    Cut { network, near, far, base, watch, _server: server }
}

fn error<T>(result: Result<T, Error>) -> String {
    result.map(drop).expect_err("an error").to_string()
}

#[tokio::test]
async fn watches_go_on_over_a_crash_of_etcd() {
    let mut server = Server::start();
    let store = guarded(&server.place()).await;
    let base = store.revision().await.expect("revision");
    let mut watch = store.watch(Range::all(), base).await.expect("watch");
    for round in 0..3 {
        written(&store, &format!("/before/{round}")).await;
        server.kill();
        let refused = store.commit(put("/lost", "v")).now_or_never();
        assert!(refused.is_none(), "nobody is there to answer");
        server.run();
        written(&store, &format!("/after/{round}")).await;
    }
    let mut seen = seen(&mut watch, "/after/2").await;
    seen.retain(|key| key != "/lost");
    let expected = (0..3).flat_map(|round| [format!("/before/{round}"), format!("/after/{round}")]);
    assert_eq!(seen, expected.collect::<Vec<_>>());
}

#[tokio::test]
async fn what_happens_while_the_network_is_cut_is_seen_afterwards() {
    let Cut { _server, network, near, far, mut watch, .. } = cut().await;
    let reads = far.get(b"/0").await;
    let place = format!("etcd at http://{}", network.place());
    assert!(error(reads).contains(&place), "the error says where");
    for key in ["/1", "/2", "/3"] {
        done(&near, put(key, "v")).await;
    }
    network.set(true);
    assert_eq!(seen(&mut watch, "/3").await, ["/1", "/2", "/3"]);
    let found = eventually("a read", async || far.get(b"/3").await.ok()).await;
    assert!(found.0.is_some());
}

#[tokio::test]
async fn what_was_compacted_while_the_network_was_cut_ends_watches() {
    let Cut { _server, network, near, far, base, mut watch } = cut().await;
    done(&near, put("/1", "v")).await;
    let last = done(&near, put("/2", "v")).await;
    near.compact(last).await.expect("compact");
    network.set(true);
    let told = timeout(PATIENCE, watch.next()).await.expect("in time");
    assert!(matches!(told, Some(Err(Error::Lagged))), "{told:?}");
    let again = async || far.watch(Range::all(), last).await.ok();
    let mut watch = eventually("another watch", again).await;
    assert!(matches!(far.watch(Range::all(), base).await, Err(Error::Compacted { .. })));
    done(&near, put("/3", "v")).await;
    assert_eq!(seen(&mut watch, "/3").await, ["/3"]);
}

#[tokio::test]
async fn an_etcd_that_lost_its_data_ends_watches() {
    let mut server = Server::start();
    let store = guarded(&server.place()).await;
    for number in 0..20 {
        done(&store, put(&format!("/{number}"), "v")).await;
    }
    let base = store.revision().await.expect("revision");
    let mut watch = store.watch(Range::all(), base).await.expect("watch");
    server.kill();
    server.forget();
    server.run();
    let told = timeout(PATIENCE, watch.next()).await.expect("in time");
    assert!(matches!(told, Some(Err(Error::Lagged))), "{told:?}");
    let fresh = written(&store, "/fresh").await;
    assert!(fresh < base, "etcd counts from the start");
    let mut watch =
        eventually("another watch", async || store.watch(Range::all(), fresh - 1).await.ok()).await;
    assert_eq!(seen(&mut watch, "/fresh").await, ["/fresh"]);
    assert_eq!(keys(&store).await, ["/fresh"]);
}

#[tokio::test]
async fn a_frozen_etcd_is_unavailable_until_it_goes_on() {
    let server = Server::start();
    let store = guarded(&server.place()).await;
    let base = done(&store, put("/0", "v")).await;
    let mut watch = store.watch(Range::all(), base).await.expect("watch");
    server.freeze(true);
    let began = Instant::now();
    let (read, revision, written_meanwhile) =
        tokio::join!(store.get(b"/0"), store.revision(), store.commit(put("/1", "v")));
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    assert!(matches!(read, Err(Error::Unavailable(_))), "{read:?}");
    assert!(matches!(revision, Err(Error::Unavailable(_))), "{revision:?}");
    assert!(matches!(written_meanwhile, Err(Error::Unavailable(_))), "{written_meanwhile:?}");
    server.freeze(false);
    written(&store, "/2").await;
    let mut seen = seen(&mut watch, "/2").await;
    // whether it took effect is unknown, as it is of a first attempt at the other
    seen.retain(|key| key != "/1");
    seen.dedup();
    assert_eq!(seen, ["/2"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_members_of_which_one_dies_lose_nothing() {
    let mut servers = Server::three();
    let places: Vec<String> = servers.iter().map(Server::place).collect();
    let places: Vec<&str> = places.iter().map(String::as_str).collect();
    let store: Arc<Etcd> = Arc::new(guarded(&places.join(",")).await);
    let base = store.revision().await.expect("revision");
    let mut watch = store.watch(Range::all(), base).await.expect("watch");
    let (stop, stopped) = watch::channel(false);
    let writers = (0..8).map(|writer| {
        let (store, stopped) = (store.clone(), stopped.clone());
        tokio::spawn(async move {
            let (mut acknowledged, mut refused) = (Vec::new(), 0);
            for number in 0.. {
                if *stopped.borrow() {
                    break;
                }
                let key = format!("/{writer}/{number:05}");
                match store.commit(put(&key, "v")).await {
                    Ok(Committed::Done { .. }) => acknowledged.push(key),
                    Ok(other) => panic!("no compare was made: {other:?}"),
                    Err(Error::Unavailable(_)) => refused += 1,
                    Err(error) => panic!("{error}"),
                }
            }
            (acknowledged, refused)
        })
    });
    let writers: Vec<_> = writers.collect();
    let more = async |store: &Etcd| {
        let before = store.revision().await.expect("revision");
        let come = async || (store.revision().await.ok()? > before + 100).then_some(());
        eventually("more writes", come).await;
    };
    more(&store).await;
    // Reads go to the member that leads as well as to the others: whichever dies, its callers move on.
    for at in 0..servers.len() {
        servers[at].kill();
        more(&store).await;
        servers[at].run();
        let healthy = async || Etcd::open(options(&[places[at]], "/berth")).await.ok();
        eventually("the member", healthy).await.close();
    }
    stop.send_replace(true);
    let (mut acknowledged, mut refused) = (Vec::new(), 0);
    for writer in writers {
        let (keys, failures) = writer.await.expect("a writer");
        acknowledged.extend(keys);
        refused += failures;
    }
    println!("{} writes were acknowledged, {refused} were not", acknowledged.len());
    done(&*store, put("/end", "v")).await;
    let seen = seen(&mut watch, "/end").await;
    let listed: Vec<String> =
        keys(&*store).await.iter().map(|key| String::from_utf8_lossy(key).into_owned()).collect();
    for key in &acknowledged {
        assert!(listed.binary_search(key).is_ok(), "{key} is lost");
    }
    let mut sorted = seen.clone();
    sorted.sort();
    assert_eq!(sorted, listed, "the watch saw every key once");
}

#[tokio::test]
async fn a_full_etcd_is_read_only_until_there_is_room() {
    let server = Server::with_flags(&["--quota-backend-bytes=4194304"]);
    let store = server.open().await;
    let mut refused = None;
    for number in 0..400 {
        let value = vec![number as u8; 100_000];
        if let Err(error) = store.commit(put("/a", value)).await {
            refused = Some(error);
            break;
        }
    }
    let refused = refused.expect("etcd is full by now");
    assert!(matches!(refused, Error::ReadOnly { .. }), "{refused}");
    assert!(refused.to_string().contains("mvcc: database space exceeded"), "{refused}");
    assert!(store.get(b"/a").await.expect("reads go on").0.is_some());
    assert!(matches!(store.writable().await, Err(Error::ReadOnly { .. })));
    // Deletions go on, and say nothing of other writes.
    let deletion = Write::Delete { key: "/b".into() };
    done(&store, Txn { writes: vec![deletion], ..Txn::default() }).await;
    assert!(matches!(store.writable().await, Err(Error::ReadOnly { .. })));
    server.make_room().await;
    store.writable().await.expect("it is writable again");
    done(&store, put("/b", "v")).await;
}

#[tokio::test]
async fn writes_of_others_hold_up_no_read() {
    let server = Server::start();
    let options = EtcdOptions { tick: Duration::from_millis(20), ..options(&[&server.place()], "/berth") };
    let store = Etcd::open(options).await.expect("open");
    let others = server.open_below("/others").await;
    let base = store.revision().await.expect("revision");
    let mut watch = store.watch(Range::all(), base).await.expect("watch");
    let last = done(&others, put("/a", "v")).await;
    let now = store.revision().await.expect("revision");
    assert!(now >= last, "a consistent read has come as far as etcd");
    let mut reached = base;
    while reached < now {
        let batch =
            timeout(PATIENCE, watch.next()).await.expect("in time").expect("it goes on").expect("no error");
        assert_eq!(batch.changes, [], "others' keys are not ours");
        reached = batch.revision;
    }
    drop(store.watch(Range::all(), now).await.expect("a watch from there"));
}

#[tokio::test]
async fn what_is_too_large_for_etcd_is_too_large() {
    let server = Server::start();
    let store = server.open().await;
    let refused = store.commit(put("/a", vec![0; 2 << 20])).await;
    assert!(matches!(refused, Err(Error::TooLarge { .. })), "{refused:?}");
    let store = server.open().await;
    let unslashed = Write::Put { key: "a".into(), value: "v".into() };
    let refused = store.commit(Txn { writes: vec![unslashed], ..Txn::default() }).await;
    assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
    assert!(keys(&store).await.is_empty());
}

#[tokio::test]
async fn long_listings_are_of_one_moment() {
    let server = Server::start();
    let store = Arc::new(server.open().await);
    let key = |number: usize| format!("/{number:05}");
    for chunk in (0..2500).collect::<Vec<_>>().chunks(100) {
        join_all(chunk.iter().map(|&number| done(&*store, put(&key(number), "v")))).await;
    }
    // the last key first: a listing of several moments would show a later write and lack an earlier one
    done(&*store, put(&key(2499), "w")).await;
    let writer = tokio::spawn({
        let store = store.clone();
        async move {
            for number in [0, 2499].repeat(50) {
                done(&*store, put(&key(number), "w")).await;
            }
        }
    });
    while !writer.is_finished() {
        let listing = store.list(&Range::all(), &Page::all()).await.expect("list");
        assert_eq!(listing.items.len(), 2500);
        let (first, last) = (listing.items[0].mod_revision, listing.items[2499].mod_revision);
        assert!(first <= listing.revision && last <= listing.revision);
        let between = (listing.revision - last).min(listing.revision - first);
        assert!(between <= 1, "one of both was written last: {first} {last} at {}", listing.revision);
    }
    writer.await.expect("the writer");
}

#[tokio::test]
async fn closing_ends_watches_without_an_error() {
    let server = Server::start();
    let store = server.open().await;
    let base = store.revision().await.expect("revision");
    let mut watch = store.watch(Range::all(), base).await.expect("watch");
    store.close();
    assert!(watch.next().await.is_none());
    assert!(matches!(store.watch(Range::all(), base).await, Err(Error::Closed)));
}

#[tokio::test]
async fn nobody_at_the_address() {
    let options = EtcdOptions { patience: Duration::from_millis(300), ..options(&["127.0.0.1:1"], "/berth") };
    let refused = Etcd::open(options).await.map(drop);
    assert!(matches!(refused, Err(Error::Unavailable(_))), "{refused:?}");
    let text = error(refused);
    assert!(text.contains("etcd at http://127.0.0.1:1: ") && text.contains("refused"), "{text}");
    assert!(!text.contains('\n'));
}

#[tokio::test]
async fn certificates_are_checked_on_both_sides() {
    let (authority, other) = (Authority::new(), Authority::new());
    let mut server = Server::prepare();
    server.start_with_tls(&authority);
    let (certificate, key) = authority.sign("berth");
    let pair = Some((certificate.into_bytes(), key.into_bytes()));
    let open = async |tls: Option<EtcdTls>| {
        let options =
            EtcdOptions { tls, patience: Duration::from_secs(5), ..options(&[&server.place()], "/berth") };
        Etcd::open(options).await
    };
    let store = eventually("etcd", async || {
        open(Some(EtcdTls { ca: authority.pem().into_bytes(), pair: pair.clone() })).await.ok()
    });
    let store = store.await;
    let base = done(&store, put("/a", "v")).await;
    let mut watch = store.watch(Range::all(), base).await.expect("watch");
    done(&store, put("/b", "v")).await;
    assert_eq!(seen(&mut watch, "/b").await, ["/b"]);

    let pair = |signed: (String, String)| Some((signed.0.into_bytes(), signed.1.into_bytes()));
    let (ca, others) = (authority.pem().into_bytes(), other.pem().into_bytes());
    for (tls, why) in [
        (Some(EtcdTls { ca: others, pair: pair(authority.sign("berth")) }), "TLS: invalid peer certificate"),
        (Some(EtcdTls { ca: ca.clone(), pair: None }), "TLS: received fatal alert: "),
        (Some(EtcdTls { ca: ca.clone(), pair: pair(other.sign("berth")) }), "TLS: received fatal alert: "),
        (Some(EtcdTls { ca: b"none".to_vec(), pair: None }), "is no certificate in PEM"),
        (Some(EtcdTls { ca, pair: Some((b"none".to_vec(), b"none".to_vec())) }), ""),
    ] {
        let refused = open(tls).await.map(drop);
        assert!(matches!(refused, Err(Error::Denied(_))), "{refused:?}");
        let text = error(refused);
        assert!(
            text.starts_with(&format!("etcd at https://{}: {why}", server.place())) || text.ends_with(why),
            "{text}"
        );
        println!("{text}");
    }
    assert!(matches!(open(None).await, Err(Error::Unavailable(_))), "etcd does not speak without TLS");
}

#[tokio::test]
async fn passwords_are_checked() {
    let server = Server::start();
    server.ask_for_passwords().await;
    let open = async |user: Option<(&str, &str)>, prefix: &str| {
        let user = user.map(|(name, password)| (name.to_owned(), password.to_owned()));
        Etcd::open(EtcdOptions { user, ..options(&[&server.place()], prefix) }).await
    };
    let store = open(Some(("berth", "berth's")), "/berth").await.expect("open");
    let base = done(&store, put("/a", "v")).await;
    let mut watch = store.watch(Range::all(), base).await.expect("watch");
    done(&store, put("/b", "v")).await;
    assert_eq!(seen(&mut watch, "/b").await, ["/b"]);
    for (user, prefix, why) in [
        (Some(("berth", "wrong")), "/berth", "authentication failed, invalid user ID or password"),
        (Some(("nobody", "")), "/berth", "authentication failed, invalid user ID or password"),
        (Some(("berth", "berth's")), "/elsewhere", "permission denied"),
        (None, "/berth", "user name is empty"),
    ] {
        let refused = open(user, prefix).await.map(drop);
        assert!(matches!(refused, Err(Error::Denied(_))), "{refused:?}");
        let text = error(refused);
        assert!(text.contains(why) && text.contains(&server.place()), "{text}");
    }
}

#[tokio::test]
async fn old_history_is_compacted_regularly() {
    let server = Server::start();
    let options =
        EtcdOptions { compact_every: Duration::from_millis(100), ..options(&[&server.place()], "/berth") };
    let store = Etcd::open(options).await.expect("open");
    let base = done(&store, put("/a", "v")).await;
    let mut client = etcd_client::Client::connect([server.url()], None).await.expect("etcd").kv_client();
    let compacted = eventually("a compaction", async || {
        done(&store, put("/a", "v")).await;
        let at = etcd_client::GetOptions::new().with_revision(base as i64);
        client.clone().get("/berth/a", Some(at)).await.err()
    });
    assert!(compacted.await.to_string().contains("compacted"));
    let current = client.get("/berth/a", None).await.expect("the current state stays");
    assert_eq!(current.kvs().len(), 1);
    // This process' own watches read its own history, which is bounded by itself.
    let mut watch = store.watch(Range::all(), base).await.expect("watch");
    assert!(
        matches!(watch.next().await, Some(Ok(batch)) if batch.changes.iter().all(|c| matches!(c, Change::Put { .. })))
    );
}
