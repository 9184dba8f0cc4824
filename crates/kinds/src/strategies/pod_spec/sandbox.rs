//! Rules of what the containers of a pod share: names, network, identity, lifetime.

use object::FieldError;

use super::{At, Errors, Read};

/// Checks the fields of a spec that are about the pod as a whole.
pub(super) fn check(spec: &At, errors: &mut Errors) {
    errors.one_of(spec, "preemptionPolicy", &["PreemptLowerPriority", "Never"]);
    errors.between(spec, "activeDeadlineSeconds", 1, i64::from(i32::MAX));
    for gate in spec.each("readinessGates") {
        errors.obey(&gate.path("conditionType"), gate.text("conditionType"), object::qualified_name);
    }
    check_dns(spec, errors);
    check_host_aliases(spec, errors);
}

fn check_dns(spec: &At, errors: &mut Errors) {
    let servers = spec.items("dnsConfig.nameservers").len();
    if spec.text("dnsPolicy") == "None" && servers == 0 {
        let at = if spec.has("dnsConfig") { "dnsConfig.nameservers" } else { "dnsConfig" };
        let detail = "must provide at least one DNS nameserver when `dnsPolicy` is None";
        errors.push(FieldError::required(&spec.path(at), detail));
    }
    if servers > 3 {
        let detail = "must not have more than 3 nameservers";
        errors.push(FieldError::invalid(
            &spec.path("dnsConfig.nameservers"),
            spec.show("dnsConfig.nameservers"),
            detail,
        ));
    }
    for server in spec.each("dnsConfig.nameservers") {
        errors.obey(&server.path(""), server.as_str().unwrap_or_default(), object::ip);
    }
    for option in spec.each("dnsConfig.options") {
        if option.is_empty("name") {
            errors.push(FieldError::required(&option.path(""), "must not be empty"));
        }
    }
}

fn check_host_aliases(spec: &At, errors: &mut Errors) {
    for alias in spec.each("hostAliases") {
        errors.obey(&alias.path("ip"), alias.text("ip"), object::ip);
        for host in alias.each("hostnames") {
            errors.obey(&host.path(""), host.as_str().unwrap_or_default(), object::dns1123_subdomain);
        }
    }
}
