//! Rules of quotas: how much a namespace may hold.

use std::collections::BTreeSet;

use object::{FieldError, FieldErrors, Path, Value};

use super::pod_spec::check_amount;
use crate::Strategy;
use crate::rules::resources::{is_huge, is_of_vendor};
use crate::rules::{At, Errors, Read, quantities};

/// What is counted in whole pieces.
const PIECES: [&str; 9] = [
    "configmaps",
    "persistentvolumeclaims",
    "pods",
    "replicationcontrollers",
    "resourcequotas",
    "secrets",
    "services",
    "services.loadbalancers",
    "services.nodeports",
];
const AMOUNTS: [&str; 3] = ["cpu", "memory", "ephemeral-storage"];
/// What pods ask for that a scope can tell apart.
const OF_PODS: [&str; 7] =
    ["pods", "cpu", "memory", "limits.cpu", "limits.memory", "requests.cpu", "requests.memory"];

/// The scopes, each with the resources that can be counted in it.
const SCOPES: [(&str, &[&str]); 7] = [
    ("Terminating", &OF_PODS),
    ("NotTerminating", &OF_PODS),
    ("BestEffort", &["pods"]),
    ("NotBestEffort", &OF_PODS),
    ("PriorityClass", &OF_PODS),
    ("CrossNamespacePodAffinity", &OF_PODS),
    ("VolumeAttributesClass", &["persistentvolumeclaims", "requests.storage"]),
];
const OPPOSITES: [[&str; 2]; 2] = [["BestEffort", "NotBestEffort"], ["Terminating", "NotTerminating"]];
/// Scopes that a thing is in or not.
const PLAIN: [&str; 5] =
    ["BestEffort", "NotBestEffort", "Terminating", "NotTerminating", "CrossNamespacePodAffinity"];

const UNFIT: &str = "unsupported scope applied to resource";
const OPPOSED: &str = "conflicting scopes";

/// Strategy of quotas.
pub(crate) struct ResourceQuota;

impl Strategy for ResourceQuota {
    fn validate(&self, quota: &Value) -> FieldErrors {
        let (spec, mut errors) = (At::root(quota).field("spec"), Errors::new());
        check_resources(&spec, "hard", &mut errors);
        check_scopes(&spec, &mut errors);
        check_selector(&spec, &mut errors);
        errors.done()
    }

    fn validate_update(&self, new: &Value, old: &Value) -> FieldErrors {
        let scopes = |quota: &Value| -> BTreeSet<String> {
            quota.items("spec.scopes").iter().map(|scope| scope.text("").to_owned()).collect()
        };
        if scopes(new) == scopes(old) {
            return FieldErrors::new();
        }
        let spec = At::root(new).field("spec");
        vec![FieldError::invalid(&spec.path("scopes"), spec.show("scopes"), "field is immutable")]
    }

    fn validate_status(&self, new: &Value, _: &Value) -> FieldErrors {
        let (status, mut errors) = (At::root(new).field("status"), Errors::new());
        check_resources(&status, "hard", &mut errors);
        check_resources(&status, "used", &mut errors);
        errors.done()
    }
}

fn check_resources(at: &At, field: &str, errors: &mut Errors) {
    for (name, amount) in at.each_entry(field) {
        check_name(&amount.path(""), name, errors);
        if !name.contains('/') && !is_counted(name) {
            let detail = "must be a standard resource for quota";
            errors.push(FieldError::invalid(&amount.path(""), name, detail));
        }
        check_amount(&amount, errors);
        if is_in_pieces(name) && !quantities::is_whole(&amount) {
            let value = quantities::show(&amount);
            errors.push(FieldError::invalid(&amount.path(""), value, "must be an integer"));
        }
    }
}

/// Checks the name of anything that there is some of.
pub(super) fn check_name(path: &Path, name: &str, errors: &mut Errors) {
    let before = errors.count_so_far();
    errors.obey(path, name, object::qualified_name);
    let is_well_formed = errors.count_so_far() == before;
    if is_well_formed && !name.contains('/') && !is_counted(name) && name != "storage" && !is_huge(name) {
        let detail = "must be a standard resource type or fully qualified";
        errors.push(FieldError::invalid(path, name, detail));
    }
}

