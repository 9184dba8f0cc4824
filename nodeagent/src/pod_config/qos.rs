//! Quality of service.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity as Written;
use object::Quantity;

use super::downward::parse;
use super::{all_containers, spec_of};

/// How much a pod may count on what it uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Qos {
    /// It asks for exactly what it may use.
    Guaranteed,
    /// It asks for something.
    Burstable,
    /// It asks for nothing.
    BestEffort,
}

/// Resources that count.
const COUNTED: [&str; 2] = ["cpu", "memory"];

/// The class of a pod: what its status says, else what follows from its containers.
pub fn qos(pod: &Pod) -> Qos {
    match pod.status.as_ref().and_then(|status| status.qos_class.as_deref()) {
        Some("Guaranteed") => Qos::Guaranteed,
        Some("Burstable") => Qos::Burstable,
        Some("BestEffort") => Qos::BestEffort,
        _ => computed(pod),
    }
}

fn computed(pod: &Pod) -> Qos {
    let of_pod = spec_of(pod).resources.as_ref();
    let of_containers = || all_containers(pod).map(|c| c.resources.as_ref());
    let all: Vec<_> = match of_pod.filter(|r| r.limits.is_some() || r.requests.is_some()) {
        Some(resources) => vec![Some(resources)],
        None => of_containers().collect(),
    };
    let counted = |amounts: Option<&BTreeMap<String, Written>>, name: &str| {
        let amount = amounts.and_then(|a| a.get(name)).and_then(|amount| parse(amount).ok());
        amount.filter(|amount| *amount > Quantity::ZERO)
    };
    let mut any = false;
    let mut exact = true;
    for resources in all {
        for name in COUNTED {
            let limit = counted(resources.and_then(|r| r.limits.as_ref()), name);
            let request = counted(resources.and_then(|r| r.requests.as_ref()), name);
            any |= limit.is_some() || request.is_some();
            exact &= limit.is_some() && request.is_none_or(|request| Some(request) == limit);
        }
    }
    match (any, exact) {
        (false, _) => Qos::BestEffort,
        (true, true) => Qos::Guaranteed,
        (true, false) => Qos::Burstable,
    }
}
