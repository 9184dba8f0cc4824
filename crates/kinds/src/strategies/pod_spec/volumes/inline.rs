//! Rules of volumes that live as long as their pod: claims made for it, drivers' own, and images.

use object::FieldError;

use super::super::super::claim;
use super::super::super::csi::check_driver_name;
use super::{At, Errors, Read};
use crate::rules::labels;

/// What the metadata of a claim's template may not say, and how upstream calls it.
const NOT_IN_TEMPLATES: [(&str, &str); 13] = [
    ("name", "name"),
    ("generateName", "generateName"),
    ("namespace", "namespace"),
    ("selfLink", "selfLink"),
    ("uid", "uID"),
    ("resourceVersion", "resourceVersion"),
    ("generation", "generation"),
    ("creationTimestamp", "creationTimestamp"),
    ("deletionTimestamp", "deletionTimestamp"),
    ("deletionGracePeriodSeconds", "deletionGracePeriodSeconds"),
    ("ownerReferences", "ownerReferences"),
    ("finalizers", "finalizers"),
    ("managedFields", "managedFields"),
];

/// Checks a volume that a driver makes; upstream tells of the secret's name at the volume.
pub(super) fn check_driver(source: &At, errors: &mut Errors) {
    check_driver_name(source, "driver", errors);
    if let Some(secret) = source.present("nodePublishSecretRef") {
        errors.need(&secret, "name");
        errors.text(&secret.placed(source.path("")), "name", object::dns1123_subdomain);
    }
}

/// Checks a volume of a claim that is made for the pod.
pub(super) fn check_ephemeral(source: &At, errors: &mut Errors) {
    let Some(template) = source.present("volumeClaimTemplate") else { return };
    let meta = template.field("metadata");
    labels::check_annotations(&meta.field("annotations"), errors);
    labels::check(&meta.field("labels"), errors);
    for (field, told) in NOT_IN_TEMPLATES {
        if !meta.is_empty(field) {
            errors.push(FieldError::forbidden(&meta.path(told), "cannot be set"));
        }
    }
    claim::check_spec(&template.field("spec"), errors);
}

/// Checks what is wrong with the volumes of a pod, but not of a template of one: the names of claims follow from the
/// pod's own.
pub(in super::super::super) fn check_of_pod(pod: &At, errors: &mut Errors) {
    let (spec, name) = (pod.field("spec"), pod.text("metadata.name"));
    let made = |volume: &At| format!("{name}-{}", volume.text("name"));
    let claims: Vec<String> =
        spec.each("volumes").filter(|v| !name.is_empty() && v.has("ephemeral")).map(|v| made(&v)).collect();
    for volume in spec.each("volumes") {
        if volume.has("ephemeral") && !name.is_empty() && !volume.is_empty("name") {
            for complaint in object::dns1123_subdomain(&made(&volume)) {
                let detail = format!("PVC name {:?}: {complaint}", made(&volume));
                errors.push(FieldError::invalid(&volume.path("name"), volume.text("name"), detail));
            }
        }
        let claimed = volume.text("persistentVolumeClaim.claimName");
        if claims.iter().any(|made| made == claimed) {
            let detail = "must not reference a PVC that gets created for an ephemeral volume";
            let path = volume.path("persistentVolumeClaim.claimName");
            errors.push(FieldError::invalid(&path, claimed, detail));
        }
        if let Some(image) = volume.present("image") {
            errors.need(&image, "reference");
        }
    }
}
