//! One test per reader; its name is the property.

use std::cmp::Ordering;

use super::holds;
use crate::json::nesting;
use crate::proto::testing::schema as message_schema;
use crate::testing::workload;
use crate::{
    Encoded, Excerpt, FieldSelector, LabelSelector, MAX_COPIED, MAX_DEPTH, PatchError, PatchType, Quantity,
    Schema, Value, apply_defaults, apply_patch, check_format, conform, create_merge_patch, decode_proto,
    encode, encode_proto, format_micro_time, format_time, parse_json, parse_time, parse_yaml, to_yaml,
    unwrap_unknown, validate, validate_object_meta, validate_update, wrap_unknown,
};

/// A document with every shape of the schema that resembles a workload.
const WORKLOAD: &str = concat!(
    r#"{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"a","labels":{"a":"b"},"finalizers":["x/y"],"#,
    r#""creationTimestamp":"2024-01-02T03:04:05Z"},"spec":{"replicas":3,"policy":"Always","containers":[{"name":"c","#,
    r#""image":"i:1","command":["x"],"ports":[{"containerPort":80,"name":"p","protocol":"TCP"}],"env":[{"name":"A","#,
    r#""value":"1"}]},{"name":"d"}],"args":["y"],"host":"h","raw":{"any":[null]},"generation":5,"paused":true,"#,
    r#""weight":1.5,"payload":{"k":"aGk="},"limits":{"cpu":"100m"},"surge":"25%","renewTime":"2024-01-02T03:04:05.000006Z","#,
    r#""named":{"n":{"name":"e"}},"probe":{"protocol":"UDP"}}}"#
);
/// What fields of that schema are called, and directives of patches.
const FIELDS: [&str; 20] = [
    "name",
    "spec",
    "containers",
    "ports",
    "containerPort",
    "env",
    "finalizers",
    "limits",
    "raw",
    "named",
    "$patch",
    "delete",
    "replace",
    "merge",
    "$retainKeys",
    "$deleteFromPrimitiveList/finalizers",
    "$setElementOrder/containers",
    "$setElementOrder/finalizers",
    "1Gi",
    "2024-02-30T00:00:00Z",
];

fn text(input: &[u8]) -> Option<&str> {
    std::str::from_utf8(input).ok()
}

/// Two documents on two lines.
fn two(input: &[u8]) -> Option<(Value, Value)> {
    let (first, second) = text(input)?.split_once('\n')?;
    Some((parse_json(first.as_bytes()).ok()?.value, parse_json(second.as_bytes()).ok()?.value))
}

/// What is stored is read by everybody: no document that was taken nests deeper than readers of JSON go.
fn is_bounded(value: &Value) {
    assert!(nesting(value) <= MAX_DEPTH);
}

/// A patched document is taken in the shape of its schema, or refused.
fn conforms_or_fails(schema: &Schema, mut value: Value) {
    is_bounded(&value);
    if conform(schema, &mut value).is_ok() {
        // `1.953125Ki` reads `2000`, and that reads `2k`: a text may settle at the second time, as upstream's does
        assert_eq!(conform(schema, &mut value), Ok(vec![]), "unknown fields are gone");
        let settled = value.clone();
        assert_eq!(conform(schema, &mut value), Ok(vec![]));
        assert_eq!(value, settled, "what conforms stays as it is");
    }
}

/// Equal but for whole floats beyond 2^63, which read as integers.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(name, a)| b.get(name).is_some_and(|b| same(a, b)))
        }
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Number(x), Value::Number(y)) if x.is_f64() || y.is_f64() => x.as_f64() == y.as_f64(),
        _ => a == b,
    }
}

#[test]
fn json_that_is_read_is_written_and_read_the_same() {
    holds("json", &[WORKLOAD, "[1.5,-0,{}]"], &["{\"a\":1,\"a\":2}"], |input| {
        let Ok(parsed) = parse_json(input) else { return false };
        is_bounded(&parsed.value);
        let written = serde_json::to_vec(&parsed.value).unwrap();
        let again = parse_json(&written).unwrap().value;
        assert!(same(&again, &parsed.value), "{again}");
        assert_eq!(Excerpt::default().read(input).unwrap(), parsed.value);
        true
    });
}

