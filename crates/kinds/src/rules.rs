//! What strategies and columns share: typed reads of documents, field checks, label rules.

pub(crate) mod at;
pub(crate) mod blocks;
pub(crate) mod conditions;
pub(crate) mod counts;
pub(crate) mod labels;
pub(crate) mod node_labels;
pub(crate) mod quantities;
pub(crate) mod read;
pub(crate) mod share;

pub(crate) use at::{At, Errors, immutable};
pub(crate) use counts::Counts;
pub(crate) use read::{Read, Write};
