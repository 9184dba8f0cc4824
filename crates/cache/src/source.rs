//! Following a kind: the seam between components and wherever objects come from.

use std::sync::Arc;

use bytes::Bytes;
use futures::stream::BoxStream;
use kinds::Kind;
use object::Key;

/// What to follow.
#[derive(Clone, Debug)]
pub struct Follow {
    /// The kind.
    pub kind: Arc<Kind>,
    /// One namespace, or all where empty.
    pub namespace: String,
    /// A label selector's text; empty selects everything.
    pub labels: String,
    /// A field selector's text; empty selects everything.
    pub fields: String,
}

impl Follow {
    /// All objects of a kind.
    pub fn all(kind: &Arc<Kind>) -> Self {
        Self { kind: kind.clone(), namespace: String::new(), labels: String::new(), fields: String::new() }
    }
}

/// An object as served: JSON with its resourceVersion.
#[derive(Clone, Debug)]
pub struct Document {
    /// The object's key.
    pub key: Key,
    /// The whole JSON document.
    pub bytes: Bytes,
    /// Its revision.
    pub revision: u64,
}

/// What a [`Source`] tells.
#[derive(Clone, Debug)]
pub enum Change {
    /// All objects as of `revision`: replaces whatever was known. Always first, and again after a gap.
    Reset {
        /// Every object.
        objects: Vec<Document>,
        /// As of.
        revision: u64,
    },
    /// An object was created or changed.
    Put(Document),
    /// An object went, or no longer matches the selectors.
    Gone {
        /// Which.
        key: Key,
        /// When.
        revision: u64,
    },
    /// Everything up to this revision was told.
    Progress(u64),
}

/// Where a component reads from: the watch cache of its own process, or an API server afar.
///
/// A stream from [`Source::follow`] must begin with [`Change::Reset`], tell every later change in revision
/// order without a gap (or another `Reset`), heal failures by itself with back-off, and never end while its
/// reader holds it.
pub trait Source: Send + Sync + 'static {
    /// Follows the objects that match.
    fn follow(&self, what: Follow) -> BoxStream<'static, Change>;
}
