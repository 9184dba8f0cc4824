use super::*;

fn alias() -> HostAlias {
    HostAlias { ip: "192.0.2.7".into(), hostnames: Some(vec!["a".into(), "b.example".into()]) }
}

#[test]
fn a_pod_with_its_own_network() {
    let ips = ["10.1.0.5".parse().unwrap(), "fd00::5".parse().unwrap()];
    let name = Hostname { kernel: "web".into(), short: "web".into(), full: Some("web.sub.ns.svc.x".into()) };
    let usual = "# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost \
                 ip6-loopback\nfe00::0\tip6-localnet\nfe00::0\tip6-mcastprefix\nfe00::1\tip6-allnodes\n\
                 fe00::2\tip6-allrouters\n";
    let own = "10.1.0.5\tweb.sub.ns.svc.x\tweb\nfd00::5\tweb.sub.ns.svc.x\tweb\n";
    assert_eq!(hosts(&ips, &name, &[]), format!("{usual}{own}"));
    let short = Hostname { full: None, ..name };
    let added = "\n# Entries added by HostAliases.\n192.0.2.7\ta\tb.example\n";
    assert_eq!(hosts(&ips[..1], &short, &[alias()]), format!("{usual}10.1.0.5\tweb\n{added}"));
}

#[test]
fn a_pod_in_the_hosts_network() {
    let file = hosts_of_host_network("192.0.2.1\thost\n", &[alias()]);
    let expected = "# Kubernetes-managed hosts file (host network).\n192.0.2.1\thost\n\n\
                    # Entries added by HostAliases.\n192.0.2.7\ta\tb.example\n";
    assert_eq!(file, expected);
}
