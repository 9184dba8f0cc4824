//! Rules of volumes.

use object::FieldError;

use super::containers::{Volumes, local_path, path_without_backsteps};
use super::{At, Errors, Read, env, quantities};

/// What a volume type needs: the field of the volume, and the fields below it that may not be empty.
const NEEDS: [(&str, &[&str]); 16] = [
    ("awsElasticBlockStore", &["volumeID"]),
    ("azureDisk", &["diskName", "diskURI"]),
    ("azureFile", &["secretName", "shareName"]),
    ("cephfs", &["monitors"]),
    ("cinder", &["volumeID"]),
    ("csi", &["driver"]),
    ("ephemeral", &["volumeClaimTemplate"]),
    ("flexVolume", &["driver"]),
    ("gcePersistentDisk", &["pdName"]),
    ("gitRepo", &["repository"]),
    ("glusterfs", &["endpoints", "path"]),
    ("image", &["reference"]),
    ("iscsi", &["targetPortal", "iqn"]),
    ("rbd", &["monitors", "image"]),
    ("scaleIO", &["gateway", "system", "volumeName"]),
    ("vsphereVolume", &["volumePath"]),
];

/// Checks the volumes of a spec; gives them by name.
pub(super) fn check<'a>(spec: &At<'a>, errors: &mut Errors) -> Volumes<'a> {
    errors.unique(spec.each("volumes"), "name");
    for volume in spec.each("volumes") {
        check_source(&volume, errors);
    }
    spec.value().items("volumes").iter().map(|volume| (volume.text("name"), volume)).collect()
}

fn check_source(volume: &At, errors: &mut Errors) {
    let kinds: Vec<&str> =
        volume.entries("").map(|(field, _)| field).filter(|&f| f != "name" && volume.has(f)).collect();
    errors.exactly_one(
        volume,
        &kinds,
        "must specify a volume type",
        "may not specify more than 1 volume type",
    );
    for (kind, needs) in NEEDS {
        for field in needs.iter().filter(|_| volume.has(kind)) {
            errors.need(&volume.field(kind), field);
        }
    }
    for kind in kinds {
        check_details(kind, &volume.field(kind), errors);
    }
}

fn check_details(kind: &str, source: &At, errors: &mut Errors) {
    match kind {
        "configMap" | "secret" => check_files(source, errors),
        "downwardAPI" => check_downward(source, errors),
        "projected" => check_projected(source, errors),
        "hostPath" => errors.text(source, "path", path_without_backsteps),
        "nfs" => errors.text(source, "path", object::absolute_path),
        "emptyDir" if quantities::is_negative(source.at("sizeLimit")) => {
            let detail = "SizeLimit field must be a valid resource quantity";
            errors.push(FieldError::forbidden(&source.path("sizeLimit"), detail));
        }
        _ => {}
    }
}

/// Checks keys that become files, and their modes.
fn check_files(source: &At, errors: &mut Errors) {
    check_mode(source, "defaultMode", errors);
    for item in source.each("items") {
        check_file(&item, errors);
    }
}

fn check_file(item: &At, errors: &mut Errors) {
    errors.text(item, "path", local_path);
    check_mode(item, "mode", errors);
}

fn check_mode(at: &At, field: &str, errors: &mut Errors) {
    let detail = "must be a number between 0 and 0777 (octal), both inclusive";
    errors.number(at, field, |mode| (0..=0o777).contains(&mode), detail);
}

fn check_downward(source: &At, errors: &mut Errors) {
    check_mode(source, "defaultMode", errors);
    for item in source.each("items") {
        errors.need(&item, "path");
        check_file(&item, errors);
        match (item.present("fieldRef"), item.present("resourceFieldRef")) {
            (None, None) => {
                errors.push(FieldError::required(
                    &item.path("fieldRef"),
                    "one of fieldRef and resourceFieldRef is required",
                ));
            }
            (Some(_), Some(_)) => {
                let detail = "fieldRef and resourceFieldRef can not be specified simultaneously";
                errors.push(FieldError::invalid(&item.path(""), "", detail));
            }
            (Some(field), None) => env::check_field_ref(&field, errors),
            (None, Some(resource)) => {
                errors.need(&resource, "containerName");
            }
        }
    }
}

fn check_projected(projected: &At, errors: &mut Errors) {
    check_mode(projected, "defaultMode", errors);
    for source in projected.each("sources") {
        let kinds: Vec<&str> = source.entries("").map(|(field, _)| field).filter(|f| source.has(f)).collect();
        if let [_, more, ..] = kinds[..] {
            errors.push(FieldError::forbidden(&source.path(more), "may not specify more than 1 volume type"));
        }
        for kind in ["configMap", "secret"] {
            if let Some(files) = source.present(kind) {
                errors.need(&files, "name");
                check_files(&files, errors);
            }
        }
        if let Some(downward) = source.present("downwardAPI") {
            check_downward(&downward, errors);
        }
        if let Some(token) = source.present("serviceAccountToken") {
            errors.number(
                &token,
                "expirationSeconds",
                |s| s >= 600,
                "may not specify a duration less than 10 minutes",
            );
            errors.text(&token, "path", local_path);
        }
    }
}
