//! A small schema with every shape; the whole table is tried where it lives, beside the kinds.

use proptest::prelude::*;
use serde_json::json;

use super::testing::schema;
use super::*;
use crate::Value;

fn check_both_ways(document: Value) {
    let schema = schema();
    assert_eq!(decode_proto(&schema, &encode_proto(&schema, &document)), Ok(document));
}

/// What `bytes` decode to.
fn check(bytes: &[u8], expect: Value) {
    assert_eq!(decode_proto(&schema(), bytes), Ok(expect));
}

#[test]
fn every_shape_goes_both_ways() {
    check_both_ways(json!({
        "name": "a", "count": -5, "explicit": 0, "written": "", "flag": true, "ratio": -1.25, "data": "AP8=",
        "time": "2024-01-02T03:04:05Z", "micro": "1969-12-31T23:59:59.250000Z", "length": "1h0m1.5s",
        "amount": "1500m", "port": "http", "raw": {"x": [1, null]},
        "child": {"name": "b", "child": {}}, "children": [{"flag": true}, {}],
        "words": ["", "x"], "numbers": [0, -1, 7], "wrapped": ["get", "list"],
        "labels": {"a": "", "b": "c"}, "amounts": {"cpu": "2"}, "lists": {"k": ["v", ""], "l": []},
        "inlined": "i", "deeper": "d",
        "orBool": {"name": "s"}, "orArray": [{"name": "s"}], "orStrings": ["x"],
    }));
    check_both_ways(
        json!({"port": 80, "orBool": false, "orArray": {"name": "s"}, "orStrings": {"flag": true}}),
    );
}

#[test]
fn fields_without_a_tag_or_of_another_shape_are_left_out() {
    let document = json!({"untagged": "x", "unknown": 1, "count": "many", "time": null, "name": "n"});
    assert_eq!(encode_proto(&schema(), &document), b"\x0a\x01n");
}

#[test]
fn zeros_mean_absence_unless_explicit_or_always_written() {
    check(b"\x0a\x00\x10\x00\x18\x00\x22\x00\x28\x00\x3a\x00", json!({"explicit": 0, "written": ""}));
    // a zero time, an empty message, a zero port, an unset raw value
    check(b"\x42\x00\x72\x00\x62\x06\x08\x00\x10\x00\x1a\x00\x6a\x00", json!({"child": {}}));
}

#[test]
fn unknown_tags_are_skipped_and_packed_numbers_are_read() {
    check(
        b"\xf8\x07\x01\x0a\x01n\xfa\x07\x02zz\x8a\x01\x02\x01\x02",
        json!({"name": "n", "numbers": [1, 2]}),
    );
    check(b"\x8a\x01\x00", json!({}));
    check(b"\x8a\x01\x01\x05\x8a\x01\x00", json!({"numbers": [5]}));
}

#[test]
fn the_later_value_wins_and_an_entry_without_value_is_empty() {
    check(b"\x0a\x01a\x0a\x01b\x9a\x01\x03\x0a\x01k", json!({"name": "b", "labels": {"k": ""}}));
}

#[test]
fn broken_input_is_an_error() {
    let error = |bytes: &[u8]| decode_proto(&schema(), bytes).unwrap_err();
    assert_eq!(error(b"\x0a\x05ab"), ProtoError::Truncated);
    assert_eq!(error(b"\x10"), ProtoError::Truncated);
    assert_eq!(error(b"\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"), ProtoError::Overflow);
    assert_eq!(error(b"\x00\x01"), ProtoError::Tag(0));
    assert_eq!(error(b"\x0b"), ProtoError::Tag(1));
    assert_eq!(error(b"\x08\x01"), ProtoError::WireType("name".into()));
    assert_eq!(error(b"\x0a\x01\xff"), ProtoError::Value("name".into()));
    assert_eq!(error(b"\x6a\x03\x0a\x01{"), ProtoError::Value("raw".into()));
}

