//! The same fan-out by a bare etcd: every put of a prefix to every watcher of it, by its HTTP gateway.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::bail;
use http::StatusCode;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::task::JoinSet;

use super::{LANES, PATIENCE};
use crate::client::{Lane, refused};
use crate::etcd::Etcd;
use crate::load::Load;
use crate::usage::processor;

/// Bytes of a value: what a ConfigMap's JSON has in the benchmark.
const SIZE: usize = 1024;

/// What it took.
pub(super) struct Fanned {
    /// Deliveries a second.
    pub(super) per_second: f64,
    /// Microseconds of etcd's processor time for each.
    pub(super) each: f64,
}

/// Opens the watches, each on a connection of its own, puts, and waits for the last delivery.
pub(super) async fn fan(etcd: &Etcd, watchers: usize, writes: usize) -> anyhow::Result<Fanned> {
    let (gateway, prefix) = (etcd.gateway(), format!("watched-{watchers}-"));
    let delivered = Arc::new(AtomicUsize::new(0));
    let mut readers = JoinSet::new();
    for mut lane in etcd.endpoint.lanes(watchers).await? {
        let response = lane.send(gateway.watch(&prefix)).await?;
        if response.status() != StatusCode::OK {
            return refused(response).await;
        }
        let mut body = response.into_body();
        let mut seen = Seen::default();
        seen.next(&mut body).await;
        readers.spawn(read(lane, body, seen, delivered.clone()));
    }
    let load = Load {
        endpoint: &etcd.endpoint,
        pid: Some(etcd.pid()),
        lanes: LANES,
        operations: writes,
        expected: StatusCode::OK,
    };
    let value: Arc<[u8]> = vec![b'x'; SIZE].into();
    let (before, begun) = (processor(etcd.pid())?, Instant::now());
    load.run(move |i| gateway.put(&format!("{prefix}{i}"), &value)).await?;
    let expected = watchers * writes;
    while delivered.load(Ordering::Relaxed) < expected {
        if begun.elapsed() > PATIENCE {
            bail!("{} of {expected} were delivered", delivered.load(Ordering::Relaxed));
        }
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    let (elapsed, used) = (begun.elapsed(), processor(etcd.pid())? - before);
    readers.shutdown().await;
    let count = expected as f64;
    Ok(Fanned { per_second: count / elapsed.as_secs_f64(), each: used * 1e6 / count })
}

/// Counts until the stream ends.
async fn read(lane: Lane, mut body: Incoming, mut seen: Seen, delivered: Arc<AtomicUsize>) {
    while let Some(more) = seen.next(&mut body).await {
        delivered.fetch_add(more, Ordering::Relaxed);
    }
    drop(lane);
}

/// How many events have come. They are told by their braces, without reading them: a line has three of its own, and
/// two for each event; what is between is base64.
#[derive(Default)]
struct Seen {
    lines: usize,
    braces: usize,
    events: usize,
}

impl Seen {
    /// How many more have come; none at the end.
    async fn next(&mut self, body: &mut Incoming) -> Option<usize> {
        let frame = body.frame().await?.ok()?;
        Some(self.take(frame.data_ref()?))
    }

    /// Events are counted when their line is complete.
    fn take(&mut self, data: &[u8]) -> usize {
        self.braces += data.iter().filter(|byte| **byte == b'{').count();
        self.lines += data.iter().filter(|byte| **byte == b'\n').count();
        let events = self.braces.saturating_sub(3 * self.lines) / 2;
        let more = if data.ends_with(b"\n") { events.saturating_sub(self.events) } else { 0 };
        self.events += more;
        more
    }
}

#[cfg(test)]
mod tests {
    use super::Seen;

    #[test]
    fn events_are_told_by_their_braces() {
        let mut seen = Seen::default();
        let mut take = |text: &str| seen.take(text.as_bytes());
        assert_eq!(take("{\"result\":{\"header\":{\"revision\":\"1\"},\"created\":true}}\n"), 0);
        assert_eq!(take("{\"result\":{\"header\":{},\"events\":[{\"kv\":{\"key\":\"YQ==\"}},{\"kv\""), 0);
        assert_eq!(take(":{\"key\":\"Yg==\"}}]}}\n"), 2);
        assert_eq!(take("{\"result\":{\"header\":{},\"events\":[{\"kv\":{}}]}}\n"), 1);
    }
}
