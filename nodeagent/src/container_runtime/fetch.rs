//! Fetches what a pod refers to: ConfigMaps, Secrets, tokens of its service account.

use std::collections::HashMap;
use std::sync::Arc;

use k8s_openapi::api::core::v1::Pod as Document;
use object::{Key, Time, Value, parse_time};
use parking_lot::Mutex;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::{ContainerRuntime, chain};
use crate::pod::Pod;
use crate::pod_config::{Fetched, TokenRequestKey, needs};
use crate::runtime::RuntimeError;

/// Upstream's word for sources that cannot be asked.
const REASON: &str = "FailedMount";

/// Tokens that were issued, by the pod's UID. Locked for a look-up or an update, never across an await.
#[derive(Default)]
pub(super) struct Tokens(Mutex<HashMap<Arc<str>, HashMap<TokenRequestKey, Token>>>);

#[derive(Clone)]
struct Token {
    text: String,
    /// From when on it is asked for anew: when a fifth of its time is left.
    renew: Time,
}

impl Tokens {
    /// Forgets a pod's tokens.
    pub(super) fn forget(&self, uid: &str) {
        self.0.lock().remove(uid);
    }

    fn get(&self, uid: &str, key: &TokenRequestKey, now: Time) -> Option<String> {
        let tokens = self.0.lock();
        tokens.get(uid)?.get(key).filter(|token| token.renew > now).map(|token| token.text.clone())
    }

    fn put(&self, uid: &Arc<str>, key: &TokenRequestKey, token: Token) {
        self.0.lock().entry(uid.clone()).or_default().insert(key.clone(), token);
    }
}

impl ContainerRuntime {
    /// What there is of all that a pod refers to; tokens only where volumes are made of them.
    pub(super) async fn fetch(
        &self,
        pod: &Pod,
        document: &Document,
        tokens: bool,
    ) -> Result<Fetched, RuntimeError> {
        let needs = needs(document);
        let mut fetched = Fetched::default();
        for name in needs.config_maps.into_keys() {
            let found = self.get(pod, "configmaps", &name).await?;
            fetched.config_maps.insert(name, found);
        }
        for name in needs.secrets.into_keys() {
            let found = self.get(pod, "secrets", &name).await?;
            fetched.secrets.insert(name, found);
        }
        for key in needs.tokens.into_iter().filter(|_| tokens) {
            match self.token(pod, document, &key).await {
                Ok(token) => drop(fetched.tokens.insert(key, token)),
                Err(error) => drop(fetched.token_errors.insert(key, chain(&error))),
            }
        }
        Ok(fetched)
    }

    async fn get<T: DeserializeOwned>(
        &self,
        pod: &Pod,
        plural: &str,
        name: &str,
    ) -> Result<Option<T>, RuntimeError> {
        let kind = self.kinds.resource("", plural);
        let kind = kind.ok_or_else(|| RuntimeError::new(REASON, format!("{plural} are unknown")))?;
        match self.client.get(kind, &Key::new(pod.key.namespace.as_str(), name)).await {
            Ok(object) => serde_json::from_value(object).map(Some).map_err(|e| RuntimeError::new(REASON, e)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(RuntimeError::new(REASON, chain(&error))),
        }
    }

    async fn token(
        &self,
        pod: &Pod,
        document: &Document,
        key: &TokenRequestKey,
    ) -> Result<String, client::Error> {
        let now = Time::now();
        if let Some(token) = self.tokens.get(&pod.uid, key, now) {
            return Ok(token);
        }
        let account = document.spec.as_ref().and_then(|spec| spec.service_account_name.as_deref());
        let account = Key::new(pod.key.namespace.as_str(), account.unwrap_or("default"));
        let audiences: Vec<&str> = [key.audience.as_str()].into_iter().filter(|a| !a.is_empty()).collect();
        let request = json!({
            "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
            "spec": {
                "audiences": audiences, "expirationSeconds": key.seconds,
                "boundObjectRef": {
                    "apiVersion": "v1", "kind": "Pod", "name": pod.key.name, "uid": &*pod.uid,
                },
            },
        });
        let Some(kind) = self.kinds.resource("", "serviceaccounts") else { return Ok(String::new()) };
        let answer = self.client.create_subresource(kind, &account, "token", &request).await?;
        let token = issued(&answer, now);
        self.tokens.put(&pod.uid, key, token.clone());
        Ok(token.text)
    }
}

fn issued(answer: &Value, now: Time) -> Token {
    let status = &answer["status"];
    let end = status["expirationTimestamp"].as_str().and_then(parse_time).unwrap_or(now);
    let lasts = end.duration_since(now);
    Token { text: status["token"].as_str().unwrap_or_default().to_owned(), renew: now + lasts * 4 / 5 }
}

/// Whether a pod's volumes show anything that may change.
pub(super) fn has_sources(document: &Document) -> bool {
    let volumes = document.spec.iter().flat_map(|spec| spec.volumes.iter().flatten());
    volumes.into_iter().any(|volume| {
        volume.config_map.is_some()
            || volume.secret.is_some()
            || volume.projected.is_some()
            || volume.downward_api.is_some()
    })
}
