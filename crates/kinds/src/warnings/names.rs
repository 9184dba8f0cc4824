//! Names that become names of hosts.

use object::Value;

use crate::rules::Read;

/// Says that an object's name is no DNS label; `used` says what for it should be one.
pub(super) fn hostname(object: &Value, used: &str) -> Option<String> {
    let name = object.text("metadata.name");
    let complaints = if name.is_empty() { Vec::new() } else { object::dns1123_label(name) };
    (!complaints.is_empty())
        .then(|| format!("metadata.name: {used}; a DNS label is recommended: [{}]", complaints.join(" ")))
}
