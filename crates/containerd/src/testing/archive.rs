//! Archives of a small image made from the machine's static busybox.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use tar::{Builder, EntryType, Header};

use crate::image::sha256;

const APPLETS: [&str; 25] = [
    "sh", "cat", "echo", "sleep", "true", "false", "id", "env", "ls", "ps", "nc", "httpd", "wget",
    "hostname", "ip", "grep", "kill", "stty", "head", "tail", "tar", "touch", "test", "nslookup", "dd",
];

/// How an archive is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// An OCI image layout.
    Oci,
    /// What `docker save` wrote before it knew OCI layouts.
    Docker,
}

/// Writes an archive with one image of this name: busybox with its common applets in `/bin`, the users root and web
/// (33), the environment `IMAGE=busybox`, the working directory `/tmp` and the command `sh`. Compressed when the path
/// ends with `gz`.
///
/// # Errors
/// When there is no `/bin/busybox`, or the file cannot be written.
pub fn archive(path: &Path, form: Form, name: &str) -> io::Result<()> {
    let files = match form {
        Form::Oci => oci(name, TestImage::new()?),
        Form::Docker => {
            let layer = layer()?;
            docker(name, config(ARCHITECTURE, &[&layer]), layer)
        }
    };
    let tar = pack(&files)?;
    let mut file = File::create(path)?;
    match path.extension().is_some_and(|extension| extension == "gz") {
        true => file.write_all(&compress(&tar)?),
        false => file.write_all(&tar),
    }
}

/// This host's architecture, as images name it.
pub const ARCHITECTURE: &str = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };

/// An image as a registry holds it.
#[derive(Clone, Debug)]
pub struct TestImage {
    /// The manifest.
    pub manifest: Vec<u8>,
    /// The configuration.
    pub config: Vec<u8>,
    /// The layers, compressed.
    pub layers: Vec<Vec<u8>>,
}

impl TestImage {
    /// The one that [`archive`] writes.
    ///
    /// # Errors
    /// When there is no `/bin/busybox`.
    pub fn new() -> io::Result<TestImage> {
        TestImage::with(ARCHITECTURE, &[])
    }

    /// The same for an architecture, with these files in layers of their own.
    ///
    /// # Errors
    /// When there is no `/bin/busybox`.
    pub fn with(architecture: &str, files: &[(&str, Vec<u8>)]) -> io::Result<TestImage> {
        let mut layers = vec![layer()?];
        for (path, content) in files {
            layers.push(pack(&[((*path).to_owned(), content.clone())])?);
        }
        let config = config(architecture, &layers.iter().collect::<Vec<_>>());
        let layers = layers.iter().map(|layer| compress(layer)).collect::<io::Result<Vec<_>>>()?;
        let of = |layer: &Vec<u8>| descriptor("application/vnd.oci.image.layer.v1.tar+gzip", layer);
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": descriptor("application/vnd.oci.image.config.v1+json", &config),
            "layers": layers.iter().map(of).collect::<Vec<_>>(),
        });
        Ok(TestImage { manifest: manifest.to_string().into_bytes(), config, layers })
    }
}

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// An index of images for these architectures.
#[must_use]
pub fn index(images: &[(&str, &TestImage)]) -> Vec<u8> {
    let entry = |(architecture, image): &(&str, &TestImage)| {
        let mut entry = descriptor(MANIFEST, &image.manifest);
        entry["platform"] = json!({ "os": "linux", "architecture": architecture });
        entry
    };
    let media_type = "application/vnd.oci.image.index.v1+json";
    let manifests: Vec<Value> = images.iter().map(entry).collect();
    json!({ "schemaVersion": 2, "mediaType": media_type, "manifests": manifests }).to_string().into_bytes()
}

fn config(architecture: &str, layers: &[&Vec<u8>]) -> Vec<u8> {
    json!({
        "architecture": architecture,
        "os": "linux",
        "config": { "Env": ["IMAGE=busybox"], "Cmd": ["sh"], "WorkingDir": "/tmp", "StopSignal": "SIGTERM" },
        "rootfs": { "type": "layers", "diff_ids": layers.iter().map(|layer| sha256(layer)).collect::<Vec<_>>() },
    })
    .to_string()
    .into_bytes()
}

fn compress(content: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content)?;
    encoder.finish()
}

fn oci(name: &str, image: TestImage) -> Vec<(String, Vec<u8>)> {
    let mut entry = descriptor(MANIFEST, &image.manifest);
    entry["annotations"] = json!({ "io.containerd.image.name": name });
    let index = json!({ "schemaVersion": 2, "manifests": [entry] });
    let blob = |content: Vec<u8>| (format!("blobs/{}", sha256(&content).replace(':', "/")), content);
    let mut files = vec![
        ("oci-layout".into(), br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec()),
        ("index.json".into(), index.to_string().into_bytes()),
        blob(image.manifest),
        blob(image.config),
    ];
    files.extend(image.layers.into_iter().map(blob));
    files
}

fn docker(name: &str, config: Vec<u8>, layer: Vec<u8>) -> Vec<(String, Vec<u8>)> {
    let hex = |content: &[u8]| sha256(content).trim_start_matches("sha256:").to_owned();
    let (config_path, layer_path) = (format!("{}.json", hex(&config)), format!("{}/layer.tar", hex(&layer)));
    let manifest = json!([{ "Config": config_path, "RepoTags": [name], "Layers": [layer_path] }]);
    vec![
        (layer_path, layer),
        (config_path, config),
        ("manifest.json".into(), manifest.to_string().into_bytes()),
        ("repositories".into(), b"{}".to_vec()),
    ]
}

fn descriptor(media_type: &str, content: &[u8]) -> Value {
    json!({ "mediaType": media_type, "digest": sha256(content), "size": content.len() })
}

/// A tar of these files.
fn pack(files: &[(String, Vec<u8>)]) -> io::Result<Vec<u8>> {
    let mut tar = Builder::new(Vec::new());
    for (path, content) in files {
        tar.append_data(&mut header(EntryType::Regular, 0o644, content.len()), path, content.as_slice())?;
    }
    tar.into_inner()
}

/// The root file system.
fn layer() -> io::Result<Vec<u8>> {
    let mut tar = Builder::new(Vec::new());
    for (directory, mode) in [("bin/", 0o755), ("etc/", 0o755), ("tmp/", 0o1777)] {
        tar.append_data(&mut header(EntryType::Directory, mode, 0), directory, io::empty())?;
    }
    let busybox = fs::read("/bin/busybox")?;
    let texts: [(&str, &[u8]); 2] = [
        ("etc/passwd", b"root:x:0:0:root:/:/bin/sh\nweb:x:33:33:web:/:/bin/sh\n"),
        ("etc/group", b"root:x:0:\nadm:x:4:web\nweb:x:33:\n"),
    ];
    tar.append_data(
        &mut header(EntryType::Regular, 0o755, busybox.len()),
        "bin/busybox",
        busybox.as_slice(),
    )?;
    for (path, text) in texts {
        tar.append_data(&mut header(EntryType::Regular, 0o644, text.len()), path, text)?;
    }
    for applet in APPLETS {
        let mut header = header(EntryType::Symlink, 0o777, 0);
        tar.append_link(&mut header, format!("bin/{applet}"), "busybox")?;
    }
    tar.into_inner()
}

fn header(kind: EntryType, mode: u32, size: usize) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size as u64);
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    header
}
