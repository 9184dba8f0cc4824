//! The certificates in the kubeconfig that a server writes for its administrator.

use std::path::Path;

use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

/// What a client needs, each in PEM.
pub(crate) struct Certificates {
    /// Whom to trust.
    pub(crate) authority: Vec<u8>,
    /// Who we are.
    pub(crate) client: Vec<u8>,
    /// The key to `client`.
    pub(crate) key: Vec<u8>,
}

impl Certificates {
    /// Those of the first cluster and the first user.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Certificates> {
        let config: Kubeconfig = serde_saphyr::from_str(&std::fs::read_to_string(path)?)?;
        let cluster = config.clusters.into_iter().next().context("it names no cluster")?.cluster;
        let user = config.users.into_iter().next().context("it names no user")?.user;
        Ok(Certificates {
            authority: STANDARD.decode(cluster.authority)?,
            client: STANDARD.decode(user.certificate)?,
            key: STANDARD.decode(user.key)?,
        })
    }
}

#[derive(Deserialize)]
struct Kubeconfig {
    clusters: Vec<NamedCluster>,
    users: Vec<NamedUser>,
}

#[derive(Deserialize)]
struct NamedCluster {
    cluster: Cluster,
}

#[derive(Deserialize)]
struct Cluster {
    #[serde(rename = "certificate-authority-data")]
    authority: String,
}

#[derive(Deserialize)]
struct NamedUser {
    user: User,
}

#[derive(Deserialize)]
struct User {
    #[serde(rename = "client-certificate-data")]
    certificate: String,
    #[serde(rename = "client-key-data")]
    key: String,
}
