//! Service account tokens: JSON Web Tokens (RFC 7519) signed with ES256, bound to what they were issued for (KEP-1205).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use object::{Time, Value};
use rcgen::{KeyPair, PublicKeyData};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, UnparsedPublicKey,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::identity::Identity;

/// A token may be this many seconds ahead of our clock.
const SKEW_SECONDS: i64 = 60;
/// Longer texts are no tokens of ours.
const MAX_TOKEN_BYTES: usize = 16 << 10;
const EXTRA: &str = "authentication.kubernetes.io/";

/// Why the signing key cannot be used, or a token cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The text is no private key.
    #[error("the service account key cannot be read")]
    Unreadable(#[from] rcgen::Error),
    /// The key is not on the curve P-256.
    #[error("the service account key must be an ECDSA P-256 key")]
    NotP256,
    /// The system gave no randomness.
    #[error("signing failed")]
    Signing,
}

/// Why a token is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It is no token of this server.
    #[error("invalid bearer token")]
    Foreign,
    /// The signature is not by our key.
    #[error("invalid bearer token: the signature does not match")]
    Signature,
    /// It has ended.
    #[error("service account token has expired")]
    Expired,
    /// It is not valid yet.
    #[error("service account token is not valid yet")]
    Early,
    /// It is meant for others.
    #[error("token audiences {found:?} is invalid for the target audiences {wanted:?}")]
    Audience {
        /// Whom it is meant for.
        found: Vec<String>,
        /// Whom it should be meant for.
        wanted: Vec<String>,
    },
    /// What it is bound to is gone.
    #[error("service account token has been invalidated: {0} is gone")]
    Unbound(String),
}

/// Name and UID of an object that a token speaks of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reference {
    /// Name.
    pub name: String,
    /// UID; a namesake made later is another object.
    #[serde(default)]
    pub uid: String,
}

/// The claim `kubernetes.io`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bound {
    /// Namespace of the service account, and of what the token is bound to.
    pub namespace: String,
    /// The node of the pod, or the node the token is bound to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<Reference>,
    /// The pod it is bound to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod: Option<Reference>,
    /// The secret it is bound to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<Reference>,
    /// The service account.
    pub serviceaccount: Reference,
}

/// The claims of a token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Audiences.
    #[serde(deserialize_with = "one_or_many")]
    pub aud: Vec<String>,
    /// Seconds since 1970 at which it ends.
    pub exp: i64,
    /// Seconds since 1970 at which it was issued.
    pub iat: i64,
    /// Issuer.
    pub iss: String,
    /// Id of the token.
    #[serde(default)]
    pub jti: String,
    /// What it is bound to.
    #[serde(rename = "kubernetes.io")]
    pub bound: Bound,
    /// Seconds since 1970 at which it begins.
    #[serde(default)]
    pub nbf: i64,
    /// User name of the service account.
    pub sub: String,
}

impl Claims {
    /// Claims of a token that begins now.
    pub fn new(
        issuer: &str,
        audiences: &[String],
        bound: Bound,
        seconds: i64,
        id: String,
        now: Time,
    ) -> Self {
        let begin = now.as_second();
        let sub = crate::identity::service_account_user(&bound.namespace, &bound.serviceaccount.name);
        let (aud, iss, exp) = (audiences.to_vec(), issuer.to_owned(), begin.saturating_add(seconds));
        Self { aud, exp, iat: begin, iss, jti: id, bound, nbf: begin, sub }
    }

    /// The user that the token speaks for.
    pub fn identity(&self) -> Identity {
        let account = &self.bound.serviceaccount;
        let mut identity = Identity::service_account(&self.bound.namespace, &account.name, &account.uid);
        for (what, reference) in [("pod", &self.bound.pod), ("node", &self.bound.node)] {
            let Some(reference) = reference else { continue };
            identity.extra.insert(format!("{EXTRA}{what}-name"), vec![reference.name.clone()]);
            if !reference.uid.is_empty() {
                identity.extra.insert(format!("{EXTRA}{what}-uid"), vec![reference.uid.clone()]);
            }
        }
        if self.jti.is_empty() { identity } else { identity.with_credential(format!("JTI={}", self.jti)) }
    }

