//! Image archives: tar streams, plain or compressed by gzip, read once from front to back.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Component, Path};

use flate2::bufread::MultiGzDecoder;
use sha2::{Digest, Sha256};
use tar::{Archive, Entry, EntryType};
use tokio::sync::mpsc::Sender;

use crate::content::LONGEST_DOCUMENT;
use crate::reference::is_hex;

const PIECE: usize = 256 << 10;
/// An archive has no more entries.
const MOST_ENTRIES: usize = 100_000;

/// What the archive holds, in its order.
#[derive(Debug)]
pub(crate) enum Item {
    /// `index.json` or `manifest.json`.
    Document { path: String, content: Vec<u8> },
    /// A blob begins; its digest is known when its path tells.
    Blob { path: String, size: u64, digest: Option<String> },
    /// A piece of the blob.
    Data(Vec<u8>),
    /// The blob ended and has this digest.
    End { digest: String },
    /// A path that stands for another one.
    Link { path: String, target: String },
}

/// Reads the archive, sending what it holds until the receiver is gone.
///
/// # Errors
/// What is wrong with the archive, in one line.
pub(crate) fn read(path: &Path, items: &Sender<Item>) -> Result<(), String> {
    let mut archive = Archive::new(open(path).map_err(|error| error.to_string())?);
    let damaged = |error: io::Error| format!("not an image archive, or damaged: {error}");
    for (count, entry) in archive.entries().map_err(damaged)?.enumerate() {
        if count >= MOST_ENTRIES {
            return Err("too many entries".into());
        }
        if read_entry(entry.map_err(damaged)?, items)?.is_none() {
            return Ok(());
        }
    }
    Ok(())
}

fn open(path: &Path) -> io::Result<Box<dyn Read>> {
    let mut file = File::open(path)?;
    let mut magic = [0; 2];
    let length = file.read(&mut magic)?;
    file.seek(SeekFrom::Start(0))?;
    let reader = BufReader::with_capacity(PIECE, file);
    Ok(match length == 2 && magic == [0x1f, 0x8b] {
        true => Box::new(MultiGzDecoder::new(reader)),
        false => Box::new(reader),
    })
}

/// None when nobody listens any more.
fn read_entry<R: Read>(mut entry: Entry<'_, R>, items: &Sender<Item>) -> Result<Option<()>, String> {
    let path = inside(&entry.path().map_err(|error| error.to_string())?)?;
    match entry.header().entry_type() {
        EntryType::Regular | EntryType::Continuous if is_document(&path) => {
            let content = document(&path, &mut entry)?;
            Ok(items.blocking_send(Item::Document { path, content }).ok())
        }
        EntryType::Regular | EntryType::Continuous if is_blob(&path) => blob(path, &mut entry, items),
        EntryType::Symlink | EntryType::Link if is_blob(&path) => {
            let target = entry.link_name().map_err(|error| error.to_string())?.unwrap_or_default();
            let base = match entry.header().entry_type() {
                EntryType::Symlink => Path::new(&path).parent().unwrap_or(Path::new("")).to_owned(),
                _ => Default::default(),
            };
            let target = inside(&base.join(target))?;
            Ok(items.blocking_send(Item::Link { path, target }).ok())
        }
        _ => Ok(Some(())),
    }
}

/// The path within the archive, without `.` and `..`.
fn inside(path: &Path) -> Result<String, String> {
    let mut parts = Vec::new();
    for component in path.components() {
        match component {
            Component::Normal(part) => parts.push(part.to_str().ok_or("a path is not UTF-8")?),
            Component::CurDir => {}
            Component::ParentDir if !parts.is_empty() => drop(parts.pop()),
            _ => return Err(format!("path {path:?} leads out of the archive")),
        }
    }
    Ok(parts.join("/"))
}

fn is_document(path: &str) -> bool {
    matches!(path, "index.json" | "manifest.json")
}

/// Whether an image may refer to this path: blobs of a layout, and what `docker save` writes.
fn is_blob(path: &str) -> bool {
    let known = |suffix: &str| path.ends_with(suffix);
    let saved = known("/layer.tar")
        || (!path.contains('/') && [".json", ".tar", ".tar.gz", ".tgz"].into_iter().any(known));
    path.starts_with("blobs/sha256/") || saved
}

fn document<R: Read>(path: &str, entry: &mut Entry<'_, R>) -> Result<Vec<u8>, String> {
    let size = entry.size();
    if size > LONGEST_DOCUMENT {
        return Err(format!("{path} is too long"));
    }
    let mut content = Vec::with_capacity(size as usize);
    entry.read_to_end(&mut content).map_err(|error| format!("{path}: {error}"))?;
    match content.len() as u64 == size {
        true => Ok(content),
        false => Err(format!("{path} is cut off")),
    }
}

fn blob<R: Read>(path: String, entry: &mut Entry<'_, R>, items: &Sender<Item>) -> Result<Option<()>, String> {
    let named = path.strip_prefix("blobs/sha256/");
    if named.is_some_and(|hex| !is_hex(hex, 64)) {
        return Err(format!("{path} is not named by a digest"));
    }
    let digest = named.map(|hex| format!("sha256:{hex}"));
    let size = entry.size();
    let mut left = size;
    let begin = Item::Blob { path: path.clone(), size, digest: digest.clone() };
    if items.blocking_send(begin).is_err() {
        return Ok(None);
    }
    let mut hash = Sha256::new();
    while left > 0 {
        let mut piece = vec![0; PIECE.min(left as usize)];
        entry.read_exact(&mut piece).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => format!("{path} is cut off"),
            _ => format!("{path}: {error}"),
        })?;
        left -= piece.len() as u64;
        hash.update(&piece);
        if items.blocking_send(Item::Data(piece)).is_err() {
            return Ok(None);
        }
    }
    let is = format!("sha256:{:x}", hash.finalize());
    if digest.is_some_and(|named| named != is) {
        return Err(format!("{path} does not have the digest it is named by"));
    }
    Ok(items.blocking_send(Item::End { digest: is }).ok())
}
