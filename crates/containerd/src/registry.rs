//! Asking registries for manifests and blobs (OCI distribution specification).

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::{self, BoxStream};
use oci_client::client::{BlobResponse, Certificate, CertificateEncoding, ClientConfig, ClientProtocol};
use oci_client::errors::{OciDistributionError, OciErrorCode};
use oci_client::secrets::RegistryAuth;
use oci_client::{Client, Reference};

use crate::hosts::{Host, hosts_of};
use crate::reference::{Parts, parse};

const CONNECT: Duration = Duration::from_secs(10);
/// A registry that sends nothing for so long has broken off.
const SILENCE: Duration = Duration::from_secs(30);

/// What a registry may answer to the question for a manifest.
const MANIFESTS: &[&str] = &[
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
];

/// A name and a password for a registry.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Name.
    pub username: String,
    /// Password.
    pub password: String,
}

/// Without the password.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("username", &self.username).finish_non_exhaustive()
    }
}

/// How registries are reached.
#[derive(Clone, Debug)]
pub struct Registries {
    /// Holds `HOST[:PORT]/hosts.toml` for each that is not reached in the ordinary way, as containerd's `certs.d`.
    pub dir: PathBuf,
}

/// A place that has an image, found by its manifest.
pub(crate) struct Source {
    client: Client,
    reference: Reference,
    /// As users and errors name it.
    name: String,
    auth: RegistryAuth,
    /// What the name leads to.
    pub manifest: Document,
}

/// A manifest or an index.
pub(crate) struct Document {
    pub content: Vec<u8>,
    pub digest: String,
}

/// Why a registry does not give something.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub reason: String,
    /// Whether it may give it a moment later.
    pub passing: bool,
}

impl Registries {
    /// The first place that has the image, mirrors before the registry itself; there each of the credentials is tried,
    /// none where there are none.
    ///
    /// # Errors
    /// The reason of the last place, in one line.
    pub(crate) async fn find(&self, name: &str, credentials: &[Credentials]) -> Result<Source, String> {
        let parts = parse(name).map_err(|error| error.to_string())?;
        let registry = parts.name.split('/').next().unwrap_or_default().to_owned();
        let mut last = String::new();
        for host in hosts_of(&self.dir, &registry)? {
            let anonymous = [RegistryAuth::Anonymous];
            let known: Vec<RegistryAuth> = credentials
                .iter()
                .map(|one| RegistryAuth::Basic(one.username.clone(), one.password.clone()))
                .collect();
            let auths = if host.mirror || known.is_empty() { &anonymous[..] } else { &known[..] };
            for auth in auths {
                match Source::open(&host, &parts, name, auth).await {
                    Ok(source) => return Ok(source),
                    Err(reason) => last = reason,
                }
            }
        }
        Err(format!("failed to resolve reference {name:?}: {last}"))
    }
}

impl Source {
    async fn open(host: &Host, parts: &Parts<'_>, name: &str, auth: &RegistryAuth) -> Result<Source, String> {
        let (client, reference) = (client(host)?, reference(host, parts));
        let found = manifest(&client, &reference, auth).await;
        let manifest = found.map_err(|error| refusal(&error, name).reason)?;
        Ok(Source { client, reference, name: name.to_owned(), auth: auth.clone(), manifest })
    }

    /// A manifest by its digest.
    pub async fn manifest(&self, digest: &str) -> Result<Document, Refusal> {
        let reference = self.reference.clone_with_digest(digest.to_owned());
        manifest(&self.client, &reference, &self.auth).await.map_err(|error| refusal(&error, &self.name))
    }

    /// A blob from an offset on; its digest is the reader's to check.
    pub async fn blob(
        &self,
        digest: &str,
        offset: u64,
    ) -> Result<BoxStream<'static, Result<Vec<u8>, Refusal>>, Refusal> {
        let answer = self.client.pull_blob_stream_partial(&self.reference, digest, offset, None).await;
        // One that does not know ranges sends everything.
        let (stream, mut skip) = match answer {
            Ok(BlobResponse::Full(sized)) => (sized.stream, offset as usize),
            Ok(BlobResponse::Partial(sized)) => (sized.stream, 0),
            // It ends before.
            Err(OciDistributionError::ServerError { code: 416, .. }) => return Ok(stream::empty().boxed()),
            Err(error) => return Err(refusal(&error, &self.name)),
        };
        let part = move |part: Result<bytes::Bytes, std::io::Error>| {
            let part = part.map_err(|error| Refusal { reason: chain(&error), passing: true })?;
            let skipped = skip.min(part.len());
            skip -= skipped;
            Ok(part[skipped..].to_vec())
        };
        Ok(stream.map(part).boxed())
    }
}

