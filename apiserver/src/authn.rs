//! Authentication: from a connection and its headers to an [`Identity`].
//!
//! A verified client certificate comes first, then a bearer token; a request with neither is anonymous, and a token
//! that does not hold is refused. Whether an identity may do anything is not decided here.

pub(crate) mod bootstrap;
mod impersonation;

use std::collections::HashMap;
use std::sync::Arc;

use http::HeaderMap;
use http::header::AUTHORIZATION;
use object::{Status, Time};
use parking_lot::RwLock;
use sha2::{Digest, Sha256};

use crate::identity::Identity;
use crate::tokens::{Bound, Claims, Reference, Signer, TokenError};
pub use impersonation::impersonation;

/// Verified tokens that are remembered; verifying a signature costs more than a whole request.
const REMEMBERED: usize = 4096;

/// What tokens are bound to, as it is now.
pub trait Objects: Send + Sync {
    /// UID of the object of this resource (`serviceaccounts`, `pods`, `secrets`, `nodes`; nodes have no namespace);
    /// none if there is no such object, or its deletion is over.
    fn uid(&self, resource: &str, namespace: &str, name: &str) -> Option<String>;

    /// The document of the Secret that holds the bootstrap token with this id.
    fn bootstrap_token(&self, id: &str) -> Option<Vec<u8>>;
}

/// What a token said, and whom it speaks for.
type Verified = Arc<(Claims, Arc<Identity>)>;

/// Decides who sends a request.
pub struct Authenticator {
    signer: Arc<Signer>,
    objects: Arc<dyn Objects>,
    /// Audiences that mean this server.
    audiences: Vec<String>,
    /// Claims by the token's SHA-256: never the token itself.
    verified: RwLock<HashMap<[u8; 32], Verified>>,
}

impl Authenticator {
    /// An authenticator of tokens by this signer; its issuer is the one audience that means this server.
    pub fn new(signer: Arc<Signer>, objects: Arc<dyn Objects>) -> Self {
        let audiences = vec![signer.issuer().to_owned()];
        Self { signer, objects, audiences, verified: RwLock::default() }
    }

    /// Audiences of tokens that name none.
    pub fn audiences(&self) -> &[String] {
        &self.audiences
    }

    /// Who sends a request with these headers over a connection with this certificate.
    pub fn authenticate(
        &self,
        headers: &HeaderMap,
        certificate: Option<&Arc<Identity>>,
        now: Time,
    ) -> Result<Arc<Identity>, Status> {
        if let Some(identity) = certificate {
            return Ok(identity.clone());
        }
        let Some(token) = bearer(headers)? else { return Ok(Arc::new(Identity::anonymous())) };
        if let Some((id, secret)) = bootstrap::split(token) {
            let document = self.objects.bootstrap_token(id);
            let judged = bootstrap::identity(id, secret, document.as_deref(), now);
            return judged.map(Arc::new).map_err(|error| {
                tracing::warn!(%error, "refused");
                Status::unauthorized()
            });
        }
        match self.token(token, &self.audiences, now) {
            Ok((identity, _)) => Ok(identity),
            Err(error) => {
                tracing::debug!(%error, "token refused");
                Err(Status::unauthorized())
            }
        }
    }

    /// Whom a token speaks for, and which of `audiences` it is meant for.
    pub fn token(
        &self,
        token: &str,
        audiences: &[String],
        now: Time,
    ) -> Result<(Arc<Identity>, Vec<String>), TokenError> {
        let verified = self.verified(token)?;
        let (claims, identity) = &*verified;
        claims.check_time(now)?;
        let shared = claims.check_audience(audiences)?;
        self.check_bindings(&claims.bound)?;
        Ok((identity.clone(), shared))
    }

    fn verified(&self, token: &str) -> Result<Arc<(Claims, Arc<Identity>)>, TokenError> {
        let digest: [u8; 32] = Sha256::digest(token).into();
        if let Some(known) = self.verified.read().get(&digest) {
            return Ok(known.clone());
        }
        let claims = self.signer.verify(token)?;
        let identity = Arc::new(claims.identity());
        let fresh = Arc::new((claims, identity));
        let mut verified = self.verified.write();
        if verified.len() >= REMEMBERED {
            verified.clear();
        }
        verified.insert(digest, fresh.clone());
        Ok(fresh)
    }