#[test]
fn yaml_that_is_read_is_written_and_read_the_same() {
    let seeds = [
        "a: 1\nb:\n- x\n- {y: [z]}\nc: |\n  text\n  more\nd: 'q'\n",
        "x: &a {k: v}\ny: *a\nz:\n  <<: *a\n  k: w\n",
        "? a\n: - b\n--- \n",
        "{\"a\": [1, 0x1F, 0o17, 1_000, .5, yes, ~, 2001-01-01, 1:30, !!str 5]}",
    ];
    let words =
        ["- ", ": ", "? ", "&a ", "*a", "<<: ", "|\n", ">-\n", "---\n", "# ", "!!str ", "  ", "\t", "yes"];
    holds("yaml", &seeds[..2], &words, |input| {
        let Ok(parsed) = parse_yaml(input) else { return false };
        is_bounded(&parsed.value);
        let written = to_yaml(&parsed.value);
        assert!(same(&parse_yaml(written.as_bytes()).unwrap().value, &parsed.value), "{written}");
        true
    });
    assert!(parse_yaml(seeds[3].as_bytes()).is_ok());
}

#[test]
fn protobuf_that_is_decoded_settles() {
    let document = serde_json::json!({
        "name": "a", "count": 5, "written": "r", "time": "2024-01-02T03:04:05Z", "port": "http", "raw": {"x": [1]},
        "child": {"name": "b"}, "children": [{"flag": true}, {}], "numbers": [1], "wrapped": ["g"],
        "labels": {"a": "b"}, "amounts": {"cpu": "2"}, "lists": {"k": ["v"]}, "inlined": "i", "orBool": {"name": "s"},
    });
    // the fields that are texts all through: seeds are texts
    let seed = String::from_utf8_lossy(&encode_proto(&message_schema(), &document)).into_owned();
    holds("protobuf", &["\n\u{1}a", "r\u{4}\n\u{2}ab"], &[&seed, "r\u{0}", "z\u{0}", "\u{7f}"], |input| {
        let schema = message_schema();
        let Ok(decoded) = decode_proto(&schema, input) else { return false };
        is_bounded(&decoded);
        let again = decode_proto(&schema, &encode_proto(&schema, &decoded)).unwrap();
        assert!(same(&again, &decoded), "{again}");
        true
    });
}

#[test]
fn an_envelope_that_opens_can_be_closed_and_opened() {
    let seeds = ["k8s\0\n\u{8}\n\u{2}v1\u{12}\u{2}Pd\u{12}\u{1}r", "k8s\0"];
    holds("envelope", &seeds, &["k8s\0", "\u{1a}\0", "\"\0"], |input| {
        let Ok(unknown) = unwrap_unknown(input) else { return false };
        let closed = wrap_unknown(&unknown.api_version, &unknown.kind, unknown.raw);
        let again = unwrap_unknown(&closed).unwrap();
        assert_eq!((again.api_version, again.kind), (unknown.api_version, unknown.kind));
        assert_eq!(again.raw, unknown.raw);
        true
    });
}

#[test]
fn a_json_patch_is_refused_or_grows_within_bounds() {
    let patch = r#"[{"op":"add","path":"/spec/args/-","value":"z"},{"op":"remove","path":"/spec/host"},"#
        .to_owned()
        + r#"{"op":"replace","path":"/spec/replicas","value":1},{"op":"test","path":"/spec/paused","value":true},"#
        + r#"{"op":"copy","from":"/spec/raw","path":"/spec/raw/any/0"},{"op":"move","from":"/spec/args","path":"/x"}]"#;
    let words = [
        "op",
        "path",
        "from",
        "value",
        "add",
        "copy",
        "move",
        "/spec/raw",
        "",
        "/",
        "/a~1b",
        "/spec/args/0",
        "~2",
    ];
    holds("json patch", &[&format!("{WORKLOAD}\n{patch}"), "{}\n[]"], &words, |input| {
        let Some((object, patch)) = two(input) else { return false };
        let size = |value: &Value| value.to_string().len();
        match apply_patch(PatchType::Json, &workload(), &object, &patch) {
            Ok(patched) => {
                assert!(size(&patched) <= size(&object) + size(&patch) + MAX_COPIED);
                conforms_or_fails(&workload(), patched);
                true
            }
            Err(_) => false,
        }
    });
}

