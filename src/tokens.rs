//! `berth token`: what a machine shows to join the cluster, once.
//!
//! It is a bootstrap token of Kubernetes, `ID.SECRET` (KEP-19), and behind it the hash of the cluster's CA, by which the
//! machine knows the server: `ID.SECRET.HASH`.

use std::fmt::Write;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use anyhow::{Context, bail, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use client::{Client, Error, ListParams};
use jiff::{SignedDuration, Timestamp};
use kinds::{Kind, Kinds};
use object::{Key, Value, format_time};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::cli::{TokenArgs, TokenVerb};

const NAMESPACE: &str = "kube-system";
const PREFIX: &str = "bootstrap-token-";
const TYPE: &str = "bootstrap.kubernetes.io/token";
/// How many uses a token has left.
const USES: &str = "berth.dev/uses-left";
/// Characters of an id and of a secret.
const LENGTHS: (usize, usize) = (6, 16);

/// A token, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct JoinToken {
    /// What the API is shown: `ID.SECRET`.
    pub(crate) bearer: String,
    /// SHA-256 of the DER of the cluster's CA certificate.
    pub(crate) authority: [u8; 32],
}

impl JoinToken {
    /// Takes a token apart.
    pub(crate) fn parse(text: &str) -> anyhow::Result<Self> {
        let form = "--token: must be ID.SECRET.HASH, as `berth token create` prints it";
        let parts: Vec<&str> = text.trim().split('.').collect();
        let [id, secret, hash] = parts[..] else { bail!(form) };
        let plain = |text: &str, length: usize| {
            text.len() == length
                && text.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase())
        };
        ensure!(plain(id, LENGTHS.0) && plain(secret, LENGTHS.1) && hash.len() == 64, form);
        let mut authority = [0; 32];
        for (at, byte) in authority.iter_mut().enumerate() {
            let digits = hash.get(2 * at..2 * at + 2).context(form)?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| anyhow::anyhow!(form))?;
        }
        Ok(Self { bearer: format!("{id}.{secret}"), authority })
    }
}

/// The SHA-256 of a CA certificate.
fn hash(pem: &str) -> anyhow::Result<String> {
    let der = CertificateDer::from_pem_slice(pem.as_bytes()).context("the cluster's CA cannot be read")?;
    let digest = Sha256::digest(&der);
    Ok(digest.iter().fold(String::new(), |mut text, byte| {
        // writing to a string cannot fail
        let _ = write!(text, "{byte:02x}");
        text
    }))
}

/// Does what the verb says.
pub(crate) async fn run(args: TokenArgs, config: &Path) -> anyhow::Result<()> {
    let unusable = || format!("cannot use {}", config.display());
    let agent = format!("berth-token/{}", apiserver::VERSION);
    let client = Client::from_kubeconfig(config, &agent).await.with_context(unusable)?;
    let kinds = kinds::built_in();
    let secrets = kinds.kind("", "Secret").context("the table of kinds lacks Secret")?;
    match args.verb {
        TokenVerb::Create { ttl, uses, description, print_join_command } => {
            let ca = client::authority(config).with_context(unusable)?;
            let ca = hash(&ca.with_context(|| format!("{} names no CA certificate", config.display()))?)?;
            let token = create(&client, secrets, ttl, uses, &description).await?;
            match print_join_command {
                false => println!("{token}.{ca}"),
                true => {
                    let server = match advertised(&client, &kinds).await? {
                        Some(server) => server,
                        None => client::server(config).with_context(unusable)?,
                    };
                    println!("berth agent --server {server} --token {token}.{ca}");
                }
            }
        }
        TokenVerb::List => print!("{}", list(&client, secrets).await?),
        TokenVerb::Delete { tokens } => {
            for token in tokens {
                let id = token.split('.').next().unwrap_or_default();
                let key = Key::new(NAMESPACE, format!("{PREFIX}{id}"));
                match client.delete(secrets, &key, &json!({})).await {
                    Err(error) if error.is_not_found() => bail!("there is no token {id:?}"),
                    other => drop(other?),
                }
                println!("bootstrap token {id:?} deleted");
            }
        }
    }
    Ok(())
}

/// The URL at which a server of the cluster is reached from other machines: the one that the service `kubernetes` leads
/// to.
async fn advertised(client: &Client, kinds: &Kinds) -> Result<Option<String>, Error> {
    let Some(slices) = kinds.kind("discovery.k8s.io", "EndpointSlice") else { return Ok(None) };
    let labels = "kubernetes.io/service-name=kubernetes".to_owned();
    let list = client.list(slices, "default", &ListParams { labels, ..ListParams::default() }).await?;
    Ok(list["items"].as_array().into_iter().flatten().find_map(|slice| {
        let address: IpAddr = slice["endpoints"][0]["addresses"][0].as_str()?.parse().ok()?;
        let port = slice["ports"][0]["port"].as_u64().and_then(|port| u16::try_from(port).ok())?;
        Some(format!("https://{}", SocketAddr::new(address, port)))
    }))
}

