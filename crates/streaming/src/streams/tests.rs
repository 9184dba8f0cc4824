use std::time::Duration;

use bytes::Bytes;
use object::Status;
use tokio::io::{AsyncReadExt as _, DuplexStream, duplex};
use tokio::sync::mpsc;

use super::protocol::{Message, Protocol};
use super::session::{Input, Limits, Output};
use super::upgrade::{Purpose, Upgrade};
use super::verdict::Verdict;
use super::websocket::command::hold;
use crate::{Session, Size};

fn protocol(name: &str) -> Protocol {
    Protocol::choose([name].into_iter()).expect(name)
}

fn read(name: &str, message: &'static [u8]) -> Input {
    protocol(name).read(&Bytes::from_static(message))
}

#[test]
fn the_clients_first_known_protocol_is_spoken() {
    for (offered, expect) in [
        (vec![], Some("")),
        (vec!["v5.channel.k8s.io, v4.channel.k8s.io"], Some("v5.channel.k8s.io")),
        (vec!["v9.channel.k8s.io", "v4.channel.k8s.io,v5.channel.k8s.io"], Some("v4.channel.k8s.io")),
        (vec!["v4.base64.channel.k8s.io"], Some("v4.base64.channel.k8s.io")),
        (vec!["chat"], None),
    ] {
        let chosen = Protocol::choose(offered.iter().copied()).map(|protocol| protocol.name);
        assert_eq!(chosen, expect, "{offered:?}");
    }
}

#[test]
fn messages_are_read() {
    let v5 = "v5.channel.k8s.io";
    assert_eq!(read(v5, b"\0abc"), Input::Stdin(Bytes::from_static(b"abc")));
    assert_eq!(read(v5, b"\xff\0"), Input::StdinEnd);
    let size = Size { width: 80, height: 24 };
    assert_eq!(read(v5, b"\x04{\"Width\":80,\"Height\":24}"), Input::Resize(size));
    assert_eq!(
        read(v5, b"\x04{\"Width\":1,\"Height\":1}\n{\"Width\":80,\"Height\":24}\n"),
        Input::Resize(size)
    );
    for nonsense in [
        &b""[..],
        b"\0",
        b"\x01abc",
        b"\x09abc",
        b"\xff",
        b"\xff\x01",
        b"\x04{\"Width\":0,\"Height\":24}",
        b"\x04{\"Width\":70000,\"Height\":24}",
        b"\x04wide",
    ] {
        assert_eq!(read(v5, nonsense), Input::Nothing, "{nonsense:?}");
    }
    assert_eq!(read("v4.channel.k8s.io", b"\xff\0"), Input::Nothing);
    assert_eq!(read("base64.channel.k8s.io", b"0YWJj"), Input::Stdin(Bytes::from_static(b"abc")));
    assert_eq!(read("base64.channel.k8s.io", b"0?"), Input::Nothing);
}

#[test]
fn messages_are_written() {
    let binary = protocol("v5.channel.k8s.io").output(Output::Stderr, b"abc");
    assert_eq!(binary, Message::Binary(Bytes::from_static(b"\x02abc")));
    let text = protocol("base64.channel.k8s.io").output(Output::Stdout, b"abc");
    assert_eq!(text, Message::Text("1YWJj".into()));
    assert_eq!(protocol("v4.base64.channel.k8s.io").error(b"{}"), Message::Text("3e30=".into()));
}

