//! What a kubeconfig says of its current context.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Uri;
use serde::Deserialize;

/// What a client needs.
pub(crate) struct Access {
    /// `https://HOST:PORT`.
    pub(crate) server: Uri,
    /// Whom to trust, in PEM.
    pub(crate) authority: Vec<u8>,
    pub(crate) identity: Identity,
}

/// Who we are.
pub(crate) enum Identity {
    /// Both in PEM.
    Certificate {
        chain: Vec<u8>,
        key: Vec<u8>,
    },
    Token(String),
}

impl Access {
    /// That of the current context, or of the first cluster and the first user where none is current.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Access> {
        let config: Kubeconfig = serde_saphyr::from_str(&std::fs::read_to_string(path)?)?;
        let context = config.contexts.into_iter().find(|context| context.name == config.current);
        let context = context.map(|named| named.context);
        let chosen = |name: &String, chosen: Option<&String>| chosen.is_none_or(|chosen| chosen == name);
        let cluster = context.as_ref().map(|context| &context.cluster);
        let cluster = config.clusters.into_iter().find(|named| chosen(&named.name, cluster));
        let user = context.as_ref().map(|context| &context.user);
        let user = config.users.into_iter().find(|named| chosen(&named.name, user));
        let cluster = cluster.context("it names no cluster")?.cluster;
        let user = user.context("it names no user")?.user;
        let base = path.parent().unwrap_or(Path::new(""));
        let authority = bytes(base, cluster.authority, cluster.authority_file)?;
        let identity = match (bytes(base, user.chain, user.chain_file)?, user.token) {
            (Some(chain), _) => {
                let key =
                    bytes(base, user.key, user.key_file)?.context("it has no key to its certificate")?;
                Identity::Certificate { chain, key }
            }
            (None, Some(token)) => Identity::Token(token),
            (None, None) => bail!("its user has neither a certificate nor a token"),
        };
        let authority = authority.context("it names no certificate authority")?;
        Ok(Access { server: cluster.server.parse()?, authority, identity })
    }
}

/// What is written in base64, or in a file named relative to the kubeconfig.
fn bytes(base: &Path, data: Option<String>, file: Option<PathBuf>) -> anyhow::Result<Option<Vec<u8>>> {
    match (data, file) {
        (Some(data), _) => Ok(Some(STANDARD.decode(data)?)),
        (None, Some(file)) => {
            let file = base.join(file);
            let read = std::fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
            Ok(Some(read))
        }
        (None, None) => Ok(None),
    }
}

#[derive(Deserialize)]
struct Kubeconfig {
    clusters: Vec<NamedCluster>,
    users: Vec<NamedUser>,
    #[serde(default)]
    contexts: Vec<NamedContext>,
    #[serde(rename = "current-context", default)]
    current: String,
}

#[derive(Deserialize)]
struct NamedContext {
    name: String,
    context: Names,
}

/// What a context puts together.
#[derive(Deserialize)]
struct Names {
    cluster: String,
    user: String,
}

#[derive(Deserialize)]
struct NamedCluster {
    name: String,
    cluster: Cluster,
}

#[derive(Deserialize)]
struct Cluster {
    server: String,
    #[serde(rename = "certificate-authority-data")]
    authority: Option<String>,
    #[serde(rename = "certificate-authority")]
    authority_file: Option<PathBuf>,
}

#[derive(Deserialize)]
struct NamedUser {
    name: String,
    user: User,
}

#[derive(Deserialize)]
struct User {
    #[serde(rename = "client-certificate-data")]
    chain: Option<String>,
    #[serde(rename = "client-certificate")]
    chain_file: Option<PathBuf>,
    #[serde(rename = "client-key-data")]
    key: Option<String>,
    #[serde(rename = "client-key")]
    key_file: Option<PathBuf>,
    token: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_current_context_counts() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("ca.pem"), "trust").unwrap();
        let file = dir.path().join("config");
        let text = "
current-context: second
contexts:
- {name: first, context: {cluster: one, user: one}}
- {name: second, context: {cluster: two, user: two}}
clusters:
- {name: one, cluster: {server: 'https://one', certificate-authority-data: YQ==}}
- {name: two, cluster: {server: 'https://two:6443', certificate-authority: ca.pem}}
users:
- {name: one, user: {client-certificate-data: Yg==, client-key-data: Yw==}}
- {name: two, user: {token: secret}}
";
        std::fs::write(&file, text).unwrap();
        let access = Access::read(&file).unwrap();
        assert_eq!((access.server.host(), access.server.port_u16()), (Some("two"), Some(6443)));
        assert_eq!(access.authority, b"trust");
        assert!(matches!(access.identity, Identity::Token(token) if token == "secret"));

        std::fs::write(&file, text.replace("second", "first")).unwrap();
        let access = Access::read(&file).unwrap();
        let Identity::Certificate { chain, key } = access.identity else { panic!() };
        assert_eq!((chain, key), (b"b".to_vec(), b"c".to_vec()));

        std::fs::write(&file, text.replace(", client-key-data: Yw==", "").replace("second", "first"))
            .unwrap();
        assert_eq!(Access::read(&file).err().unwrap().to_string(), "it has no key to its certificate");
    }
}
