//! Making certificates, and judging those that exist.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use jiff::tz::TimeZone;
use object::Time;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PublicKeyData,
    SanType, date_time_ymd,
};
use rustls_pki_types::CertificateSigningRequestDer;
use rustls_pki_types::pem::PemObject;
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::prelude::{FromDer, GeneralName, Pem, X509Certificate};

use super::Error;

const DAY: Duration = Duration::from_secs(86_400);
/// How long the authority is good for, in days.
const AUTHORITY_DAYS: u32 = 3_650;
/// How long other certificates are good for, in days.
const LEAF_DAYS: u32 = 365;
/// A certificate that ends within this many days is issued again.
const RENEW_DAYS: u32 = 60;

/// Names and addresses in the server's certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerNames {
    /// DNS names.
    pub dns: BTreeSet<String>,
    /// Addresses.
    pub addresses: BTreeSet<IpAddr>,
}

/// What a certificate is for.
pub(super) enum Usage<'a> {
    /// Shown by the server, under these names.
    Server(&'a ServerNames),
    /// Shown by a client.
    Client,
}

/// Whom a certificate names, and what for.
pub(super) struct Subject<'a> {
    user: &'a str,
    group: Option<&'a str>,
    usage: Usage<'a>,
}

impl<'a> Subject<'a> {
    pub(super) fn new(user: &'a str, group: Option<&'a str>, usage: Usage<'a>) -> Self {
        Self { user, group, usage }
    }
}

/// A new P-256 key.
pub(super) fn generate_key() -> Result<KeyPair, Error> {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(making("a key"))
}

fn making(what: impl Into<String>) -> impl FnOnce(rcgen::Error) -> Error {
    let what = what.into();
    move |source| Error::Make { what, source }
}

/// The authority's own certificate, PEM.
pub(super) fn authority(key: &KeyPair, now: Time) -> Result<String, Error> {
    let mut params = params("kubernetes", None, DAY * AUTHORITY_DAYS, now);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages =
        vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params.self_signed(key).map_err(making("the authority's certificate"))?.pem())
}

/// A certificate for `key`, PEM.
pub(super) fn leaf(
    subject: &Subject<'_>,
    key: &KeyPair,
    issuer: &Issuer<'_, &KeyPair>,
    now: Time,
) -> Result<String, Error> {
    let mut params = params(subject.user, subject.group, DAY * LEAF_DAYS, now);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.use_authority_key_identifier_extension = true;
    let failed = || making(format!("the certificate of {:?}", subject.user));
    match &subject.usage {
        Usage::Client => params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth],
        Usage::Server(names) => {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
            for name in &names.dns {
                params.subject_alt_names.push(SanType::DnsName(name.as_str().try_into().map_err(failed())?));
            }
            params.subject_alt_names.extend(names.addresses.iter().copied().map(SanType::IpAddress));
        }
    }
    Ok(params.signed_by(key, issuer).map_err(failed())?.pem())
}

fn params(user: &str, group: Option<&str>, lasts: Duration, now: Time) -> CertificateParams {
    let mut name = DistinguishedName::new();
    if let Some(group) = group {
        name.push(DnType::OrganizationName, group);
    }
    name.push(DnType::CommonName, user);
    let mut params = CertificateParams::default();
    params.distinguished_name = name;
    // a day earlier: clients' clocks differ
    let (begin, end) = (now - DAY, now + lasts);
    let day = |time: Time| {
        let day = time.to_zoned(TimeZone::UTC).date();
        date_time_ymd(day.year().into(), day.month().unsigned_abs(), day.day().unsigned_abs())
    };
    params.not_before = day(begin);
    params.not_after = day(end) + Duration::from_secs(end.as_second().rem_euclid(86_400).unsigned_abs());
    params
}

/// A request for a certificate (PKCS #10), whose author has proved to hold its key.
pub struct Request {
    /// The user that it names.
    pub user: String,
    /// The groups that it names.
    pub groups: Vec<String>,
    /// Whether it names hosts or addresses.
    pub has_names: bool,
    inner: CertificateSigningRequestParams,
}

