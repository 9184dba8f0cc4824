//! Watches on WebSockets.

use std::time::Duration;

use bytes::Bytes;
use futures::{SinkExt, StreamExt};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use object::{Key, Value};
use serde_json::json;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

use crate::World;

const MAPS: &str = "/api/v1/namespaces/default/configmaps?watch=1";
/// Within this a thing that must happen has happened.
const SOON: Duration = Duration::from_secs(30);

impl World {
    async fn ask_for_socket(&self, path: &str, headers: &[(&str, &str)]) -> Response<Incoming> {
        let mut request = Request::get(path)
            .header("host", "berth")
            .header("connection", "keep-alive, Upgrade")
            .header("upgrade", "WebSocket")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Empty::<Bytes>::new()).expect("a request");
        self.connect().await.send_request(request).await.expect("an answer")
    }

    async fn socket(&self, path: &str, headers: &[(&str, &str)]) -> WebSocketStream<TokioIo<Upgraded>> {
        let mut answer =
            self.ask_for_socket(path, &[&[("sec-websocket-version", "13")], headers].concat()).await;
        assert_eq!(answer.status(), StatusCode::SWITCHING_PROTOCOLS);
        assert_eq!(answer.headers()["sec-websocket-accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        let stream = hyper::upgrade::on(&mut answer).await.expect("upgrades");
        WebSocketStream::from_raw_socket(TokioIo::new(stream), Role::Client, None).await
    }

    async fn create_map(&self, name: &str) {
        let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}});
        self.client.create(self.kind("", "ConfigMap"), "default", &map).await.expect("create");
    }
}

async fn next(socket: &mut WebSocketStream<TokioIo<Upgraded>>) -> Message {
    let message = tokio::time::timeout(SOON, socket.next()).await.expect("in time");
    message.expect("a message").expect("a whole one")
}

async fn event(socket: &mut WebSocketStream<TokioIo<Upgraded>>) -> String {
    let Message::Text(text) = next(socket).await else { panic!("no text") };
    let event: Value = serde_json::from_str(&text).expect("one event");
    let name = event["object"]["metadata"]["name"].as_str().unwrap_or_default();
    format!("{} {name}", event["type"].as_str().unwrap_or_default())
}

#[tokio::test]
async fn each_event_is_a_text() {
    let world = World::new().await;
    for name in ["a", "b"] {
        world.create_map(name).await;
    }
    let mut socket = world.socket(&format!("{MAPS}&resourceVersion=0"), &[]).await;
    assert_eq!([event(&mut socket).await, event(&mut socket).await], ["ADDED a", "ADDED b"]);
    world.create_map("c").await;
    assert_eq!(event(&mut socket).await, "ADDED c");
    // what the client says is not listened to, but answered where that is due
    socket.send(Message::text("hello")).await.expect("sends");
    socket.send(Message::Ping(Bytes::from_static(b"there?"))).await.expect("sends");
    assert_eq!(next(&mut socket).await, Message::Pong(Bytes::from_static(b"there?")));
    let key = Key::new("default", "a");
    world.client.delete(world.kind("", "ConfigMap"), &key, &json!({})).await.expect("delete");
    assert_eq!(event(&mut socket).await, "DELETED a");
    let stopping = tokio::spawn(world.server.stop());
    assert!(matches!(next(&mut socket).await, Message::Close(Some(_))), "it ends with the server");
    stopping.await.expect("stops");
}

#[tokio::test]
async fn a_socket_ends_with_its_watch_or_its_client() {
    let world = World::new().await;
    let mut socket = world.socket(&format!("{MAPS}&timeoutSeconds=1"), &[]).await;
    assert!(matches!(next(&mut socket).await, Message::Close(Some(_))));
    let mut socket = world.socket(MAPS, &[]).await;
    socket.close(None).await.expect("closes");
    assert!(matches!(next(&mut socket).await, Message::Close(_)), "the answer to that");
    let never = format!("{MAPS}&resourceVersion=abc");
    let refused = world.ask_for_socket(&never, &[("sec-websocket-version", "13")]).await;
    assert_eq!(refused.status(), 400, "a watch that cannot be is no socket");
}

#[tokio::test]
async fn protobuf_is_sent_as_bytes() {
    let world = World::new().await;
    world.create_map("a").await;
    let accept = ("accept", "application/vnd.kubernetes.protobuf");
    let mut socket = world.socket(&format!("{MAPS}&resourceVersion=0"), &[accept]).await;
    let Message::Binary(event) = next(&mut socket).await else { panic!("no bytes") };
    // field 1, its length, the type
    assert!(event.starts_with(b"\x0a\x05ADDED"), "{event:?}");
    assert!(event.windows(4).any(|bytes| bytes == b"k8s\0"), "{event:?}");
}

#[tokio::test]
async fn a_handshake_names_one_protocol_at_most() {
    let world = World::new().await;
    let version = ("sec-websocket-version", "13");
    let offer = async |protocols: &str| {
        let answer = world.ask_for_socket(MAPS, &[version, ("sec-websocket-protocol", protocols)]).await;
        let chosen = answer.headers().get("sec-websocket-protocol");
        (answer.status().as_u16(), chosen.map(|name| name.to_str().expect("a text").to_owned()))
    };
    let chosen = Some("base64.binary.k8s.io".to_owned());
    assert_eq!(offer("base64.binary.k8s.io").await, (101, chosen.clone()));
    let with_token = "base64url.bearer.authorization.k8s.io.dG9rZW4, base64.binary.k8s.io";
    assert_eq!(offer(with_token).await, (101, chosen));
    assert_eq!(offer("a, b").await, (400, None));
    assert_eq!(world.ask_for_socket(MAPS, &[]).await.status(), 400, "of no version");
    // what ends at once is answered as ever, and so are those who ask for another protocol
    let list = world.ask_for_socket("/api/v1/namespaces/default/configmaps", &[version]).await;
    assert_eq!(list.status(), 200);
    let body = list.into_body().collect().await.expect("a body").to_bytes();
    let list: Value = serde_json::from_slice(&body).expect("JSON");
    assert_eq!(list["kind"], "ConfigMapList");
}