/// A client of one host. Each has its own trust.
fn client(host: &Host) -> Result<Client, String> {
    // Of two providers the first stays; all of Berth's are the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut authorities = Vec::new();
    for path in &host.authorities {
        let data = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
        authorities.push(Certificate { encoding: CertificateEncoding::Pem, data });
    }
    // Without any authority the client's library panics, even where none is needed.
    if rustls_native_certs::load_native_certs().certs.is_empty() {
        return Err("this machine trusts no authority of certificates: install ca-certificates".to_owned());
    }
    let config = ClientConfig {
        protocol: if host.plain { ClientProtocol::Http } else { ClientProtocol::Https },
        accept_invalid_certificates: host.unverified,
        extra_root_certificates: authorities,
        connect_timeout: Some(CONNECT),
        read_timeout: Some(SILENCE),
        user_agent: concat!("berth/", env!("CARGO_PKG_VERSION")),
        ..ClientConfig::default()
    };
    Client::try_from(config).map_err(|error| chain(&error))
}

fn reference(host: &Host, parts: &Parts<'_>) -> Reference {
    let (registry, repository) = parts.name.split_once('/').unwrap_or(("", &parts.name));
    let (registry, repository) = (registry.to_owned(), repository.to_owned());
    let is_other = host.name != registry;
    let mut reference = match (parts.digest, parts.tag) {
        (Some(digest), _) => Reference::with_digest(registry, repository, digest.to_owned()),
        (None, tag) => Reference::with_tag(registry, repository, tag.unwrap_or("latest").to_owned()),
    };
    if is_other {
        reference.set_mirror_registry(host.name.clone());
    }
    reference
}

async fn manifest(
    client: &Client,
    reference: &Reference,
    auth: &RegistryAuth,
) -> Result<Document, OciDistributionError> {
    let (content, digest) = client.pull_manifest_raw(reference, auth, MANIFESTS).await?;
    Ok(Document { content: content.to_vec(), digest })
}

/// What an error means, in containerd's words where it has some.
fn refusal(error: &OciDistributionError, name: &str) -> Refusal {
    use OciDistributionError as E;
    let lasting = |reason: String| Refusal { reason, passing: false };
    match error {
        E::ImageManifestNotFoundError(_) => lasting(format!("{name}: not found")),
        E::ServerError { code: 404, .. } => lasting(format!("{name}: not found")),
        E::UnauthorizedError { .. } | E::AuthenticationFailure(_) => lasting(DENIED.to_owned()),
        E::ServerError { code: 401 | 403, .. } => lasting(DENIED.to_owned()),
        E::RegistryError { envelope, .. } => {
            let is = |codes: &[OciErrorCode]| envelope.errors.iter().any(|error| codes.contains(&error.code));
            if is(&[OciErrorCode::ManifestUnknown, OciErrorCode::NameUnknown, OciErrorCode::NotFound]) {
                lasting(format!("{name}: not found"))
            } else if is(&[OciErrorCode::Denied, OciErrorCode::Unauthorized]) {
                lasting(DENIED.to_owned())
            } else {
                lasting(one_line(&error.to_string()))
            }
        }
        E::ServerError { code, message, .. } => {
            let reason = format!("unexpected status {code}: {}", one_line(message));
            Refusal { reason, passing: *code >= 500 || *code == 429 }
        }
        E::RequestError(error) => {
            Refusal { reason: format!("failed to do request: {}", chain(error)), passing: true }
        }
        E::IoError(error) => Refusal { reason: chain(error), passing: true },
        other => lasting(chain(other)),
    }
}

const DENIED: &str = "pull access denied, repository does not exist or may require authorization: \
                      authorization failed";

/// An error and what led to it, in one line.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        let cause = error.to_string();
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
        next = error.source();
    }
    one_line(&text)
}

/// At most so much of what others say, in one line.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(500).collect()
}
