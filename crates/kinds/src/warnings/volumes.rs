//! Sources of volumes that nothing serves any more.

use crate::rules::{At, Read};

/// Each source, how upstream shows it, since when it is deprecated, and since when it does nothing.
const GONE: [(&str, &str, &str, &str); 8] = [
    ("photonPersistentDisk", "photonPersistentDisk", "v1.11", "v1.16"),
    ("scaleIO", "scaleIO", "v1.16", "v1.22"),
    ("flocker", "flocker", "v1.22", "v1.25"),
    ("storageos", "storageOS", "v1.22", "v1.25"),
    ("quobyte", "quobyte", "v1.22", "v1.25"),
    ("glusterfs", "glusterfs", "v1.25", "v1.26"),
    ("cephfs", "cephfs", "v1.28", "v1.31"),
    ("rbd", "rbd", "v1.28", "v1.31"),
];

/// Says of the sources of a volume which of them are gone.
pub(crate) fn gone(volume: &At) -> Vec<String> {
    let there = GONE.iter().filter(|(source, ..)| volume.has(source));
    let text = |&(_, shown, old, gone): &(&str, &str, &str, &str)| {
        format!("{}: deprecated in {old}, non-functional in {gone}+", volume.path(shown))
    };
    there.map(text).collect()
}
