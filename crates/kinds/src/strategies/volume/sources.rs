//! Rules of where the bytes of a persistent volume are.

use object::FieldError;

use super::super::csi::check_driver_name;
use super::super::pod_spec::path_without_backsteps;
use super::iscsi;
use crate::rules::{At, Errors, Read};

/// The sources in the order in which they count, each with the fields that may not be empty.
const SOURCES: [(&str, &[&str]); 22] = [
    ("hostPath", &[]),
    ("gcePersistentDisk", &["pdName"]),
    ("awsElasticBlockStore", &["volumeID"]),
    ("glusterfs", &["endpoints", "path"]),
    ("flocker", &[]),
    ("nfs", &[]),
    ("rbd", &["monitors", "image"]),
    ("quobyte", &["volume"]),
    ("cephfs", &["monitors"]),
    ("iscsi", &["targetPortal", "iqn"]),
    ("cinder", &["volumeID"]),
    ("fc", &[]),
    ("flexVolume", &["driver"]),
    ("azureFile", &["secretName", "shareName"]),
    ("vsphereVolume", &["volumePath"]),
    ("photonPersistentDisk", &["pdID"]),
    ("portworxVolume", &["volumeID"]),
    ("azureDisk", &["diskName", "diskURI"]),
    ("scaleIO", &["gateway", "system", "volumeName"]),
    ("local", &["path"]),
    ("storageos", &["volumeName"]),
    ("csi", &["driver", "volumeHandle"]),
];

/// The secrets that a driver is given.
const CSI_SECRETS: [&str; 4] = [
    "controllerPublishSecretRef",
    "controllerExpandSecretRef",
    "nodePublishSecretRef",
    "nodeExpandSecretRef",
];

const CACHING: [&str; 3] = ["None", "ReadOnly", "ReadWrite"];
const DISKS: [&str; 3] = ["Dedicated", "Managed", "Shared"];
const MANAGED: &str =
    "/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}";
const BLOB: &str = "https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd";

/// The fields that name a source.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    SOURCES.iter().map(|&(source, _)| source)
}

/// A volume with this name has one source; checks it.
pub(super) fn check(spec: &At, volume: &str, errors: &mut Errors) {
    let mut set = SOURCES.iter().filter(|(source, _)| spec.has(source));
    match set.next() {
        None => errors.push(FieldError::required(&spec.path(""), "must specify a volume type")),
        Some((name, needs)) => {
            let told = if *name == "gcePersistentDisk" { "persistentDisk" } else { name };
            let source = spec.field(name).placed(spec.path(told));
            for field in *needs {
                errors.need(&source, field);
            }
            check_details(name, &source, volume, errors);
        }
    }
    for (source, _) in set {
        let told = if *source == "cephfs" { "cephFS" } else { source };
        errors.push(FieldError::forbidden(&spec.path(told), "may not specify more than 1 volume type"));
    }
    if spec.has("local") && !spec.has("nodeAffinity") {
        let detail = "Local volume requires node affinity";
        errors.push(FieldError::required(&spec.path("nodeAffinity"), detail));
    }
}

fn check_details(name: &str, source: &At, volume: &str, errors: &mut Errors) {
    match name {
        "hostPath" | "local" => errors.text(source, "path", path_without_backsteps),
        "glusterfs" => check_glusterfs(source, errors),
        "iscsi" => iscsi::check(source, volume, errors),
        "cinder" => check_secret(source, errors),
        "azureFile" if source.has("secretNamespace") => drop(errors.need(source, "secretNamespace")),
        "storageos" => {
            check_storageos_names(source, errors);
            check_secret(source, errors);
        }
        "csi" => check_csi(source, errors),
        _ => check_shared(name, source, errors),
    }
}

/// Checks a source that volumes of pods have in the same words.
pub(in super::super) fn check_shared(name: &str, source: &At, errors: &mut Errors) {
    match name {
        "gcePersistentDisk" | "awsElasticBlockStore" => {
            let detail = "must be between 1 and 255, inclusive";
            errors.number(source, "partition", |n| (0..=255).contains(&n), detail);
        }
        "flocker" => check_flocker(source, errors),
        "nfs" => errors.obey(&source.path("path"), source.text("path"), object::absolute_path),
        "quobyte" => check_quobyte(source, errors),
        "fc" => check_fibre_channel(source, errors),
        "flexVolume" => check_options(source, errors),
        "azureDisk" => check_azure_disk(source, errors),
        _ => {}
    }
}

