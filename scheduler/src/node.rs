//! Nodes as the scheduler sees them.

use serde::Deserialize;

use crate::amount::{self, Amounts, Quantities};
use crate::needs::Taint;
use crate::selector::Labels;

/// The fields of a node that the scheduler reads.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NodeView {
    /// Name.
    pub name: String,
    /// Labels.
    pub labels: Labels,
    /// Taints.
    pub taints: Vec<Taint>,
    /// `spec.unschedulable`.
    pub unschedulable: bool,
    /// What pods can have of it.
    pub allocatable: Amounts,
}

impl NodeView {
    /// Reads the view from a served document.
    pub fn decode(document: &[u8]) -> Result<Self, serde_json::Error> {
        let NodeDoc { metadata, spec, status } = serde_json::from_slice(document)?;
        Ok(Self {
            name: metadata.name,
            labels: metadata.labels,
            taints: spec.taints,
            unschedulable: spec.unschedulable,
            allocatable: amount::amounts(&status.allocatable),
        })
    }
}

/// The fields of a namespace that the scheduler reads.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NamespaceView {
    /// Name.
    pub name: String,
    /// Labels.
    pub labels: Labels,
}

impl NamespaceView {
    /// Reads the view from a served document.
    pub fn decode(document: &[u8]) -> Result<Self, serde_json::Error> {
        let NamespaceDoc { metadata } = serde_json::from_slice(document)?;
        Ok(Self { name: metadata.name, labels: metadata.labels })
    }
}

#[derive(Deserialize)]
struct NamespaceDoc {
    metadata: MetaDoc,
}

#[derive(Deserialize)]
struct NodeDoc {
    metadata: MetaDoc,
    #[serde(default)]
    spec: SpecDoc,
    #[serde(default)]
    status: StatusDoc,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct MetaDoc {
    name: String,
    labels: Labels,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SpecDoc {
    taints: Vec<Taint>,
    unschedulable: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct StatusDoc {
    allocatable: Quantities,
}
