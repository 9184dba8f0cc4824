//! Label selectors as specs of workloads carry them.

use object::{LabelSelector, Labels, Value};
use serde::{Deserialize, Deserializer};

/// A workload's selector: as written, and parsed. Without terms, or unreadable, it selects nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Selector {
    written: Value,
    parsed: LabelSelector,
}

impl Selector {
    /// As the spec has it.
    pub(crate) fn written(&self) -> &Value {
        &self.written
    }

    /// Whether it has no terms.
    pub(crate) fn is_empty(&self) -> bool {
        self.parsed.is_everything()
    }

    /// Whether it selects these labels.
    pub(crate) fn matches(&self, labels: &Labels) -> bool {
        !self.is_empty() && self.parsed.matches(labels)
    }
}

impl<'de> Deserialize<'de> for Selector {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let written = Value::deserialize(from)?;
        let parsed = LabelSelector::from_value(&written).ok().flatten().unwrap_or_default();
        Ok(Self { written, parsed })
    }
}
