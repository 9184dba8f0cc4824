//! `/etc/resolv.conf` as containers see it.

use std::fmt;

use k8s_openapi::api::core::v1::{Pod, PodDNSConfig};

use super::error::ConfigError;
use super::spec_of;

/// What resolvers read; what is beyond is left out.
const MAX_NAMESERVERS: usize = 3;
const MAX_SEARCHES: usize = 32;
const MAX_SEARCH_CHARACTERS: usize = 2048;

/// Names in the cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClusterDns {
    /// Addresses of the cluster's name servers; where there are none, pods use the host's.
    pub servers: Vec<String>,
    /// The cluster's domain: `cluster.local`; may be empty.
    pub domain: String,
    /// The text of the host's `/etc/resolv.conf`.
    pub host: String,
}

/// A resolver's configuration. Displays as its file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResolvConf {
    /// Addresses.
    pub nameservers: Vec<String>,
    /// Domains that short names are looked up in.
    pub searches: Vec<String>,
    /// Options, as `ndots:5`.
    pub options: Vec<String>,
}

impl ResolvConf {
    /// Reads a file; what is unknown is left out.
    pub fn parse(text: &str) -> Self {
        let mut conf = Self::default();
        for line in text.lines().map(str::trim).filter(|line| !line.starts_with(['#', ';'])) {
            let mut words = line.split_whitespace();
            let keyword = words.next();
            let words = words.map(str::to_owned);
            match keyword {
                Some("nameserver") => conf.nameservers.extend(words.take(1)),
                Some("search") => conf.searches = words.map(without_trailing_dot).collect(),
                Some("options") => conf.options = words.collect(),
                _ => {}
            }
        }
        conf
    }

    fn add(&mut self, config: &PodDNSConfig) {
        extend_new(&mut self.nameservers, config.nameservers.iter().flatten().cloned());
        extend_new(&mut self.searches, config.searches.iter().flatten().cloned());
        for option in config.options.iter().flatten() {
            let Some(name) = option.name.as_deref() else { continue };
            let written = match &option.value {
                Some(value) => format!("{name}:{value}"),
                None => name.to_owned(),
            };
            match self.options.iter_mut().find(|known| known.split(':').next() == Some(name)) {
                Some(known) => *known = written,
                None => self.options.push(written),
            }
        }
    }

    fn bound(&mut self) {
        self.nameservers.truncate(MAX_NAMESERVERS);
        self.searches.truncate(MAX_SEARCHES);
        let mut characters = 0;
        let fits = |search: &String| {
            characters += search.len() + 1;
            characters <= MAX_SEARCH_CHARACTERS + 1
        };
        let fitting = self.searches.iter().map(fits).take_while(|fits| *fits).count();
        self.searches.truncate(fitting);
    }
}

impl fmt::Display for ResolvConf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.searches.is_empty() {
            writeln!(f, "search {}", self.searches.join(" "))?;
        }
        for server in &self.nameservers {
            writeln!(f, "nameserver {server}")?;
        }
        if !self.options.is_empty() {
            writeln!(f, "options {}", self.options.join(" "))?;
        }
        Ok(())
    }
}

/// A pod's resolver, by its `dnsPolicy` and `dnsConfig`.
pub fn resolv_conf(pod: &Pod, cluster: &ClusterDns) -> Result<ResolvConf, ConfigError> {
    let spec = spec_of(pod);
    let host = ResolvConf::parse(&cluster.host);
    let use_cluster = match spec.dns_policy.as_deref().unwrap_or("ClusterFirst") {
        "ClusterFirst" => spec.host_network != Some(true),
        "ClusterFirstWithHostNet" => true,
        "Default" | "None" => false,
        other => return Err(ConfigError::sandbox(format!("invalid DNSPolicy={other}"))),
    };
    let mut conf = match spec.dns_policy.as_deref() {
        Some("None") => ResolvConf::default(),
        _ if use_cluster && !cluster.servers.is_empty() => of_cluster(pod, cluster, host),
        _ => host,
    };
    if let Some(config) = &spec.dns_config {
        conf.add(config);
    }
    conf.bound();
    Ok(conf)
}

fn of_cluster(pod: &Pod, cluster: &ClusterDns, host: ResolvConf) -> ResolvConf {
    let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
    let domain = &cluster.domain;
    let mut searches = match domain.as_str() {
        "" => Vec::new(),
        _ => vec![format!("{namespace}.svc.{domain}"), format!("svc.{domain}"), domain.clone()],
    };
    extend_new(&mut searches, host.searches.into_iter());
    ResolvConf { nameservers: cluster.servers.clone(), searches, options: vec!["ndots:5".to_owned()] }
}

/// Adds those that are not there yet.
fn extend_new(list: &mut Vec<String>, more: impl Iterator<Item = String>) {
    for item in more {
        if !list.contains(&item) {
            list.push(item);
        }
    }
}

fn without_trailing_dot(search: String) -> String {
    match search.strip_suffix('.') {
        Some(short) if !short.is_empty() => short.to_owned(),
        _ => search,
    }
}

#[cfg(test)]
mod tests;
