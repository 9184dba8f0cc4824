//! A console whose commands are small tasks over pipes.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use object::Status;
use streaming::{Connection, Console, Exec, LogSource, Session, Size, Target};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::sync::{mpsc, watch};

use crate::node::within;

/// Bytes in a pipe, as the kernel has it.
const PIPE: usize = 64 * 1024;

/// Ports of the pod: one that sends back what it gets, one that counts it, and one that sends [`FLOODED`] bytes.
pub const ECHO: u16 = 7;
pub const COUNT: u16 = 8;
pub const FLOOD: u16 = 9;
pub const FLOODED: u64 = 50_000_000;

/// What sockets, pipes and TLS may hold between the two sides.
pub const BETWEEN: u64 = 12_000_000;

/// Waits until a flood goes on no more, because nobody reads.
pub async fn stuck(flooded: &AtomicU64) {
    within(async {
        let mut before = 0;
        loop {
            tokio::time::sleep(Duration::from_millis(200)).await;
            let now = flooded.load(Ordering::SeqCst);
            if now > 0 && now == before {
                return;
            }
            before = now;
        }
    })
    .await;
    assert!(flooded.load(Ordering::SeqCst) < BETWEEN);
}

#[derive(Clone, Default)]
pub struct Fake {
    /// The log of the container `app`; the previous one lies beside it, with the suffix `-previous`.
    pub log: PathBuf,
    /// Whether it has ended.
    pub ended: Option<watch::Receiver<bool>>,
    /// Bytes that `flood` has written.
    pub flooded: Arc<AtomicU64>,
    /// Says that `hang` was dropped.
    pub dropped: Option<mpsc::Sender<()>>,
}

/// The command's ends of its streams.
struct Pipes {
    stdin: DuplexStream,
    stdout: DuplexStream,
    stderr: DuplexStream,
    sizes: mpsc::Receiver<Size>,
}

#[async_trait]
impl Console for Fake {
    async fn log(&self, target: &Target, previous: bool) -> Result<LogSource, Status> {
        known(target)?;
        let path = if previous { self.log.with_extension("log-previous") } else { self.log.clone() };
        // a closed channel is the end
        let ended = self.ended.clone().unwrap_or_else(|| watch::channel(false).1);
        Ok(LogSource { path, ended })
    }

    async fn exec(&self, target: &Target, exec: &Exec) -> Result<Session, Status> {
        known(target)?;
        let words: Vec<&str> = exec.command.iter().map(String::as_str).collect();
        match words[..] {
            ["missing"] => Err(Status::internal("exec: \"missing\": executable file not found in $PATH")),
            _ => Ok(session(exec, self.clone(), words.join(" "))),
        }
    }

    async fn attach(&self, target: &Target, exec: &Exec) -> Result<Session, Status> {
        known(target)?;
        Ok(session(exec, self.clone(), "attached".into()))
    }

    async fn check(&self, _: &str, pod: &str) -> Result<(), Status> {
        if pod == "web" { Ok(()) } else { Err(Status::not_found("", "pods", pod)) }
    }

    async fn connect(&self, _: &str, _: &str, port: u16) -> Result<Box<dyn Connection>, Status> {
        let (near, mut far) = duplex(PIPE);
        let (flooded, dropped) = (self.flooded.clone(), self.dropped.clone());
        match port {
            ECHO => drop(tokio::spawn(async move {
                let (mut read, mut write) = tokio::io::split(&mut far);
                tokio::io::copy(&mut read, &mut write).await.unwrap();
                write.shutdown().await.unwrap();
            })),
            COUNT => drop(tokio::spawn(async move {
                let mut input = Vec::new();
                far.read_to_end(&mut input).await.unwrap();
                far.write_all(format!("{}\n", input.len()).as_bytes()).await.unwrap();
            })),
            FLOOD => drop(tokio::spawn(async move {
                // one that is cut gets no further
                let _ = flood(&mut far, &flooded, FLOODED).await;
                if let Some(dropped) = dropped {
                    let _ = dropped.send(()).await;
                }
            })),
            _ => {
                let text = format!("failed to connect to localhost:{port}");
                return Err(Status::new(500, object::Reason::InternalError, text));
            }
        }
        Ok(Box::new(near))
    }
}

