//! What is done to the files of a store from outside: checks, copies, repairs.
//!
//! [`check`] and [`snapshot`] only read, and may do so while a process has the store open. The others
//! need the store for themselves. Nothing is removed before what takes its place is durable.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use nix::fcntl::Flock;

use super::disk::{Disk, RealDisk};
use super::layout::{Header, Kind};
use super::log::Log;
use super::recovery::{Recovered, recover, recover_before_damage};
use super::snapshot::{self, read_file};
use super::{Options, create_directory, lock};
use crate::live::Live;
use crate::{Error, Revision};

/// The number in the header of a snapshot that is kept outside of a store.
const EXPORTED: u64 = 0;

/// How far a restored or repaired store goes ahead of the copy: beyond every revision that a client
/// may have seen of what the copy lacks.
const AHEAD: Revision = 1 << 40;

/// How often files are read again that the process that has the store open replaced meanwhile.
const READS: usize = 5;

/// What the files of a store hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contents {
    /// The store's identity: the same in all its files and copies.
    pub store: u64,
    /// The current revision.
    pub revision: Revision,
    /// How many keys there are, hidden ones included.
    pub keys: usize,
    /// The bytes of keys and values.
    pub bytes: u64,
}

impl Contents {
    fn of(store: u64, live: &Live) -> Contents {
        Contents { store, revision: live.revision, keys: live.len(), bytes: live.bytes() }
    }
}

/// A part of a file that is given up: it cannot be read, or comes after what cannot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The file; it is kept, with `.damaged` at the end of its name.
    pub file: String,
    /// Where in the file.
    pub offset: u64,
    /// How many bytes.
    pub bytes: u64,
}

/// Reads everything, as a start would, and changes nothing.
pub fn check(dir: &Path) -> Result<Contents, Error> {
    let found = read(dir)?;
    Ok(Contents::of(found.store, &found.live))
}

/// Writes all live data, as of one moment, to a file that does not exist yet.
pub fn snapshot(dir: &Path, file: &Path) -> Result<Contents, Error> {
    if file.exists() {
        return Err(Error::Occupied { path: file.to_owned() });
    }
    let found = read(dir)?;
    let (disk, name) = beside(file)?;
    let live = found.live.copy();
    snapshot::write_as(&disk, &name, (found.store, EXPORTED), &live, &AtomicBool::new(false))?;
    Ok(Contents::of(found.store, &found.live))
}

/// Makes the store of `dir` what the snapshot holds. Revisions go on above all that clients can have
/// seen, so that their watches begin anew. A store that is there already is replaced only where that
/// is wanted and the snapshot is one of it.
pub fn restore(file: &Path, dir: &Path, replace: bool) -> Result<Contents, Error> {
    let (from, name) = beside(file)?;
    let (store, mut live) = snapshot::read_as(&from, &name, EXPORTED)?;
    create_directory(dir)?;
    let (disk, _lock) = open(dir)?;
    let mut next = Next { store, id: 1, previous_end: 0 };
    if !is_empty(&*disk)? {
        if !replace {
            return Err(Error::Occupied { path: dir.to_owned() });
        }
        let headers = headers(&*disk)?;
        if headers.iter().any(|header| header.store != store) {
            return Err(Error::Foreign { path: dir.to_owned() });
        }
        // what is damaged is to be replaced, but it must be known to be of the same store
        match recover(&*disk, &Options::default()) {
            Ok(found) => {
                live.revision = live.revision.max(found.live.revision);
                next.previous_end = found.end;
            }
            Err(Error::Corrupt { .. }) if !headers.is_empty() => {}
            Err(error) => return Err(error),
        }
        let seen = headers.iter().map(|header| header.revision.max(header.reserved)).max();
        live.revision = live.revision.max(seen.unwrap_or(0));
        next.id = last(&*disk)? + 1;
    }
    live.revision += AHEAD;
    let id = next.id;
    begin_anew(&disk, next, &live)?;
    snapshot::remove_older(&*disk, id)?;
    Ok(Contents::of(store, &live))
}

/// Writes all live data into one snapshot, and removes what it replaces.
pub fn compact(dir: &Path) -> Result<Contents, Error> {
    let (disk, _lock) = open(dir)?;
    present(&*disk, dir)?;
    let found = recover(&*disk, &Options::default())?;
    let id = found.last + 1;
    begin_anew(&disk, Next { store: found.store, id, previous_end: found.end }, &found.live)?;
    snapshot::remove_older(&*disk, id)?;
    Ok(Contents::of(found.store, &found.live))
}

