//! The cluster's keys and certificates: a certificate authority made at first start, and what it issues.
//!
//! Everything lies in one directory, as PEM files that only the owner may read. What exists is used as it is; a
//! file that cannot be used is an error that names it, and is never overwritten. Keys are made once; only
//! certificates are issued again: when they near their end, when the server's names change, or when the authority
//! was replaced. One rename replaces one certificate, so a crash leaves every pair whole.

mod files;
mod issue;

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use object::Time;
use rcgen::{Issuer, KeyPair};
use sha2::{Digest, Sha256};

use files::Batch;
pub(crate) use files::replace as replace_file;
pub use issue::{Request, ServerNames};
use issue::{Subject, Usage};

use crate::identity::MASTERS;

/// Pause between two looks at the certificates.
const RENEWAL: Duration = Duration::from_secs(12 * 3600);

/// Why the keys and certificates cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file does not hold what it should.
    #[error("{}: {why}; repair or remove it", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A key or certificate could not be made.
    #[error("cannot make {what}")]
    Make {
        /// What was to be made.
        what: String,
        /// What went wrong.
        source: rcgen::Error,
    },
}

impl Error {
    fn broken(path: &Path, why: impl std::fmt::Display) -> Self {
        Self::Broken { path: path.to_owned(), why: why.to_string() }
    }
}

/// A certificate and its private key, both PEM.
#[derive(Clone)]
pub struct Pair {
    /// The certificate.
    pub certificate: String,
    /// The private key (PKCS #8).
    pub key: String,
}

/// All keys and certificates of a server.
pub struct Pki {
    /// Certificate of the authority, PEM: what clients trust, and what `kube-root-ca.crt` holds.
    pub ca: String,
    /// What the API server shows to clients.
    pub server: Pair,
    /// `kubernetes-admin` of `system:masters`.
    pub admin: Pair,
    /// `kube-apiserver-kubelet-client` of `system:masters`: what the API server shows to the agents of nodes.
    pub kubelet_client: Pair,
    /// Private key that signs service account tokens, PEM (PKCS #8).
    pub service_account_key: String,
    service_account_public: Vec<u8>,
    /// Signs further client certificates.
    authority: Authority,
}

struct Authority {
    certificate: String,
    key: KeyPair,
}

impl Authority {
    fn issuer(&self, path: &Path) -> Result<Issuer<'_, &KeyPair>, Error> {
        Issuer::from_ca_cert_pem(&self.certificate, &self.key).map_err(|e| Error::broken(path, e))
    }
}

impl Pki {
    /// Opens the directory `dir`, making what is missing and issuing again what must be. Calling it again while the
    /// server runs renews what has come near its end.
    pub fn open(dir: &Path, names: &ServerNames, now: Time) -> Result<Self, Error> {
        files::make_directory(dir)?;
        let mut directory =
            Directory { path: dir, now, keys: Batch::default(), certificates: Batch::default() };
        let authority = directory.authority()?;
        let mut pair = |stem: &str, user: &str, group, usage| {
            directory.pair(stem, &Subject::new(user, group, usage), &authority)
        };
        let server = pair("server", "kube-apiserver", None, Usage::Server(names))?;
        let admin = pair("admin", "kubernetes-admin", Some(MASTERS), Usage::Client)?;
        let kubelet_client =
            pair("kubelet-client", "kube-apiserver-kubelet-client", Some(MASTERS), Usage::Client)?;
        let service_account = directory.key("sa")?;
        directory.keys.commit()?;
        directory.certificates.commit()?;
        let ca = authority.certificate.clone();
        let service_account_public = service_account.public_key_raw().to_vec();
        let service_account_key = service_account.serialize_pem();
        Ok(Self { ca, server, admin, kubelet_client, service_account_key, service_account_public, authority })
    }

    /// Whether the directory holds an authority already.
    pub fn is_in(dir: &Path) -> bool {
        dir.join("ca.key").exists()
    }

    /// What signs requests of others.
    pub fn signing(&self) -> Result<Signing, Error> {
        let key = KeyPair::from_pem(&self.authority.key.serialize_pem());
        let key = key.map_err(|error| Error::broken(Path::new("ca.key"), error))?;
        Ok(Signing(Authority { certificate: self.authority.certificate.clone(), key }))
    }

