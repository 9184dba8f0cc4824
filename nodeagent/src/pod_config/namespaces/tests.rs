use serde_json::{Value, json};

use super::*;
use crate::pod_config::testing::pod;

fn of(spec: Value) -> Result<Namespaces, ConfigError> {
    namespaces(&pod(spec), Path::new("/s"))
}

#[test]
fn the_hosts_or_the_pods() {
    let at = |name: &str| Namespace::At(Path::new("/s").join(name));
    let own = of(json!({"containers": []})).unwrap();
    let expected = Namespaces { network: at("net"), ipc: at("ipc"), uts: at("uts"), pid: Namespace::New };
    assert_eq!(own, expected);
    let spec = json!({"containers": [], "hostNetwork": true, "hostPID": true, "hostIPC": true});
    let host = Namespace::Host;
    let all = Namespaces { network: host.clone(), ipc: host.clone(), uts: host.clone(), pid: host };
    assert_eq!(of(spec).unwrap(), all);
}

#[test]
fn what_cannot_be_had_is_refused() {
    for spec in [
        json!({"containers": [], "hostUsers": false}),
        json!({"containers": [], "shareProcessNamespace": true}),
    ] {
        let error = of(spec).unwrap_err();
        assert!(error.message.ends_with("not supported by this node"), "{error}");
    }
}

#[test]
fn only_safe_settings() {
    let of = |name: &str, host: bool| {
        let context = json!({"sysctls": [{"name": name, "value": "1"}]});
        sysctls(&pod(json!({"containers": [], "hostNetwork": host, "securityContext": context})))
    };
    let safe = of("net/ipv4/tcp_syncookies", false).unwrap();
    assert_eq!(safe, BTreeMap::from([("net.ipv4.tcp_syncookies".into(), "1".into())]));
    let error = of("kernel.msgmax", false).unwrap_err();
    assert_eq!(error.reason.as_str(), "SysctlForbidden");
    assert_eq!(error.message, "forbidden sysctl: \"kernel.msgmax\" not allowlisted");
    assert!(of("net.ipv4.tcp_syncookies", true).is_err());
}
