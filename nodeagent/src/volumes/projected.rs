//! What volumes that come from the API show.

use k8s_openapi::api::core::v1::{
    ConfigMap, DownwardAPIVolumeFile, Pod, ProjectedVolumeSource, Secret, ServiceAccountTokenProjection,
    Volume, VolumeProjection,
};

use super::payload::{Defaults, File, Payload, check_path, mode_bits, of_config_map, of_secret, user_id};
use crate::pod_config::{Fetched, Node, TokenRequestKey, container_field, pod_field};

/// Permissions where nothing says otherwise.
const DEFAULT_MODE: i32 = 0o644;

/// What the files of a pod's volumes are made of.
#[derive(Clone, Copy)]
pub(super) struct Sources<'a> {
    pub(super) pod: &'a Pod,
    pub(super) fetched: &'a Fetched,
    pub(super) node: &'a Node,
    /// The user of all containers, if it is one.
    pub(super) user: Option<u32>,
    /// The group that volumes belong to.
    pub(super) group: Option<u32>,
}

/// The files of a volume that comes from the API; none for other kinds. The error is upstream's text.
pub(super) fn payload(volume: &Volume, sources: &Sources<'_>) -> Result<Option<Payload>, String> {
    let payload = if let Some(source) = &volume.config_map {
        let defaults = defaults(source.default_mode, source.default_user)?;
        config_map(sources, &source.name, source.items.as_deref(), source.optional, defaults)?
    } else if let Some(source) = &volume.secret {
        let defaults = defaults(source.default_mode, source.default_user)?;
        let name = source.secret_name.as_deref().unwrap_or_default();
        secret(sources, name, source.items.as_deref(), source.optional, defaults)?
    } else if let Some(source) = &volume.downward_api {
        let defaults = defaults(source.default_mode, source.default_user)?;
        downward(sources, source.items.as_deref(), defaults)?
    } else if let Some(source) = &volume.projected {
        projected(sources, &volume.name, source)?
    } else {
        return Ok(None);
    };
    payload.keys().try_for_each(|path| check_path(path))?;
    Ok(Some(payload))
}

fn defaults(mode: Option<i32>, user: Option<i64>) -> Result<Defaults, String> {
    Ok(Defaults { mode: mode_bits(mode.unwrap_or(DEFAULT_MODE))?, user: user.map(user_id).transpose()? })
}

type Items<'a> = Option<&'a [k8s_openapi::api::core::v1::KeyToPath]>;

fn config_map(
    sources: &Sources<'_>,
    name: &str,
    items: Items<'_>,
    optional: Option<bool>,
    defaults: Defaults,
) -> Result<Payload, String> {
    let (optional, empty) = (optional.unwrap_or(false), ConfigMap::default());
    let map = found(sources.fetched.config_map(name), &empty, optional)?;
    of_config_map(map, items, defaults, optional)
}

fn secret(
    sources: &Sources<'_>,
    name: &str,
    items: Items<'_>,
    optional: Option<bool>,
    defaults: Defaults,
) -> Result<Payload, String> {
    let (optional, empty) = (optional.unwrap_or(false), Secret::default());
    let secret = found(sources.fetched.secret(name), &empty, optional)?;
    of_secret(secret, items, defaults, optional)
}

/// A source; where it is missing and may be, an empty one.
fn found<'a, T>(source: Result<&'a T, String>, empty: &'a T, optional: bool) -> Result<&'a T, String> {
    source.or_else(|missing| if optional { Ok(empty) } else { Err(missing) })
}

fn downward(
    sources: &Sources<'_>,
    files: Option<&[DownwardAPIVolumeFile]>,
    defaults: Defaults,
) -> Result<Payload, String> {
    let mut payload = Payload::new();
    for file in files.unwrap_or_default() {
        let text = if let Some(field) = &file.field_ref {
            pod_field(sources.pod, &field.field_path)?
        } else if let Some(field) = &file.resource_field_ref {
            container_field(sources.pod, None, field, sources.node)?
        } else {
            return Err(format!("{}: neither fieldRef nor resourceFieldRef", file.path));
        };
        let mode = file.mode.map_or(Ok(defaults.mode), mode_bits)?;
        let user = file.user.map(user_id).transpose()?.or(defaults.user);
        payload.insert(file.path.clone(), File { data: text.into_bytes(), mode, user });
    }
    Ok(payload)
}

/// All sources together; what is wrong with each is told at once.
fn projected(sources: &Sources<'_>, volume: &str, source: &ProjectedVolumeSource) -> Result<Payload, String> {
    let defaults = defaults(source.default_mode, source.default_user)?;
    let mut payload = Payload::new();
    let mut errors: Vec<String> = Vec::new();
    for source in source.sources.iter().flatten() {
        match projection(sources, volume, source, defaults) {
            Ok(files) => payload.extend(files),
            Err(error) if errors.contains(&error) => {}
            Err(error) => errors.push(error),
        }
    }
    match errors.as_slice() {
        [] => Ok(payload),
        [error] => Err(error.clone()),
        errors => Err(format!("[{}]", errors.join(", "))),
    }
}

fn projection(
    sources: &Sources<'_>,
    volume: &str,
    source: &VolumeProjection,
    defaults: Defaults,
) -> Result<Payload, String> {
    if let Some(source) = &source.config_map {
        config_map(sources, &source.name, source.items.as_deref(), source.optional, defaults)
    } else if let Some(source) = &source.secret {
        secret(sources, &source.name, source.items.as_deref(), source.optional, defaults)
    } else if let Some(source) = &source.downward_api {
        downward(sources, source.items.as_deref(), defaults)
    } else if let Some(source) = &source.service_account_token {
        token(sources, volume, source, defaults)
    } else if source.cluster_trust_bundle.is_some() {
        Err("clusterTrustBundle projections are not supported by this node".to_owned())
    } else if source.pod_certificate.is_some() {
        Err("podCertificate projections are not supported by this node".to_owned())
    } else {
        Ok(Payload::new())
    }
}

/// A token is its user's alone where all containers have the same user, and its group's where there is one;
/// otherwise any user of the pod may read it.
fn token(
    sources: &Sources<'_>,
    volume: &str,
    source: &ServiceAccountTokenProjection,
    defaults: Defaults,
) -> Result<Payload, String> {
    let token = sources.fetched.token(&TokenRequestKey::of(volume, source))?;
    let own = source.user.map(user_id).transpose()?;
    let private = own.is_some() || sources.user.is_some() || sources.group.is_some();
    let mode = if private { 0o600 } else { defaults.mode };
    let user = own.or(sources.user);
    Ok(Payload::from([(source.path.clone(), File { data: token.as_bytes().to_vec(), mode, user })]))
}

#[cfg(test)]
mod tests;