    /// Everything that a token is bound to must still be there, and be the same object.
    fn check_bindings(&self, bound: &Bound) -> Result<(), TokenError> {
        // a pod's token also names the pod's node, but lives and dies with the pod
        let node = bound.node.as_ref().filter(|_| bound.pod.is_none());
        let bindings: [(&str, &str, Option<&Reference>); 4] = [
            ("serviceaccounts", &bound.namespace, Some(&bound.serviceaccount)),
            ("pods", &bound.namespace, bound.pod.as_ref()),
            ("secrets", &bound.namespace, bound.secret.as_ref()),
            ("nodes", "", node),
        ];
        for (resource, namespace, reference) in bindings {
            let Some(reference) = reference else { continue };
            if self.objects.uid(resource, namespace, &reference.name).as_deref() != Some(&reference.uid) {
                return Err(TokenError::Unbound(format!("{resource}/{}", reference.name)));
            }
        }
        Ok(())
    }
}

/// The bearer token (RFC 6750 §2.1). Other schemes count as no credentials, as upstream.
fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Status> {
    let Some(value) = headers.get(AUTHORIZATION) else { return Ok(None) };
    let value = value.to_str().map_err(|_| Status::unauthorized())?.trim();
    let Some((scheme, token)) = value.split_once(' ') else { return Ok(None) };
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Ok(None);
    }
    Ok(Some(token.trim()).filter(|t| !t.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokens::tests::{claims, now, signer};

    struct Present(&'static [(&'static str, &'static str)]);

    impl Objects for Present {
        fn uid(&self, _resource: &str, _namespace: &str, name: &str) -> Option<String> {
            self.0.iter().find(|(n, _)| *n == name).map(|(_, uid)| (*uid).to_owned())
        }

        fn bootstrap_token(&self, _id: &str) -> Option<Vec<u8>> {
            None
        }
    }

    const ALL: &[(&str, &str)] = &[("sa", "sa-uid"), ("pod", "pod-uid")];

    fn ask(
        present: &'static [(&'static str, &'static str)],
        authorization: Option<&str>,
    ) -> Result<String, u16> {
        let authenticator = Authenticator::new(Arc::new(signer()), Arc::new(Present(present)));
        let mut headers = HeaderMap::new();
        if let Some(text) = authorization {
            let token = authenticator.signer.sign(&claims(600)).unwrap();
            headers.insert(AUTHORIZATION, text.replace("TOKEN", &token).parse().unwrap());
        }
        let first = authenticator.authenticate(&headers, None, now());
        // remembered tokens are judged alike
        assert_eq!(first.is_ok(), authenticator.authenticate(&headers, None, now()).is_ok());
        first.map(|i| i.user.clone()).map_err(|s| s.code)
    }

    #[test]
    fn tokens_hold_while_their_objects_live() {
        let account = Ok("system:serviceaccount:ns:sa".to_owned());
        assert_eq!(ask(ALL, Some("Bearer TOKEN")), account);
        assert_eq!(ask(ALL, Some("bearer TOKEN")), account);
        assert_eq!(ask(&[("sa", "sa-uid")], Some("Bearer TOKEN")), Err(401));
        assert_eq!(ask(&[("sa", "another"), ("pod", "pod-uid")], Some("Bearer TOKEN")), Err(401));
    }

    #[test]
    fn no_credentials_are_anonymous_and_bad_ones_are_refused() {
        let anonymous = Ok("system:anonymous".to_owned());
        assert_eq!(ask(ALL, None), anonymous);
        assert_eq!(ask(ALL, Some("Basic dTpw")), anonymous);
        assert_eq!(ask(ALL, Some("Bearer TOKENx")), Err(401));
        assert_eq!(ask(ALL, Some("Bearer nonsense")), Err(401));
        assert_eq!(ask(ALL, Some("Bearer abcdef.0123456789abcdef")), Err(401));
    }

    #[test]
    fn a_certificate_comes_first() {
        let authenticator = Authenticator::new(Arc::new(signer()), Arc::new(Present(ALL)));
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, "Bearer nonsense".parse().unwrap());
        let admin = Arc::new(Identity::admin());
        assert_eq!(authenticator.authenticate(&headers, Some(&admin), now()).unwrap(), admin);
        assert_eq!(authenticator.authenticate(&headers, None, now()).unwrap_err().code, 401);
    }

    #[test]
    fn remembered_tokens_still_expire() {
        let authenticator = Authenticator::new(Arc::new(signer()), Arc::new(Present(ALL)));
        let token = authenticator.signer.sign(&claims(600)).unwrap();
        let audiences = authenticator.audiences().to_vec();
        assert!(authenticator.token(&token, &audiences, now()).is_ok());
        let later = now() + std::time::Duration::from_secs(601);
        assert_eq!(authenticator.token(&token, &audiences, later), Err(TokenError::Expired));
    }
}
