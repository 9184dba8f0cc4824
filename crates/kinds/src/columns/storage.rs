//! Columns of volumes, claims and storage classes.

use object::{Time, Value};

use super::{AGE, NAME, UNSET, or, shown, text, wide};
use crate::rules::Read;
use crate::{Cell, Column};

/// Columns of persistent volumes.
pub(crate) const PERSISTENT_VOLUME: &[Column] = &[
    NAME,
    text("Capacity", "spec.capacity.storage"),
    shown("Access Modes", |o, _| access_modes(o.items("spec.accessModes")).into()),
    text("Reclaim Policy", "spec.persistentVolumeReclaimPolicy"),
    shown("Status", phase),
    shown("Claim", |o, _| claim(o).into()),
    shown("StorageClass", |o, _| class(o).into()),
    shown("VolumeAttributesClass", |o, _| or(o.text("spec.volumeAttributesClassName"), UNSET).into()),
    text("Reason", "status.reason"),
    AGE,
    wide(shown("VolumeMode", |o, _| or(o.text("spec.volumeMode"), UNSET).into())),
];

/// Columns of claims.
pub(crate) const PERSISTENT_VOLUME_CLAIM: &[Column] = &[
    NAME,
    shown("Status", phase),
    text("Volume", "spec.volumeName"),
    shown("Capacity", |o, _| if bound(o) { o.at("status.capacity.storage").clone() } else { "".into() }),
    shown("Access Modes", |o, _| {
        if bound(o) { access_modes(o.items("status.accessModes")) } else { String::new() }.into()
    }),
    shown("StorageClass", |o, _| class(o).into()),
    shown("VolumeAttributesClass", |o, _| or(o.text("spec.volumeAttributesClassName"), UNSET).into()),
    AGE,
    wide(shown("VolumeMode", |o, _| or(o.text("spec.volumeMode"), UNSET).into())),
];

/// Columns of storage classes.
pub(crate) const STORAGE_CLASS: &[Column] = &[
    Column { cell: Cell::Of(storage_class_name), ..NAME },
    text("Provisioner", "provisioner"),
    shown("ReclaimPolicy", |o, _| or(o.text("reclaimPolicy"), "Delete").into()),
    shown("VolumeBindingMode", |o, _| or(o.text("volumeBindingMode"), "Immediate").into()),
    shown("AllowVolumeExpansion", |o, _| o.flag("allowVolumeExpansion").into()),
    AGE,
];

fn phase(object: &Value, _: Time) -> Value {
    let terminating = object.has("metadata.deletionTimestamp");
    if terminating { "Terminating".into() } else { object.text("status.phase").into() }
}

fn bound(claim: &Value) -> bool {
    !claim.is_empty("spec.volumeName")
}

fn claim(volume: &Value) -> String {
    if !volume.has("spec.claimRef") {
        return String::new();
    }
    format!("{}/{}", volume.text("spec.claimRef.namespace"), volume.text("spec.claimRef.name"))
}

/// The class; the annotation is older than the field and goes first.
fn class(object: &Value) -> &str {
    or(annotation(object, "volume.beta.kubernetes.io/storage-class"), object.text("spec.storageClassName"))
}

fn annotation<'a>(object: &'a Value, name: &str) -> &'a str {
    object.at("metadata.annotations").get(name).and_then(Value::as_str).unwrap_or_default()
}

fn access_modes(modes: &[Value]) -> String {
    const SHORT: [(&str, &str); 4] = [
        ("ReadWriteOnce", "RWO"),
        ("ReadOnlyMany", "ROX"),
        ("ReadWriteMany", "RWX"),
        ("ReadWriteOncePod", "RWOP"),
    ];
    let shown = SHORT.iter().filter(|(mode, _)| modes.iter().any(|m| m == mode)).map(|&(_, short)| short);
    shown.collect::<Vec<_>>().join(",")
}

fn storage_class_name(class: &Value, _: Time) -> Value {
    let marks =
        ["storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class"];
    let default = marks.iter().any(|mark| annotation(class, mark) == "true");
    format!("{}{}", class.text("metadata.name"), if default { " (default)" } else { "" }).into()
}
