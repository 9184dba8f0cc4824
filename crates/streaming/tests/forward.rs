//! Forwarded ports, in all the ways in which clients ask for them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
use tokio_tungstenite::tungstenite::{Bytes, Message};

use crate::fake::{BETWEEN, COUNT, ECHO, FLOOD, FLOODED, Fake, place, stuck};
use crate::node::{Node, Socket, within};
use crate::spdy::{self, Connection, GOAWAY, RESET, accepted, get, put, upgrade};

const PATH: &str = "/portForward/ns/web";
const PROTOCOL: &str = "portforward.k8s.io";
const TUNNEL: &str = "SPDY/3.1+portforward.k8s.io";
const V4: &str = "v4.channel.k8s.io";
const V5: &str = "v5.channel.k8s.io";

/// The SPDY connection of a client that speaks it in a WebSocket.
async fn tunnel(node: &Node) -> Connection {
    let mut socket = node.socket(PATH, TUNNEL).await.unwrap();
    let (near, mut far) = duplex(64 * 1024);
    tokio::spawn(async move {
        let mut buffer = vec![0; 10_000];
        loop {
            tokio::select! {
                read = far.read(&mut buffer) => match read {
                    Ok(read) if read > 0 => {
                        let message = Message::Binary(Bytes::copy_from_slice(&buffer[..read]));
                        socket.send(message).await.unwrap();
                    }
                    _ => return drop(socket.close(None).await),
                },
                message = socket.next() => match message {
                    Some(Ok(Message::Binary(data))) => far.write_all(&data).await.unwrap(),
                    Some(Ok(_)) => {}
                    _ => return,
                },
            }
        }
    });
    Box::new(near)
}

/// Opens the two streams of a connection to a port: for errors by this number, for data by the next odd one.
async fn connect(connection: &mut Connection, errors: u32, port: u16, first: bool) {
    let (port, request) = (port.to_string(), errors.to_string());
    for (stream, kind) in [(errors, "error"), (errors + 2, "data")] {
        let words = [("streamtype", kind), ("port", &port), ("requestid", &request)];
        accepted(connection, stream, &words, first && stream == errors).await;
    }
}

/// What comes on two streams to the end of both: data, and errors.
async fn finish(connection: &mut Connection, errors: u32) -> (Vec<u8>, String) {
    let (mut data, mut error, mut open) = (Vec::new(), Vec::new(), 2);
    while open > 0 {
        let (stream, fin, body) = get(connection).await.expect("both streams end");
        match stream {
            _ if stream == errors => error.extend(body),
            _ if stream == errors + 2 => data.extend(body),
            other => panic!("{other:x}"),
        }
        open -= u32::from(fin);
    }
    (data, String::from_utf8(error).unwrap())
}

#[tokio::test]
async fn connections_of_one_client_are_apart() {
    let node = Node::start(Fake::default()).await;
    for mut client in [upgrade(&node, PATH, PROTOCOL).await, tunnel(&node).await] {
        connect(&mut client, 1, ECHO, true).await;
        connect(&mut client, 5, COUNT, false).await;
        put(&mut client, 3, 0, b"one ").await;
        put(&mut client, 7, 0, b"four").await;
        let (stream, fin, body) = get(&mut client).await.unwrap();
        assert_eq!((stream, fin, &body[..]), (3, false, &b"one "[..]));
        put(&mut client, 3, 1, b"two").await;
        assert_eq!(finish(&mut client, 1).await, (b"two".to_vec(), String::new()));
        put(&mut client, 7, 1, b"").await;
        assert_eq!(finish(&mut client, 5).await, (b"4\n".to_vec(), String::new()));
        connect(&mut client, 9, 81, false).await;
        let why = "error forwarding port 81 to pod web, uid : failed to connect to localhost:81";
        assert_eq!(finish(&mut client, 9).await, (Vec::new(), why.to_owned()));
    }
}

#[tokio::test]
async fn streams_that_belong_together_come_in_any_order_and_named_or_not() {
    let node = Node::start(Fake::default()).await;
    let mut client = upgrade(&node, PATH, PROTOCOL).await;
    let words = |kind, request| [("streamtype", kind), ("port", "7"), ("requestid", request)];
    accepted(&mut client, 3, &words("data", "0"), true).await;
    put(&mut client, 3, 1, b"early").await;
    accepted(&mut client, 1, &words("error", "0"), false).await;
    assert_eq!(finish(&mut client, 1).await, (b"early".to_vec(), String::new()));
    for (stream, kind) in [(5, "error"), (7, "data")] {
        accepted(&mut client, stream, &[("streamtype", kind), ("port", "7")], false).await;
    }
    put(&mut client, 7, 1, b"unnamed").await;
    assert_eq!(finish(&mut client, 5).await, (b"unnamed".to_vec(), String::new()));
    for words in [[("streamtype", "data"), ("port", "0")], [("streamtype", "stdin"), ("port", "7")]] {
        spdy::open(&mut client, 9, &words, false).await;
        assert_eq!(get(&mut client).await.unwrap().0, RESET);
    }
}

