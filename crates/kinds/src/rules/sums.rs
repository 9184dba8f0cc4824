//! What the containers of a pod need together.

use std::collections::BTreeMap;

use object::{Quantity, Value};

use super::{Read, quantities};

/// Amounts by resource.
pub(crate) type List = BTreeMap<String, Quantity>;

/// The well-formed amounts in one list of a container's, or a claim's, `resources`.
pub(crate) fn list(resources: &Value, field: &str) -> List {
    let amounts = resources.entries(field);
    amounts.filter_map(|(name, amount)| Some((name.to_owned(), quantities::read(amount)?))).collect()
}

/// The sum over the containers of a pod's spec, or what must be there while they start, whichever is more: an init
/// container runs beside the sidecars before it.
pub(crate) fn of_containers(spec: &Value, field: &str) -> List {
    let (mut sum, mut sidecars, mut start) = (List::new(), List::new(), List::new());
    for container in spec.items("containers") {
        add(&mut sum, &list(container.at("resources"), field));
    }
    for container in spec.items("initContainers") {
        let mut own = list(container.at("resources"), field);
        if container.text("restartPolicy") == "Always" {
            add(&mut sum, &own);
            add(&mut sidecars, &own);
            own.clear();
        }
        add(&mut own, &sidecars);
        raise(&mut start, &own);
    }
    raise(&mut sum, &start);
    sum
}

fn add(to: &mut List, more: &List) {
    for (name, amount) in more {
        *to.entry(name.clone()).or_default() += *amount;
    }
}

fn raise(to: &mut List, at_least: &List) {
    for (name, amount) in at_least {
        let present = to.entry(name.clone()).or_insert(*amount);
        *present = (*present).max(*amount);
    }
}
