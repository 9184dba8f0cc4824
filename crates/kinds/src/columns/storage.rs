//! Columns of volumes, claims and storage classes.

use object::{Time, Value};

use super::{AGE, NAME, NONE, UNSET, column, joined, or, shown, size, text, wide};
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
    shown("Capacity", |o, _| if bound(o) { or(o.text("status.capacity.storage"), "0") } else { "" }.into()),
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

/// Columns of classes of volume attributes.
pub(crate) const VOLUME_ATTRIBUTES_CLASS: &[Column] = &[NAME, text("DriverName", "driverName"), AGE];

/// Columns of attachments.
pub(crate) const VOLUME_ATTACHMENT: &[Column] = &[
    NAME,
    Column { format: "name", ..text("Attacher", "spec.attacher") },
    text("PV", "spec.source.persistentVolumeName"),
    text("Node", "spec.nodeName"),
    column("Attached", "boolean", Cell::Path("status.attached")),
    AGE,
];

/// Columns of drivers.
pub(crate) const CSI_DRIVER: &[Column] = &[
    NAME,
    column(
        "AttachRequired",
        "boolean",
        Cell::Of(|o, _| (o.at("spec.attachRequired") != &Value::Bool(false)).into()),
    ),
    column("PodInfoOnMount", "boolean", Cell::Path("spec.podInfoOnMount")),
    column("StorageCapacity", "boolean", Cell::Path("spec.storageCapacity")),
    shown("TokenRequests", |o, _| match o.at("spec.tokenRequests") {
        Value::Array(requests) => joined(requests, "audience").into(),
        _ => UNSET.into(),
    }),
    column("RequiresRepublish", "boolean", Cell::Path("spec.requiresRepublish")),
    shown("Modes", |o, _| or(&joined(o.items("spec.volumeLifecycleModes"), ""), NONE).into()),
    AGE,
];

/// Columns of what drivers say of nodes.
pub(crate) const CSI_NODE: &[Column] =
    &[NAME, column("Drivers", "integer", Cell::Of(|o, _| size(o, "spec.drivers").into())), AGE];

/// Columns of the room that is left.
pub(crate) const CSI_STORAGE_CAPACITY: &[Column] = &[
    NAME,
    text("StorageClassName", "storageClassName"),
    shown("Capacity", |o, _| or(o.text("capacity"), UNSET).into()),
];

/// Columns of migrations of what is stored.
pub(crate) const STORAGE_VERSION_MIGRATION: &[Column] =
    &[NAME, shown("Resource", |o, _| resource(o.at("spec.resource")).into())];

fn resource(of: &Value) -> String {
    match (of.text("resource"), of.text("group")) {
        (resource, "") => resource.to_owned(),
        (resource, group) => format!("{resource}.{group}"),
    }
}

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
