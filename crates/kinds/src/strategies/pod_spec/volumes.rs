//! Rules of volumes.

mod files;
mod inline;
mod projected;

use object::FieldError;

use super::super::volume;
use super::containers::{local_path, path_without_backsteps};
use super::mounts::Volumes;
use super::{At, Errors, Read, amount_ref, field_ref, quantities};

pub(in super::super) use inline::check_of_pod;

/// What a volume may be, in the order in which it counts: the field of the volume, and the fields below it that may not
/// be empty.
const SOURCES: [(&str, &[&str]); 30] = [
    ("emptyDir", &[]),
    ("hostPath", &[]),
    ("gitRepo", &["repository"]),
    ("gcePersistentDisk", &["pdName"]),
    ("awsElasticBlockStore", &["volumeID"]),
    ("secret", &[]),
    ("nfs", &[]),
    ("iscsi", &["targetPortal", "iqn"]),
    ("glusterfs", &["endpoints", "path"]),
    ("flocker", &[]),
    ("persistentVolumeClaim", &[]),
    ("rbd", &["monitors", "image"]),
    ("cinder", &["volumeID"]),
    ("cephfs", &["monitors"]),
    ("quobyte", &["volume"]),
    ("downwardAPI", &[]),
    ("fc", &[]),
    ("flexVolume", &["driver"]),
    ("configMap", &[]),
    ("azureFile", &["secretName", "shareName"]),
    ("vsphereVolume", &["volumePath"]),
    ("photonPersistentDisk", &["pdID"]),
    ("portworxVolume", &["volumeID"]),
    ("azureDisk", &["diskName", "diskURI"]),
    ("storageos", &["volumeName"]),
    ("projected", &[]),
    ("scaleIO", &["gateway", "system", "volumeName"]),
    ("csi", &["driver"]),
    ("ephemeral", &["volumeClaimTemplate"]),
    ("image", &[]),
];

/// Checks the volumes of a spec; gives those that nothing is wrong with by name.
pub(super) fn check<'a>(spec: &At<'a>, errors: &mut Errors) -> Volumes<'a> {
    let mut good = Volumes::new();
    for volume in spec.each("volumes") {
        let (before, name) = (errors.count_so_far(), volume.value().text("name"));
        check_source(&volume, errors);
        if good.contains_key(name) {
            errors.push(FieldError::duplicate(&volume.path("name"), name));
        }
        if errors.count_so_far() == before && object::dns1123_label(name).is_empty() {
            good.insert(name, volume.value());
        }
    }
    good
}

fn check_source(volume: &At, errors: &mut Errors) {
    let mut set = SOURCES.iter().filter(|(source, _)| volume.has(source));
    match set.next() {
        None => errors.push(FieldError::required(&volume.path(""), "must specify a volume type")),
        Some((name, needs)) => {
            let told = if *name == "gcePersistentDisk" { "persistentDisk" } else { name };
            let source = volume.field(name).placed(volume.path(told));
            for field in *needs {
                errors.need(&source, field);
            }
            check_details(name, &source, volume, errors);
        }
    }
    for (source, _) in set {
        let told = match *source {
            "cephfs" => "cephFS",
            "downwardAPI" => "downwarAPI",
            other => other,
        };
        errors.push(FieldError::forbidden(&volume.path(told), "may not specify more than 1 volume type"));
    }
}

fn check_details(name: &str, source: &At, volume: &At, errors: &mut Errors) {
    match name {
        "configMap" | "secret" => files::check(source, errors),
        "downwardAPI" => files::check_downward(source, errors),
        "projected" => projected::check(source, errors),
        "emptyDir" => check_size_limit(source, errors),
        "gitRepo" => errors.text(source, "directory", local_path),
        "iscsi" => volume::check_iscsi_of_pod(source, volume, errors),
        "cinder" => check_secret(source, "secretRef", errors),
        "storageos" => {
            volume::check_storageos_names(source, errors);
            check_secret(source, "secretRef", errors);
        }
        "csi" => inline::check_driver(source, errors),
        "ephemeral" => inline::check_ephemeral(source, errors),
        "hostPath" => errors.text(source, "path", path_without_backsteps),
        // what a persistent volume says in the same words
        _ => volume::check_shared(name, source, errors),
    }
}

fn check_size_limit(source: &At, errors: &mut Errors) {
    if quantities::is_negative(source.at("sizeLimit")) {
        let detail = "SizeLimit field must be a valid resource quantity";
        errors.push(FieldError::forbidden(&source.path("sizeLimit"), detail));
    }
}

/// A secret has a name.
fn check_secret(source: &At, field: &str, errors: &mut Errors) {
    if let Some(secret) = source.present(field) {
        errors.need(&secret, "name");
    }
}