fn is_counted(name: &str) -> bool {
    let of = |prefix| name.strip_prefix(prefix).is_some_and(|rest| AMOUNTS.contains(&rest));
    let huge = name.strip_prefix("requests.").is_some_and(is_huge) || is_huge(name);
    PIECES.contains(&name)
        || AMOUNTS.contains(&name)
        || of("requests.")
        || of("limits.")
        || name == "requests.storage"
        || huge
}

/// Objects, and what vendors add to nodes.
fn is_in_pieces(name: &str) -> bool {
    PIECES.contains(&name) || is_of_vendor(name)
}

/// Whether a quota counts what cannot be counted in this scope.
fn is_unfit(scope: &str, spec: &Value) -> bool {
    let counted = SCOPES.iter().find(|(known, _)| *known == scope).map(|(_, counted)| counted);
    let unfit = |counted: &&[&str]| {
        spec.entries("hard").any(|(name, _)| is_counted(name) && !counted.contains(&name))
    };
    counted.is_some_and(unfit)
}

fn are_opposed(scopes: &BTreeSet<&str>) -> bool {
    OPPOSITES.iter().any(|pair| pair.iter().all(|scope| scopes.contains(scope)))
}

fn is_known(scope: &str) -> bool {
    SCOPES.iter().any(|(known, _)| *known == scope)
}

fn check_scopes(spec: &At, errors: &mut Errors) {
    let scopes: BTreeSet<&str> = spec.items("scopes").iter().filter_map(Value::as_str).collect();
    for (wrong, detail) in [
        (scopes.iter().any(|scope| is_unfit(scope, spec)), UNFIT),
        (!scopes.iter().all(|scope| is_known(scope)), "unsupported scope"),
        (are_opposed(&scopes), OPPOSED),
    ] {
        if wrong {
            errors.push(FieldError::invalid(&spec.path("scopes"), spec.show("scopes"), detail));
        }
    }
}

fn check_selector(spec: &At, errors: &mut Errors) {
    let selector = spec.field("scopeSelector");
    let path = selector.path("matchExpressions");
    let mut scopes = BTreeSet::new();
    for requirement in selector.each("matchExpressions") {
        let scope = requirement.value().text("scopeName");
        if !is_known(scope) {
            errors.push(FieldError::invalid(&path.child("scopeName"), scope, "unsupported scope"));
        }
        check_requirement(&requirement.placed(path.clone()), errors);
        scopes.insert(scope);
    }
    if scopes.iter().any(|scope| is_unfit(scope, spec)) {
        errors.push(FieldError::invalid(&path, selector.show(""), UNFIT));
    }
    if are_opposed(&scopes) {
        errors.push(FieldError::invalid(&path, spec.show("scopes"), OPPOSED));
    }
}

fn check_requirement(requirement: &At, errors: &mut Errors) {
    let (operator, values) = (requirement.text("operator"), requirement.path("values"));
    if PLAIN.contains(&requirement.text("scopeName")) && operator != "Exists" {
        let detail = "must be 'Exist' when scope is any of ResourceQuotaScopeTerminating, \
                      ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, \
                      ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity";
        errors.push(FieldError::invalid(&requirement.path("operator"), operator, detail));
    }
    match (operator, requirement.is_empty("values")) {
        ("In" | "NotIn", true) => {
            let detail = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector";
            errors.push(FieldError::required(&values, detail));
        }
        ("Exists" | "DoesNotExist", false) => {
            let detail = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector";
            errors.push(FieldError::invalid(&values, requirement.show("values"), detail));
        }
        ("In" | "NotIn" | "Exists" | "DoesNotExist", _) => {}
        _ => {
            let path = requirement.path("operator");
            errors.push(FieldError::invalid(&path, operator, "not a valid selector operator"));
        }
    }
}
