//! Which families of addresses a service has: what it says, completed by what the cluster has (KEP-563).

use std::net::IpAddr;

use object::{FieldError, FieldErrors, Path, Value};
use serde_json::json;

use super::{is_headless, needs_address};
use crate::rules::{Errors, Read, Write};

const POLICY: &str = "ipFamilyPolicy";
const FAMILIES: &str = "ipFamilies";
const ADDRESSES: &str = "clusterIPs";

const SINGLE: &str = "SingleStack";
const PREFER: &str = "PreferDualStack";
const REQUIRE: &str = "RequireDualStack";

/// A family of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IpFamily {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl IpFamily {
    /// The family of an address.
    pub fn of(address: IpAddr) -> Self {
        if address.is_ipv6() { Self::V6 } else { Self::V4 }
    }

    /// As `ipFamilies` name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        [Self::V4, Self::V6].into_iter().find(|family| family.name() == name)
    }

    fn other(self) -> Self {
        match self {
            Self::V4 => Self::V6,
            Self::V6 => Self::V4,
        }
    }
}

/// Writes `spec.ipFamilyPolicy` and `spec.ipFamilies` of a service as far as they are open, and shortens
/// `spec.clusterIPs` where the second address is given up. The service passed validation; `old` is what it was, and
/// `cluster` are the families that the cluster has, its default first. A spec that did not change stays as it is.
/// Returns what the service may not have.
pub fn settle_families(service: &mut Value, old: Option<&Value>, cluster: &[IpFamily]) -> FieldErrors {
    let mut errors = Errors::new();
    let was = old.map(|old| old.at("spec"));
    let Some(spec) = service.at_mut("spec").filter(|spec| needs_address(spec)) else { return errors.done() };
    if was.is_some_and(|was| *was == *spec || is_content(spec, was)) {
        return errors.done();
    }
    if spec.is_empty(POLICY) {
        spec.put(POLICY, policy(spec, was));
    }
    if let Some(was) = was {
        give_up(spec, was, &mut errors);
    }
    check_single(spec, &mut errors);
    infer(spec, cluster, &mut errors);
    // who has neither addresses nor pods of its own may say what it likes
    let free = is_headless(spec) && spec.is_empty("selector");
    if errors.count_so_far() == 0 && !free {
        check_cluster(spec, cluster, &mut errors);
    }
    if errors.count_so_far() == 0 {
        complete(spec, cluster, free);
    }
    errors.done()
}

/// Whether a service that prefers two families has what it had: it gets no more and loses nothing because the
/// cluster's families changed.
fn is_content(spec: &Value, was: &Value) -> bool {
    let prefers = |spec: &Value| spec.text(POLICY) == PREFER;
    prefers(spec)
        && (prefers(was) || was.is_empty(POLICY))
        && spec.at("type") == was.at("type")
        && is_same(spec, was, ADDRESSES)
        && is_same(spec, was, FAMILIES)
}

fn is_same(spec: &Value, was: &Value, field: &str) -> bool {
    spec.items(field) == was.items(field)
}

/// The policy of a service that names none: as before, or by what kind of service it is.
fn policy(spec: &Value, was: Option<&Value>) -> String {
    let before = was.map(|was| was.text(POLICY)).filter(|policy| !policy.is_empty());
    let first = if is_headless(spec) && spec.is_empty("selector") { REQUIRE } else { SINGLE };
    before.unwrap_or(first).to_owned()
}

/// To ask for one family is to give the second up; nothing else is.
fn give_up(spec: &mut Value, was: &Value, errors: &mut Errors) {
    for (field, what) in [(ADDRESSES, "cluster IP"), (FAMILIES, "IP family")] {
        let now = spec.items(field);
        if spec.text(POLICY) == SINGLE {
            if now.len() > 1 && is_same(spec, was, field) {
                spec.put(field, json!([now[0]]));
            }
        } else if !now.is_empty() && now.len() < was.items(field).len() {
            refuse(errors, spec, POLICY, &format!("must be 'SingleStack' to release the secondary {what}"));
        }
    }
}

fn check_single(spec: &Value, errors: &mut Errors) {
    for (field, what) in [(ADDRESSES, "cluster IPs"), (FAMILIES, "IP families")] {
        if spec.text(POLICY) == SINGLE && spec.items(field).len() == 2 {
            let detail =
                format!("must be 'RequireDualStack' or 'PreferDualStack' when multiple {what} are specified");
            refuse(errors, spec, POLICY, &detail);
        }
    }
}

/// An address says its family where the service does not.
fn infer(spec: &mut Value, cluster: &[IpFamily], errors: &mut Errors) {
    let addresses = spec.items(ADDRESSES).to_vec();
    let mut families = spec.items(FAMILIES).to_vec();
    for (index, address) in addresses.iter().enumerate().skip(families.len()) {
        let Some(family) = address.as_str().and_then(|text| text.parse().ok()).map(IpFamily::of) else {
            break;
        };
        if cluster.contains(&family) {
            families.push(family.name().into());
        } else {
            let at = Path::new("spec").child(ADDRESSES).index(index);
            let detail = format!("{} is not configured on this cluster", family.name());
            errors.push(FieldError::invalid(&at, spec.at(ADDRESSES).clone(), detail));
        }
    }
    if !families.is_empty() {
        spec.put(FAMILIES, families);
    }
}

fn check_cluster(spec: &Value, cluster: &[IpFamily], errors: &mut Errors) {
    if spec.text(POLICY) == REQUIRE && cluster.len() < 2 {
        refuse(errors, spec, POLICY, "this cluster is not configured for dual-stack services");
    }
    for (index, name) in spec.items(FAMILIES).iter().enumerate() {
        let family = name.as_str().and_then(IpFamily::named);
        if !family.is_some_and(|family| cluster.contains(&family)) {
            let at = Path::new("spec").child(FAMILIES).index(index);
            errors.push(FieldError::invalid(&at, name.clone(), "not configured on this cluster"));
        }
    }
}

/// The cluster's default, and the other family for who wants two.
fn complete(spec: &mut Value, cluster: &[IpFamily], free: bool) {
    let told = spec.items(FAMILIES).iter().filter_map(|name| IpFamily::named(name.as_str()?));
    let mut families: Vec<IpFamily> = told.collect();
    if families.is_empty() {
        families.extend(cluster.first());
    }
    if let [only] = families[..]
        && spec.text(POLICY) != SINGLE
        && (free || cluster.len() == 2)
    {
        families.push(only.other());
    }
    spec.put(FAMILIES, families.into_iter().map(IpFamily::name).collect::<Value>());
}

fn refuse(errors: &mut Errors, spec: &Value, field: &str, detail: &str) {
    errors.push(FieldError::invalid(&Path::new("spec").child(field), spec.at(field).clone(), detail));
}
