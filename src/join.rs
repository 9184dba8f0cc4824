//! A machine joins a cluster: it knows the server by the CA that its token names, shows the token once, and gets a
//! certificate of its own, which it keeps in a kubeconfig.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use client::{Client, Error};
use kinds::Kind;
use object::{Key, Value};
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, PKCS_ECDSA_P256_SHA256};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use serde_json::json;
use sha2::{Digest, Sha256};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::tokens::JoinToken;

/// The file, in the node's directory, by which it logs in from then on.
const KUBECONFIG: &str = "kubeconfig";
/// How long the server may take to answer.
const DIAL: Duration = Duration::from_secs(10);
/// How long a certificate is waited for.
const SIGNING: Duration = Duration::from_secs(60);
/// When something that may come is tried again.
const RETRY: Duration = Duration::from_secs(1);
/// When a server that does not answer is asked again.
const AGAIN: Duration = Duration::from_secs(3);
/// The signer of nodes' certificates.
const SIGNER: &str = "kubernetes.io/kube-apiserver-client-kubelet";

/// How a machine logs in.
pub(crate) struct Joined {
    pub(crate) kubeconfig: PathBuf,
    /// Whether it joined just now.
    is_new: bool,
}

impl Joined {
    /// Removes what this very join left, where the machine cannot be a node.
    pub(crate) fn undo(&self) -> anyhow::Result<()> {
        if !self.is_new {
            return Ok(());
        }
        fs::remove_file(&self.kubeconfig)
            .with_context(|| format!("cannot remove {}", self.kubeconfig.display()))
    }
}

/// How a machine logs in that has joined, or joins now.
pub(crate) async fn join(
    server: &str,
    token: Option<&str>,
    dir: &Path,
    node: &str,
) -> anyhow::Result<Joined> {
    let path = dir.join(KUBECONFIG);
    if path.exists() {
        return Ok(Joined { kubeconfig: path, is_new: false });
    }
    let token = token
        .context("--token is needed: this machine has not joined yet (`berth token create` makes one)")?;
    let token = JoinToken::parse(token)?;
    let (host, port) = address(server)?;
    let ca = loop {
        match authority(&host, port, token.authority).await? {
            Some(ca) => break ca,
            None => {
                tracing::warn!(server, "the server cannot be reached yet");
                tokio::time::sleep(AGAIN).await;
            }
        }
    };
    fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
    let first = dir.join(format!("{KUBECONFIG}.joining"));
    write(&first, &kubeconfig(server, &ca, "bootstrap", &format!("token: {}", token.bearer)))?;
    let certificate = certificate(&first, node).await;
    // the token is of no more use, nor for anybody else's eyes
    let removed = fs::remove_file(&first);
    let (certificate, key) = certificate?;
    removed.with_context(|| format!("cannot remove {}", first.display()))?;
    let login = format!(
        "client-certificate-data: {}\n    client-key-data: {}",
        STANDARD.encode(certificate),
        STANDARD.encode(key)
    );
    write(&path, &kubeconfig(server, &ca, &format!("system:node:{node}"), &login))?;
    tracing::info!(server, node, "joined");
    Ok(Joined { kubeconfig: path, is_new: true })
}

/// Host and port of the server's URL.
fn address(server: &str) -> anyhow::Result<(String, u16)> {
    let form = || format!("--server {server}: must be https://HOST[:PORT]");
    let uri: http::Uri = server.parse().with_context(form)?;
    let rest = uri.path_and_query().map_or("/", |rest| rest.as_str());
    match (uri.scheme_str(), uri.host()) {
        (Some("https"), Some(host)) if rest == "/" => {
            Ok((host.trim_matches(['[', ']']).to_owned(), uri.port_u16().unwrap_or(443)))
        }
        _ => bail!(form()),
    }
}

/// The certificate of the authority (PEM) that the token names, which the server must show and be certified by. None
/// while the server cannot be reached.
async fn authority(host: &str, port: u16, hash: [u8; 32]) -> anyhow::Result<Option<String>> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Known { hash, provider }))
        .with_no_client_auth();
    let name =
        ServerName::try_from(host.to_owned()).with_context(|| format!("{host} is no name of a server"))?;
    let dial = tokio::time::timeout(DIAL, TcpStream::connect((host, port))).await;
    let Ok(Ok(stream)) = dial else { return Ok(None) };
    let shaking = TlsConnector::from(Arc::new(config)).connect(name, stream);
    let shaken = match tokio::time::timeout(DIAL, shaking).await {
        Ok(Ok(shaken)) => shaken,
        Ok(Err(error)) => bail!("the server at {host}:{port} is not of the token's cluster: {error}"),
        Err(_) => return Ok(None),
    };
    let (_, connection) = shaken.get_ref();
    let chain = connection.peer_certificates().unwrap_or_default();
    let ca =
        chain.iter().find(|certificate| is(certificate, hash)).context("the server shows no authority")?;
    Ok(Some(pem(ca)))
}

fn is(certificate: &CertificateDer<'_>, hash: [u8; 32]) -> bool {
    let digest: [u8; 32] = Sha256::digest(certificate).into();
    digest == hash
}

fn pem(certificate: &CertificateDer<'_>) -> String {
    let text = STANDARD.encode(certificate);
    let lines: Vec<&str> =
        text.as_bytes().chunks(64).filter_map(|line| std::str::from_utf8(line).ok()).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}

