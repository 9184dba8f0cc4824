//! The files that a volume shows.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::{ConfigMap, KeyToPath, Secret};

/// Depth and number of parts that paths may have.
const MAX_PATH: usize = 4096;

/// A file that a volume shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct File {
    /// Its content.
    pub(super) data: Vec<u8>,
    /// Its permissions.
    pub(super) mode: u32,
    /// Its owner, where not root.
    pub(super) user: Option<u32>,
}

/// Files by their path in the volume.
pub(super) type Payload = BTreeMap<String, File>;

/// What items of a source have in common.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Defaults {
    /// Permissions of files that say nothing else.
    pub(super) mode: u32,
    /// Owner of files that say nothing else.
    pub(super) user: Option<u32>,
}

/// The files of a ConfigMap: all keys, or those of the items. The error is upstream's text.
pub(super) fn of_config_map(
    map: &ConfigMap,
    items: Option<&[KeyToPath]>,
    defaults: Defaults,
    optional: bool,
) -> Result<Payload, String> {
    let text = map.data.iter().flatten().map(|(key, value)| (key, value.as_bytes()));
    let binary = map.binary_data.iter().flatten().map(|(key, ByteString(value))| (key, value.as_slice()));
    let missing = |key: &str| format!("configmap references non-existent config key: {key}");
    select(text.chain(binary), items, defaults, optional, missing)
}

/// The files of a Secret: all keys, or those of the items. The error is upstream's text.
pub(super) fn of_secret(
    secret: &Secret,
    items: Option<&[KeyToPath]>,
    defaults: Defaults,
    optional: bool,
) -> Result<Payload, String> {
    let data = secret.data.iter().flatten().map(|(key, ByteString(value))| (key, value.as_slice()));
    let missing = |key: &str| format!("references non-existent secret key: {key}");
    select(data, items, defaults, optional, missing)
}

fn select<'a>(
    data: impl Iterator<Item = (&'a String, &'a [u8])>,
    items: Option<&[KeyToPath]>,
    defaults: Defaults,
    optional: bool,
    missing: impl Fn(&str) -> String,
) -> Result<Payload, String> {
    let file = |data: &[u8], mode: u32, user: Option<u32>| File { data: data.to_vec(), mode, user };
    let items = items.unwrap_or_default();
    if items.is_empty() {
        return Ok(data.map(|(k, v)| (k.clone(), file(v, defaults.mode, defaults.user))).collect());
    }
    let data: BTreeMap<&str, &[u8]> = data.map(|(key, value)| (key.as_str(), value)).collect();
    let mut payload = Payload::new();
    for item in items {
        match data.get(item.key.as_str()) {
            Some(value) => {
                let mode = item.mode.map_or(Ok(defaults.mode), mode_bits)?;
                let user = item.user.map(user_id).transpose()?.or(defaults.user);
                payload.insert(item.path.clone(), file(value, mode, user));
            }
            None if optional => {}
            None => return Err(missing(&item.key)),
        }
    }
    Ok(payload)
}

/// Permissions, of a file that is neither setuid nor sticky.
pub(super) fn mode_bits(mode: i32) -> Result<u32, String> {
    let bits = u32::try_from(mode).ok().filter(|mode| *mode <= 0o777);
    bits.ok_or_else(|| format!("mode {mode} is not between 0 and 0777 (octal)"))
}

/// A user's id.
pub(super) fn user_id(user: i64) -> Result<u32, String> {
    u32::try_from(user).map_err(|_| format!("{user} is not a user id"))
}

/// Refuses paths that would leave the volume or hide its workings.
pub(super) fn check_path(path: &str) -> Result<(), String> {
    if path.is_empty() || path.starts_with('/') {
        return Err(format!("invalid path: must be relative path: {path}"));
    }
    if path.len() > MAX_PATH {
        return Err(format!("invalid path: must be less than or equal to {MAX_PATH} characters"));
    }
    let parts = || path.split('/');
    if parts().any(|part| part == ".." || part.is_empty() || part == "." || part.contains('\0')) {
        return Err(format!("invalid path: must not contain '..': {path}"));
    }
    if path.starts_with("..") {
        return Err(format!("invalid path: must not start with '..': {path}"));
    }
    Ok(())
}
