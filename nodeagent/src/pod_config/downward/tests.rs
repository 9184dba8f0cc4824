use serde_json::json;

use super::*;
use crate::pod_config::testing::{node, pod};

#[test]
fn maps_are_quoted_as_go_does() {
    let map = [("a", "plain ü"), ("b", "q\"\\\n\t\u{1}\u{85}\u{2028}")];
    let map = map.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
    assert_eq!(format_map(&map), "a=\"plain ü\"\nb=\"q\\\"\\\\\\n\\t\\x01\\u0085\\u2028\"");
}

#[test]
fn amounts_of_a_named_container() {
    let pod = pod(json!({"containers": [
        {"name": "a", "resources": {"limits": {"memory": "1500Ki", "hugepages-2Mi": "4Mi"}}},
    ]}));
    let field = |container: &str, resource: &str, divisor: Option<&str>| {
        let selector = json!({"containerName": container, "resource": resource, "divisor": divisor});
        container_field(&pod, None, &serde_json::from_value(selector).unwrap(), &node())
    };
    let ok = |text: &str| Ok(text.to_owned());
    assert_eq!(field("a", "limits.memory", Some("1Mi")), ok("2"));
    assert_eq!(field("a", "limits.memory", None), ok("1536000"));
    assert_eq!(field("a", "limits.cpu", None), ok("4"));
    assert_eq!(field("a", "requests.cpu", Some("1m")), ok("0"));
    assert_eq!(field("a", "limits.hugepages-2Mi", None), ok("4194304"));
    assert_eq!(field("z", "limits.cpu", None), Err("container z not found".into()));
    assert_eq!(field("a", "limits.gpu", None), Err("Unsupported container resource : limits.gpu".into()));
}