/// Makes a store that can be opened of what was written before the first damage, and says what is
/// given up with it: later writes may rest on the one that is damaged. Revisions go on above all that
/// clients can have seen. A store without damage is left as it is, and one whose snapshot is damaged
/// cannot be repaired: there is nothing before it.
pub fn repair(dir: &Path) -> Result<(Contents, Vec<Damage>), Error> {
    let (disk, _lock) = open(dir)?;
    present(&*disk, dir)?;
    let (found, damage) = recover_before_damage(&*disk, &Options::default())?;
    let Recovered { store, mut live, last, end, .. } = found;
    let Some(Error::Corrupt { file, offset, what }) = damage else {
        return Ok((Contents::of(store, &live), Vec::new()));
    };
    if live.revision == 0 {
        return Err(Error::Corrupt { file, offset, what });
    }
    let damages = given_up(&*disk, &file, offset)?;
    live.revision += AHEAD;
    begin_anew(&disk, Next { store, id: last + 1, previous_end: end }, &live)?;
    for Damage { file, .. } in &damages {
        disk.rename(file, &format!("{file}.damaged")).map_err(Error::io(format!("rename {file}")))?;
    }
    snapshot::remove_older(&*disk, last + 1)?;
    Ok((Contents::of(store, &live), damages))
}

/// The store in a directory, to be had alone.
fn open(dir: &Path) -> Result<(Arc<dyn Disk>, Flock<File>), Error> {
    if !dir.is_dir() {
        return Err(Error::Absent { path: dir.to_owned() });
    }
    let lock = lock::acquire(dir)?;
    Ok((Arc::new(RealDisk::new(dir)), lock))
}

/// Reads a store that a process may have open.
fn read(dir: &Path) -> Result<Recovered, Error> {
    if !dir.is_dir() {
        return Err(Error::Absent { path: dir.to_owned() });
    }
    let disk = RealDisk::new(dir);
    present(&disk, dir)?;
    let mut reads = 0;
    loop {
        reads += 1;
        match recover(&disk, &Options::default()) {
            Err(Error::Corrupt { .. }) if reads < READS => {}
            Err(Error::Io { source, .. }) if reads < READS && source.kind() == io::ErrorKind::NotFound => {}
            found => return found,
        }
    }
}

/// A file's directory as a disk, and its name there.
fn beside(file: &Path) -> Result<(RealDisk, String), Error> {
    let name = file.file_name().and_then(|name| name.to_str());
    let name = name.ok_or(Error::Invalid("a snapshot needs a file name"))?.to_owned();
    let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty());
    Ok((RealDisk::new(parent.unwrap_or(Path::new("."))), name))
}

fn numbers(disk: &dyn Disk, kind: Kind) -> Result<Vec<u64>, Error> {
    let names = disk.list().map_err(Error::io("list the directory"))?;
    let mut numbers: Vec<u64> = names.iter().filter_map(|name| kind.id(name)).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

fn is_empty(disk: &dyn Disk) -> Result<bool, Error> {
    Ok(numbers(disk, Kind::Log)?.is_empty() && numbers(disk, Kind::Snapshot)?.is_empty())
}

fn present(disk: &dyn Disk, dir: &Path) -> Result<(), Error> {
    if is_empty(disk)? { Err(Error::Absent { path: dir.to_owned() }) } else { Ok(()) }
}

/// Begins a log behind another that ends there, and the snapshot that belongs before it. Without the
/// snapshot, a start still finds what was there.
fn begin_anew(disk: &Arc<dyn Disk>, next: Next, live: &Live) -> Result<(), Error> {
    let Next { store, id, previous_end } = next;
    let (kind, salt, revision) = (Kind::Log, rand::random(), live.revision);
    let header = Header { kind, id, store, salt, revision, previous_end, reserved: 0 };
    drop(Log::begin(disk.clone(), 0, header, (0, 0))?);
    let name = Kind::Snapshot.name(id);
    snapshot::write_as(&**disk, &name, (store, id), &live.copy(), &AtomicBool::new(false))
}

/// The files that begin a store anew.
struct Next {
    store: u64,
    id: u64,
    /// Where the content of the log before ends.
    previous_end: u64,
}

/// The headers that are readable, of all files.
fn headers(disk: &dyn Disk) -> Result<Vec<Header>, Error> {
    let mut headers = Vec::new();
    for kind in [Kind::Snapshot, Kind::Log] {
        for id in numbers(disk, kind)? {
            match Header::decode(&read_file(disk, &kind.name(id))?, kind, id) {
                Ok(header) => headers.push(header),
                Err(Error::Corrupt { .. }) => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(headers)
}

/// The highest number of any file.
fn last(disk: &dyn Disk) -> Result<u64, Error> {
    let (logs, snapshots) = (numbers(disk, Kind::Log)?, numbers(disk, Kind::Snapshot)?);
    Ok(logs.into_iter().chain(snapshots).max().unwrap_or(0))
}

/// The rest of the log that is damaged there, where it exists, and all logs behind it.
fn given_up(disk: &dyn Disk, file: &str, offset: u64) -> Result<Vec<Damage>, Error> {
    let mut damages = Vec::new();
    for id in numbers(disk, Kind::Log)? {
        let name = Kind::Log.name(id);
        if name.as_str() >= file {
            let offset = if name == file { offset } else { 0 };
            let length = read_file(disk, &name)?.len() as u64;
            damages.push(Damage { file: name, offset, bytes: length - offset });
        }
    }
    Ok(damages)
}
