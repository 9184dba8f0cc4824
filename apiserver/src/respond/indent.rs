//! JSON as people read it, in the layout of Go's encoder: two spaces for each level.

/// Appends a JSON document, or the beginning of one, indented. `depth` is the level at which it stands.
pub(super) fn indent(json: &[u8], mut depth: usize, out: &mut Vec<u8>) {
    let mut rest = json;
    while let Some((&byte, behind)) = rest.split_first() {
        rest = behind;
        match byte {
            b'"' => {
                let end = string_end(rest);
                out.push(b'"');
                out.extend_from_slice(&rest[..end]);
                rest = &rest[end..];
            }
            b'{' | b'[' => {
                out.push(byte);
                rest = rest.trim_ascii_start();
                // nothing stands on one line with its brackets; neither does what is not there yet
                match rest.first() {
                    Some(b'}' | b']') => {
                        out.push(rest[0]);
                        rest = &rest[1..];
                    }
                    Some(_) => {
                        depth += 1;
                        line(depth, out);
                    }
                    None => {}
                }
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                line(depth, out);
                out.push(byte);
            }
            b',' => {
                out.push(byte);
                line(depth, out);
            }
            b':' => out.extend_from_slice(b": "),
            byte if byte.is_ascii_whitespace() => {}
            byte => out.push(byte),
        }
    }
}

/// The length of what is left of a string, its closing quote included.
fn string_end(rest: &[u8]) -> usize {
    let mut escaped = false;
    let end = rest.iter().position(|byte| match byte {
        _ if escaped => {
            escaped = false;
            false
        }
        b'\\' => {
            escaped = true;
            false
        }
        byte => *byte == b'"',
    });
    end.map_or(rest.len(), |end| end + 1)
}

fn line(depth: usize, out: &mut Vec<u8>) {
    out.push(b'\n');
    out.resize(out.len() + 2 * depth, b' ');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn indented(json: &[u8], depth: usize) -> String {
        let mut out = Vec::new();
        indent(json, depth, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn levels_stand_in() {
        let document = br#"{"a":{},"b":[],"c":[1,{"d":"x{,:\\\"]"}],"e":null}"#;
        let expect = r#"{
  "a": {},
  "b": [],
  "c": [
    1,
    {
      "d": "x{,:\\\"]"
    }
  ],
  "e": null
}"#;
        assert_eq!(indented(document, 0), expect);
        assert_eq!(indented(b"[ { }\n, [ ] ]", 1), "[\n    {},\n    []\n  ]");
        assert_eq!(
            indented(br#"{"metadata":{"a":"b"},"items":["#, 0),
            "{\n  \"metadata\": {\n    \"a\": \"b\"\n  },\n  \"items\": ["
        );
    }

    fn documents() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
            "[\"\\\\{}:, \\[\\]]{0,6}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec((any::<String>(), inner), 0..4).prop_map(|pairs| pairs
                    .into_iter()
                    .fold(json!({}), |mut map, (key, value)| {
                        map[key] = value;
                        map
                    })),
            ]
        })
    }

    proptest! {
        #[test]
        fn documents_look_as_serde_writes_them(document in documents()) {
            let expect = serde_json::to_string_pretty(&document).unwrap();
            prop_assert_eq!(indented(document.to_string().as_bytes(), 0), expect);
        }
    }
}