#[test]
fn nesting_is_bounded() {
    let nested = |levels: usize| {
        (0..levels).fold(Vec::new(), |inner, _| {
            let mut outer = Vec::new();
            wire::put_bytes(&mut outer, 14, &inner);
            outer
        })
    };
    assert!(decode_proto(&schema(), &nested(MAX_DEPTH - 1)).is_ok());
    assert_eq!(decode_proto(&schema(), &nested(MAX_DEPTH)), Err(ProtoError::TooDeep));
    let listed = |levels: usize| (0..levels).fold(json!({}), |inner, _| json!({"children": [inner]}));
    let both_ways = |document| decode_proto(&schema(), &encode_proto(&schema(), &document));
    assert!(both_ways(listed(59)).is_ok());
    assert_eq!(both_ways(listed(60)), Err(ProtoError::TooDeep), "no reader of JSON would take it back");
    let raw = (0..100).fold(json!(1), |inner, _| json!([inner]));
    let deep = (0..30).fold(json!({ "raw": raw }), |inner, _| json!({ "child": inner }));
    assert_eq!(both_ways(deep), Err(ProtoError::TooDeep));
    let many = json!({"children": vec![json!({}); crate::MAX_PARTS]});
    assert_eq!(both_ways(many), Err(ProtoError::TooMany));
}

#[test]
fn envelopes_open_and_close() {
    let body = wrap_unknown("apps/v1", "Deployment", b"raw");
    assert!(body.starts_with(b"k8s\0\x0a\x15\x0a\x07apps/v1\x12\x0aDeployment\x12\x03raw"));
    let unknown = unwrap_unknown(&body).unwrap();
    assert_eq!(
        (unknown.api_version.as_str(), unknown.kind.as_str(), unknown.raw),
        ("apps/v1", "Deployment", &b"raw"[..])
    );
    assert_eq!(unwrap_unknown(b"{}"), Err(ProtoError::NoEnvelope));
    assert_eq!(unwrap_unknown(b"k8s\0\x0a\x7f"), Err(ProtoError::Truncated));
}

#[test]
fn durations_read_as_in_go() {
    for (text, nanos) in [
        ("0s", 0),
        ("1ns", 1),
        ("1.5µs", 1_500),
        ("250ms", 250_000_000),
        ("1.5s", 1_500_000_000),
        ("1m0s", 60_000_000_000),
        ("-1h30m0.5s", -5_400_500_000_000),
    ] {
        assert_eq!((duration::parse(text), duration::format(nanos).as_str()), (Some(nanos), text));
    }
    assert_eq!(duration::parse("1h"), Some(3_600_000_000_000));
    assert_eq!(duration::parse(".5s"), Some(500_000_000));
    for text in ["", "1", "s", "1.2.3s", "1x", "-", "."] {
        assert_eq!(duration::parse(text), None, "{text}");
    }
}

fn short_bytes() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..12)
}

proptest! {
    /// Whatever comes in, decoding ends with a document or an error.
    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = decode_proto(&schema(), &bytes);
        let _ = unwrap_unknown(&bytes);
        let _ = unwrap_unknown(&[b"k8s\0", bytes.as_slice()].concat());
    }

    /// A message cut short is an error or a shorter document, and what was decoded survives another round.
    #[test]
    fn fields_in_any_order_settle(fields in prop::collection::vec((1u32..26, short_bytes()), 0..8)) {
        let mut bytes = Vec::new();
        for (tag, value) in &fields {
            wire::put_bytes(&mut bytes, *tag, value);
        }
        let _ = decode_proto(&schema(), &bytes[..bytes.len() / 2]);
        if let Ok(document) = decode_proto(&schema(), &bytes) {
            let again = encode_proto(&schema(), &document);
            prop_assert_eq!(decode_proto(&schema(), &again), Ok(document));
        }
    }

    /// Durations survive their text.
    #[test]
    fn durations_round_trip(nanos in (i64::MIN + 1)..=i64::MAX) {
        prop_assert_eq!(duration::parse(&duration::format(nanos)), Some(nanos));
    }
}