#[test]
fn a_merge_patch_applied_twice_is_applied_once() {
    let patch = r#"{"spec":{"replicas":null,"raw":{"any":{"b":1}},"args":[null]},"metadata":null}"#;
    holds("merge patch", &[&format!("{WORKLOAD}\n{patch}"), "{}\n{}"], &FIELDS, |input| {
        let Some((object, patch)) = two(input) else { return false };
        let Ok(once) = apply_patch(PatchType::Merge, &workload(), &object, &patch) else { return false };
        assert_eq!(apply_patch(PatchType::Merge, &workload(), &once, &patch), Ok(once.clone()));
        let back = apply_patch(PatchType::Merge, &workload(), &object, &create_merge_patch(&object, &once));
        if !has_null(&once) && object.is_object() {
            assert_eq!(back, Ok(once.clone()), "a patch that is made leads where it should");
        }
        conforms_or_fails(&workload(), once);
        true
    });
}

/// Whether an object inside has a null, which no merge patch can set.
fn has_null(value: &Value) -> bool {
    match value {
        Value::Object(map) => map.values().any(|value| value.is_null() || has_null(value)),
        Value::Array(items) => items.iter().any(has_null),
        _ => false,
    }
}

#[test]
fn a_strategic_merge_conforms_or_is_refused() {
    let patch = concat!(
        r#"{"spec":{"$setElementOrder/containers":[{"name":"d"},{"name":"c"}],"containers":[{"name":"c","$patch":"delete"},"#,
        r#"{"name":"d","ports":[{"containerPort":1}],"$retainKeys":["name","ports"]}],"limits":{"$patch":"replace","a":"1"}},"#,
        r#""metadata":{"$deleteFromPrimitiveList/finalizers":["x/y"],"finalizers":["z"],"labels":null}}"#
    );
    holds("strategic merge", &[&format!("{WORKLOAD}\n{patch}"), "{}\n{}"], &FIELDS, |input| {
        let Some((object, patch)) = two(input) else { return false };
        match apply_patch(PatchType::Strategic, &workload(), &object, &patch) {
            Ok(merged) => {
                conforms_or_fails(&workload(), merged);
                true
            }
            Err(PatchError::TooManyOperations(_)) => panic!("it has none"),
            Err(_) => false,
        }
    });
}

#[test]
fn what_conforms_is_defaulted_checked_and_stored_without_loss() {
    holds("conform", &[WORKLOAD, "{\"metadata\":{},\"spec\":{}}"], &FIELDS, |input| {
        let Ok(parsed) = parse_json(input) else { return false };
        let (schema, mut value) = (workload(), parsed.value);
        if conform(&schema, &mut value).is_err() {
            return false;
        }
        apply_defaults(&schema, &mut value);
        let defaulted = value.clone();
        apply_defaults(&schema, &mut value);
        assert_eq!(value, defaulted, "defaults are set once");
        conforms_or_fails(&schema, defaulted);
        validate(&schema, &value);
        assert!(validate_update(&schema, &value, &value).is_empty(), "nothing changed");
        let name = |text: &str| check_format("dns-label", text);
        validate_object_meta(&value["metadata"], true, name, &crate::Path::new("metadata"));
        let encoded = encode(&value);
        assert_eq!(Encoded::from_bytes(encoded.bytes.clone()), Some(encoded.clone()));
        let served: Value = serde_json::from_slice(&encoded.served(7)).unwrap();
        assert!(same(&served["spec"], &value["spec"]), "{served}");
        true
    });
}

#[test]
fn a_label_selector_is_what_it_displays() {
    let seeds = ["a=b,c!=d,e in (x,y),f notin (z),!g,h,i>1,j<2,k==l", "x.io/b in (,v)"];
    holds(
        "label selector",
        &seeds,
        &["in", "notin", "(", ")", "!", "!=", "==", ">", "<", "x.io/a"],
        |input| {
            let Some(Ok(selector)) = text(input).map(str::parse::<LabelSelector>) else { return false };
            assert_eq!(selector.to_string().parse(), Ok(selector.clone()));
            let everything = selector.is_everything();
            assert!(!everything || selector.matches_with(|_| None), "the selector of all selects all");
            true
        },
    );
}