impl Request {
    /// Reads a request, PEM; the error says what is wrong with it.
    pub fn read(pem: &str) -> Result<Self, String> {
        let der = CertificateSigningRequestDer::from_pem_slice(pem.as_bytes())
            .map_err(|_| "the request is not PEM".to_owned())?;
        let inner = CertificateSigningRequestParams::from_der(&der)
            .map_err(|error| format!("the request cannot be read: {error}"))?;
        let (_, request) = X509CertificationRequest::from_der(&der)
            .map_err(|error| format!("the request cannot be read: {error}"))?;
        let subject = &request.certification_request_info.subject;
        let texts =
            |names: &mut dyn Iterator<Item = Option<String>>| -> Vec<String> { names.flatten().collect() };
        let users = texts(&mut subject.iter_common_name().map(|name| name.as_str().ok().map(str::to_owned)));
        let groups =
            texts(&mut subject.iter_organization().map(|name| name.as_str().ok().map(str::to_owned)));
        let [user] = &users[..] else { return Err("the request must name one user".to_owned()) };
        let (user, has_names) = (user.clone(), !inner.params.subject_alt_names.is_empty());
        Ok(Self { user, groups, has_names, inner })
    }

    /// A client's certificate for what is asked for, good for so long, PEM.
    pub(super) fn sign(
        mut self,
        issuer: &Issuer<'_, &KeyPair>,
        time: Duration,
        now: Time,
    ) -> Result<String, String> {
        let ([] | [_]) = &self.groups[..] else {
            return Err("requests with more than one organization are not signed".to_owned());
        };
        let mut params = params(&self.user, self.groups.first().map(String::as_str), time, now);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.use_authority_key_identifier_extension = true;
        self.inner.params = params;
        self.inner.signed_by(issuer).map(|signed| signed.pem()).map_err(|error| error.to_string())
    }
}

/// Refuses an authority that cannot sign; the error completes a sentence that begins with the file's name.
pub(super) fn check_authority(pem: &str, key: &KeyPair, now: Time) -> Result<(), String> {
    with_certificate(pem, |certificate| {
        check_key(certificate, key)?;
        if !certificate.is_ca() {
            return Err("is not the certificate of an authority".to_owned());
        }
        let end = certificate.validity().not_after.timestamp();
        if end <= now.as_second() {
            return Err(format!("the authority's certificate ended at {}", certificate.validity().not_after));
        }
        Ok(())
    })
}

/// Whether a certificate can still be used; one that belongs to another key is an error.
pub(super) fn check_leaf(
    pem: &str,
    key: &KeyPair,
    subject: &Subject<'_>,
    ca: &str,
    now: Time,
) -> Result<bool, String> {
    with_certificate(pem, |certificate| {
        check_key(certificate, key)?;
        let signed =
            with_certificate(ca, |ca| Ok(certificate.verify_signature(Some(ca.public_key())).is_ok()))?;
        let lasts = certificate.validity().not_after.timestamp() > (now + DAY * RENEW_DAYS).as_second();
        let names = match &subject.usage {
            Usage::Client => true,
            Usage::Server(names) => names_of(certificate) == **names,
        };
        Ok(signed && lasts && names)
    })
}

fn with_certificate<T>(
    pem: &str,
    f: impl FnOnce(&X509Certificate<'_>) -> Result<T, String>,
) -> Result<T, String> {
    let block = Pem::iter_from_buffer(pem.as_bytes()).next().ok_or("holds no certificate in PEM form")?;
    let block = block.map_err(|e| format!("is not PEM: {e}"))?;
    let certificate = block.parse_x509().map_err(|e| format!("is not a certificate: {e}"))?;
    f(&certificate)
}

fn check_key(certificate: &X509Certificate<'_>, key: &KeyPair) -> Result<(), String> {
    if certificate.public_key().raw == key.subject_public_key_info() {
        Ok(())
    } else {
        Err("does not belong to the key beside it".to_owned())
    }
}

fn names_of(certificate: &X509Certificate<'_>) -> ServerNames {
    let mut names = ServerNames::default();
    let Ok(Some(extension)) = certificate.subject_alternative_name() else { return names };
    for name in &extension.value.general_names {
        match name {
            GeneralName::DNSName(name) => {
                names.dns.insert((*name).to_owned());
            }
            GeneralName::IPAddress(bytes) => names.addresses.extend(address(bytes)),
            _ => {}
        }
    }
    names
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    <[u8; 4]>::try_from(bytes)
        .map(IpAddr::from)
        .or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from))
        .ok()
}