async fn create(
    client: &Client,
    secrets: &Kind,
    ttl: SignedDuration,
    uses: Option<u32>,
    description: &str,
) -> anyhow::Result<String> {
    let (id, secret) = (random(LENGTHS.0)?, random(LENGTHS.1)?);
    let mut data = json!({
        "token-id": id, "token-secret": secret, "usage-bootstrap-authentication": "true",
    });
    if !description.is_empty() {
        data["description"] = description.into();
    }
    if ttl > SignedDuration::ZERO {
        data["expiration"] = format_time(Timestamp::now() + ttl).into();
    }
    let mut metadata = json!({"name": format!("{PREFIX}{id}"), "namespace": NAMESPACE});
    if let Some(uses) = uses {
        metadata["annotations"] = json!({USES: uses.to_string()});
    }
    let object = json!({
        "apiVersion": "v1", "kind": "Secret", "type": TYPE, "metadata": metadata, "stringData": data,
    });
    client.create(secrets, NAMESPACE, &object).await.context("the token is not created")?;
    Ok(format!("{id}.{secret}"))
}

/// Random characters of which tokens are made.
fn random(length: usize) -> anyhow::Result<String> {
    const ALPHABET: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let mut text = String::with_capacity(length);
    let mut bytes = [0; 64];
    while text.len() < length {
        let mut source = std::fs::File::open("/dev/urandom").context("cannot draw random bytes")?;
        std::io::Read::read_exact(&mut source, &mut bytes).context("cannot draw random bytes")?;
        // what lies above the greatest multiple of 36 would make some characters likelier than others
        let fair =
            bytes.iter().filter(|byte| **byte < 252).map(|byte| char::from(ALPHABET[usize::from(byte % 36)]));
        text.extend(fair);
    }
    text.truncate(length);
    Ok(text)
}

/// A table of the tokens; secrets are not shown.
async fn list(client: &Client, secrets: &Kind) -> Result<String, Error> {
    let params = ListParams { fields: format!("type={TYPE}"), ..ListParams::default() };
    let list = client.list(secrets, NAMESPACE, &params).await?;
    let mut rows = vec![["TOKEN ID", "EXPIRES", "USES LEFT", "DESCRIPTION"].map(str::to_owned)];
    for secret in list["items"].as_array().into_iter().flatten() {
        rows.push(row(secret));
    }
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0) + 3;
    let (a, b, c) = (width(0), width(1), width(2));
    Ok(rows
        .iter()
        .map(|[id, expires, uses, description]| format!("{id:a$}{expires:b$}{uses:c$}{description}\n"))
        .collect())
}

fn row(secret: &Value) -> [String; 4] {
    let text = |key: &str| {
        let bytes = STANDARD.decode(secret["data"][key].as_str()?).ok()?;
        String::from_utf8(bytes).ok().filter(|text| !text.is_empty())
    };
    let uses = secret["metadata"]["annotations"][USES].as_str().unwrap_or("<unlimited>").to_owned();
    [
        text("token-id").unwrap_or_default(),
        text("expiration").unwrap_or_else(|| "<never>".to_owned()),
        uses,
        text("description").unwrap_or_else(|| "<none>".to_owned()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_taken_apart() {
        let hash = "0f".repeat(32);
        let token = JoinToken::parse(&format!("abcdef.0123456789abcdef.{hash}\n")).unwrap();
        assert_eq!(token, JoinToken { bearer: "abcdef.0123456789abcdef".into(), authority: [15; 32] });
        for bad in [
            "",
            "abcdef.0123456789abcdef",
            "abcdef.0123456789abcde.x",
            &format!("ABCDEF.0123456789abcdef.{hash}"),
        ] {
            let said = JoinToken::parse(bad).unwrap_err().to_string();
            assert_eq!(said, "--token: must be ID.SECRET.HASH, as `berth token create` prints it", "{bad}");
        }
        let odd = format!("abcdef.0123456789abcdef.{}é", "0".repeat(62));
        assert!(JoinToken::parse(&odd).is_err());
    }

    #[test]
    fn random_texts_are_of_a_length() {
        let text = random(16).unwrap();
        assert!(
            text.len() == 16 && text.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_lowercase()),
            "{text}"
        );
    }
}