#[test]
fn the_end_is_told_as_each_protocol_has_it() {
    let told = |verdict: &Verdict, name| {
        verdict.write(protocol(name).verdict).map(|text| String::from_utf8(text).unwrap()).unwrap_or_default()
    };
    let (v1, v4) = ("channel.k8s.io", "v4.channel.k8s.io");
    assert_eq!(told(&Verdict::Exited(0), v1), "");
    assert_eq!(told(&Verdict::Exited(0), v4), r#"{"metadata":{},"status":"Success"}"#);
    assert_eq!(told(&Verdict::Exited(3), v1), "command terminated with exit code 3");
    let status: serde_json::Value = serde_json::from_str(&told(&Verdict::Exited(3), v4)).unwrap();
    let expect = serde_json::json!({
        "metadata": {}, "status": "Failure", "reason": "NonZeroExitCode",
        "message": "command terminated with exit code 3",
        "details": { "causes": [{ "reason": "ExitCode", "message": "3" }] },
    });
    assert_eq!(status, expect);
    let failed = Verdict::Failed(Status::internal("no such file"));
    assert_eq!(told(&failed, v1), "Internal error occurred: no such file");
    let status: serde_json::Value = serde_json::from_str(&told(&failed, v4)).unwrap();
    assert_eq!((&status["reason"], &status["code"]), (&"InternalError".into(), &500.into()));
}

#[test]
fn an_upgrade_is_checked() {
    let request = |headers: &[(&str, &str)]| {
        let mut request = http::Request::builder();
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Upgrade::of(&request.body(()).unwrap(), Purpose::Command)
            .map_err(|status| (status.code, status.message))
    };
    let good = [
        ("connection", "keep-alive, Upgrade"),
        ("upgrade", "WebSocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("sec-websocket-protocol", "v5.channel.k8s.io"),
    ];
    let headers = request(&good).expect("good").headers();
    // the example of RFC 6455, section 1.3
    assert_eq!(headers["sec-websocket-accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    assert_eq!(headers["sec-websocket-protocol"], "v5.channel.k8s.io");
    for missing in 0..4 {
        let mut headers = good.to_vec();
        headers.remove(missing);
        assert_eq!(request(&headers).expect_err("incomplete").0, 400, "without {:?}", good[missing]);
    }
    let mut strange = good.to_vec();
    strange[4].1 = "chat";
    assert_eq!(request(&strange).expect_err("unknown").1, "none of the WebSocket sub-protocols is supported");
}

/// A session whose command does nothing until it is dropped; the other ends of its pipes and of its life.
fn silent() -> (Session, DuplexStream, mpsc::Receiver<()>) {
    let (stdout, far) = duplex(64);
    let (alive, life) = mpsc::channel(1);
    let (resize, _) = mpsc::channel(1);
    let exit = Box::pin(async move {
        let () = std::future::pending().await;
        drop(alive);
        Ok(0)
    });
    (Session { stdin: None, stdout: Some(Box::new(stdout)), stderr: None, resize, exit }, far, life)
}

#[tokio::test]
async fn an_idle_session_is_dropped() {
    let (session, _stdout, mut life) = silent();
    let (server, mut client) = duplex(64);
    let limits = Limits {
        idle: Duration::from_millis(50),
        probe: Duration::from_millis(10),
        linger: Duration::from_secs(1),
    };
    hold(server, protocol("v5.channel.k8s.io"), Ok(session), limits).await;
    assert_eq!(life.recv().await, None);
    let mut got = Vec::new();
    client.read_to_end(&mut got).await.unwrap();
    // pings alone are no activity
    assert!(!got.is_empty() && got.iter().step_by(2).all(|byte| *byte == 0x89), "{got:?}");
}

#[tokio::test]
async fn a_probe_finds_that_the_client_is_gone_while_input_is_stuck() {
    let (mut session, _stdout, mut life) = silent();
    let (stdin, _unread) = duplex(1);
    session.stdin = Some(Box::new(stdin));
    let (server, mut client) = duplex(1024);
    let limits = Limits {
        idle: Duration::from_secs(60),
        probe: Duration::from_millis(10),
        linger: Duration::from_secs(1),
    };
    let held = tokio::spawn(hold(server, protocol("v5.channel.k8s.io"), Ok(session), limits));
    // a masked binary message with channel 0 and three bytes
    let message = [0x82, 0x84, 0, 0, 0, 0, 0, b'a', b'b', b'c'];
    tokio::io::AsyncWriteExt::write_all(&mut client, &message).await.unwrap();
    // a ping is the sign that the session is up
    client.read_exact(&mut [0; 2]).await.unwrap();
    drop(client);
    tokio::time::timeout(Duration::from_secs(30), held).await.expect("the session ends").unwrap();
    assert_eq!(life.recv().await, None);
}
