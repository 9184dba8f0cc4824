//! The server goes on: its connections, and whatever is sent at random.

use super::*;

#[tokio::test]
async fn a_body_that_is_too_large_leaves_the_connection_usable() {
    let (world, _) = world().await;
    let mut connection = world.connect().await;
    let mut send = async |method: Method, path: &str, media_type: &str, body: BoxBody<Bytes, Infallible>| {
        let request = Request::builder().method(method).uri(path).header("host", "berth");
        let request = request.header("content-type", media_type).body(body).expect("a request");
        connection.ready().await.expect("the connection is open");
        let answer = connection.send_request(request).await.expect("an answer");
        let code = answer.status().as_u16();
        let body = answer.into_body().collect().await.expect("a body").to_bytes();
        (code, String::from_utf8_lossy(&body).into_owned())
    };
    let stated = |bytes: Vec<u8>| Full::new(Bytes::from(bytes)).boxed();
    let in_pieces = |bytes: Vec<u8>| {
        let pieces: Vec<_> = bytes.chunks(64 << 10).map(Bytes::copy_from_slice).collect();
        BodyExt::boxed(StreamBody::new(futures::stream::iter(
            pieces.into_iter().map(|piece| Ok(Frame::data(piece))),
        )))
    };
    for length in [MAX_BODY + 1, MAX_BODY + (2 << 20)] {
        for body in [stated(vec![b' '; length]), in_pieces(vec![b' '; length])] {
            let (code, told) = send(Method::PATCH, MAP, MERGE_PATCH, body).await;
            assert_eq!(code, 413);
            assert!(told.contains("Request entity too large: limit is 3145728"), "{told}");
        }
        let (code, _) = send(Method::GET, MAP, JSON, stated(Vec::new())).await;
        assert_eq!(code, 200, "the same connection answers");
    }
    let (code, told) = send(Method::POST, MAPS, JSON, in_pieces(vec![b' '; MAX_BODY])).await;
    assert_eq!(code, 400, "the limit itself is within it: {told}");
}

#[tokio::test]
async fn no_input_makes_the_server_fail() {
    let (world, _) = world().await;
    let mut state = 1_u64;
    let mut random = move |end: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % end
    };
    let page =
        world.client.json(Method::GET, "/api/v1/namespaces?limit=1".into(), None).await.expect("a page");
    let token = page["metadata"]["continue"].as_str().expect("more").to_owned();
    let mut seeds: Vec<(Method, &str, &str, Vec<u8>)> = vec![
        (Method::GET, "/api/v1/namespaces?limit=1&continue=", "", token.into_bytes()),
        (Method::GET, "/api/v1/configmaps?labelSelector=", "", b"a%20in%20(b,c),!d".to_vec()),
        (
            Method::GET,
            "/api/v1/configmaps?fieldSelector=",
            "",
            b"metadata.name%3Dx,metadata.namespace!%3Dy".to_vec(),
        ),
        (Method::GET, "/api/v1/configmaps?resourceVersionMatch=Exact&resourceVersion=", "", b"10".to_vec()),
        (Method::GET, "/", "", b"api/v1/namespaces/default/configmaps/m".to_vec()),
        (
            Method::DELETE,
            "/api/v1/namespaces/default/configmaps/x",
            JSON,
            br#"{"gracePeriodSeconds":0,"dryRun":["All"]}"#.to_vec(),
        ),
        (Method::PATCH, MAP, MERGE_PATCH, br#"{"data":{"a":null},"metadata":{"uid":"u"}}"#.to_vec()),
    ];
    let kinds: Vec<_> = ["Pod", "Service", "ConfigMap"].map(|kind| world.kind("", kind).clone()).into();
    let mut bodies = Vec::new();
    for kind in &kinds {
        let object = fixtures::object(kind, "f");
        let raw = object::encode_proto(&kind.schema, &object);
        bodies.push((format!("{}?dryRun=All", kind.path("default")), JSON, object.to_string().into_bytes()));
        bodies.push((
            format!("{}?dryRun=All", kind.path("default")),
            YAML,
            object::to_yaml(&object).into_bytes(),
        ));
        bodies.push((
            format!("{}?dryRun=All", kind.path("default")),
            PROTOBUF,
            wrap_unknown(&kind.api_version(), &kind.kind, &raw),
        ));
    }
    seeds
        .extend(bodies.iter().map(|(path, media, body)| (Method::POST, path.as_str(), *media, body.clone())));
    for (method, path, media_type, seed) in &seeds {
        for _ in 0..60 {
            let mut bytes = seed.clone();
            for _ in 0..=random(3) {
                let at = random(bytes.len());
                match random(4) {
                    0 => bytes[at] = b"{}[]\",:0e-./%\x00\xff"[random(15)],
                    1 => bytes[at] ^= 1 << random(8),
                    2 if bytes.len() > 1 => drop(bytes.remove(at)),
                    _ => bytes.insert(at, seed[random(seed.len())]),
                }
            }
            let ask = if media_type.is_empty() {
                let Ok(uri) = format!("{path}{}", String::from_utf8_lossy(&bytes)).parse::<http::Uri>()
                else {
                    continue;
                };
                ask(method.clone(), uri.to_string(), "")
            } else {
                ask(method.clone(), *path, bytes.clone()).header("content-type", media_type)
            };
            let answer = ask.answer(&world.client).await;
            let code = answer.get(..3).unwrap_or_default();
            assert!(
                code < "500" || answer.contains("Too large resource version"),
                "{path} {:?}: {answer}",
                bytes.escape_ascii()
            );
        }
    }
    assert_eq!(get(MAPS).answer(&world.client).await, "200", "the server goes on");
}
