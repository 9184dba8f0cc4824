//! Files of one volume of which one would lie in the other, or be it.

use std::fmt;

use object::Value;

use crate::rules::{At, Read};
use crate::warnings::MANY;

/// Where a file will be, and what it comes from where a volume has several sources.
struct File<'a> {
    path: &'a str,
    source: String,
}

impl fmt::Display for File<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.path)?;
        if self.source.is_empty() { Ok(()) } else { write!(f, " ({})", self.source) }
    }
}

/// What is odd about the files in the volumes of a pod.
pub(super) fn overlaps(spec: &At) -> Vec<String> {
    spec.items("volumes").iter().flat_map(of_volume).collect()
}

fn of_volume(volume: &Value) -> Vec<String> {
    let name = volume.text("name");
    let mut warnings = Vec::new();
    let mut tell = |what: &str, files: Vec<File>| {
        let pairs = pairs(&files).into_iter();
        warnings.extend(pairs.map(|(file, other)| {
            format!("volume {name:?} ({what}): overlapping paths: {} with {}", files[file], files[other])
        }));
    };
    for (field, named, kind) in [("configMap", "name", "ConfigMap"), ("secret", "secretName", "Secret")] {
        let source = volume.at(field);
        tell(&format!("{kind} {:?}", source.text(named)), items(source, ""));
    }
    tell("DownwardAPI", items(volume.at("downwardAPI"), ""));
    let sources = volume.items("projected.sources");
    tell("Projected", sources.iter().flat_map(of_source).collect());
    let empty = sources.iter().filter(|source| source.entries("").all(|(_, value)| value.is_null()));
    warnings.extend(empty.map(|_| format!("volume {name:?} (Projected) has no sources provided")).take(MANY));
    warnings
}

fn file<'a>(path: &'a str, source: &str) -> File<'a> {
    File { path: path.trim_end_matches('/'), source: source.to_owned() }
}

fn items<'a>(source: &'a Value, name: &str) -> Vec<File<'a>> {
    source.items("items").iter().map(|item| file(item.text("path"), name)).collect()
}

/// The files of one source of a projected volume.
fn of_source(source: &Value) -> Vec<File<'_>> {
    let (map, secret, facts) = (source.at("configMap"), source.at("secret"), source.at("downwardAPI"));
    let (bundle, certificate) = (source.at("clusterTrustBundle"), source.at("podCertificate"));
    if map.has("items") {
        items(map, &format!("ConfigMap {:?}", map.text("name")))
    } else if secret.has("items") {
        items(secret, &format!("Secret {:?}", secret.text("name")))
    } else if facts.has("items") {
        items(facts, "DownwardAPI")
    } else if source.has("serviceAccountToken") {
        vec![file(source.text("serviceAccountToken.path"), "ServiceAccountToken")]
    } else if !bundle.is_null() {
        let name = if bundle.has("name") { bundle.text("name") } else { bundle.text("signerName") };
        vec![file(bundle.text("path"), &format!("ClusterTrustBundle {name:?}"))]
    } else {
        let parts = [
            ("certificateChainPath", "PodCertificate chain"),
            ("keyPath", "PodCertificate key"),
            ("credentialBundlePath", "PodCertificate credential bundle"),
        ];
        parts.map(|(field, what)| file(certificate.text(field), what)).into()
    }
}

/// The pairs of files that cannot both be there, each with the later one in front. Sorted by their parts, whatever
/// lies in a directory follows it at once.
fn pairs(files: &[File]) -> Vec<(usize, usize)> {
    let mut order: Vec<usize> = (0..files.len()).filter(|&file| !files[file].path.is_empty()).collect();
    order.sort_by(|&one, &other| files[one].path.split('/').cmp(files[other].path.split('/')));
    let (mut around, mut pairs) = (Vec::<usize>::new(), Vec::new());
    for inner in order {
        while around.last().is_some_and(|&outer| !contains(files[outer].path, files[inner].path)) {
            around.pop();
        }
        pairs.extend(around.iter().map(|&outer| (inner.max(outer), inner.min(outer))));
        if pairs.len() >= MANY {
            break;
        }
        around.push(inner);
    }
    pairs.sort_unstable();
    pairs.truncate(MANY);
    pairs
}

fn contains(outer: &str, inner: &str) -> bool {
    inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
