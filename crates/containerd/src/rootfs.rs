//! Users and groups by a root file system's own files.

use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use containerd_client::types::Mount;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat2};
use nix::sys::stat::Mode;

use crate::error::Error;
use crate::spec::User;

const LONGEST: u64 = 1 << 20;

/// Who a process runs as.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Identity {
    pub uid: u32,
    pub gid: u32,
    pub groups: Vec<u32>,
}

/// The image's user, changed as the container asks, by the files in the root file system that these mounts make.
///
/// # Errors
/// When a name is unknown there.
pub(crate) fn identity(wanted: &User, image: &str, mounts: &[Mount]) -> Result<Identity, Error> {
    let layers = layers(mounts);
    let passwd = read(&layers, "etc/passwd");
    let group = read(&layers, "etc/group");
    decide(wanted, image, &passwd, &group)
}

fn decide(wanted: &User, image: &str, passwd: &str, group: &str) -> Result<Identity, Error> {
    let (image_user, image_group) = match image.split_once(':') {
        Some((user, group)) => (user, Some(group)),
        None => (image, None),
    };
    let chosen = wanted.uid.map_or_else(|| image_user.to_owned(), |uid| uid.to_string());
    let entry = account(passwd, &chosen);
    let uid = match (&entry, chosen.as_str()) {
        (Some(entry), _) => entry.uid,
        (None, "") => 0,
        (None, name) => name.parse().map_err(|_| {
            Error::Spec(format!("unable to find user {name}: no matching entries in passwd file"))
        })?,
    };
    let image_group = image_group.filter(|_| wanted.uid.is_none());
    let gid = match (wanted.gid, image_group) {
        (Some(gid), _) => gid,
        (None, Some(name)) => named_group(group, name)?,
        (None, None) => entry.as_ref().map_or(0, |entry| entry.gid),
    };
    let name = entry.map(|entry| entry.name).unwrap_or_default();
    let mut groups = memberships(group, &name);
    groups.extend(&wanted.groups);
    groups.push(gid);
    groups.sort_unstable();
    groups.dedup();
    Ok(Identity { uid, gid, groups })
}

struct Account {
    name: String,
    uid: u32,
    gid: u32,
}

/// The account of a name or a number; the empty one is root.
fn account(passwd: &str, user: &str) -> Option<Account> {
    let number = if user.is_empty() { Some(0) } else { user.parse().ok() };
    passwd.lines().filter_map(entry).find(|entry| Some(entry.uid) == number || entry.name == user)
}

fn entry(line: &str) -> Option<Account> {
    let mut fields = line.split(':');
    let name = fields.next()?.to_owned();
    let uid = fields.nth(1)?.parse().ok()?;
    Some(Account { name, uid, gid: fields.next()?.parse().ok()? })
}

fn named_group(file: &str, name: &str) -> Result<u32, Error> {
    let named = |line: &str| {
        let mut fields = line.split(':');
        (fields.next()? == name).then(|| fields.nth(1)?.parse().ok())?
    };
    let found = file.lines().find_map(named).or_else(|| name.parse().ok());
    found
        .ok_or_else(|| Error::Spec(format!("unable to find group {name}: no matching entries in group file")))
}

fn memberships(file: &str, name: &str) -> Vec<u32> {
    let member = |line: &str| {
        let mut fields = line.split(':');
        let gid = fields.nth(2)?.parse().ok()?;
        fields.next()?.split(',').any(|member| !name.is_empty() && member.trim() == name).then_some(gid)
    };
    file.lines().filter_map(member).collect()
}

/// The directories a mount shows, the topmost first: an overlay's, or a bind mount's one.
fn layers(mounts: &[Mount]) -> Vec<PathBuf> {
    let Some(mount) = mounts.first() else { return Vec::new() };
    if mount.r#type == "bind" {
        return vec![mount.source.clone().into()];
    }
    let upper = mount.options.iter().filter_map(|option| option.strip_prefix("upperdir="));
    let lower = mount
        .options
        .iter()
        .filter_map(|option| option.strip_prefix("lowerdir="))
        .flat_map(|dirs| dirs.split(':'));
    upper.chain(lower).map(PathBuf::from).collect()
}

/// The topmost layer's file; links do not lead out of the layer. Empty when there is none.
fn read(layers: &[PathBuf], path: &str) -> String {
    for layer in layers {
        let Some(file) = open(layer, path).map(File::from) else { continue };
        let mut bytes = Vec::new();
        // A whiteout is a device: the file was deleted in this layer.
        if file.metadata().is_ok_and(|metadata| metadata.is_file()) {
            let _ = file.take(LONGEST).read_to_end(&mut bytes);
        }
        return String::from_utf8_lossy(&bytes).into_owned();
    }
    String::new()
}

fn open(layer: &Path, path: &str) -> Option<OwnedFd> {
    let flags = OFlag::O_RDONLY | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    let root = nix::fcntl::open(layer, OFlag::O_PATH | OFlag::O_CLOEXEC, Mode::empty()).ok()?;
    let how = OpenHow::new().flags(flags).resolve(ResolveFlag::RESOLVE_IN_ROOT);
    openat2(&root, path, how).ok()
}

#[cfg(test)]
mod tests;