fn check_glusterfs(source: &At, errors: &mut Errors) {
    let Some(namespace) = source.present("endpointsNamespace") else { return };
    if namespace.text("").is_empty() {
        let detail = "if the endpointnamespace is set, it must be a valid namespace name";
        errors.push(FieldError::invalid(&namespace.path(""), "", detail));
    }
    errors.text(source, "endpointsNamespace", object::dns1123_label);
}

fn check_flocker(source: &At, errors: &mut Errors) {
    match (source.is_empty("datasetName"), source.is_empty("datasetUUID")) {
        (true, true) => {
            let detail = "one of datasetName and datasetUUID is required";
            errors.push(FieldError::required(&source.path(""), detail));
        }
        (false, false) => {
            let detail = "datasetName and datasetUUID can not be specified simultaneously";
            errors.push(FieldError::invalid(&source.path(""), "resource", detail));
        }
        _ => {}
    }
    if source.text("datasetName").contains('/') {
        let (path, name) = (source.path("datasetName"), source.text("datasetName"));
        errors.push(FieldError::invalid(&path, name, "must not contain '/'"));
    }
}

fn check_quobyte(source: &At, errors: &mut Errors) {
    let (path, registry) = (source.path("registry"), source.text("registry"));
    let detail = "must be a host:port pair or multiple pairs separated by commas";
    if registry.is_empty() {
        errors.push(FieldError::required(&path, detail));
    } else if source.text("tenant").len() > 64 {
        let detail = "must be a UUID and may not exceed a length of 64 characters";
        errors.push(FieldError::required(&source.path("tenant"), detail));
    } else if !registry.split(',').all(is_host_and_port) {
        errors.push(FieldError::invalid(&path, registry, detail));
    }
}

fn is_host_and_port(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else { return false };
    let is_bracketed = host.starts_with('[') && host.ends_with(']');
    !port.contains(['[', ']']) && (is_bracketed || !host.contains([':', '[', ']']))
}

/// A secret is one of a namespace.
fn check_secret(source: &At, errors: &mut Errors) {
    if let Some(secret) = source.present("secretRef") {
        errors.need(&secret, "name");
        errors.need(&secret, "namespace");
    }
}

fn check_fibre_channel(source: &At, errors: &mut Errors) {
    let (ports, disks) = (source.is_empty("targetWWNs"), source.is_empty("wwids"));
    if ports && disks {
        let detail = "must specify either targetWWNs or wwids, but not both";
        errors.push(FieldError::required(&source.path("targetWWNs"), detail));
    } else if !ports && !disks {
        let (path, value) = (source.path("targetWWNs"), source.show("targetWWNs"));
        let detail = "targetWWNs and wwids can not be specified simultaneously";
        errors.push(FieldError::invalid(&path, value, detail));
    }
    if !ports && !source.has("lun") {
        let detail = "lun is required if targetWWNs is specified";
        errors.push(FieldError::required(&source.path("lun"), detail));
    } else if !ports {
        errors.between(source, "lun", 0, 255);
    }
}

/// Options may not look as if they were the system's.
fn check_options(source: &At, errors: &mut Errors) {
    for (key, option) in source.each_entry("options") {
        let domain = format!(".{}", key.split('/').next().unwrap_or_default().to_lowercase());
        if domain.ends_with(".kubernetes.io") || domain.ends_with(".k8s.io") {
            let detail = "kubernetes.io and k8s.io namespaces are reserved";
            errors.push(FieldError::invalid(&option.path(""), key, detail));
        }
    }
}

fn check_azure_disk(source: &At, errors: &mut Errors) {
    errors.one_of(source, "cachingMode", &CACHING);
    errors.one_of(source, "kind", &DISKS);
    let (start, form) =
        if source.text("kind") == "Managed" { ("/subscriptions/", MANAGED) } else { ("https://", BLOB) };
    let (path, uri) = (source.path("diskURI"), source.text("diskURI"));
    if source.has("kind") && !uri.starts_with(start) {
        errors.push(FieldError::not_supported(&path, uri, &[form]));
    }
}

/// Checks what a volume of StorageOS is called.
pub(in super::super) fn check_storageos_names(source: &At, errors: &mut Errors) {
    for field in ["volumeName", "volumeNamespace"] {
        errors.text(source, field, object::dns1123_label);
    }
}

fn check_csi(source: &At, errors: &mut Errors) {
    check_driver_name(source, "driver", errors);
    for secret in CSI_SECRETS.iter().filter_map(|field| source.present(field)) {
        errors.need(&secret, "name");
        errors.text(&secret, "name", object::dns1123_subdomain);
        errors.need(&secret, "namespace");
        errors.text(&secret, "namespace", object::dns1123_label);
    }
}
