//! What can go wrong.

use std::io;
use std::path::{Path, PathBuf};

/// Why something of the node's network could not be done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or a mount could not be read, made or removed.
    #[error("{doing} {}: {source}", path.display())]
    File {
        /// What was being done to the file.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A call that concerns no file failed.
    #[error("{doing}: {source}")]
    System {
        /// What was being done.
        doing: &'static str,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The kernel refused a change of links, addresses or routes.
    #[error("{doing}: {source}")]
    Netlink {
        /// What was being done, and to what.
        doing: String,
        /// What the kernel said.
        #[source]
        source: rtnetlink::Error,
    },
    /// A link is gone that was there a moment ago.
    #[error("link {0} has disappeared")]
    NoLink(String),
    /// nft refused a batch, of which nothing was applied.
    #[error("nft: {0}")]
    Nft(String),
    /// This sysctl does not belong to the namespaces of a pod of its own.
    #[error("sysctl {0:?} is not of the pod's own namespaces")]
    Sysctl(String),
    /// All addresses are taken.
    #[error("no free address in {0}")]
    NoAddress(ipnet::Ipv4Net),
    /// The range has no room for a gateway and a pod.
    #[error("{0} is too small for pods")]
    TooSmall(ipnet::Ipv4Net),
    /// The thread that worked in another namespace ended without a result.
    #[error("the thread in namespace {} panicked", .0.display())]
    Panicked(PathBuf),
    /// The name server's domain is not a name.
    #[error("domain {0:?} is not a DNS name")]
    Domain(String),
}

impl Error {
    /// For `map_err`: something was being done to a file.
    pub(crate) fn file(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { doing, path, source }
    }

    /// For `map_err`: something was being done by a call of the nix crate to a file.
    pub(crate) fn errno(doing: &'static str, path: &Path) -> impl FnOnce(nix::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { doing, path, source: source.into() }
    }

    /// For `map_err`: something was being done by a call of the nix crate.
    pub(crate) fn call(doing: &'static str) -> impl FnOnce(nix::Error) -> Self {
        move |source| Self::System { doing, source: source.into() }
    }

    /// For `map_err`: something was being asked of the kernel by netlink.
    pub(crate) fn netlink(doing: impl Into<String>) -> impl FnOnce(rtnetlink::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Netlink { doing, source }
    }
}
