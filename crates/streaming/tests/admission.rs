//! Who may ask, and how refusals look.

use crate::fake::Fake;
use crate::node::{Authority, Node, request, status, text};

#[tokio::test]
async fn the_api_server_is_served() {
    let node = Node::start(Fake::default()).await;
    assert_eq!(text(node.get("/healthz").await).await, "ok");
    node.stop().await;
}

#[tokio::test]
async fn without_a_certificate_nothing_is_served() {
    let node = Node::start(Fake::default()).await;
    for path in
        ["/healthz", "/containerLogs/ns/web/app", "/exec/ns/web/app?command=exit&output=1", "/nothing"]
    {
        let answer = request(node.connect_as(None).await.unwrap(), "GET", path).await.unwrap();
        assert_eq!(status(answer).await, (401, "Unauthorized".into(), "Unauthorized".into()), "{path}");
    }
}

#[tokio::test]
async fn another_client_of_the_cluster_is_forbidden() {
    let node = Node::start(Fake::default()).await;
    for name in ["system:admin", "kube-apiserver-kubelet-client2"] {
        let certificate = node.authority.client(name);
        let client = node.connect_as(Some(certificate)).await.unwrap();
        let answer = request(client, "GET", "/containerLogs/ns/web/app").await.unwrap();
        let message = format!("Forbidden (user={name}, resource=nodes)");
        assert_eq!(status(answer).await, (403, "Forbidden".into(), message));
    }
}

#[tokio::test]
async fn a_certificate_of_another_authority_is_refused() {
    let node = Node::start(Fake::default()).await;
    let certificate = Authority::new().client(streaming::API_SERVER);
    // with TLS 1.3 the client learns of it after its own part of the handshake
    let refused = match node.connect_as(Some(certificate)).await {
        Err(_) => true,
        Ok(client) => request(client, "GET", "/healthz").await.is_err(),
    };
    assert!(refused);
    assert_eq!(text(node.get("/healthz").await).await, "ok");
}

#[tokio::test]
async fn refusals_are_documents() {
    let node = Node::start(Fake::default()).await;
    let (code, reason, _) = status(node.get("/pods").await).await;
    assert_eq!((code, reason.as_str()), (404, "NotFound"));
    let message = "container db not found in pod web_ns";
    let expect = (404, "NotFound".to_owned(), message.to_owned());
    assert_eq!(status(node.get("/containerLogs/ns/web/db").await).await, expect);
    let answer =
        node.socket("/exec/ns/web/db?command=cat&output=1", "v5.channel.k8s.io").await.err().unwrap();
    assert_eq!(answer.status(), 404);
    let (code, _, message) = status(node.get("/exec/ns/web/app?command=cat&output=1").await).await;
    assert_eq!((code, message.as_str()), (400, "Upgrade request required"));
    let (code, _, _) = status(node.get("/containerLogs/ns/web/app?tailLines=-1").await).await;
    assert_eq!(code, 422);
    let answer = request(node.connect().await, "DELETE", "/exec/ns/web/app").await.unwrap();
    assert_eq!(status(answer).await.0, 405);
}

#[test]
fn a_broken_authority_is_an_error() {
    assert!(matches!(streaming::tls("", &[]), Err(streaming::Error::Ca(_))));
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert!(matches!(streaming::tls(broken, &[]), Err(streaming::Error::Tls(_))));
    let names = ["n\u{f6}de".to_owned()];
    let authority = Authority::new();
    assert!(matches!(streaming::tls(&authority.pem, &names), Err(streaming::Error::Certificate(_))));
}
