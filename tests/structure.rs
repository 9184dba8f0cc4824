//! The dependency rule of ARCHITECTURE.md, held against the manifests.

use std::collections::BTreeMap;
use std::path::Path;

/// Each crate, and those of ours that it may name.
const RULE: &[(&str, &[&str])] = &[
    ("crates/object", &[]),
    ("crates/expressions", &[]),
    ("crates/kinds", &["object", "expressions"]),
    ("crates/store", &[]),
    ("crates/cache", &["object", "kinds"]),
    ("crates/client", &["object", "kinds", "cache"]),
    ("crates/metrics", &[]),
    ("crates/drive", &["object", "kinds", "cache", "client", "metrics"]),
    ("crates/containerd", &[]),
    ("crates/network", &[]),
    ("crates/streaming", &["object", "metrics"]),
    ("apiserver", &["object", "kinds", "cache", "client", "store", "metrics"]),
    ("scheduler", &["object", "kinds", "cache", "client", "drive", "metrics"]),
    ("controllers", &["object", "kinds", "cache", "client", "drive"]),
    (
        "nodeagent",
        &["object", "kinds", "cache", "client", "drive", "containerd", "network", "streaming", "metrics"],
    ),
    ("ctl", &["object", "kinds", "client"]),
];

const OURS: &[&str] = &[
    "object",
    "expressions",
    "kinds",
    "store",
    "cache",
    "client",
    "drive",
    "containerd",
    "network",
    "streaming",
    "metrics",
    "apiserver",
    "scheduler",
    "controllers",
    "nodeagent",
    "ctl",
];

/// The section headers of a manifest with the names of the entries below each.
fn sections(manifest: &str) -> BTreeMap<String, Vec<String>> {
    let mut sections: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut current = String::new();
    for line in manifest.lines() {
        if let Some(header) = line.strip_prefix('[') {
            current = header.trim_end_matches(']').to_owned();
        } else if let Some((name, _)) = line.split_once(['=', '.']) {
            sections.entry(current.clone()).or_default().push(name.trim().to_owned());
        }
    }
    sections
}

#[test]
fn crates_name_only_what_lies_below_them() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (dir, allowed) in RULE {
        let manifest = std::fs::read_to_string(root.join(dir).join("Cargo.toml")).expect(dir);
        let sections = sections(&manifest);
        let named = sections.get("dependencies").into_iter().flatten();
        for name in named.filter(|name| OURS.contains(&name.as_str())) {
            assert!(allowed.contains(&name.as_str()), "{dir} must not depend on {name}");
        }
    }
}

#[test]
fn deciding_crates_do_no_io() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for dir in ["crates/object", "crates/kinds"] {
        let manifest = std::fs::read_to_string(root.join(dir).join("Cargo.toml")).expect(dir);
        for banned in ["tokio", "futures", "hyper", "kube", "nix"] {
            let named =
                sections(&manifest).get("dependencies").is_some_and(|d| d.iter().any(|n| n == banned));
            assert!(!named, "{dir} must not depend on {banned}");
        }
    }
}
