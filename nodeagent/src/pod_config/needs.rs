//! What a pod refers to, and what was found of it.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{
    ConfigMap, Container, Pod, Secret, ServiceAccountTokenProjection, Volume, VolumeProjection,
};

use super::{all_containers, spec_of};

/// Seconds that a token is asked to last where the projection does not say.
const DEFAULT_TOKEN_SECONDS: i64 = 3600;

/// A token of the pod's service account, bound to the pod.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenRequestKey {
    /// The volume that shows it.
    pub volume: String,
    /// For whom it is; empty for the API server.
    pub audience: String,
    /// Seconds that it shall last.
    pub seconds: i64,
}

impl TokenRequestKey {
    pub(crate) fn of(volume: &str, token: &ServiceAccountTokenProjection) -> Self {
        Self {
            volume: volume.to_owned(),
            audience: token.audience.clone().unwrap_or_default(),
            seconds: token.expiration_seconds.unwrap_or(DEFAULT_TOKEN_SECONDS),
        }
    }
}

/// What a pod's volumes and environment refer to, in the pod's namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// ConfigMaps by name, with whether the pod does without.
    pub config_maps: BTreeMap<String, bool>,
    /// Secrets by name, with whether the pod does without.
    pub secrets: BTreeMap<String, bool>,
    /// Service account tokens.
    pub tokens: Vec<TokenRequestKey>,
}

/// What was found of a pod's [`Needs`]. A name that is missing here counts as not found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fetched {
    /// ConfigMaps by name; none where there is no such object.
    pub config_maps: BTreeMap<String, Option<ConfigMap>>,
    /// Secrets by name; none where there is no such object.
    pub secrets: BTreeMap<String, Option<Secret>>,
    /// Tokens.
    pub tokens: BTreeMap<TokenRequestKey, String>,
    /// Why a token could not be had.
    pub token_errors: BTreeMap<TokenRequestKey, String>,
}

impl Fetched {
    /// The ConfigMap, or upstream's words for its absence.
    pub(crate) fn config_map(&self, name: &str) -> Result<&ConfigMap, String> {
        let found = self.config_maps.get(name).and_then(Option::as_ref);
        found.ok_or_else(|| format!("configmap {name:?} not found"))
    }

    /// The Secret, or upstream's words for its absence.
    pub(crate) fn secret(&self, name: &str) -> Result<&Secret, String> {
        self.secrets.get(name).and_then(Option::as_ref).ok_or_else(|| format!("secret {name:?} not found"))
    }

    /// The token, or why there is none.
    pub(crate) fn token(&self, key: &TokenRequestKey) -> Result<&str, String> {
        self.tokens.get(key).map(String::as_str).ok_or_else(|| {
            let why = self.token_errors.get(key).map_or("not issued yet", String::as_str);
            format!("failed to fetch token: {why}")
        })
    }
}

/// What a pod refers to.
pub fn needs(pod: &Pod) -> Needs {
    let mut needs = Needs::default();
    for volume in spec_of(pod).volumes.iter().flatten() {
        needs.of_volume(volume);
    }
    for container in all_containers(pod) {
        needs.of_env(container);
    }
    needs
}

impl Needs {
    fn config_map(&mut self, name: &str, optional: Option<bool>) {
        note(&mut self.config_maps, name, optional);
    }

    fn secret(&mut self, name: &str, optional: Option<bool>) {
        note(&mut self.secrets, name, optional);
    }

    fn of_volume(&mut self, volume: &Volume) {
        if let Some(source) = &volume.config_map {
            self.config_map(&source.name, source.optional);
        }
        if let Some(source) = &volume.secret {
            self.secret(source.secret_name.as_deref().unwrap_or_default(), source.optional);
        }
        for source in volume.projected.iter().flat_map(|p| p.sources.iter().flatten()) {
            self.of_projection(&volume.name, source);
        }
    }

    fn of_projection(&mut self, volume: &str, source: &VolumeProjection) {
        if let Some(source) = &source.config_map {
            self.config_map(&source.name, source.optional);
        }
        if let Some(source) = &source.secret {
            self.secret(&source.name, source.optional);
        }
        if let Some(token) = &source.service_account_token {
            let key = TokenRequestKey::of(volume, token);
            if !self.tokens.contains(&key) {
                self.tokens.push(key);
            }
        }
    }

    fn of_env(&mut self, container: &Container) {
        for from in container.env_from.iter().flatten() {
            if let Some(source) = &from.config_map_ref {
                self.config_map(&source.name, source.optional);
            }
            if let Some(source) = &from.secret_ref {
                self.secret(&source.name, source.optional);
            }
        }
        for source in container.env.iter().flatten().filter_map(|var| var.value_from.as_ref()) {
            if let Some(key) = &source.config_map_key_ref {
                self.config_map(&key.name, key.optional);
            }
            if let Some(key) = &source.secret_key_ref {
                self.secret(&key.name, key.optional);
            }
        }
    }
}

/// One reference that needs it is enough to need it.
fn note(names: &mut BTreeMap<String, bool>, name: &str, optional: Option<bool>) {
    let optional = optional.unwrap_or(false);
    names.entry(name.to_owned()).and_modify(|all| *all &= optional).or_insert(optional);
}

#[cfg(test)]
mod tests;
