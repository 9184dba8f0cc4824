//! To which cluster a store belongs that several servers share.
//!
//! A cluster is known by the keys that all its servers have: the authority's, and the one that signs the tokens of
//! service accounts. A server with other keys would be trusted by nobody, and is refused before it writes anything.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use store::{Committed, Compare, Store, Txn, Write};

use crate::certs::Pki;

/// Holds the identity of the cluster.
const KEY: &[u8] = b"/.cluster";

/// Why a shared store cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is another cluster's.
    #[error(
        "it holds the data of cluster {found}, but the keys in {} are {ours}: to serve that cluster, copy ca.crt, \
         ca.key and sa.key there from one of its servers; to begin another one, give it a prefix of its own",
        pki.display()
    )]
    Other {
        /// The cluster that the data belongs to.
        found: String,
        /// What the keys here are.
        ours: String,
        /// Where the keys are.
        pki: PathBuf,
    },
    /// It cannot be read or written.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Refuses to make new keys for data that is there already.
pub(crate) async fn check(store: &dyn Store, pki: &Path) -> Result<(), Error> {
    match store.get(KEY).await?.0 {
        Some(found) if !Pki::is_in(pki) => Err(other(&found.value, "none", pki)),
        _ => Ok(()),
    }
}

/// Marks the store as that of the cluster with these keys, unless it is another's.
pub(crate) async fn claim(store: &dyn Store, identity: &str, pki: &Path) -> Result<(), Error> {
    let (key, value) = (Bytes::from_static(KEY), Bytes::copy_from_slice(identity.as_bytes()));
    let txn = Txn {
        compares: vec![Compare::Absent(key.clone())],
        writes: vec![Write::Put { key, value }],
        ..Txn::default()
    };
    match store.commit(txn).await? {
        Committed::Conflict { current: Some(current), .. } if current.value != identity => {
            Err(other(&current.value, &format!("of {identity}"), pki))
        }
        _ => Ok(()),
    }
}

fn other(found: &[u8], ours: &str, pki: &Path) -> Error {
    let found = String::from_utf8_lossy(found).into_owned();
    Error::Other { found, ours: ours.to_owned(), pki: pki.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_one_cluster_has_a_store() {
        let (store, nowhere) = (store::Memory::new(), Path::new("/nowhere"));
        check(&store, nowhere).await.expect("nobody's yet");
        claim(&store, "a", nowhere).await.expect("free");
        claim(&store, "a", nowhere).await.expect("ours");
        let text = claim(&store, "b", nowhere).await.expect_err("another's").to_string();
        assert!(
            text.starts_with("it holds the data of cluster a, but the keys in /nowhere are of b: "),
            "{text}"
        );
        let text = check(&store, nowhere).await.expect_err("no keys are there").to_string();
        assert!(
            text.starts_with("it holds the data of cluster a, but the keys in /nowhere are none: "),
            "{text}"
        );
    }
}
