use super::*;
use crate::pod_config::testing::service;

fn world() -> Services {
    [
        (("default", "kubernetes"), service(Some("10.96.0.1"), &[("https", 443)])),
        (("shop", "my-db"), service(Some("10.96.0.7"), &[("main", 5432), ("", 9000)])),
        (("shop", "headless"), service(None, &[("", 80)])),
        (("other", "far"), service(Some("10.96.0.8"), &[("", 80)])),
    ]
    .into_iter()
    .map(|((namespace, name), service)| ((namespace.to_owned(), name.to_owned()), service))
    .collect()
}

#[test]
fn tells_of_the_namespace_and_the_api() {
    let env = service_env(&world(), "shop", true);
    let expected = [
        ("KUBERNETES_PORT", "tcp://10.96.0.1:443"),
        ("KUBERNETES_PORT_443_TCP", "tcp://10.96.0.1:443"),
        ("KUBERNETES_PORT_443_TCP_ADDR", "10.96.0.1"),
        ("KUBERNETES_PORT_443_TCP_PORT", "443"),
        ("KUBERNETES_PORT_443_TCP_PROTO", "tcp"),
        ("KUBERNETES_SERVICE_HOST", "10.96.0.1"),
        ("KUBERNETES_SERVICE_PORT", "443"),
        ("KUBERNETES_SERVICE_PORT_HTTPS", "443"),
        ("MY_DB_PORT", "tcp://10.96.0.7:5432"),
        ("MY_DB_PORT_5432_TCP", "tcp://10.96.0.7:5432"),
        ("MY_DB_PORT_5432_TCP_ADDR", "10.96.0.7"),
        ("MY_DB_PORT_5432_TCP_PORT", "5432"),
        ("MY_DB_PORT_5432_TCP_PROTO", "tcp"),
        ("MY_DB_PORT_9000_TCP", "tcp://10.96.0.7:9000"),
        ("MY_DB_PORT_9000_TCP_ADDR", "10.96.0.7"),
        ("MY_DB_PORT_9000_TCP_PORT", "9000"),
        ("MY_DB_PORT_9000_TCP_PROTO", "tcp"),
        ("MY_DB_SERVICE_HOST", "10.96.0.7"),
        ("MY_DB_SERVICE_PORT", "5432"),
        ("MY_DB_SERVICE_PORT_MAIN", "5432"),
    ];
    let found: Vec<_> = env.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(found, expected);
}

#[test]
fn without_links_only_the_api_remains() {
    let env = service_env(&world(), "shop", false);
    assert!(env.keys().all(|name| name.starts_with("KUBERNETES_")), "{env:?}");
    assert_eq!(env.len(), 8);
}

#[test]
fn a_namespace_may_have_a_kubernetes_of_its_own() {
    let mut services = world();
    services.insert(("shop".into(), "kubernetes".into()), service(Some("10.96.0.9"), &[("", 1)]));
    assert_eq!(service_env(&services, "shop", true)["KUBERNETES_SERVICE_HOST"], "10.96.0.9");
    assert_eq!(service_env(&services, "shop", false)["KUBERNETES_SERVICE_HOST"], "10.96.0.1");
    services.insert(("alpha".into(), "kubernetes".into()), service(Some("fd00::9"), &[("", 1)]));
    let env = service_env(&services, "alpha", true);
    assert_eq!(env["KUBERNETES_PORT"], "tcp://[fd00::9]:1");
}
