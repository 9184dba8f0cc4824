//! Why the server cannot be set up.

/// What is wrong with what the server was given to start with.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The text of the cluster's CA holds no certificate, or a broken one.
    #[error("the cluster's CA cannot be read")]
    Ca(#[source] rustls_pki_types::pem::Error),
    /// The CA serves for no check of clients' certificates.
    #[error("clients cannot be checked against the cluster's CA")]
    Verifier(#[source] rustls::server::VerifierBuilderError),
    /// The serving certificate cannot be made, e.g. for a name that no certificate may carry.
    #[error("the serving certificate cannot be made")]
    Certificate(#[source] rcgen::Error),
    /// The TLS library refuses the CA or the serving certificate.
    #[error("TLS cannot be set up")]
    Tls(#[source] rustls::Error),
}
