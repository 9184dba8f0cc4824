//! Rules of references to what the containers of a pod may use.

use object::FieldError;

use super::{At, Errors, Read, quantities};

/// Amounts that can be referred to; of large pages, those of any size.
const AMOUNTS: [&str; 6] = [
    "limits.cpu",
    "limits.ephemeral-storage",
    "limits.memory",
    "requests.cpu",
    "requests.ephemeral-storage",
    "requests.memory",
];
const PAGES: [&str; 2] = ["limits.hugepages-", "requests.hugepages-"];
const BYTES: [&str; 13] = ["1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"];

/// Checks a `resourceFieldRef`.
pub(super) fn check(at: &At, errors: &mut Errors) {
    let resource = at.text("resource");
    let of_pages = PAGES.iter().any(|prefix| resource.starts_with(prefix));
    if !resource.is_empty() && !AMOUNTS.contains(&resource) && !of_pages {
        errors.push(FieldError::not_supported(&at.path("resource"), resource, &AMOUNTS));
    }
    check_divisor(at, resource, errors);
}

fn check_divisor(at: &At, resource: &str, errors: &mut Errors) {
    let (cpu, divisor) = (["1m", "1"], quantities::show(at.at("divisor")));
    let kind = resource.split_once('.').map(|(_, kind)| kind).unwrap_or_default();
    let (fine, what) = match kind {
        _ if quantities::is_zero(at.at("divisor")) => return,
        "cpu" => (&cpu[..], "cpu"),
        "memory" => (&BYTES[..], "memory"),
        "ephemeral-storage" => (&BYTES[..], "local ephemeral storage"),
        _ if kind.starts_with("hugepages-") => (&BYTES[..], "hugepages"),
        _ => return,
    };
    if !fine.contains(&divisor.as_str()) {
        let listed = if kind == "cpu" { "1m and 1".to_owned() } else { BYTES.join(", ") };
        let detail = format!("only divisor's values {listed} are supported with the {what} resource");
        errors.push(FieldError::invalid(&at.path("divisor"), resource, detail));
    }
}
