//! Commands over SPDY/3.1, as older clients run them.

use tokio::io::AsyncWriteExt as _;

use crate::fake::{Fake, place};
use crate::node::{Node, within};
use crate::spdy::{Connection, GOAWAY, PING, accepted, get, put, upgrade};

const V4: &str = "v4.channel.k8s.io";

const ERROR: u32 = 1;
const STDIN: u32 = 3;
const STDOUT: u32 = 5;
const STDERR: u32 = 7;
const RESIZE: u32 = 9;

/// A connection on which these streams are open.
async fn start(node: &Node, path: &str, streams: &[(u32, &str)]) -> Connection {
    let mut connection = upgrade(node, path, V4).await;
    for (at, (stream, kind)) in streams.iter().enumerate() {
        accepted(&mut connection, *stream, &[("streamtype", kind)], at == 0).await;
    }
    connection
}

#[derive(Default)]
struct Got {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    status: serde_json::Value,
}

/// Reads to the status, before which all output must have ended, and leaves.
async fn finish(mut connection: Connection) -> Got {
    let (mut got, mut ended) = (Got::default(), Vec::new());
    while got.status.is_null() {
        let (stream, fin, data) = get(&mut connection).await.expect("a status");
        match stream {
            STDOUT => got.stdout.extend(data),
            STDERR => got.stderr.extend(data),
            ERROR => got.status = serde_json::from_slice(&data).unwrap(),
            STDIN | RESIZE => assert!(data.is_empty()),
            other => panic!("{other:x}"),
        }
        if fin {
            ended.push(stream);
        }
    }
    assert_eq!((ended[0], ended.last()), (STDOUT, Some(&ERROR)));
    put(&mut connection, GOAWAY, 0, &[0; 8]).await;
    assert_eq!(get(&mut connection).await, None);
    got
}

#[tokio::test]
async fn input_output_and_exit_codes_pass() {
    let node = Node::start(Fake::default()).await;
    let path = "/exec/ns/web/app?command=cat&input=1&output=1&error=1";
    let streams = [(ERROR, "error"), (STDIN, "stdin"), (STDOUT, "stdout"), (STDERR, "stderr")];
    let mut connection = start(&node, path, &streams).await;
    put(&mut connection, PING, 0, &7_u32.to_be_bytes()).await;
    assert_eq!(get(&mut connection).await, Some((PING, false, 7_u32.to_be_bytes().to_vec())));
    put(&mut connection, STDIN, 0, b"one ").await;
    put(&mut connection, STDIN, 1, b"two").await;
    let got = finish(connection).await;
    assert_eq!((got.stdout.as_slice(), &got.status["status"]), (&b"one two"[..], &"Success".into()));

    let path = "/exec/ns/web/app?command=print&command=1000&output=1&error=1";
    let streams = [(ERROR, "error"), (STDOUT, "stdout"), (STDERR, "stderr")];
    let got = finish(start(&node, path, &streams).await).await;
    let all =
        |name: &str| (0..1000).map(|number| format!("{name} {number}\n")).collect::<String>().into_bytes();
    assert_eq!((got.stdout, got.stderr), (all("out"), all("err")));
    assert_eq!(got.status["details"]["causes"][0]["message"], "7");
}

#[tokio::test]
async fn a_terminal_is_resized() {
    let node = Node::start(Fake::default()).await;
    let path = "/exec/ns/web/app?command=size&output=1&tty=1";
    let streams = [(ERROR, "error"), (STDOUT, "stdout"), (RESIZE, "resize")];
    let mut connection = start(&node, path, &streams).await;
    put(&mut connection, RESIZE, 0, b"{\"Width\":80,\"Height\":24}\n").await;
    assert_eq!(get(&mut connection).await, Some((STDOUT, false, b"80x24\n".to_vec())));
    put(&mut connection, RESIZE, 0, b"{\"Width\":132,\"Height\":50}\n").await;
    assert_eq!(finish(connection).await.stdout, b"132x50\n");
}

#[tokio::test]
async fn much_output_arrives_whole() {
    let node = Node::start(Fake::default()).await;
    let path = "/exec/ns/web/app?command=flood&command=20000000&output=1";
    let got = finish(start(&node, path, &[(ERROR, "error"), (STDOUT, "stdout")]).await).await;
    assert_eq!(got.stdout.len(), 20_000_000);
    assert!(got.stdout.iter().zip(0..).all(|(byte, at)| *byte == place(at)));
}

#[tokio::test]
async fn a_client_that_talks_nonsense_is_let_go() {
    let node = Node::start(Fake::default()).await;
    let path = "/exec/ns/web/app?command=cat&input=1&output=1";
    // a frame of no version, one without its body's fields, and a client that leaves at once
    for nonsense in [[0xff; 8], [0x80, 3, 0, 1, 0, 0, 0, 0], [0x80, 3, 0, 7, 0, 0, 0, 0]] {
        let mut connection = upgrade(&node, path, V4).await;
        within(connection.write_all(&nonsense)).await.unwrap();
        assert_eq!(get(&mut connection).await, None, "{nonsense:02x?}");
    }
}