    /// A short name for the keys that all servers of a cluster have: those of the authority and of tokens.
    pub fn identity(&self) -> String {
        let mut digest = Sha256::new();
        digest.update(self.authority.key.public_key_raw());
        digest.update(&self.service_account_public);
        digest.finalize()[..8].iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// A fresh client certificate that is kept nowhere, e.g. for a node agent: `system:node:NAME` of `system:nodes`.
    pub fn issue_client(&self, user: &str, group: Option<&str>, now: Time) -> Result<Pair, Error> {
        let key = issue::generate_key()?;
        let issuer = self.authority.issuer(Path::new("ca.crt"))?;
        let certificate = issue::leaf(&Subject::new(user, group, Usage::Client), &key, &issuer, now)?;
        Ok(Pair { certificate, key: key.serialize_pem() })
    }
}

impl Pair {
    /// The same with the authority's certificate behind its own: who does not know the authority yet sees it there.
    pub fn with_authority(&self, ca: &str) -> Self {
        Self { certificate: format!("{}{ca}", self.certificate), key: self.key.clone() }
    }
}

/// A certificate, PEM.
pub struct Signed(pub String);

/// Signs requests with the authority's key.
pub struct Signing(Authority);

impl Signing {
    /// A client's certificate for what is asked for, good for so long; the error says why there is none.
    pub fn sign(&self, request: Request, time: Duration, now: Time) -> Result<Signed, String> {
        let issuer = self.0.issuer(Path::new("ca.crt")).map_err(|error| error.to_string())?;
        request.sign(&issuer, time, now).map(Signed)
    }
}

/// The directory, and what is to be written to it: first keys, then certificates.
struct Directory<'a> {
    path: &'a Path,
    now: Time,
    keys: Batch,
    certificates: Batch,
}

impl Directory<'_> {
    fn authority(&mut self) -> Result<Authority, Error> {
        let path = self.path.join("ca.crt");
        let (existing, key) = self.certificate_and_key("ca")?;
        let certificate = match existing {
            Some(pem) => {
                issue::check_authority(&pem, &key, self.now).map_err(|why| Error::broken(&path, why))?;
                pem
            }
            None => {
                let pem = issue::authority(&key, self.now)?;
                self.certificates.add(&path, &pem);
                pem
            }
        };
        Ok(Authority { certificate, key })
    }

    /// The certificate `stem.crt` and key `stem.key`; issues the certificate where that is due.
    fn pair(&mut self, stem: &str, subject: &Subject<'_>, authority: &Authority) -> Result<Pair, Error> {
        let path = self.path.join(format!("{stem}.crt"));
        let (existing, key) = self.certificate_and_key(stem)?;
        if let Some(pem) = existing {
            let usable = issue::check_leaf(&pem, &key, subject, &authority.certificate, self.now);
            if usable.map_err(|why| Error::broken(&path, why))? {
                return Ok(Pair { certificate: pem, key: key.serialize_pem() });
            }
            tracing::info!(file = %path.display(), "issuing a new certificate");
        }
        let issuer = authority.issuer(&self.path.join("ca.crt"))?;
        let certificate = issue::leaf(subject, &key, &issuer, self.now)?;
        self.certificates.add(&path, &certificate);
        Ok(Pair { certificate, key: key.serialize_pem() })
    }

    /// What there is of a pair; a certificate whose key is lost is an error.
    fn certificate_and_key(&mut self, stem: &str) -> Result<(Option<String>, KeyPair), Error> {
        let existing = files::read(&self.path.join(format!("{stem}.crt")))?;
        let path = self.path.join(format!("{stem}.key"));
        if existing.is_some() && !path.exists() {
            return Err(Error::broken(&path, format_args!("missing, but there is a {stem}.crt")));
        }
        Ok((existing, self.key(stem)?))
    }

    fn key(&mut self, stem: &str) -> Result<KeyPair, Error> {
        let path = self.path.join(format!("{stem}.key"));
        if let Some(pem) = files::read(&path)? {
            return KeyPair::from_pem(&pem).map_err(|e| Error::broken(&path, e));
        }
        let key = issue::generate_key()?;
        self.keys.add(&path, &key.serialize_pem());
        Ok(key)
    }
}

/// Looks twice a day whether certificates near their end, and gives all that are good to `take`: to show the new
/// certificate ([`crate::tls::Shown::replace`]) and to write kubeconfigs again. Runs until it is dropped.
pub async fn renew(dir: PathBuf, names: ServerNames, mut take: impl FnMut(Pki)) {
    loop {
        tokio::time::sleep(RENEWAL).await;
        let (dir, names) = (dir.clone(), names.clone());
        match tokio::task::spawn_blocking(move || Pki::open(&dir, &names, Time::now())).await {
            Ok(Ok(pki)) => take(pki),
            Ok(Err(error)) => tracing::error!(%error, "certificates cannot be renewed"),
            Err(error) => tracing::error!(%error, "the renewal of certificates broke off"),
        }
    }
}

/// The host's name, where the system tells one that a certificate can hold.
pub fn host_name() -> Option<String> {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
    let name = name.trim();
    let fits = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.');
    fits.then(|| name.to_owned())
}

