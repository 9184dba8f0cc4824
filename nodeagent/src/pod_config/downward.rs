//! What a pod says about itself to its containers: fields, and amounts of resources.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::IpAddr;

use k8s_openapi::api::core::v1::{Container, Pod, ResourceFieldSelector};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity as Written;
use object::Quantity;

use super::context::{Context, Node};
use super::{container_named, spec_of};

/// A field of the pod's document that does not change with its status. The error is upstream's text.
pub fn pod_field(pod: &Pod, path: &str) -> Result<String, String> {
    let meta = &pod.metadata;
    let text = |text: &Option<String>| Ok(text.clone().unwrap_or_default());
    if let Some((map, key)) = subscript(path) {
        return match map {
            "metadata.labels" => Ok(entry(&meta.labels, key)),
            "metadata.annotations" => Ok(entry(&meta.annotations, key)),
            _ => Err(format!("fieldPath {path:?} does not support subscript")),
        };
    }
    match path {
        "metadata.name" => text(&meta.name),
        "metadata.namespace" => text(&meta.namespace),
        "metadata.uid" => text(&meta.uid),
        "metadata.labels" => Ok(meta.labels.as_ref().map(format_map).unwrap_or_default()),
        "metadata.annotations" => Ok(meta.annotations.as_ref().map(format_map).unwrap_or_default()),
        _ => Err(format!("unsupported fieldPath: {path}")),
    }
}

/// A field as the environment may show it: [`pod_field`] and what is known once the pod runs.
pub(crate) fn env_field(pod: &Pod, path: &str, context: &Context<'_>) -> Result<String, String> {
    let account = || spec_of(pod).service_account_name.clone().unwrap_or_default();
    let first = |ips: &[IpAddr]| ips.first().map(IpAddr::to_string).unwrap_or_default();
    let all = |ips: &[IpAddr]| ips.iter().map(IpAddr::to_string).collect::<Vec<_>>().join(",");
    match path {
        "spec.nodeName" => Ok(context.node.name.clone()),
        "spec.serviceAccountName" => Ok(account()),
        "status.hostIP" => Ok(first(context.host_ips)),
        "status.hostIPs" => Ok(all(context.host_ips)),
        "status.podIP" => Ok(first(context.pod_ips)),
        "status.podIPs" => Ok(all(context.pod_ips)),
        _ => pod_field(pod, path),
    }
}

/// `metadata.labels['key']` in its parts.
fn subscript(path: &str) -> Option<(&str, &str)> {
    path.strip_suffix("']")?.split_once("['")
}

fn entry(map: &Option<BTreeMap<String, String>>, key: &str) -> String {
    map.as_ref().and_then(|map| map.get(key)).cloned().unwrap_or_default()
}

/// Labels or annotations as lines of `key="value"`, sorted, the value quoted as Go quotes.
pub fn format_map(map: &BTreeMap<String, String>) -> String {
    let lines: Vec<String> = map.iter().map(|(key, value)| format!("{key}={}", go_quote(value))).collect();
    lines.join("\n")
}

/// Go's `%q`.
pub(crate) fn go_quote(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        let escape = match c {
            '\x07' => 'a',
            '\x08' => 'b',
            '\x0c' => 'f',
            '\n' => 'n',
            '\r' => 'r',
            '\t' => 't',
            '\x0b' => 'v',
            '"' | '\\' => c,
            _ => {
                push_plain(&mut quoted, c);
                continue;
            }
        };
        quoted.extend(['\\', escape]);
    }
    quoted.push('"');
    quoted
}

fn push_plain(quoted: &mut String, c: char) {
    let hidden = c.is_control()
        || (c.is_whitespace() && c != ' ')
        || matches!(c, '\u{feff}' | '\u{200b}'..='\u{200f}');
    // writing to a string does not fail
    let _ = match u32::from(c) {
        code @ 0..=0x7f if hidden => write!(quoted, "\\x{code:02x}"),
        code @ 0..=0xffff if hidden => write!(quoted, "\\u{code:04x}"),
        code if hidden => write!(quoted, "\\U{code:08x}"),
        _ => write!(quoted, "{c}"),
    };
}

/// An amount of a container's resources, as `requests.cpu`, in units of the divisor, rounded up. A missing limit
/// of CPU, memory or local storage is what the node can give.
///
/// `container` is the one that asks; the selector may name another. The error is upstream's text.
pub fn container_field(
    pod: &Pod,
    container: Option<&Container>,
    selector: &ResourceFieldSelector,
    node: &Node,
) -> Result<String, String> {
    let container = match selector.container_name.as_deref().filter(|name| !name.is_empty()) {
        Some(name) => container_named(pod, name).ok_or_else(|| format!("container {name} not found"))?,
        None => container.ok_or_else(|| "container  not found".to_owned())?,
    };
    let unsupported = || format!("Unsupported container resource : {}", selector.resource);
    let (list, name) = selector.resource.split_once('.').ok_or_else(unsupported)?;
    let resources = container.resources.as_ref();
    let amount = match list {
        "limits" => amount(resources.and_then(|r| r.limits.as_ref()), name)?.or(allocatable(node, name)),
        "requests" => amount(resources.and_then(|r| r.requests.as_ref()), name)?,
        _ => return Err(unsupported()),
    };
    if !matches!(name, "cpu" | "memory" | "ephemeral-storage") && !name.starts_with("hugepages-") {
        return Err(unsupported());
    }
    let divisor = selector.divisor.as_ref().map(parse).transpose()?.filter(|d| !d.is_zero());
    let divisor = divisor.unwrap_or(Quantity::from_value(1));
    let amount = amount.unwrap_or(Quantity::ZERO);
    Ok(match name {
        "cpu" => ceiling(amount.milli_value(), divisor.milli_value()),
        _ => ceiling(amount.value(), divisor.value()),
    })
}

fn ceiling(amount: i64, divisor: i64) -> String {
    let (amount, divisor) = (i128::from(amount), i128::from(divisor.max(1)));
    ((amount + divisor - 1) / divisor).to_string()
}

fn allocatable(node: &Node, name: &str) -> Option<Quantity> {
    match name {
        "cpu" => Some(node.allocatable_cpu),
        "memory" => Some(node.allocatable_memory),
        "ephemeral-storage" => Some(node.allocatable_ephemeral_storage),
        _ => None,
    }
}

/// The amount of that name, if any.
pub(crate) fn amount(
    amounts: Option<&BTreeMap<String, Written>>,
    name: &str,
) -> Result<Option<Quantity>, String> {
    amounts.and_then(|amounts| amounts.get(name)).map(parse).transpose()
}

/// Reads a quantity.
pub(crate) fn parse(written: &Written) -> Result<Quantity, String> {
    written.0.parse().map_err(|error| format!("quantity {:?}: {error}", written.0))
}

#[cfg(test)]
mod tests;