    /// Whether the token holds at this time.
    pub fn check_time(&self, now: Time) -> Result<(), TokenError> {
        let now = now.as_second();
        if now >= self.exp {
            Err(TokenError::Expired)
        } else if self.nbf.max(self.iat) > now.saturating_add(SKEW_SECONDS) {
            Err(TokenError::Early)
        } else {
            Ok(())
        }
    }

    /// The audiences among `wanted` that the token is meant for; none is an error.
    pub fn check_audience(&self, wanted: &[String]) -> Result<Vec<String>, TokenError> {
        let shared: Vec<String> = wanted.iter().filter(|w| self.aud.contains(w)).cloned().collect();
        if shared.is_empty() {
            return Err(TokenError::Audience { found: self.aud.clone(), wanted: wanted.to_vec() });
        }
        Ok(shared)
    }
}

#[derive(Serialize, Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    kid: String,
}

/// Signs tokens, and verifies what it signed.
pub struct Signer {
    key: EcdsaKeyPair,
    /// The public key as an uncompressed point: 4, then x and y of 32 bytes each.
    public: Vec<u8>,
    key_id: String,
    issuer: String,
    random: SystemRandom,
}

impl Signer {
    /// A signer with this private key (PEM, PKCS #8, P-256).
    pub fn new(pem: &str, issuer: impl Into<String>) -> Result<Self, KeyError> {
        let pair = KeyPair::from_pem(pem)?;
        let random = SystemRandom::new();
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pair.serialized_der(), &random)
            .map_err(|_| KeyError::NotP256)?;
        let key_id = URL_SAFE_NO_PAD.encode(Sha256::digest(pair.subject_public_key_info()));
        Ok(Self { key, public: pair.public_key_raw().to_vec(), key_id, issuer: issuer.into(), random })
    }

    /// The issuer of its tokens.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The token that states these claims.
    pub fn sign(&self, claims: &Claims) -> Result<String, KeyError> {
        let header = Header { alg: "ES256".to_owned(), kid: self.key_id.clone() };
        let mut token = format!("{}.{}", encode(&header), encode(claims));
        let signature = self.key.sign(&self.random, token.as_bytes()).map_err(|_| KeyError::Signing)?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Ok(token)
    }

    /// The claims of a token that this signer issued; time, audience and bindings are for the caller to check.
    pub fn verify(&self, token: &str) -> Result<Claims, TokenError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(TokenError::Foreign);
        }
        let (message, signature) = token.rsplit_once('.').ok_or(TokenError::Foreign)?;
        let (header, claims) = message.split_once('.').ok_or(TokenError::Foreign)?;
        let header: Header = decode(header)?;
        if header.alg != "ES256" || !(header.kid.is_empty() || header.kid == self.key_id) {
            return Err(TokenError::Foreign);
        }
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| TokenError::Foreign)?;
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &self.public)
            .verify(message.as_bytes(), &signature)
            .map_err(|_| TokenError::Signature)?;
        let claims: Claims = decode(claims)?;
        let account = &claims.bound.serviceaccount;
        let subject = crate::identity::service_account_user(&claims.bound.namespace, &account.name);
        if claims.iss != self.issuer || claims.sub != subject {
            return Err(TokenError::Foreign);
        }
        Ok(claims)
    }

    /// The public keys, as served at `/openid/v1/jwks` (RFC 7517).
    pub fn jwks(&self) -> Value {
        let (x, y) = self.public[1..].split_at(32);
        json!({ "keys": [{
            "use": "sig", "kty": "EC", "kid": self.key_id, "crv": "P-256", "alg": "ES256",
            "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y),
        }] })
    }

    /// The document at `/.well-known/openid-configuration`; `jwks_uri` is where [`Signer::jwks`] is served.
    pub fn openid_configuration(&self, jwks_uri: &str) -> Value {
        json!({
            "issuer": self.issuer,
            "jwks_uri": jwks_uri,
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"],
        })
    }
}

