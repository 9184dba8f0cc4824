//! `/etc/hosts` as containers see it.

use std::net::IpAddr;

use k8s_openapi::api::core::v1::HostAlias;

use super::identity::Hostname;

const USUAL: &str = "\
127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::0\tip6-localnet
fe00::0\tip6-mcastprefix
fe00::1\tip6-allnodes
fe00::2\tip6-allrouters
";

/// The hosts of a pod with its own network: the usual ones, the pod by its names, and its aliases.
pub fn hosts(ips: &[IpAddr], name: &Hostname, aliases: &[HostAlias]) -> String {
    let mut file = format!("# Kubernetes-managed hosts file.\n{USUAL}");
    for ip in ips {
        match &name.full {
            Some(full) => file.push_str(&format!("{ip}\t{full}\t{}\n", name.short)),
            None => file.push_str(&format!("{ip}\t{}\n", name.short)),
        }
    }
    add_aliases(&mut file, aliases);
    file
}

/// The hosts of a pod in the host's network: the host's file and the pod's aliases.
pub fn hosts_of_host_network(host: &str, aliases: &[HostAlias]) -> String {
    let mut file = format!("# Kubernetes-managed hosts file (host network).\n{host}");
    add_aliases(&mut file, aliases);
    file
}

fn add_aliases(file: &mut String, aliases: &[HostAlias]) {
    if !aliases.is_empty() {
        file.push_str("\n# Entries added by HostAliases.\n");
    }
    for alias in aliases {
        let names = alias.hostnames.as_deref().unwrap_or_default().join("\t");
        file.push_str(&format!("{}\t{names}\n", alias.ip));
    }
}

#[cfg(test)]
mod tests;
