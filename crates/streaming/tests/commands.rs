//! Commands over WebSockets.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::{SinkExt as _, StreamExt as _};
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Bytes, Message};

use crate::fake::{BETWEEN, Fake, place, stuck};
use crate::node::{Node, Socket, within};

const V5: &str = "v5.channel.k8s.io";

/// What a client gets to the end of a session.
#[derive(Debug, Default)]
struct Got {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    error: Vec<u8>,
}

impl Got {
    fn stdout(&self) -> &str {
        std::str::from_utf8(&self.stdout).unwrap()
    }

    fn status(&self) -> serde_json::Value {
        serde_json::from_slice(&self.error).unwrap()
    }
}

/// Reads to the end, which must be a close of code 1000, with nothing behind the status.
async fn finish(socket: &mut Socket) -> Got {
    let mut got = Got::default();
    loop {
        let data = match within(socket.next()).await.expect("a close").unwrap() {
            Message::Binary(data) => data,
            Message::Close(frame) => {
                assert_eq!(frame.expect("a frame").code, CloseCode::Normal);
                return got;
            }
            _ => continue,
        };
        assert!(got.error.is_empty(), "the status is the last");
        match data[0] {
            1 => got.stdout.extend(&data[1..]),
            2 => got.stderr.extend(&data[1..]),
            3 => got.error.extend(&data[1..]),
            other => panic!("channel {other}"),
        }
    }
}

fn path(command: &str) -> String {
    let words: String = command.split(' ').map(|word| format!("&command={word}")).collect();
    format!("/exec/ns/web/app?input=1&output=1&error=1{words}")
}

async fn start(node: &Node, command: &str) -> Socket {
    node.socket(&path(command), V5).await.unwrap()
}

async fn send(socket: &mut Socket, channel: u8, data: &[u8]) {
    let message = [&[channel], data].concat();
    within(socket.send(Message::Binary(message.into()))).await.unwrap();
}

async fn run(command: &str) -> Got {
    let node = Node::start(Fake::default()).await;
    finish(&mut start(&node, command).await).await
}

#[tokio::test]
async fn a_success_is_told() {
    let got = run("exit 0").await;
    assert_eq!(got.status(), serde_json::json!({ "metadata": {}, "status": "Success" }));
}

#[tokio::test]
async fn an_exit_code_comes_after_all_output() {
    let got = run("print 1000").await;
    let all =
        |name: &str| (0..1000).map(|number| format!("{name} {number}\n")).collect::<String>().into_bytes();
    assert_eq!((got.stdout.clone(), got.stderr.clone()), (all("out"), all("err")));
    let status = got.status();
    assert_eq!(status["status"], "Failure");
    assert_eq!(status["reason"], "NonZeroExitCode");
    assert_eq!(status["message"], "command terminated with exit code 7");
    assert_eq!(status["details"]["causes"], serde_json::json!([{ "reason": "ExitCode", "message": "7" }]));
}

#[tokio::test]
async fn a_command_that_cannot_run_is_told_on_the_error_channel() {
    for (command, message) in [
        ("missing", "Internal error occurred: exec: \"missing\": executable file not found in $PATH"),
        ("lost", "Internal error occurred: the shim is gone"),
    ] {
        let status = run(command).await.status();
        assert_eq!((&status["reason"], &status["message"]), (&"InternalError".into(), &message.into()));
    }
}

#[tokio::test]
async fn input_ends_when_the_client_closes_its_channel() {
    let node = Node::start(Fake::default()).await;
    let mut socket = start(&node, "cat").await;
    send(&mut socket, 0, b"one ").await;
    send(&mut socket, 0, b"two").await;
    send(&mut socket, 255, &[0]).await;
    // too late, and harmless
    send(&mut socket, 0, b"three").await;
    let got = finish(&mut socket).await;
    assert_eq!(got.stdout(), "one two");
    assert_eq!(got.status()["status"], "Success");
}

#[tokio::test]
async fn much_input_arrives_whole() {
    let node = Node::start(Fake::default()).await;
    let mut socket = start(&node, "count").await;
    let block = vec![b'x'; 100_000];
    for _ in 0..200 {
        send(&mut socket, 0, &block).await;
    }
    send(&mut socket, 255, &[0]).await;
    assert_eq!(finish(&mut socket).await.stdout(), "20000000\n");
}

