//! Rules of what a pod claims of the cluster's devices.

use object::FieldError;

use super::{At, Errors, Read};

const SOURCES: [&str; 2] = ["resourceClaimName", "resourceClaimTemplateName"];

/// Checks the claims of a spec: each has a name of its own, and is there already or made from a template.
pub(super) fn check(spec: &At, errors: &mut Errors) {
    let mut names = Vec::new();
    for claim in spec.each("resourceClaims") {
        let name = claim.value().text("name");
        if name.is_empty() {
            errors.need(&claim, "name");
        } else if names.contains(&name) {
            errors.push(FieldError::duplicate(&claim.path("name"), name));
        } else {
            errors.text(&claim, "name", object::dns1123_label);
            names.push(name);
        }
        check_source(&claim, errors);
    }
}

fn check_source(claim: &At, errors: &mut Errors) {
    let wrong = match SOURCES.iter().filter(|source| claim.has(source)).count() {
        0 => Some("must specify one of: `resourceClaimName`, `resourceClaimTemplateName`"),
        1 => None,
        _ => Some("at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified"),
    };
    if let Some(detail) = wrong {
        errors.push(FieldError::invalid(&claim.path(""), claim.show(""), detail));
    }
    for source in SOURCES.iter().filter_map(|source| claim.present(source)) {
        errors.obey(&source.path(""), source.text(""), object::dns1123_subdomain);
    }
}
