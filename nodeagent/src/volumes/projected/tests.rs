use serde_json::{Value, json};

use super::*;
use crate::pod_config::testing::{Surroundings, pod};

/// `PATH MODE TEXT` of each file of a volume, or the error.
fn files(
    volume: Value,
    around: &Surroundings,
    user: Option<u32>,
    group: Option<u32>,
) -> Result<Vec<String>, String> {
    let pod = pod(json!({"containers": [{"name": "main", "resources": {"limits": {"memory": "3Mi"}}}]}));
    let sources = Sources { pod: &pod, fetched: &around.fetched, node: &around.node, user, group };
    let mut whole = json!({"name": "v"});
    whole.as_object_mut().unwrap().extend(volume.as_object().unwrap().clone());
    let payload = payload(&serde_json::from_value(whole).unwrap(), &sources)?.unwrap();
    let line = |(path, file): (String, File)| {
        format!("{path} {:o} {}", file.mode, String::from_utf8(file.data).unwrap())
    };
    Ok(payload.into_iter().map(line).collect())
}

fn around() -> Surroundings {
    Surroundings::new().with_sources("conf", json!({"a": "1", "b": "2"}))
}

fn plain(volume: Value) -> Result<Vec<String>, String> {
    files(volume, &around(), None, None)
}

fn lines(lines: &[&str]) -> Result<Vec<String>, String> {
    Ok(lines.iter().map(|line| (*line).to_owned()).collect())
}

#[test]
fn config_maps_and_secrets() {
    let items = json!([{"key": "b", "path": "x/y", "mode": 256}]);
    assert_eq!(plain(json!({"configMap": {"name": "conf"}})), lines(&["a 644 1", "b 644 2"]));
    assert_eq!(
        plain(json!({"secret": {"secretName": "conf", "defaultMode": 288}})),
        lines(&["a 440 1", "b 440 2"])
    );
    assert_eq!(plain(json!({"configMap": {"name": "conf", "items": items}})), lines(&["x/y 400 2"]));
    let items = json!([{"key": "z", "path": "z"}, {"key": "a", "path": "a"}]);
    let map = |optional: bool| json!({"configMap": {"name": "conf", "items": items, "optional": optional}});
    let secret = json!({"secret": {"secretName": "conf", "items": items}});
    assert_eq!(plain(map(false)), Err("configmap references non-existent config key: z".into()));
    assert_eq!(plain(map(true)), lines(&["a 644 1"]));
    assert_eq!(plain(secret), Err("references non-existent secret key: z".into()));
    assert_eq!(plain(json!({"configMap": {"name": "none"}})), Err("configmap \"none\" not found".into()));
    assert_eq!(plain(json!({"secret": {"secretName": "none"}})), Err("secret \"none\" not found".into()));
    assert_eq!(plain(json!({"secret": {"secretName": "none", "optional": true}})), lines(&[]));
}

#[test]
fn the_pod_about_itself() {
    let items = json!([
        {"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}},
        {"path": "mem", "mode": 256, "resourceFieldRef":
            {"containerName": "main", "resource": "limits.memory", "divisor": "1Mi"}},
    ]);
    let expected = lines(&["labels 644 app=\"web\"\ntier=\"front\"", "mem 400 3"]);
    assert_eq!(plain(json!({"downwardAPI": {"items": items}})), expected);
    let odd = json!({"downwardAPI": {"items": [{"path": "x", "fieldRef": {"fieldPath": "status.podIP"}}]}});
    assert_eq!(plain(odd), Err("unsupported fieldPath: status.podIP".into()));
}

#[test]
fn all_sources_in_one() {
    let mut around = around();
    let key = TokenRequestKey { volume: "v".into(), audience: "vault".into(), seconds: 3600 };
    around.fetched.tokens.insert(key, "secret-token".into());
    let volume = json!({"projected": {"sources": [
        {"configMap": {"name": "conf", "items": [{"key": "a", "path": "map/a"}]}},
        {"secret": {"name": "conf", "items": [{"key": "b", "path": "b"}]}},
        {"downwardAPI": {"items": [{"path": "ns", "fieldRef": {"fieldPath": "metadata.namespace"}}]}},
        {"serviceAccountToken": {"path": "token", "audience": "vault"}},
    ]}});
    let with = |token: &str| lines(&["b 644 2", "map/a 644 1", "ns 644 shop", token]);
    assert_eq!(files(volume.clone(), &around, None, None), with("token 644 secret-token"));
    assert_eq!(files(volume.clone(), &around, Some(7), None), with("token 600 secret-token"));
    assert_eq!(files(volume, &around, None, Some(7)), with("token 600 secret-token"));
}

#[test]
fn everything_that_is_missing_is_told() {
    let sources =
        json!([{"configMap": {"name": "x"}}, {"secret": {"name": "y"}}, {"configMap": {"name": "x"}}]);
    let expected = "[configmap \"x\" not found, secret \"y\" not found]";
    assert_eq!(plain(json!({"projected": {"sources": sources}})), Err(expected.into()));
    let token = json!({"projected": {"sources": [{"serviceAccountToken": {"path": "t"}}]}});
    assert_eq!(plain(token), Err("failed to fetch token: not issued yet".into()));
}

#[test]
fn paths_stay_in_the_volume() {
    for path in ["/a", "../a", "a/../b", "..data", "", "a//b"] {
        let items = json!([{"key": "a", "path": path}]);
        let found = plain(json!({"configMap": {"name": "conf", "items": items}}));
        assert!(found.unwrap_err().starts_with("invalid path"), "{path}");
    }
}