#[test]
fn a_field_selector_is_what_it_displays() {
    let seeds = ["metadata.name=a,status.phase!=Running,x==y", r"a=b\,c\=d\\,e="];
    holds("field selector", &seeds, &["=", "!=", "==", "\\", "\\,", ",", "!"], |input| {
        let Some(Ok(selector)) = text(input).map(str::parse::<FieldSelector>) else { return false };
        assert_eq!(selector.to_string().parse(), Ok(selector));
        true
    });
}

#[test]
fn a_quantity_has_one_canonical_text_and_one_order() {
    let seeds = ["100m\n1Gi", "1.5e3\n-2Ki", "0\n.5E"];
    let words =
        ["n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Ei", "e", "E", "e-", "999999", ".", "+"];
    holds("quantity", &seeds, &words, |input| {
        let Some((first, second)) = text(input).and_then(|text| text.split_once('\n')) else { return false };
        let (Ok(a), Ok(b)) = (first.parse::<Quantity>(), second.parse::<Quantity>()) else { return false };
        for quantity in [a, b, a + b, a - b, -a] {
            let again: Quantity = quantity.to_string().parse().unwrap();
            assert_eq!(again, quantity);
            let settled: Quantity = again.to_string().parse().unwrap();
            assert_eq!((settled, settled.to_string()), (quantity, again.to_string()));
        }
        assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
        assert_eq!((-a).cmp(&-b), b.cmp(&a), "the order turns with the sign");
        assert!(a.cmp(&b) != Ordering::Less || a.value() <= b.value() && a.milli_value() <= b.milli_value());
        true
    });
}

#[test]
fn a_time_has_one_canonical_text() {
    let seeds = ["2024-01-02T03:04:05Z", "2024-12-31T23:59:59.123456789-07:00", "0001-01-01T00:00:00Z"];
    holds(
        "time",
        &seeds,
        &["T", "Z", "+24:00", "-00:00", "9999", "23:59:60", ".5", ",5", "02-29"],
        |input| {
            let Some(text) = text(input) else { return false };
            let mut value =
                serde_json::json!({"metadata": {"creationTimestamp": text}, "spec": {"renewTime": text}});
            if conform(&workload(), &mut value).is_err() {
                return false;
            }
            let time = parse_time(text).expect("what conforms is a time");
            assert_eq!(value["metadata"]["creationTimestamp"], format_time(time));
            assert_eq!(value["spec"]["renewTime"], format_micro_time(time));
            conforms_or_fails(&workload(), value);
            true
        },
    );
}

/// The formats that schemas name.
const FORMATS: [&str; 20] = [
    "dns-label",
    "dns-subdomain",
    "dns-1035-label",
    "wildcard-dns-subdomain",
    "qualified-name",
    "prefixed-name",
    "label-value",
    "path-segment",
    "config-map-key",
    "env-var-name",
    "c-identifier",
    "port",
    "port-name",
    "port-or-name",
    "ip",
    "cidr",
    "http-path",
    "http-header-name",
    "percent",
    "uuid",
];

#[test]
fn a_name_that_fits_is_short_and_in_the_letters_of_its_format() {
    let seeds = ["example.com/MyName", "10.0.0.0/8", "fd00::1", "*.example.com", "25%", "/a/b?c", "my-name"];
    holds("formats", &seeds, &["/", ".", ":", "::", "%", "*", "-", "255", "a.b"], |input| {
        let text = String::from_utf8_lossy(input);
        let fits = FORMATS.map(|format| check_format(format, &text).is_empty());
        if check_format("dns-label", &text).is_empty() {
            assert!(text.len() <= 63 && check_format("dns-subdomain", &text).is_empty());
            assert!(
                check_format("label-value", &text).is_empty()
                    && check_format("path-segment", &text).is_empty()
            );
        }
        if check_format("dns-subdomain", &text).is_empty() {
            assert!(text.len() <= 253 && text.is_ascii());
        }
        fits.contains(&true)
    });
}
