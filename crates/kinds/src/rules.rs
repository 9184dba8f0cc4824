//! What strategies and columns share: typed reads of documents, field checks, label rules.

pub(crate) mod at;
pub(crate) mod labels;
pub(crate) mod quantities;
pub(crate) mod read;
pub(crate) mod share;

pub(crate) use at::{At, Errors, immutable};
pub(crate) use read::{Read, Write};
