//! Snapshots: all live data in one file, which makes older files superfluous.

use std::sync::atomic::{AtomicBool, Ordering};

use super::disk::{Disk, DiskFile};
use super::frame::{Builder, Parsed, parse};
use super::layout::{HEADER, Header, Kind, unfinished};
use super::record::{Record, read_all, write_item, write_total};
use crate::Error;
use crate::live::{Copy, Live};

/// The bytes of records after which a frame is written.
const FRAME_BYTES: usize = 1 << 20;

/// Writes the snapshot of a store under its name, durable when this returns, and removes what it
/// replaces. When `cancel` becomes true it stops and leaves an unfinished file.
pub(crate) fn write(
    disk: &dyn Disk,
    (store, id): (u64, u64),
    live: &Copy,
    cancel: &AtomicBool,
) -> Result<(), Error> {
    write_as(disk, &Kind::Snapshot.name(id), (store, id), live, cancel)?;
    if cancel.load(Ordering::Relaxed) {
        return Ok(());
    }
    remove_older(disk, id)
}

/// Writes a snapshot under any name, and removes nothing.
pub(crate) fn write_as(
    disk: &dyn Disk,
    name: &str,
    (store, id): (u64, u64),
    (revision, items): &Copy,
    cancel: &AtomicBool,
) -> Result<(), Error> {
    let temporary = unfinished(name);
    let (kind, salt, revision) = (Kind::Snapshot, rand::random(), *revision);
    let header = Header { kind, id, store, salt, revision, previous_end: 0, reserved: 0 };
    let write = || {
        let mut file = disk.create(&temporary, 0)?;
        let mut out = Output { file: &mut *file, end: 0, salt };
        out.append(&header.encode())?;
        let mut frame = Builder::new();
        for item in items {
            write_item(frame.records(), item);
            if frame.len() >= FRAME_BYTES {
                out.seal(std::mem::replace(&mut frame, Builder::new()))?;
                if cancel.load(Ordering::Relaxed) {
                    return Ok(());
                }
            }
        }
        write_total(frame.records(), items.len() as u64);
        out.seal(frame)?;
        file.sync()?;
        disk.rename(&temporary, name)?;
        disk.sync()
    };
    write().map_err(|error| {
        // on a full disk, it would take the space that others need
        let _removed_at_the_next_start = disk.remove(&temporary);
        Error::io(format!("write {name}"))(error)
    })
}

/// Removes the logs and snapshots that `snapshot-id` replaces.
pub(crate) fn remove_older(disk: &dyn Disk, id: u64) -> Result<(), Error> {
    let remove = || {
        for name in disk.list()? {
            let number = Kind::Log.id(&name).or(Kind::Snapshot.id(&name));
            if number.is_some_and(|number| number < id) {
                disk.remove(&name)?;
            }
        }
        Ok(())
    };
    remove().map_err(Error::io("remove old files"))
}

struct Output<'a> {
    file: &'a mut dyn DiskFile,
    end: u64,
    salt: u32,
}

impl Output<'_> {
    fn seal(&mut self, frame: Builder) -> std::io::Result<()> {
        self.append(&frame.seal(self.salt, 0))
    }

    fn append(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.file.write_at(self.end, bytes)?;
        self.end += bytes.len() as u64;
        Ok(())
    }
}

/// Reads `snapshot-id` whole, and says which store's it is; a snapshot that has its name is complete.
pub(crate) fn read(disk: &dyn Disk, id: u64) -> Result<(u64, Live), Error> {
    read_as(disk, &Kind::Snapshot.name(id), id)
}

/// Reads the snapshot with this number that is kept under any name.
pub(crate) fn read_as(disk: &dyn Disk, name: &str, id: u64) -> Result<(u64, Live), Error> {
    let data = read_file(disk, name)?;
    let header = Header::decode(&data, Kind::Snapshot, id)?;
    let mut live = Live::empty(header.revision);
    let mut offset = HEADER;
    loop {
        let corrupt = |what| Error::Corrupt { file: name.to_owned(), offset: offset as u64, what };
        let Parsed::Frame { payload, next } = parse(&data, offset, header.salt) else {
            return Err(corrupt("a frame is missing or its checksum is wrong"));
        };
        for record in read_all(payload).ok_or_else(|| corrupt("a record cannot be read"))? {
            match record {
                Record::Item(item) => live.insert(item),
                Record::Total(count) if count == live.len() as u64 => return Ok((header.store, live)),
                _ => return Err(corrupt("a record has no place here")),
            }
        }
        offset = next;
    }
}

/// Reads a whole file.
pub(crate) fn read_file(disk: &dyn Disk, name: &str) -> Result<Vec<u8>, Error> {
    let read = || {
        let file = disk.open(name)?;
        let mut data = vec![0; file.len()? as usize];
        file.read_at(0, &mut data)?;
        Ok(data)
    };
    read().map_err(Error::io(format!("read {name}")))
}