fn known(target: &Target) -> Result<(), Status> {
    if (target.namespace.as_str(), target.pod.as_str(), target.container.as_str()) == ("ns", "web", "app") {
        return Ok(());
    }
    let mut status = Status::not_found("", "pods", &target.pod);
    status.message =
        format!("container {} not found in pod {}_{}", target.container, target.pod, target.namespace);
    Err(status)
}

fn session(exec: &Exec, fake: Fake, line: String) -> Session {
    let (stdin, stdin_far) = duplex(PIPE);
    let (stdout, stdout_far) = duplex(PIPE);
    let (stderr, stderr_far) = duplex(PIPE);
    let (resize, sizes) = mpsc::channel(1);
    let pipes = Pipes { stdin: stdin_far, stdout: stdout_far, stderr: stderr_far, sizes };
    let run = tokio::spawn(run(pipes, fake, line));
    Session {
        stdin: exec.stdin.then(|| Box::new(stdin) as _),
        stdout: exec.stdout.then(|| Box::new(stdout) as _),
        stderr: exec.stderr.then(|| Box::new(stderr) as _),
        resize,
        exit: Box::pin(async { run.await.map_err(|error| error.to_string())? }),
    }
}

async fn run(mut pipes: Pipes, fake: Fake, line: String) -> Result<i32, String> {
    let words: Vec<&str> = line.split(' ').collect();
    match words[..] {
        ["exit", code] => Ok(code.parse().unwrap()),
        ["lost"] => Err("the shim is gone".into()),
        ["print", count] => {
            for number in 0..count.parse().unwrap() {
                pipes.stdout.write_all(format!("out {number}\n").as_bytes()).await.unwrap();
                pipes.stderr.write_all(format!("err {number}\n").as_bytes()).await.unwrap();
            }
            Ok(7)
        }
        ["cat"] => {
            tokio::io::copy(&mut pipes.stdin, &mut pipes.stdout).await.unwrap();
            Ok(0)
        }
        ["count"] => {
            let mut input = Vec::new();
            pipes.stdin.read_to_end(&mut input).await.unwrap();
            pipes.stdout.write_all(format!("{}\n", input.len()).as_bytes()).await.unwrap();
            Ok(0)
        }
        ["flood", count] => {
            flood(&mut pipes.stdout, &fake.flooded, count.parse().unwrap()).await.unwrap();
            Ok(0)
        }
        ["size"] => {
            for _ in 0..2 {
                let size = pipes.sizes.recv().await.unwrap();
                let text = format!("{}x{}\n", size.width, size.height);
                pipes.stdout.write_all(text.as_bytes()).await.unwrap();
            }
            Ok(0)
        }
        ["hang"] => {
            pipes.stdout.write_all(b"here\n").await.unwrap();
            // the other end of the input is dropped with the session
            pipes.stdin.read_to_end(&mut Vec::new()).await.unwrap();
            fake.dropped.unwrap().send(()).await.unwrap();
            Ok(0)
        }
        ["attached"] => {
            pipes.stdout.write_all(b"attached\n").await.unwrap();
            Ok(0)
        }
        _ => Err(format!("no such command: {line}")),
    }
}

/// Writes bytes that tell their place.
async fn flood(to: &mut DuplexStream, flooded: &AtomicU64, count: u64) -> std::io::Result<()> {
    let mut at = 0;
    while at < count {
        let block: Vec<u8> = (at..(at + 10_000).min(count)).map(place).collect();
        to.write_all(&block).await?;
        at += block.len() as u64;
        flooded.store(at, Ordering::SeqCst);
    }
    Ok(())
}

/// The byte at a place of the flood.
pub fn place(at: u64) -> u8 {
    (at ^ (at >> 8) ^ (at >> 16)) as u8
}