/// Believes a server whose certificate is of the authority with this hash, which must be in what it shows.
#[derive(Debug)]
struct Known {
    hash: [u8; 32],
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Known {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let authority = intermediates.iter().find(|certificate| is(certificate, self.hash));
        let authority = authority.ok_or(CertificateError::UnknownIssuer)?;
        let mut roots = RootCertStore::empty();
        roots.add(authority.clone().into_owned())?;
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), self.provider.clone())
            .build()
            .map_err(|error| rustls::Error::General(error.to_string()))?;
        verifier.verify_server_cert(end_entity, &[], server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// A certificate for the node, and its key, both PEM.
async fn certificate(bootstrap: &Path, node: &str) -> anyhow::Result<(String, String)> {
    let agent = format!("berth-agent/{}", apiserver::VERSION);
    let client = Client::from_kubeconfig(bootstrap, &agent).await.context("the token cannot be used")?;
    let kinds = kinds::built_in();
    let kind = kinds.kind("certificates.k8s.io", "CertificateSigningRequest");
    let kind = kind.context("the table of kinds lacks CertificateSigningRequest")?;
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).context("cannot make a key")?;
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::OrganizationName, "system:nodes");
    params.distinguished_name.push(DnType::CommonName, format!("system:node:{node}"));
    let request = params.serialize_request(&key).and_then(|request| request.pem());
    let object = json!({
        "apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest",
        "metadata": {"generateName": "node-csr-"},
        "spec": {
            "request": STANDARD.encode(request.context("cannot make a request")?),
            "signerName": SIGNER, "usages": ["digital signature", "client auth"],
        },
    });
    let created = client.create(kind, "", &object).await;
    let created = created.map_err(|error| match error.status().map(|status| status.code) {
        Some(401) => anyhow::anyhow!(
            "the token was refused: it is wrong, expired or used up (`berth token create` makes another)"
        ),
        _ => anyhow::Error::new(error).context("no certificate can be asked for"),
    })?;
    let name = created["metadata"]["name"].as_str().unwrap_or_default();
    let signed = tokio::time::timeout(SIGNING, signed(&client, kind, &Key::new("", name))).await;
    let certificate = signed.unwrap_or_else(|_| {
        bail!("the certificate is not signed yet: an administrator may have to `kubectl certificate approve {name}`")
    })?;
    Ok((certificate, key.serialize_pem()))
}

/// Waits for a request's certificate.
async fn signed(client: &Client, kind: &Kind, key: &Key) -> anyhow::Result<String> {
    loop {
        match client.get(kind, key).await {
            Ok(request) => {
                if let Some(why) = refusal(&request) {
                    bail!("the server does not sign: {why}");
                }
                if let Some(text) = request["status"]["certificate"].as_str().filter(|text| !text.is_empty())
                {
                    let bytes = STANDARD.decode(text).context("the certificate cannot be read")?;
                    return String::from_utf8(bytes).context("the certificate cannot be read");
                }
            }
            Err(error) if is_passing(&error) => tracing::warn!(%error, "the request cannot be looked at yet"),
            Err(error) => return Err(error).context("the request cannot be looked at"),
        }
        tokio::time::sleep(RETRY).await;
    }
}

/// Whether it may be another answer next time.
fn is_passing(error: &Error) -> bool {
    error.status().is_none_or(|status| status.code == 429 || status.code >= 500)
}

fn refusal(request: &Value) -> Option<String> {
    let conditions = request["status"]["conditions"].as_array()?;
    let bad = |condition: &&Value| condition["type"] == "Denied" || condition["type"] == "Failed";
    let found = conditions.iter().find(bad)?;
    Some(found["message"].as_str().unwrap_or("it says no more").to_owned())
}

fn kubeconfig(server: &str, ca: &str, user: &str, login: &str) -> String {
    format!(
        "apiVersion: v1\n\
         kind: Config\n\
         clusters:\n\
         - name: berth\n  cluster:\n    server: {server}\n    certificate-authority-data: {ca}\n\
         users:\n\
         - name: {user}\n  user:\n    {login}\n\
         contexts:\n\
         - name: berth\n  context:\n    cluster: berth\n    user: {user}\n\
         current-context: berth\n",
        ca = STANDARD.encode(ca),
    )
}

/// Writes a file that only its owner may read, whole or not at all.
fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let failed = || format!("cannot write {}", path.display());
    let part = path.with_extension("part");
    let _ = fs::remove_file(&part);
    let mut file =
        fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part).with_context(failed)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).with_context(failed)?;
    fs::rename(&part, path).with_context(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_of_servers() {
        let check = |url: &str, expect: Option<(&str, u16)>| {
            let found = address(url).ok();
            assert_eq!(found, expect.map(|(host, port)| (host.to_owned(), port)), "{url}");
        };
        check("https://192.0.2.1:6443", Some(("192.0.2.1", 6443)));
        check("https://[fd00::1]:6443/", Some(("fd00::1", 6443)));
        check("https://api.example", Some(("api.example", 443)));
        check("http://192.0.2.1:6443", None);
        check("192.0.2.1:6443", None);
        check("https://192.0.2.1:6443/path", None);
    }
}