#[tokio::test]
async fn much_input_arrives_whole_even_when_its_client_leaves() {
    let node = Node::start(Fake::default()).await;
    for mut client in [upgrade(&node, PATH, PROTOCOL).await, tunnel(&node).await] {
        connect(&mut client, 1, COUNT, true).await;
        let block = vec![7; 100_000];
        for _ in 0..200 {
            put(&mut client, 3, 0, &block).await;
        }
        put(&mut client, 3, 1, b"").await;
        assert_eq!(finish(&mut client, 1).await, (b"20000000\n".to_vec(), String::new()));
    }
}

#[tokio::test]
async fn a_slow_client_gets_every_byte_and_costs_no_memory() {
    let flooded = Arc::new(AtomicU64::new(0));
    let node = Node::start(Fake { flooded: flooded.clone(), ..Fake::default() }).await;
    for mut client in [upgrade(&node, PATH, PROTOCOL).await, tunnel(&node).await] {
        connect(&mut client, 1, FLOOD, true).await;
        put(&mut client, 3, 1, b"").await;
        stuck(&flooded).await;
        let (data, error) = finish(&mut client, 1).await;
        assert_eq!((data.len() as u64, error.as_str()), (FLOODED, ""));
        assert!(data.iter().zip(0..).all(|(byte, at)| *byte == place(at)));
        flooded.store(0, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn a_connection_that_is_given_up_ends_and_others_go_on() {
    let (dropped, mut signal) = tokio::sync::mpsc::channel(1);
    let node = Node::start(Fake { dropped: Some(dropped), ..Fake::default() }).await;
    let mut client = upgrade(&node, PATH, PROTOCOL).await;
    connect(&mut client, 1, FLOOD, true).await;
    put(&mut client, RESET, 0, &[3_u32.to_be_bytes(), 5_u32.to_be_bytes()].concat()).await;
    let (data, error) = finish(&mut client, 1).await;
    assert!((data.len() as u64) < BETWEEN && error.is_empty());
    within(signal.recv()).await.unwrap();
    connect(&mut client, 5, COUNT, false).await;
    put(&mut client, 7, 1, b"on").await;
    assert_eq!(finish(&mut client, 5).await.0, b"2\n");
    put(&mut client, GOAWAY, 0, &[0; 8]).await;
    assert_eq!(get(&mut client).await, None);
}

/// The next message: its channel, and what it says.
async fn next(socket: &mut Socket) -> (u8, Bytes) {
    match within(socket.next()).await.unwrap().unwrap() {
        Message::Binary(message) => (message[0], message.slice(1..)),
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn channels_of_a_websocket_carry_ports() {
    let node = Node::start(Fake::default()).await;
    for protocol in [V5, V4] {
        let mut socket = node.socket(&format!("{PATH}?port={ECHO},81"), protocol).await.unwrap();
        let mut told: Vec<(u8, Bytes)> = Vec::new();
        while told.len() < 5 {
            told.push(next(&mut socket).await);
        }
        told.sort();
        let port = |port: u16| Bytes::copy_from_slice(&port.to_le_bytes());
        let why = "error forwarding port 81 to pod web, uid : failed to connect to localhost:81";
        let expect = [(0, port(ECHO)), (1, port(ECHO)), (2, port(81)), (3, port(81)), (3, Bytes::from(why))];
        assert_eq!(told, expect);
        socket.send(Message::Binary(Bytes::from_static(b"\0hello"))).await.unwrap();
        assert_eq!(next(&mut socket).await, (0, Bytes::from_static(b"hello")));
        if protocol == V5 {
            socket.send(Message::Binary(Bytes::from_static(&[255, 0]))).await.unwrap();
            assert!(matches!(within(socket.next()).await, Some(Ok(Message::Close(_)))));
        }
    }
}

#[tokio::test]
async fn a_slow_reader_of_a_channel_gets_every_byte() {
    let flooded = Arc::new(AtomicU64::new(0));
    let node = Node::start(Fake { flooded: flooded.clone(), ..Fake::default() }).await;
    let mut socket = node.socket(&format!("{PATH}?port={FLOOD}"), V4).await.unwrap();
    stuck(&flooded).await;
    let mut at = 0;
    for channel in [0, 1] {
        assert_eq!(next(&mut socket).await, (channel, Bytes::copy_from_slice(&FLOOD.to_le_bytes())));
    }
    loop {
        match within(socket.next()).await.unwrap().unwrap() {
            Message::Binary(message) => {
                assert!(message[1..].iter().zip(at..).all(|(byte, at)| *byte == place(at)), "at {at}");
                at += message.len() as u64 - 1;
            }
            Message::Close(_) => break,
            other => panic!("{other}"),
        }
    }
    assert_eq!(at, FLOODED);
}

#[tokio::test]
async fn what_cannot_be_forwarded_is_refused_before_the_upgrade() {
    let node = Node::start(Fake::default()).await;
    for (path, code) in [
        ("/portForward/ns/missing?port=7", 404),
        ("/portForward/ns/web", 400),
        ("/portForward/ns/web?port=0", 400),
        ("/portForward/ns/web?port=many", 400),
    ] {
        let answer = node.socket(path, V4).await.expect_err("refused");
        assert_eq!(answer.status(), code, "{path}");
    }
}
