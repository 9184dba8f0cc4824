use serde_json::json;

use super::*;
use crate::pod_config::testing::pod;

#[test]
fn finds_every_reference() {
    let pod = pod(json!({
        "volumes": [
            {"name": "a", "configMap": {"name": "page", "optional": true}},
            {"name": "b", "secret": {"secretName": "cert"}},
            {"name": "c", "projected": {"sources": [
                {"configMap": {"name": "page"}},
                {"secret": {"name": "spare", "optional": true}},
                {"serviceAccountToken": {"path": "token"}},
                {"serviceAccountToken": {"path": "vault", "audience": "vault", "expirationSeconds": 600}},
            ]}},
        ],
        "initContainers": [{"name": "i", "envFrom": [{"configMapRef": {"name": "init"}}]}],
        "containers": [{"name": "m",
            "envFrom": [{"secretRef": {"name": "spare", "optional": true}}],
            "env": [
                {"name": "A", "valueFrom": {"configMapKeyRef": {"name": "keys", "key": "k", "optional": true}}},
                {"name": "B", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "k"}}},
            ]}],
    }));
    let needs = needs(&pod);
    let named = |names: &[(&str, bool)]| names.iter().map(|(n, o)| ((*n).to_owned(), *o)).collect();
    assert_eq!(needs.config_maps, named(&[("init", false), ("keys", true), ("page", false)]));
    assert_eq!(needs.secrets, named(&[("cert", false), ("keys", false), ("spare", true)]));
    let token =
        |audience: &str, seconds| TokenRequestKey { volume: "c".into(), audience: audience.into(), seconds };
    assert_eq!(needs.tokens, [token("", 3600), token("vault", 600)]);
}
