//! Fields of a pod's spec that stand for themselves.

use std::collections::HashSet;

use super::containers::BYTES;
use crate::rules::{At, Read};
use crate::warnings::{address, claims};

/// Hosts and secrets that are named twice, and secrets without a name.
pub(super) fn repeated(spec: &At) -> Vec<String> {
    let mut warnings = twice(spec, "hostAliases", "ip");
    warnings.extend(twice(spec, "imagePullSecrets", "name"));
    let nameless = spec.each("imagePullSecrets").filter(|secret| secret.is_empty("name"));
    warnings.extend(nameless.map(|secret| format!("{}: invalid empty name \"\"", secret.path("name"))));
    warnings
}

fn twice(spec: &At, list: &str, field: &str) -> Vec<String> {
    let mut seen = HashSet::new();
    let again = spec.each(list).filter(|item| !seen.insert(item.value().text(field)));
    again.map(|item| format!("{}: duplicate {field} {:?}", item.path(field), item.text(field))).collect()
}

/// What a pod needs beyond its containers is a whole number of bytes.
pub(super) fn overhead(spec: &At) -> Vec<String> {
    let overhead = spec.field("overhead");
    let amounts = BYTES.iter().map(|key| (overhead.path("").key(key), overhead.at(key)));
    amounts.filter_map(|(path, amount)| claims::fractional(&path, amount)).collect()
}

/// A grace period is not negative.
pub(super) fn grace(spec: &At) -> Option<String> {
    let field = "terminationGracePeriodSeconds";
    let text = "must be >= 0; negative values are invalid and will be treated as 1";
    spec.int(field).filter(|&seconds| seconds < 0).map(|_| format!("{}: {text}", spec.path(field)))
}

/// What is odd about the addresses of name servers and hosts.
pub(super) fn addresses(spec: &At) -> Vec<String> {
    let servers = spec.each("dnsConfig.nameservers").map(|one| (one.path(""), one.value().text("")));
    let hosts = spec.each("hostAliases").map(|one| (one.path("ip"), one.value().text("ip")));
    servers.chain(hosts).filter_map(|(path, text)| address(&path, text)).collect()
}
