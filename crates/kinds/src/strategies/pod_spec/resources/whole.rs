//! Rules of what a pod as a whole asks for and may use (KEP-2837).

use object::{FieldError, Path, Quantity};

use super::{At, Errors, NameRule, Read, check_amounts, claims, quantities};
use crate::rules::resources::{HUGE, is_huge};
use crate::rules::sums;
use crate::strategies::quota;

/// Checks the `resources` of a pod with these claims.
pub(crate) fn check(spec: &At, known: &[&str], errors: &mut Errors) {
    let Some(resources) = spec.present("resources") else { return };
    if spec.text("os.name") == "windows" {
        let detail = "may not be set for a windows pod";
        return errors.push(FieldError::forbidden(&resources.path(""), detail));
    }
    errors.forbid_present(&resources, "claims", "claims may not be set for Resources at pod-level");
    check_amounts(&resources, check_name as NameRule, errors);
    claims::check(&resources, known, errors);
    for (name, sum) in sums::of_containers(spec, "requests") {
        check_sum(&resources, "requests", &name, sum, errors);
    }
    for (name, sum) in sums::of_containers(spec, "limits").into_iter().filter(|(name, _)| is_huge(name)) {
        check_sum(&resources, "limits", &name, sum, errors);
    }
    check_limits(spec, &resources, errors);
}

fn check_name(path: &Path, name: &str, errors: &mut Errors) {
    let before = errors.count_so_far();
    quota::check_name(path, name, errors);
    let is_known = matches!(name, "cpu" | "memory") || is_huge(name);
    if !is_known && errors.count_so_far() == before {
        errors.push(FieldError::not_supported(path, name, &["cpu", HUGE, "memory"]));
    }
}

/// A pod has at least what its containers have together.
fn check_sum(resources: &At, list: &str, name: &str, sum: Quantity, errors: &mut Errors) {
    let Some(own) = resources.at(list).get(name).and_then(quantities::read) else { return };
    if sum > own {
        let detail = format!("must be greater than or equal to aggregate container {list} of {sum}");
        errors.push(FieldError::invalid(&resources.path(list).key(name), own.to_string(), detail));
    }
}

/// No container may use more than the pod.
fn check_limits(spec: &At, resources: &At, errors: &mut Errors) {
    for (index, container) in spec.each("containers").enumerate() {
        for (name, limit) in container.entries("resources.limits") {
            let Some(own) = resources.at("limits").get(name) else { continue };
            if quantities::compare(limit, own).is_some_and(|order| order.is_gt()) {
                let path = resources.path("containers").index(index).key(name).child("limits");
                let detail = format!("must be less than or equal to pod limits of {}", quantities::show(own));
                errors.push(FieldError::invalid(&path, quantities::show(limit), detail));
            }
        }
    }
}
