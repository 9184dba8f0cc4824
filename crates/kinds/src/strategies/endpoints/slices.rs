//! Checks of endpoint slices.

use std::collections::HashSet;
use std::net::{Ipv4Addr, Ipv6Addr};

use object::FieldError;

use super::{check_application, check_node};
use crate::rules::at::TextRule;
use crate::rules::{At, Errors, Read, blocks, labels};

const MAX_ENDPOINTS: usize = 1000;
const MAX_ADDRESSES: usize = 100;
const MAX_PORTS: usize = 20_000;
const MAX_TOPOLOGY: usize = 16;
const MAX_HINTS: usize = 8;

/// Where an endpoint is best asked from, and what the names in the list are.
const HINTS: [(&str, TextRule); 2] =
    [("hints.forZones", object::label_value), ("hints.forNodes", object::dns1123_subdomain)];

/// Checks a slice; a list that is too long is not looked into.
pub(super) fn check(slice: &At, errors: &mut Errors) {
    if errors.at_most(slice, "endpoints", MAX_ENDPOINTS) {
        for endpoint in slice.each("endpoints") {
            check_endpoint(&endpoint, slice.text("addressType"), errors);
        }
    }
    if errors.at_most(slice, "ports", MAX_PORTS) {
        check_ports(slice, errors);
    }
}

fn check_endpoint(endpoint: &At, kind: &str, errors: &mut Errors) {
    errors.need_as(endpoint, "addresses", "must contain at least 1 address");
    errors.at_most(endpoint, "addresses", MAX_ADDRESSES);
    for address in endpoint.each("addresses") {
        check_address(&address, kind, errors);
    }
    check_node(endpoint, errors);
    errors.at_most(endpoint, "deprecatedTopology", MAX_TOPOLOGY);
    labels::check(&endpoint.field("deprecatedTopology"), errors);
    if let Some(hostname) = endpoint.present("hostname") {
        errors.obey(&hostname.path(""), hostname.text(""), object::dns1123_label);
    }
    for (list, rule) in HINTS {
        if errors.at_most(endpoint, list, MAX_HINTS) {
            check_hints(endpoint, list, rule, errors);
        }
    }
}

fn check_address(address: &At, kind: &str, errors: &mut Errors) {
    let (path, text) = (address.path(""), address.text(""));
    let detail = match kind {
        "FQDN" => return check_domain(address, errors),
        "IPv4" if text.parse::<Ipv4Addr>().is_err() => "must be an IPv4 address",
        "IPv6" if text.parse::<Ipv6Addr>().is_err() => "must be an IPv6 address",
        "IPv4" | "IPv6" => return errors.obey(&path, text, blocks::endpoint_ip),
        _ => return,
    };
    errors.push(FieldError::invalid(&path, text, detail));
}

/// A domain with one above it.
fn check_domain(address: &At, errors: &mut Errors) {
    let (path, text) = (address.path(""), address.text(""));
    if text.is_empty() {
        return errors.push(FieldError::required(&path, ""));
    }
    let name = text.strip_suffix('.').unwrap_or(text);
    let wrong = |rule: TextRule, part| {
        let details = rule(part);
        (!details.is_empty()).then(|| FieldError::invalid(&path, part, details.join(",")))
    };
    let segments = || {
        let detail = "should be a domain with at least two segments separated by dots";
        (!name.contains('.')).then(|| FieldError::invalid(&path, name, detail))
    };
    let labels = || name.split('.').find_map(|label| wrong(object::dns1123_label, label));
    let error = wrong(object::dns1123_subdomain, name).or_else(segments).or_else(labels);
    error.into_iter().for_each(|error| errors.push(error));
}

fn check_hints(endpoint: &At, list: &str, rule: TextRule, errors: &mut Errors) {
    let mut names = HashSet::new();
    for hint in endpoint.each(list) {
        let name = hint.value().text("name");
        if !names.insert(name) {
            errors.push(FieldError::duplicate(&hint.path("name"), name));
        }
        errors.obey(&hint.path("name"), name, rule);
    }
}

/// Names of ports differ; one may be without.
fn check_ports(slice: &At, errors: &mut Errors) {
    let mut names = HashSet::new();
    for port in slice.each("ports") {
        let name = port.value().text("name");
        errors.text(&port, "name", object::dns1123_label);
        if !names.insert(name) {
            errors.push(FieldError::duplicate(&port.path("name"), name));
        }
        check_application(&port, errors);
    }
}
