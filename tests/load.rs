//! A client that never stops to ask, for what users would notice.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::host::Host;
use crate::user::pause;

/// How long a user waits for an answer.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Between two requests of one thread.
const PACE: Duration = Duration::from_millis(4);
const THREADS: usize = 3;
/// Failures that are told in full.
const TOLD: usize = 10;

/// What one thread, or all together, saw.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// The answers, each once.
    pub(crate) answers: BTreeSet<String>,
    /// What went wrong, the first of it.
    pub(crate) failures: Vec<String>,
    /// How many requests were answered.
    pub(crate) answered: u64,
}

/// Threads that ask the same server, each request on a connection of its own.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicU64>,
    threads: Vec<JoinHandle<Seen>>,
}

impl Load {
    /// Begins to ask from the host, and waits for the first answers.
    pub(crate) fn start(host: &Host, address: &str, port: u16) -> Self {
        let address: IpAddr = address.parse().expect("an address");
        let (stop, answered) = (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default());
        let ask = |_| {
            let (stop, answered) = (stop.clone(), answered.clone());
            host.inside(move || ask((address, port).into(), &stop, &answered))
        };
        let threads = (0..THREADS).map(ask).collect();
        let load = Self { stop, answered, threads };
        load.go_on(host);
        load
    }

    /// Waits until some more requests were answered.
    pub(crate) fn go_on(&self, host: &Host) {
        let enough = self.answered.load(Ordering::Relaxed) + 20 * THREADS as u64;
        host.wait("requests are answered", |_| self.answered.load(Ordering::Relaxed) >= enough);
    }

    /// Stops to ask and tells what was seen.
    pub(crate) fn stop(self) -> Seen {
        self.stop.store(true, Ordering::Relaxed);
        let mut all = Seen::default();
        for thread in self.threads {
            let seen = thread.join().expect("a thread ends");
            all.answers.extend(seen.answers);
            all.failures.extend(seen.failures);
            all.answered += seen.answered;
        }
        all
    }
}

fn ask(server: SocketAddr, stop: &AtomicBool, answered: &AtomicU64) -> Seen {
    let mut seen = Seen::default();
    while !stop.load(Ordering::Relaxed) {
        match get(server) {
            Ok(answer) => {
                seen.answers.insert(answer);
                seen.answered += 1;
                answered.fetch_add(1, Ordering::Relaxed);
            }
            Err(failure) if seen.failures.len() < TOLD => seen.failures.push(failure),
            Err(_) => pause(),
        }
        std::thread::park_timeout(PACE);
    }
    seen
}

/// The body of the answer to one request for `/`.
pub(crate) fn get(server: SocketAddr) -> Result<String, String> {
    get_page(server, "/")
}

/// The body of the answer to one request for this page.
pub(crate) fn get_page(server: SocketAddr, page: &str) -> Result<String, String> {
    let failed = |what: &str, error: std::io::Error| format!("{what} {server}: {error}");
    let mut stream = TcpStream::connect_timeout(&server, TIMEOUT).map_err(|e| failed("connect to", e))?;
    stream.set_read_timeout(Some(TIMEOUT)).map_err(|e| failed("set up", e))?;
    stream.write_all(format!("GET {page} HTTP/1.0\r\n\r\n").as_bytes()).map_err(|e| failed("ask", e))?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).map_err(|e| failed("hear", e))?;
    match answer.split_once("\r\n\r\n") {
        Some((head, body)) if head.contains(" 200 ") => Ok(body.to_owned()),
        _ => Err(format!("{server} answered {answer:?}")),
    }
}
