//! What is done to the files of a store from outside: checks, copies, repairs.
//!
//! [`check`] and [`snapshot`] only read, and may do so while a process has the store open. The others
//! need the store for themselves. Nothing is removed before what takes its place is durable.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use nix::fcntl::Flock;

use super::disk::{Disk, RealDisk};
use super::frame::{Parsed, parse};
use super::layout::{HEADER, Header, Kind};
use super::log::Log;
use super::record::{Record, read_all};
use super::recovery::{Recovered, recover};
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
        let found = salvage(&*disk)?;
        if found.store.is_some_and(|here| here != store) {
            return Err(Error::Foreign { path: dir.to_owned() });
        }
        live.revision = live.revision.max(found.live.revision);
        (next.id, next.previous_end) = (found.last + 1, found.end);
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
    let corrupt = match recover(&*disk, &Options::default()) {
        Ok(found) => return Ok((Contents::of(found.store, &found.live), Vec::new())),
        Err(error @ Error::Corrupt { .. }) => error,
        Err(error) => return Err(error),
    };
    let Salvage { store, mut live, last, end, damages } = salvage(&*disk)?;
    let Some(store) = store.filter(|_| damages.iter().all(|damage| Kind::Log.id(&damage.file).is_some()))
    else {
        return Err(corrupt);
    };
    live.revision += AHEAD;
    begin_anew(&disk, Next { store, id: last + 1, previous_end: end }, &live)?;
    for damage in &damages {
        let kept = format!("{}.damaged", damage.file);
        disk.rename(&damage.file, &kept).map_err(Error::io(format!("rename {}", damage.file)))?;
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

/// What can be read of a store up to the first damage.
struct Salvage {
    /// None where not even one header is readable.
    store: Option<u64>,
    /// At the highest revision that is mentioned anywhere.
    live: Live,
    /// The highest number of any file.
    last: u64,
    /// Where the content of the last file that was read ends.
    end: u64,
    damages: Vec<Damage>,
}

fn salvage(disk: &dyn Disk) -> Result<Salvage, Error> {
    let (snapshots, logs) = (numbers(disk, Kind::Snapshot)?, numbers(disk, Kind::Log)?);
    let last = snapshots.iter().chain(&logs).copied().max().unwrap_or(0);
    let mut salvage = Salvage { store: None, live: Live::default(), last, end: 0, damages: Vec::new() };
    let mut first = 0;
    if let Some(id) = snapshots.last() {
        first = *id;
        salvage.file(disk, Kind::Snapshot, *id, None)?;
    }
    let logs: Vec<u64> = logs.into_iter().filter(|id| *id >= first).collect();
    let mut ends = BTreeMap::new();
    for id in &logs {
        let data = read_file(disk, &Kind::Log.name(*id))?;
        if let Ok(header) = Header::decode(&data, Kind::Log, *id) {
            ends.insert(id - 1, header.previous_end);
        }
    }
    for id in logs {
        salvage.file(disk, Kind::Log, id, ends.get(&id).copied())?;
    }
    Ok(salvage)
}

impl Salvage {
    /// Takes in a file up to `end` or to the first damage; after that, only what its header says. One
    /// of another format is nothing to touch.
    fn file(&mut self, disk: &dyn Disk, kind: Kind, id: u64, end: Option<u64>) -> Result<(), Error> {
        let data = read_file(disk, &kind.name(id))?;
        let header = match Header::decode(&data, kind, id) {
            Ok(header) => header,
            Err(Error::Corrupt { .. }) => {
                self.give_up(kind.name(id), 0, data.len());
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        self.store.get_or_insert(header.store);
        let data = end.and_then(|end| data.get(..end as usize)).unwrap_or(&data);
        let mut highest = header.revision.max(header.reserved);
        let mut offset = HEADER;
        while self.damages.is_empty() {
            match parse(data, offset, header.salt) {
                Parsed::Frame { payload, next } => {
                    for record in read_all(payload).unwrap_or_default() {
                        highest = highest.max(self.record(record));
                    }
                    offset = next;
                }
                Parsed::End => break,
                Parsed::Torn | Parsed::Corrupt => self.give_up(kind.name(id), offset, data.len()),
            }
        }
        if offset == HEADER && self.damages.last().is_some_and(|damage| damage.file != kind.name(id)) {
            self.give_up(kind.name(id), offset, data.len());
        }
        self.end = offset as u64;
        self.live.revision = self.live.revision.max(highest);
        Ok(())
    }

    fn give_up(&mut self, file: String, offset: usize, end: usize) {
        let (offset, bytes) = (offset as u64, (end - offset) as u64);
        self.damages.push(Damage { file, offset, bytes });
    }

    /// Takes in a record; returns the highest revision that it mentions.
    fn record(&mut self, record: Record) -> Revision {
        match record {
            Record::Txn(changes) => {
                let revision = changes.first().map_or(0, |first| first.revision());
                if revision > self.live.revision {
                    changes.into_iter().for_each(|change| self.live.apply(change));
                }
                revision
            }
            Record::Item(item) => {
                let revision = item.mod_revision;
                self.live.insert(item);
                revision
            }
            Record::Reserve(upto) => upto,
            Record::Clean | Record::Total(_) => 0,
        }
    }
}
