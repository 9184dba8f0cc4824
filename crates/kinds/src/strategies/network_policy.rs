//! Rules of network policies.

use object::{FieldError, FieldErrors, Value};
use serde_json::json;

use crate::rules::at::PORT;
use crate::rules::blocks::Block;
use crate::rules::{At, Errors, Read, Write, labels};
use crate::{Strategy, warnings};

/// The fields of the rules of each direction, and of the peers in such a rule.
const DIRECTIONS: [(&str, &str); 2] = [("ingress", "from"), ("egress", "to")];
const TYPES: [&str; 2] = ["Egress", "Ingress"];

/// Strategy of network policies.
pub(crate) struct NetworkPolicy;

impl Strategy for NetworkPolicy {
    /// A policy is always one of ingress, and one of egress where it has rules for it.
    fn default(&self, policy: &mut Value) {
        if policy.is_empty("spec.policyTypes") {
            let egress = !policy.is_empty("spec.egress");
            policy.put(
                "spec.policyTypes",
                if egress { json!(["Ingress", "Egress"]) } else { json!(["Ingress"]) },
            );
        }
    }

    fn validate(&self, policy: &Value) -> FieldErrors {
        let (spec, mut errors) = (At::root(policy).field("spec"), Errors::new());
        labels::check_selector(&spec.field("podSelector"), &mut errors);
        for (rules, peers) in DIRECTIONS {
            for rule in spec.each(rules) {
                rule.each("ports").for_each(|port| check_port(&port, &mut errors));
                rule.each(peers).for_each(|peer| check_peer(&peer, &mut errors));
            }
        }
        check_types(&spec, &mut errors);
        errors.done()
    }

    fn warnings(&self, new: &Value, _: Option<&Value>) -> Vec<String> {
        let spec = At::root(new).field("spec");
        let rules = DIRECTIONS.iter().flat_map(|(rules, peers)| spec.each(rules).map(move |r| (r, *peers)));
        let blocks = rules.flat_map(|(rule, peers)| rule.each(peers)).map(|peer| peer.field("ipBlock"));
        let texts = blocks.flat_map(|block| std::iter::once(block.field("cidr")).chain(block.each("except")));
        texts.flat_map(|text| warnings::block(&text.path(""), text.text(""))).collect()
    }
}

fn check_port(port: &At, errors: &mut Errors) {
    let first = port.int("port").unwrap_or_default();
    match port.at("port") {
        Value::Null => {
            errors.number(port, "endPort", |_| false, "may not be specified when `port` is not specified");
        }
        Value::String(_) => {
            errors.number(port, "endPort", |_| false, "may not be specified when `port` is non-numeric");
            errors.port(port, "port");
        }
        _ => {
            errors.port(port, "port");
            errors.number(port, "endPort", |end| end >= first, "must be greater than or equal to `port`");
            errors.number(port, "endPort", |end| (1..=65535).contains(&end), PORT);
        }
    }
}

fn check_peer(peer: &At, errors: &mut Errors) {
    let selectors = ["podSelector", "namespaceSelector"];
    for selector in selectors {
        labels::check_selector(&peer.field(selector), errors);
    }
    let selects = selectors.iter().any(|selector| peer.has(selector));
    match peer.present("ipBlock") {
        Some(block) => {
            check_block(&block, errors);
            if selects {
                let detail = "may not specify both ipBlock and another peer";
                errors.push(FieldError::forbidden(&peer.path(""), detail));
            }
        }
        None if !selects => errors.push(FieldError::required(&peer.path(""), "must specify a peer")),
        None => {}
    }
}

fn check_block(block: &At, errors: &mut Errors) {
    errors.text(block, "cidr", object::cidr);
    let Some(whole) = Block::parse(block.text("cidr")) else { return };
    for except in block.each("except") {
        errors.obey(&except.path(""), except.text(""), object::cidr);
        if Block::parse(except.text("")).is_some_and(|part| !whole.exceeds(part)) {
            let detail = "must be a strict subset of `cidr`";
            errors.push(FieldError::invalid(&except.path(""), except.show(""), detail));
        }
    }
}

fn check_types(spec: &At, errors: &mut Errors) {
    if spec.items("policyTypes").len() > TYPES.len() {
        let (path, detail) = (spec.path("policyTypes"), "may not specify more than two policyTypes");
        return errors.push(FieldError::invalid(&path, spec.show("policyTypes"), detail));
    }
    for kind in spec.each("policyTypes").filter(|kind| !TYPES.contains(&kind.text(""))) {
        errors.push(FieldError::not_supported(&kind.path(""), kind.show(""), &TYPES));
    }
}
