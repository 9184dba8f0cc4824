//! Revisions of long ago.

use super::*;

#[tokio::test]
async fn revisions_of_long_ago_are_gone() {
    let store = Arc::new(store::Memory::new());
    let world = async || World::on(store.clone(), PodRange::default(), ServiceRange::default()).await;
    world().await.server.stop().await;
    // what happened before it began is not in the cache of a server
    let world = world().await;
    let token = "eyJydiI6MSwibnMiOiIiLCJuYW1lIjoiYSJ9";
    for (query, expect) in [
        (
            "resourceVersion=1&resourceVersionMatch=Exact",
            "410 Expired: The resourceVersion for the provided list is too old.",
        ),
        (
            &format!("continue={token}"),
            "410 Expired: The provided continue parameter is too old to display a consistent list result. You can start",
        ),
    ] {
        let answer = get(format!("{MAPS}?{query}")).answer(&world.client).await;
        assert!(answer.starts_with(expect), "{query}: {answer}");
    }
}

/// A watch that cannot begin is answered, and its one event says why, in any form.
#[tokio::test]
async fn watches_from_long_ago_end_with_an_error() {
    let store = Arc::new(store::Memory::new());
    let world = async || World::on(store.clone(), PodRange::default(), ServiceRange::default()).await;
    world().await.server.stop().await;
    let world = world().await;
    let told = async |accept: &str| {
        let request =
            Request::builder().uri(format!("{MAPS}?watch=1&resourceVersion=1")).header("accept", accept);
        let request = request.body(Body::from(Vec::new())).expect("a request");
        let answer = world.client.kube().send(request).await.expect("an answer");
        assert_eq!(answer.status().as_u16(), 200, "{accept}");
        answer.into_body().collect().await.expect("it ends").to_bytes()
    };
    for accept in ["application/json", "application/json;as=Table;v=v1;g=meta.k8s.io"] {
        let event: Value = serde_json::from_slice(&told(accept).await).expect("one event");
        let status = &event["object"];
        assert_eq!((&event["type"], &status["kind"]), (&json!("ERROR"), &json!("Status")), "{accept}");
        assert_eq!((&status["code"], &status["reason"]), (&json!(410), &json!("Expired")), "{accept}");
        let text = status["message"].as_str().expect("a message");
        assert!(text.starts_with("too old resource version: 1 ("), "{text}");
    }
    let frame = told("application/vnd.kubernetes.protobuf").await;
    let (length, event) = frame.split_at(4);
    assert_eq!(length, u32::try_from(event.len()).expect("a small event").to_be_bytes());
    for part in [&b"ERROR"[..], b"k8s\0", b"Expired", b"too old resource version: 1 ("] {
        assert!(event.windows(part.len()).any(|window| window == part), "{event:?}");
    }
}