/// The names a server of this cluster answers to: the `kubernetes` service, the loopback addresses, the host's
/// name, the addresses it listens on, and the first address of the service range.
pub fn server_names(host: Option<&str>, listen: &[IpAddr], service: IpAddr) -> ServerNames {
    const FIXED: [&str; 5] = [
        "kubernetes",
        "kubernetes.default",
        "kubernetes.default.svc",
        "kubernetes.default.svc.cluster.local",
        "localhost",
    ];
    let mut names = ServerNames::default();
    names.dns.extend(FIXED.into_iter().chain(host).map(str::to_owned));
    let loopback = [IpAddr::from([127, 0, 0, 1]), IpAddr::from(std::net::Ipv6Addr::LOCALHOST)];
    let listening = listen.iter().copied().filter(|a| !a.is_unspecified());
    names.addresses.extend(loopback.into_iter().chain([service]).chain(listening));
    names
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn now() -> Time {
        "2026-11-21T10:00:00Z".parse().unwrap()
    }

    fn names(extra: &[&str]) -> ServerNames {
        let listen: Vec<IpAddr> = extra.iter().map(|a| a.parse().unwrap()).collect();
        server_names(Some("harbour"), &listen, "10.96.0.1".parse().unwrap())
    }

    fn scratch() -> PathBuf {
        std::env::temp_dir().join(format!("berth-certs-{}", uuid::Uuid::new_v4()))
    }

    #[test]
    fn a_second_start_reuses_everything() {
        let dir = scratch();
        let first = Pki::open(&dir, &names(&[]), now()).unwrap();
        let second = Pki::open(&dir, &names(&[]), now()).unwrap();
        assert_eq!(first.ca, second.ca);
        assert_eq!(first.server.certificate, second.server.certificate);
        assert_eq!(first.admin.certificate, second.admin.certificate);
        assert_eq!(first.kubelet_client.certificate, second.kubelet_client.certificate);
        assert_eq!(first.service_account_key, second.service_account_key);
        for entry in std::fs::read_dir(&dir).unwrap() {
            let entry = entry.unwrap();
            assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", entry.path());
        }
        std::fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn certificates_follow_names_time_and_authority() {
        let dir = scratch();
        let first = Pki::open(&dir, &names(&[]), now()).unwrap();
        let renamed = Pki::open(&dir, &names(&["192.0.2.7"]), now()).unwrap();
        assert_ne!(first.server.certificate, renamed.server.certificate);
        assert_eq!(first.server.key, renamed.server.key);
        assert_eq!(first.admin.certificate, renamed.admin.certificate);

        let later = now() + std::time::Duration::from_secs(350 * 86_400);
        let renewed = Pki::open(&dir, &names(&["192.0.2.7"]), later).unwrap();
        assert_ne!(renamed.admin.certificate, renewed.admin.certificate);
        assert_ne!(renamed.kubelet_client.certificate, renewed.kubelet_client.certificate);
        assert_eq!(renamed.ca, renewed.ca);

        std::fs::remove_file(dir.join("ca.crt")).unwrap();
        std::fs::remove_file(dir.join("ca.key")).unwrap();
        let replaced = Pki::open(&dir, &names(&["192.0.2.7"]), later).unwrap();
        assert_ne!(renewed.ca, replaced.ca);
        assert_ne!(renewed.server.certificate, replaced.server.certificate);
        std::fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn broken_files_are_named_and_kept() {
        let dir = scratch();
        Pki::open(&dir, &names(&[]), now()).unwrap();
        for name in ["ca.crt", "ca.key", "server.crt", "admin.key", "sa.key"] {
            let path = dir.join(name);
            let good = std::fs::read(&path).unwrap();
            std::fs::write(&path, "not a certificate").unwrap();
            let error = Pki::open(&dir, &names(&[]), now()).err().expect("must be refused").to_string();
            assert!(error.contains(name), "{error}");
            assert_eq!(std::fs::read(&path).unwrap(), b"not a certificate");
            std::fs::write(&path, good).unwrap();
        }
        std::fs::copy(dir.join("admin.key"), dir.join("server.key")).unwrap();
        let error = Pki::open(&dir, &names(&[]), now()).err().expect("must be refused").to_string();
        assert!(error.contains("server.crt"), "{error}");
        std::fs::remove_file(dir.join("ca.key")).unwrap();
        let error = Pki::open(&dir, &names(&[]), now()).err().expect("must be refused").to_string();
        assert!(error.contains("ca.key"), "{error}");
        std::fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn issued_clients_name_their_user() {
        let dir = scratch();
        let pki = Pki::open(&dir, &names(&[]), now()).unwrap();
        let pair = pki.issue_client("system:node:a", Some("system:nodes"), now()).unwrap();
        let (_, pem) = x509_parser::pem::parse_x509_pem(pair.certificate.as_bytes()).unwrap();
        let identity = crate::identity::Identity::from_certificate(&pem.contents).unwrap();
        assert_eq!(identity.user, "system:node:a");
        assert_eq!(identity.groups, ["system:nodes", "system:authenticated"]);
        std::fs::remove_dir_all(dir).unwrap();
    }
}
