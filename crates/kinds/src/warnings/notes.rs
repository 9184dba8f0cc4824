//! Annotations whose time is over.

use crate::rules::{At, Read};

/// Says of each of these annotations that is there what is told with it.
pub(crate) fn deprecated(object: &At, notes: &[(&str, &str)]) -> Vec<String> {
    notes.iter().filter_map(|(key, text)| one(object, key, text)).collect()
}

/// Says something of an annotation that is there.
pub(super) fn one(object: &At, key: &str, text: &str) -> Option<String> {
    object.at("metadata.annotations").get(key)?;
    Some(format!("{}: {text}", object.path("metadata.annotations").key(key)))
}
