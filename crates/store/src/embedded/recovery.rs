//! From what is on disk to the state of the store: reads only, until everything is understood.

use std::sync::Arc;

use super::Options;
use super::disk::Disk;
use super::frame::{Parsed, parse};
use super::layout::{HEADER, Header, Kind, is_unfinished};
use super::log::Log;
use super::record::{Record, read_all};
use super::snapshot;
use crate::history::History;
use crate::live::Live;
use crate::{Error, Revision};

/// What the disk holds.
#[derive(Debug)]
pub(crate) struct Recovered {
    /// Which store's it is; drawn anew where there is nothing.
    pub(crate) store: u64,
    pub(crate) live: Live,
    pub(crate) history: History,
    /// The snapshot that was read; 0 for none.
    snapshot: u64,
    /// The last log that was read; 0 for none.
    pub(crate) last: u64,
    /// Where the content of the last log ends.
    pub(crate) end: u64,
    /// The number of logs, and the bytes in them, since the snapshot.
    size: (u64, u64),
}

/// Reads the snapshot and the logs after it.
///
/// If the store was not closed, and revisions beyond the last one found may have been given out,
/// the store goes on above all of these, and the history marks them as lost.
pub(crate) fn recover(disk: &dyn Disk, options: &Options) -> Result<Recovered, Error> {
    match recover_before_damage(disk, options)? {
        (recovered, None) => Ok(recovered),
        (_, Some(damage)) => Err(damage),
    }
}

/// The same, up to the first damage of a log, which comes with it: an [`Error::Corrupt`].
pub(crate) fn recover_before_damage(
    disk: &dyn Disk,
    options: &Options,
) -> Result<(Recovered, Option<Error>), Error> {
    let names = disk.list().map_err(Error::io("list the directory"))?;
    let snapshot = names.iter().filter_map(|name| Kind::Snapshot.id(name)).max().unwrap_or(0);
    let (store, live) = match snapshot {
        0 => (None, Live::default()),
        id => snapshot::read(disk, id).map(|(store, live)| (Some(store), live))?,
    };
    let first = snapshot.max(1);
    let mut logs: Vec<u64> = names.iter().filter_map(|name| Kind::Log.id(name)).collect();
    logs.retain(|id| *id >= first);
    logs.sort_unstable();
    let last = logs.last().copied().unwrap_or(0);
    let history = History::new(live.revision, options.history_count, options.history_bytes);
    let mut replay = Replay { store, live, history, reserved: 0, clean: true };
    let (mut end, mut size) = (0, (0, 0));
    // the first log of a snapshot exists before the snapshot does
    let needed = first + (logs.len() as u64).max(u64::from(snapshot > 0));
    let mut following = (first..needed).map(|id| Segment::read(disk, id, &logs)).peekable();
    let mut damage = None;
    while let Some(segment) = following.next() {
        let bound = match following.peek() {
            Some(Ok(next)) => Some(next.header.previous_end),
            _ => None,
        };
        match segment.and_then(|segment| segment.replay(bound, &mut replay)) {
            Ok(reached) => (end, size) = (reached, (size.0 + 1, size.1 + reached)),
            Err(error @ Error::Corrupt { .. }) => {
                damage = Some(error);
                break;
            }
            Err(error) => return Err(error),
        }
    }
    if !replay.clean && replay.reserved > replay.live.revision {
        replay.skip_to(replay.reserved + 1);
    }
    let Replay { store, live, history, .. } = replay;
    Ok((
        Recovered { store: store.unwrap_or_else(rand::random), live, history, snapshot, last, end, size },
        damage,
    ))
}

/// Begins the log that continues what was recovered, and removes what is superfluous.
pub(crate) fn resume(disk: &Arc<dyn Disk>, recovered: &Recovered, options: &Options) -> Result<Log, Error> {
    let header = Header {
        kind: Kind::Log,
        id: recovered.last + 1,
        store: recovered.store,
        salt: rand::random(),
        revision: recovered.live.revision,
        previous_end: recovered.end,
        reserved: 0,
    };
    let log = Log::begin(disk.clone(), options.segment_bytes, header, recovered.size)?;
    give_back(&**disk, recovered);
    for name in disk.list().map_err(Error::io("list the directory"))? {
        if is_unfinished(&name) {
            disk.remove(&name).map_err(Error::io(format!("remove {name}")))?;
        }
    }
    snapshot::remove_older(&**disk, recovered.snapshot)?;
    Ok(log)
}

