//! What strategies and columns share: typed reads of documents, field checks, label rules.

pub(crate) mod at;
pub(crate) mod blocks;
pub(crate) mod conditions;
pub(crate) mod counts;
pub(crate) mod der;
pub(crate) mod expressions;
pub(crate) mod labels;
pub(crate) mod node_labels;
pub(crate) mod pem;
pub(crate) mod quantities;
pub(crate) mod read;
pub(crate) mod resources;
pub(crate) mod share;
pub(crate) mod signers;
pub(crate) mod sums;
pub(crate) mod x509;

pub(crate) use at::{At, Errors, immutable};
pub(crate) use counts::Counts;
pub(crate) use read::{Read, Write};