fn encode(part: &impl Serialize) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(part).expect("claims have only text keys"))
}

fn decode<T: for<'a> Deserialize<'a>>(part: &str) -> Result<T, TokenError> {
    let json = URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenError::Foreign)?;
    serde_json::from_slice(&json).map_err(|_| TokenError::Foreign)
}

fn one_or_many<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Audience {
        One(String),
        Many(Vec<String>),
    }
    Ok(match Audience::deserialize(deserializer)? {
        Audience::One(one) => vec![one],
        Audience::Many(many) => many,
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    const ISSUER: &str = "https://kubernetes.default.svc.cluster.local";

    pub(crate) fn now() -> Time {
        "2026-11-21T10:00:00Z".parse().unwrap()
    }

    pub(crate) fn signer() -> Signer {
        Signer::new(&KeyPair::generate().unwrap().serialize_pem(), ISSUER).unwrap()
    }

    pub(crate) fn claims(seconds: i64) -> Claims {
        let reference = |name: &str| Reference { name: name.into(), uid: format!("{name}-uid") };
        let bound = Bound {
            namespace: "ns".into(),
            pod: Some(reference("pod")),
            serviceaccount: reference("sa"),
            ..Bound::default()
        };
        Claims::new(ISSUER, &[ISSUER.to_owned()], bound, seconds, "id".into(), now())
    }

    #[test]
    fn a_token_says_what_was_signed() {
        let signer = signer();
        let token = signer.sign(&claims(600)).unwrap();
        let read = signer.verify(&token).unwrap();
        assert_eq!(read, claims(600));
        let identity = read.identity();
        assert_eq!(identity.user, "system:serviceaccount:ns:sa");
        assert_eq!(identity.extra["authentication.kubernetes.io/pod-uid"], ["pod-uid"]);
        assert_eq!(identity.extra["authentication.kubernetes.io/credential-id"], ["JTI=id"]);
    }

    #[test]
    fn altered_and_foreign_tokens_are_refused() {
        let signer = signer();
        let token = signer.sign(&claims(600)).unwrap();
        let parts: Vec<&str> = token.split('.').collect();
        let mut other = claims(600);
        other.bound.serviceaccount.name = "admin".into();
        let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
        let cases = [
            (format!("{}.{}.{}", parts[0], encode(&other), parts[2]), TokenError::Signature),
            (format!("{none}.{}.", parts[1]), TokenError::Foreign),
            (format!("{}.{}", parts[0], parts[1]), TokenError::Foreign),
            (String::new(), TokenError::Foreign),
            ("a.b.c".to_owned(), TokenError::Foreign),
            (tests::signer().sign(&claims(600)).unwrap(), TokenError::Foreign),
        ];
        for (token, expected) in cases {
            assert_eq!(signer.verify(&token), Err(expected), "{token}");
        }
    }

    #[test]
    fn time_and_audience_are_checked() {
        let claims = claims(600);
        let at = |seconds: i64| claims.check_time(now() + jiff::SignedDuration::from_secs(seconds));
        assert_eq!(at(599), Ok(()));
        assert_eq!(at(600), Err(TokenError::Expired));
        assert_eq!(at(-60), Ok(()));
        assert_eq!(at(-61), Err(TokenError::Early));
        assert!(claims.check_audience(&["vault".to_owned()]).is_err());
        assert_eq!(claims.check_audience(&["vault".into(), ISSUER.into()]).unwrap(), [ISSUER]);
    }

    #[test]
    fn the_published_key_verifies_tokens() {
        let signer = signer();
        let key = &signer.jwks()["keys"][0];
        let mut point = vec![4];
        for axis in ["x", "y"] {
            point.extend(URL_SAFE_NO_PAD.decode(key[axis].as_str().unwrap()).unwrap());
        }
        let token = signer.sign(&claims(600)).unwrap();
        let (message, signature) = token.rsplit_once('.').unwrap();
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
        public.verify(message.as_bytes(), &signature).unwrap();
    }
}
