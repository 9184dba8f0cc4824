//! Files that change all at once.
//!
//! A volume holds a directory named by the time it was made, the link `..data` to it, and for each file's first
//! part a link through `..data`. To change the files is to replace `..data`, which the kernel does in one step.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, chown, symlink};
use std::path::Path;

use object::Time;

use super::payload::{File, Payload};

const CURRENT: &str = "..data";
const NEXT: &str = "..data_tmp";
/// Names of the volume's own workings; no file's path begins so.
const HIDDEN: &str = "..";
/// What a group may do with files and directories of its volumes that it may not change.
const GROUP_FILE: u32 = 0o440;
const GROUP_DIRECTORY: u32 = 0o2550;
const DIRECTORY: u32 = 0o755;

/// Makes a volume show exactly these files, all at once; whether anything changed. `group` is the one that they
/// belong to, `now` names the new directory.
pub(super) fn write(volume: &Path, payload: &Payload, group: Option<u32>, now: Time) -> io::Result<bool> {
    let current = current(volume)?;
    let same = match &current {
        Some(current) => shows(&volume.join(current), payload, group)?,
        None => false,
    };
    if !same {
        let new = new_directory(volume, now)?;
        fill(&volume.join(&new), payload, group)?;
        let next = volume.join(NEXT);
        remove_if_there(&next)?;
        symlink(&new, &next)?;
        fs::rename(&next, volume.join(CURRENT))?;
    }
    link_files(volume, payload)?;
    tidy(volume, payload)?;
    Ok(!same)
}

/// The name of the directory that is shown.
fn current(volume: &Path) -> io::Result<Option<String>> {
    match fs::read_link(volume.join(CURRENT)) {
        Ok(target) => Ok(target.to_str().map(str::to_owned).filter(|name| !name.contains('/'))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether a directory holds exactly these files, with their permissions and owners.
fn shows(dir: &Path, payload: &Payload, group: Option<u32>) -> io::Result<bool> {
    let mut found = BTreeSet::new();
    if !dir.is_dir() {
        return Ok(false);
    }
    files_below(dir, "", &mut found)?;
    if !payload.keys().eq(&found) {
        return Ok(false);
    }
    for (path, file) in payload {
        let path = dir.join(path);
        let metadata = fs::symlink_metadata(&path)?;
        let owned =
            metadata.uid() == file.user.unwrap_or(0) && group.is_none_or(|group| metadata.gid() == group);
        let same = owned && metadata.mode() & 0o7777 == mode(file, group);
        if !same || metadata.len() != file.data.len() as u64 || fs::read(&path)? != file.data {
            return Ok(false);
        }
    }
    Ok(true)
}

fn files_below(dir: &Path, prefix: &str, found: &mut BTreeSet<String>) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            files_below(&entry.path(), &format!("{path}/"), found)?;
        } else {
            found.insert(path);
        }
    }
    Ok(())
}

fn mode(file: &File, group: Option<u32>) -> u32 {
    if group.is_some() { file.mode | GROUP_FILE } else { file.mode }
}

/// Makes a directory named by the time, or by the first number after it that is free.
fn new_directory(volume: &Path, now: Time) -> io::Result<String> {
    let stem = format!("{}", now.strftime("..%Y_%m_%d_%H_%M_%S.%9f"));
    let mut name = stem.clone();
    let mut number = 0;
    loop {
        match DirBuilder::new().mode(0o700).create(volume.join(&name)) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                number += 1;
                name = format!("{stem}_{number}");
            }
            Err(error) => return Err(error),
            Ok(()) => return Ok(name),
        }
    }
}

fn fill(dir: &Path, payload: &Payload, group: Option<u32>) -> io::Result<()> {
    let mut directories = BTreeSet::from([dir.to_owned()]);
    for (path, file) in payload {
        let path = dir.join(path);
        let parents = path.ancestors().skip(1).take_while(|parent| *parent != dir);
        directories.extend(parents.map(Path::to_owned));
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?.write_all(&file.data)?;
        chown(&path, file.user, group)?;
        fs::set_permissions(&path, Permissions::from_mode(mode(file, group)))?;
    }
    for directory in directories {
        chown(&directory, None, group)?;
        let mode = if group.is_some() { DIRECTORY | GROUP_DIRECTORY } else { DIRECTORY };
        fs::set_permissions(&directory, Permissions::from_mode(mode))?;
    }
    Ok(())
}

/// The first part of each path: what is seen in the volume itself.
fn first_parts(payload: &Payload) -> BTreeSet<&str> {
    payload.keys().filter_map(|path| path.split('/').next()).collect()
}

fn link_files(volume: &Path, payload: &Payload) -> io::Result<()> {
    for name in first_parts(payload) {
        match symlink(Path::new(CURRENT).join(name), volume.join(name)) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            done => done?,
        }
    }
    Ok(())
}

/// Removes links to files that are no more, and directories that are shown no more.
fn tidy(volume: &Path, payload: &Payload) -> io::Result<()> {
    let current = current(volume)?;
    let shown = first_parts(payload);
    for entry in fs::read_dir(volume)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let kept = name == CURRENT || current.as_ref() == Some(&name) || shown.contains(name.as_str());
        if kept {
            continue;
        }
        let is_directory = entry.file_type()?.is_dir();
        if is_directory && name.starts_with(HIDDEN) {
            fs::remove_dir_all(entry.path())?;
        } else if !is_directory {
            remove_if_there(&entry.path())?;
        }
    }
    Ok(())
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
