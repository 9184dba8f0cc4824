//! What HTTP/2 is strict about.

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::{BodyExt, Empty};

use crate::World;

#[tokio::test]
async fn a_head_has_no_body() {
    let world = World::new().await;
    let mut connection = world.connect2::<Empty<Bytes>>().await;
    let root = format!("https://{}", world.server.address());
    for (method, path, code) in [
        (Method::HEAD, "/healthz", 200),
        (Method::HEAD, "/metrics", 200),
        (Method::HEAD, "/openapi/v2", 200),
        (Method::HEAD, "/api/v1/namespaces", 405),
        (Method::HEAD, "/api/v1/namespaces/default", 405),
        (Method::HEAD, "/api/v1/namespaces/default/pods/none/log", 405),
        (Method::HEAD, "/version", 405),
        (Method::HEAD, "/nothing", 404),
        // the connection goes on
        (Method::GET, "/api/v1/namespaces/default", 200),
    ] {
        let request = Request::builder().method(&method).uri(format!("{root}{path}")).body(Empty::new());
        connection.ready().await.expect("the connection is open");
        let answer = connection.send_request(request.expect("a request")).await.expect("an answer");
        assert_eq!(answer.status().as_u16(), code, "{method} {path}");
        let body = answer.into_body().collect().await.unwrap_or_else(|e| panic!("{method} {path}: {e}"));
        assert_eq!(body.to_bytes().is_empty(), method == Method::HEAD, "{method} {path}");
    }
}
