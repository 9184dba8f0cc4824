//! Between versions that are served and the ones that are stored.

mod autoscaler;
mod event;

use object::{Map, Value};

use crate::rules::{Read, Write};

pub(crate) use autoscaler::Autoscaler;
pub(crate) use event::Event;

/// Moves what is there: each pair is a path to take from and one to put at.
fn rename(object: &mut Value, pairs: impl Iterator<Item = (&'static str, &'static str)>) {
    for (from, to) in pairs {
        if let Some(value) = object.remove(from) {
            object.put(to, value);
        }
    }
}

/// A document of what is at the first path of each pair, put at the second.
fn picked<'p>(object: &Value, pairs: impl Iterator<Item = (&'p str, &'p str)>) -> Value {
    let mut picked = Value::Object(Map::new());
    for (from, to) in pairs.filter(|(from, _)| object.has(from)) {
        picked.put(to, object.at(from).clone());
    }
    picked
}

#[cfg(test)]
mod tests;
