//! What `Warning` headers say of objects that are accepted: pure functions, one file per family. Conditions and texts
//! are those of upstream's strategies (`WarningsOnCreate`, `WarningsOnUpdate`).

mod addresses;
mod claims;
mod names;
mod node_labels;
mod notes;
mod owners;
mod pods;
mod services;
mod tls;
mod volumes;

use object::Value;

use crate::rules::{At, Read};

pub(crate) use addresses::{address, block};
pub(crate) use claims::of_spec as of_claim;
pub(crate) use node_labels::{label as node_label, selector as node_selector, term as node_term};
pub(crate) use notes::deprecated as deprecated_notes;
pub use owners::dedup_owners;
pub(crate) use pods::{addresses as pod_addresses, of_pod, of_template};
pub(crate) use services::{addresses as service_addresses, of_service};
pub(crate) use tls::pair as tls_pair;
pub(crate) use volumes::gone as gone_volumes;

/// More than this is not said of one list: a header holds less.
const MANY: usize = 128;

/// Whether the object is new, or its desired state is another one.
pub(crate) fn is_changed(new: &Value, old: Option<&Value>) -> bool {
    old.is_none_or(|old| new.int("metadata.generation") != old.int("metadata.generation"))
}

/// What is odd about an object that keeps pods by the template at a path: about its name while it is new, and about
/// the template whenever the desired state is another one.
pub(crate) fn of_keeper(new: &Value, old: Option<&Value>, template: &str) -> Vec<String> {
    let mut warnings = of_keeper_name(new, old);
    if is_changed(new, old) {
        warnings.extend(of_template(&At::root(new).field(template)));
    }
    warnings
}

/// What is odd about the name of a new object that keeps pods.
pub(crate) fn of_keeper_name(new: &Value, old: Option<&Value>) -> Vec<String> {
    let names = "this is used in Pod names and hostnames, which can result in surprising behavior";
    if old.is_some() { Vec::new() } else { names::hostname(new, names).into_iter().collect() }
}

#[cfg(test)]
mod tests;