/// Cuts the last log to its content. What follows is void with or without this, so a failure is
/// of no account.
fn give_back(disk: &dyn Disk, recovered: &Recovered) {
    if recovered.last > 0 {
        let cut = disk.open(&Kind::Log.name(recovered.last));
        if let Err(error) = cut.and_then(|mut file| file.truncate(recovered.end)) {
            tracing::debug!(%error, "cannot give back the rest of a log segment");
        }
    }
}

/// The state while the logs are read.
struct Replay {
    /// Which store's the files are, once one was read.
    store: Option<u64>,
    live: Live,
    history: History,
    reserved: Revision,
    /// Whether the last record read says that the store was closed.
    clean: bool,
}

impl Replay {
    /// Applies a record; false if it has no place here.
    fn apply(&mut self, record: Record) -> bool {
        self.clean = record == Record::Clean;
        match record {
            Record::Txn(changes) => {
                if changes.first().is_none_or(|first| first.revision() <= self.live.revision) {
                    return false;
                }
                self.history.record(&changes);
                changes.into_iter().for_each(|change| self.live.apply(change));
            }
            Record::Reserve(upto) => self.reserved = self.reserved.max(upto),
            Record::Clean => self.reserved = 0,
            Record::Item(_) | Record::Total(_) => return false,
        }
        true
    }

    fn skip_to(&mut self, revision: Revision) {
        self.history.skip_to(revision);
        self.live.revision = self.live.revision.max(revision);
    }
}

struct Segment {
    header: Header,
    data: Vec<u8>,
}

impl Segment {
    /// Reads the log with this number, which must be one of those that are there.
    fn read(disk: &dyn Disk, id: u64, there: &[u64]) -> Result<Segment, Error> {
        if there.binary_search(&id).is_err() {
            return Err(Error::Corrupt { file: Kind::Log.name(id), offset: 0, what: "it is missing" });
        }
        let data = snapshot::read_file(disk, &Kind::Log.name(id))?;
        let header = Header::decode(&data, Kind::Log, id)?;
        Ok(Segment { header, data })
    }

    /// Replays the segment up to where the next one says it ends, or to its last whole frame if
    /// it is the last one; returns where its content ends.
    fn replay(&self, bound: Option<u64>, replay: &mut Replay) -> Result<u64, Error> {
        let mut offset = HEADER;
        let corrupt = |offset: usize, what| {
            let file = Kind::Log.name(self.header.id);
            Err(Error::Corrupt { file, offset: offset as u64, what })
        };
        if self.header.store != *replay.store.get_or_insert(self.header.store) {
            return corrupt(0, "it belongs to another store");
        }
        if self.header.revision < replay.live.revision {
            return corrupt(0, "the revision in the header is too low");
        }
        replay.skip_to(self.header.revision);
        replay.reserved = replay.reserved.max(self.header.reserved);
        replay.clean = false;
        let data = match bound {
            Some(bound) => self.data.get(..bound as usize).unwrap_or(&self.data),
            None => &self.data,
        };
        loop {
            let (payload, next) = match parse(data, offset, self.header.salt) {
                Parsed::Frame { payload, next } => (payload, next),
                Parsed::End if bound.is_none_or(|bound| bound == offset as u64) => break,
                Parsed::Torn if bound.is_none() => {
                    let file = Kind::Log.name(self.header.id);
                    tracing::warn!(file, offset, "the last write is incomplete and left out");
                    break;
                }
                _ => return corrupt(offset, "a frame is missing or its checksum is wrong"),
            };
            let Some(records) = read_all(payload) else {
                return corrupt(offset, "a record cannot be read");
            };
            if !records.into_iter().all(|record| replay.apply(record)) {
                return corrupt(offset, "a record has no place here");
            }
            offset = next;
        }
        Ok(offset as u64)
    }
}
