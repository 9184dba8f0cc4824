//! A tar stream into files.

use std::fs;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use super::place::base;

/// Writes what a stream holds of `source` as `target`, or into it where that is a directory. Nothing is written outside
/// of it, and links are left out: the container may be anybody's.
pub(super) fn unpack(stream: impl Read, source: &str, target: &Path) -> io::Result<()> {
    let target = match base(source) {
        Some(name) if target.is_dir() => target.join(name),
        _ => target.to_owned(),
    };
    let prefix = clean(Path::new(source));
    let mut archive = tar::Archive::new(stream);
    for entry in archive.entries()? {
        let mut entry = entry?;
        let path = clean(&entry.path()?);
        let Ok(rest) = path.strip_prefix(&prefix) else {
            return Err(io::Error::other("tar contents corrupted"));
        };
        let to = if rest.as_os_str().is_empty() { target.clone() } else { target.join(rest) };
        let kind = entry.header().entry_type();
        if kind.is_symlink() || kind.is_hard_link() {
            let link = entry.link_name()?.unwrap_or_default().into_owned();
            eprintln!("warning: skipping symlink: {:?} -> {:?}", path.display(), link.display());
            continue;
        }
        if kind.is_dir() {
            fs::create_dir_all(&to)?;
            continue;
        }
        if let Some(parent) = to.parent() {
            fs::create_dir_all(parent)?;
        }
        let mut file = fs::File::create(&to)?;
        io::copy(&mut entry, &mut file)?;
    }
    // the rest of the stream is padding, which who sends it wants to be rid of
    io::copy(&mut archive.into_inner(), &mut io::sink()).map(|_| ())
}

/// A path's names alone: no root, no way up, no dots.
fn clean(path: &Path) -> PathBuf {
    path.components()
        .filter_map(|component| match component {
            Component::Normal(name) => Some(name),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_written_elsewhere() {
        assert_eq!(clean(Path::new("/a/../../etc/./x")), Path::new("a/etc/x"));
    }
}
