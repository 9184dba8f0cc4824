//! The blocks of addresses that nodes get for their pods.

use bytes::Bytes;
use ipnet::Ipv4Net;
use kinds::Kind;
use object::{FieldError, Key, Meta, Path, Status, Value};

use super::PodRange;
use crate::api::Api;

impl Api {
    /// A block for a node's pods; none where all are taken: the node is of use for pods of the host's network.
    pub(super) async fn free_block(&self) -> Result<Option<Ipv4Net>, Status> {
        let PodRange { addresses, node_prefix } = &self.pods;
        let Ok(blocks) = addresses.subnets(*node_prefix) else { return Ok(None) };
        for block in blocks {
            if !self.objects.holds(&key(&block.to_string())).await? {
                return Ok(Some(block));
            }
        }
        Ok(None)
    }

    /// Why a node may not have a block that is held.
    pub(super) async fn block_of_another(
        &self,
        kind: &Kind,
        node: &Value,
        block: &str,
    ) -> Result<FieldError, Status> {
        // an agent that registers again is to hear that its node is there, not that it has the block
        let name = Key::new("", Meta::of(node).name);
        if self.objects.get(kind, &name).await?.is_some() {
            return Err(Status::already_exists(&kind.group, &kind.plural, &name.name));
        }
        let text = "provided block is already allocated to another node";
        Ok(FieldError::invalid(&Path::new("spec.podCIDR"), block, text))
    }
}

/// Whether a node without addresses for pods is to get some: a new one, and one whose agent introduces itself anew.
pub(super) fn is_wanted(node: &Value, old: Option<&Value>) -> bool {
    let introduced = |node: &Value| node["metadata"]["annotations"].clone();
    old.is_none_or(|old| introduced(old) != introduced(node))
}

pub(super) fn key(block: &str) -> Bytes {
    format!("/.block/{block}").into()
}
