//! Lists of all pods: as objects and as a table, one at a time and several at once.

use std::time::{Duration, Instant};

use anyhow::Context;
use futures::future::try_join_all;
use http::header::{ACCEPT, HeaderValue};
use http_body_util::BodyExt;
use serde::Deserialize;

use crate::Setup;
use crate::client::{Lane, refused};
use crate::pods;
use crate::server::Server;
use crate::stats::{Spread, millis};
use crate::table::{Row, Unit, number};
use crate::usage::{forget_peak, memory, peak, processor, settled};

/// How many lists are under way at once.
const CROWDS: [usize; 2] = [8, 64];

/// How many objects clients ask for at a time.
const PAGE: usize = 500;

const FORMS: [(&str, &str); 2] =
    [("as JSON", "application/json"), ("as Table", "application/json;as=Table;v=v1;g=meta.k8s.io")];

/// One list as the client saw it.
struct Listed {
    bytes: usize,
    first: Duration,
    last: Duration,
}

pub(crate) async fn run(setup: &Setup) -> anyhow::Result<()> {
    let count = setup.pick(1_000, 10_000, 10_000);
    let server = Server::start(setup).await?;
    pods::create(&server, "list", count).await?;
    settled(server.pid()).await?;
    for (form, accept) in FORMS {
        alone(&server, count, form, accept).await?;
        for crowd in CROWDS {
            together(&server, count, form, accept, crowd).await.context("many at once")?;
        }
    }
    paged(&server, count).await.context("in pages")?;
    Ok(())
}

/// One after the other.
async fn alone(server: &Server, count: usize, form: &str, accept: &'static str) -> anyhow::Result<()> {
    let mut lane = server.endpoint.connect().await?;
    let mut lists = Vec::new();
    let before = processor(server.pid())?;
    for _ in 0..5 {
        lists.push(list(server, &mut lane, accept).await?);
    }
    let used = (processor(server.pid())? - before) * 1e3 / lists.len() as f64;
    let bytes = lists[0].bytes as f64 / f64::from(1 << 20);
    let spread = |time: fn(&Listed) -> Duration| Spread::of(lists.iter().map(time).map(millis));
    Row::spread(what(count, form, "first byte"), &spread(|l| l.first), Unit::Milliseconds).print();
    Row::spread(what(count, form, "last byte"), &spread(|l| l.last), Unit::Milliseconds)
        .conditions(format!("{} MiB; server CPU {} ms", number(bytes), number(used)))
        .print();
    Ok(())
}

/// At once, each on its connection, with the most memory that the server held meanwhile.
async fn together(
    server: &Server,
    count: usize,
    form: &str,
    accept: &'static str,
    crowd: usize,
) -> anyhow::Result<()> {
    let mut lanes = server.endpoint.lanes(crowd).await?;
    let resting = memory(server.pid())?.resident;
    forget_peak(server.pid())?;
    let begun = Instant::now();
    try_join_all(lanes.iter_mut().map(|lane| list(server, lane, accept))).await?;
    let took = millis(begun.elapsed());
    let more = peak(server.pid())? - resting;
    Row::new(what(count, form, &format!("{crowd} at once")), took, Unit::Milliseconds)
        .conditions("the last byte of the last; 1 run")
        .print();
    Row::new(format!("  peak memory above {} MiB", number(resting)), more, Unit::Mebibytes).print();
    Ok(())
}

/// In pages, one after the other.
async fn paged(server: &Server, count: usize) -> anyhow::Result<()> {
    let mut lane = server.endpoint.connect().await?;
    let mut times = Vec::new();
    for _ in 0..5 {
        let (begun, mut token) = (Instant::now(), String::new());
        loop {
            let path = format!("{}?limit={PAGE}&continue={token}", server.path("pods"));
            let page: Page = serde_json::from_slice(&lane.fetch(server.endpoint.get(&path)).await?)?;
            token = page.metadata.token;
            if token.is_empty() {
                break;
            }
        }
        times.push(millis(begun.elapsed()));
    }
    Row::spread(
        what(count, &format!("in pages of {PAGE}"), "last byte"),
        &Spread::of(times),
        Unit::Milliseconds,
    )
    .conditions("the client's reading of each page for its token included")
    .print();
    Ok(())
}

#[derive(Deserialize)]
struct Page {
    metadata: PageMeta,
}

#[derive(Deserialize)]
struct PageMeta {
    #[serde(rename = "continue", default)]
    token: String,
}

fn what(count: usize, form: &str, end: &str) -> String {
    format!("{} pods {form}, {end}", number(count as f64))
}

/// Lists once, and counts what comes.
async fn list(server: &Server, lane: &mut Lane, accept: &'static str) -> anyhow::Result<Listed> {
    let mut request = server.endpoint.get(&server.path("pods"));
    request.headers_mut().insert(ACCEPT, HeaderValue::from_static(accept));
    let sent = Instant::now();
    let response = lane.send(request).await?;
    if !response.status().is_success() {
        return refused(response).await;
    }
    let mut body = response.into_body();
    let (mut bytes, mut first) = (0, None);
    while let Some(frame) = body.frame().await {
        first.get_or_insert_with(|| sent.elapsed());
        bytes += frame?.data_ref().map_or(0, |data| data.len());
    }
    let last = sent.elapsed();
    Ok(Listed { bytes, first: first.unwrap_or(last), last })
}
