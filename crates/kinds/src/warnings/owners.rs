//! Owners that an object names twice.

use std::collections::HashSet;

use object::Value;

use crate::rules::{Read, Write};

const OWNERS: &str = "metadata.ownerReferences";
const FIELDS: [&str; 6] = ["apiVersion", "kind", "name", "uid", "controller", "blockOwnerDeletion"];

/// Takes out of an object the owner references that it has already, and says which, if any. `patched` says that the
/// object is what a patch has made.
pub fn dedup_owners(object: &mut Value, patched: bool) -> Option<String> {
    let mut owners = object.items(OWNERS).to_vec();
    let (mut seen, mut twice) = (HashSet::new(), Vec::new());
    owners.retain(|owner| {
        let fresh = seen.insert(FIELDS.map(|field| owner.at(field).to_string()));
        if !fresh {
            twice.push(owner.text("uid").to_owned());
        }
        fresh
    });
    if twice.is_empty() {
        return None;
    }
    object.put(OWNERS, owners);
    let when = if patched { " after mutating admission happens" } else { "" };
    Some(format!(
        ".metadata.ownerReferences contains duplicate entries{when}; API server dedups owner references in 1.20+, and \
         may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: [{}]",
        twice.join(" ")
    ))
}
