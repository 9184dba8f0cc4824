//! Names of those who sign certificates: a domain and, after a slash, a path with dots.

use object::{FieldError, Path};

use super::Errors;
use super::at::TextRule;

const LONGEST_DOMAIN: usize = 253;
/// A domain, a slash, a namespace, a dot, and the name of an object.
const LONGEST: usize = LONGEST_DOMAIN + 1 + 63 + 1 + 253;

/// Checks the name of a signer that is given.
pub(crate) fn check(path: &Path, name: &str, errors: &mut Errors) {
    let mut wrong = |value: &str, detail: String| errors.push(FieldError::invalid(path, value, detail));
    let (Some((domain, rest)), 2) = (name.split_once('/'), name.split('/').count()) else {
        let detail = "must be a fully qualified domain and path of the form 'example.com/signer-name'";
        return wrong(name, detail.to_owned());
    };
    let rules: [(&str, TextRule); 2] = [(domain, object::dns1123_label), (rest, object::dns1123_subdomain)];
    for (part, rule) in rules {
        let label = part.split('.').find(|label| !rule(label).is_empty());
        for complaint in label.map(rule).unwrap_or_default() {
            wrong(part, format!("validating label {:?}: {complaint}", label.unwrap_or_default()));
        }
    }
    if !domain.contains('.') {
        wrong(domain, "should be a domain with at least two segments separated by dots".to_owned());
    }
    for (length, most) in [(domain.len(), LONGEST_DOMAIN), (name.len(), LONGEST)] {
        if length > most {
            errors.push(FieldError::too_long(path, most));
        }
    }
}

/// Whether a signer is one of the project's own.
pub(crate) fn is_kubernetes(name: &str) -> bool {
    let domain = name.split('/').next().unwrap_or_default();
    domain == "kubernetes.io" || domain.ends_with(".kubernetes.io")
}