#[tokio::test]
async fn a_slow_client_gets_every_byte_and_costs_no_memory() {
    const ALL: u64 = 50_000_000;
    let flooded = Arc::new(AtomicU64::new(0));
    let node = Node::start(Fake { flooded: flooded.clone(), ..Fake::default() }).await;
    let mut socket = start(&node, &format!("flood {ALL}")).await;
    // nothing is read until the command is stuck
    stuck(&flooded).await;
    let (mut at, mut error) = (0, Bytes::new());
    loop {
        match within(socket.next()).await.unwrap().unwrap() {
            Message::Binary(data) if data[0] == 1 => {
                assert!(data[1..].iter().zip(at..).all(|(byte, at)| *byte == place(at)), "at {at}");
                at += data.len() as u64 - 1;
                assert!(flooded.load(Ordering::SeqCst) - at < BETWEEN);
            }
            Message::Binary(data) => error = data.slice(1..),
            Message::Close(_) => break,
            _ => {}
        }
    }
    assert_eq!(at, ALL);
    assert_eq!(error, r#"{"metadata":{},"status":"Success"}"#);
}

#[tokio::test]
async fn a_terminal_is_resized() {
    let node = Node::start(Fake::default()).await;
    let path = "/exec/ns/web/app?command=size&input=1&output=1&tty=1";
    let mut socket = node.socket(path, V5).await.unwrap();
    send(&mut socket, 4, br#"{"Width":80,"Height":24}"#).await;
    let first = within(socket.next()).await.unwrap().unwrap();
    assert_eq!(first, Message::Binary(Bytes::from_static(b"\x0180x24\n")));
    send(&mut socket, 4, b"nonsense").await;
    send(&mut socket, 4, br#"{"Width":132,"Height":50}"#).await;
    assert_eq!(finish(&mut socket).await.stdout(), "132x50\n");
}

#[tokio::test]
async fn a_client_that_leaves_drops_its_command() {
    for politely in [true, false] {
        let (dropped, mut signal) = mpsc::channel(1);
        let node = Node::start(Fake { dropped: Some(dropped), ..Fake::default() }).await;
        let mut socket = start(&node, "hang").await;
        assert_eq!(within(socket.next()).await.unwrap().unwrap().into_data(), &b"\x01here\n"[..]);
        if politely {
            socket.close(None).await.unwrap();
        } else {
            drop(socket);
        }
        within(signal.recv()).await.unwrap();
    }
}

#[tokio::test]
async fn a_server_that_stops_drops_its_commands() {
    let (dropped, mut signal) = mpsc::channel(1);
    let node = Node::start(Fake { dropped: Some(dropped), ..Fake::default() }).await;
    let mut socket = start(&node, "hang").await;
    within(socket.next()).await.unwrap().unwrap();
    node.stop().await;
    within(signal.recv()).await.unwrap();
    assert!(within(socket.next()).await.is_none_or(|message| message.is_err()));
}

#[tokio::test]
async fn pings_are_answered() {
    let node = Node::start(Fake::default()).await;
    let mut socket = start(&node, "cat").await;
    socket.send(Message::Ping(Bytes::from_static(b"there?"))).await.unwrap();
    let pong = within(socket.next()).await.unwrap().unwrap();
    assert_eq!(pong, Message::Pong(Bytes::from_static(b"there?")));
    send(&mut socket, 255, &[0]).await;
    assert_eq!(finish(&mut socket).await.status()["status"], "Success");
}

#[tokio::test]
async fn a_message_beyond_all_measure_ends_the_session() {
    let node = Node::start(Fake::default()).await;
    let mut socket = start(&node, "cat").await;
    let message = Message::Binary(vec![0; 5 * 1024 * 1024].into());
    let refused = async {
        socket.send(message).await?;
        while let Some(message) = socket.next().await {
            message?;
        }
        Ok::<_, tokio_tungstenite::tungstenite::Error>(())
    };
    assert!(within(refused).await.is_err());
}

#[tokio::test]
async fn attaching_and_older_protocols_work_alike() {
    let node = Node::start(Fake::default()).await;
    for protocol in ["v5.channel.k8s.io", "v4.channel.k8s.io", "channel.k8s.io"] {
        let mut socket = node.socket("/attach/ns/web/app?output=1", protocol).await.unwrap();
        let got = finish(&mut socket).await;
        assert_eq!(got.stdout(), "attached\n", "{protocol}");
        assert_eq!(got.error.is_empty(), protocol == "channel.k8s.io", "{protocol}");
    }
    let mut socket = node.socket("/attach/ns/web/app?output=1", "base64.channel.k8s.io").await.unwrap();
    assert_eq!(within(socket.next()).await.unwrap().unwrap(), Message::Text("1YXR0YWNoZWQK".into()));
}
