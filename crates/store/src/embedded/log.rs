//! The log that is written: the last of the chain of segments.
//!
//! Each start of the store and each full segment begins a new one. A segment is complete and
//! durable under its name before anything is appended to it, and its header says where the
//! segment before ends, so that only the last segment of the chain can have a torn end.

use std::sync::Arc;

use super::disk::{Disk, DiskFile};
use super::frame::Builder;
use super::layout::{HEADER, Header, Kind, unfinished};
use crate::{Error, Revision};

pub(crate) struct Log {
    disk: Arc<dyn Disk>,
    segment_bytes: u64,
    file: Box<dyn DiskFile>,
    header: Header,
    /// Where the next frame goes.
    end: u64,
    /// Everything in the segment below this offset is durable.
    synced: u64,
    /// What the segments since the last snapshot hold, the current one excepted.
    older_bytes: u64,
    /// How many segments there are since the last snapshot.
    segments: u64,
}

impl Log {
    /// Begins the segment that `header` describes, on top of older segments of some size.
    pub(crate) fn begin(
        disk: Arc<dyn Disk>,
        segment_bytes: u64,
        header: Header,
        (segments, older_bytes): (u64, u64),
    ) -> Result<Log, Error> {
        let file = create(&*disk, segment_bytes, &header)?;
        let end = HEADER as u64;
        let segments = segments + 1;
        Ok(Log { disk, segment_bytes, file, header, end, synced: end, older_bytes, segments })
    }

    /// Appends one frame, not yet durable. `revision` is that of the store before the frame,
    /// and `reserved` the durable reservation.
    pub(crate) fn append(
        &mut self,
        frame: Builder,
        revision: Revision,
        reserved: Revision,
    ) -> Result<(), Error> {
        let begun = self.end > HEADER as u64;
        if begun && self.end + frame.len() as u64 + HEADER as u64 > self.segment_bytes {
            self.rotate(revision, reserved)?;
        }
        let bytes = frame.seal(self.header.salt, self.synced);
        let written = self.file.write_at(self.end, &bytes);
        written.map_err(Error::io(format!("write {}", self.name())))?;
        self.end += bytes.len() as u64;
        Ok(())
    }

    /// Makes all that was appended durable.
    pub(crate) fn sync(&mut self) -> Result<(), Error> {
        if self.is_synced() {
            return Ok(());
        }
        self.file.sync().map_err(Error::io(format!("sync {}", self.name())))?;
        self.synced = self.end;
        Ok(())
    }

    pub(crate) fn is_synced(&self) -> bool {
        self.synced == self.end
    }

    /// Ends the segment and begins the next; returns the number of the new one.
    pub(crate) fn rotate(&mut self, revision: Revision, reserved: Revision) -> Result<u64, Error> {
        self.sync()?;
        self.begin_next(revision, reserved)
    }

    /// Begins the next segment after a failure: whatever was appended and not synced is void.
    pub(crate) fn abandon(&mut self, revision: Revision, reserved: Revision) -> Result<u64, Error> {
        self.end = self.synced;
        self.begin_next(revision, reserved)
    }

    fn begin_next(&mut self, revision: Revision, reserved: Revision) -> Result<u64, Error> {
        let header = Header {
            id: self.header.id + 1,
            salt: rand::random(),
            revision,
            previous_end: self.end,
            reserved,
            ..self.header
        };
        let next = create(&*self.disk, self.segment_bytes, &header)?;
        let mut full = std::mem::replace(&mut self.file, next);
        give_back(&mut *full, self.end);
        self.header = header;
        self.older_bytes += self.end;
        self.segments += 1;
        self.end = HEADER as u64;
        self.synced = self.end;
        Ok(header.id)
    }

    /// Gives back the preallocated rest of the segment; nothing is appended any more.
    pub(crate) fn finish(&mut self) {
        give_back(&mut *self.file, self.end);
    }

    /// Counts from here on what the next snapshot will make superfluous.
    pub(crate) fn reset_size(&mut self) {
        (self.segments, self.older_bytes) = (1, 0);
    }

    /// The number of segments, and the bytes in them, since the last snapshot.
    pub(crate) fn size(&self) -> (u64, u64) {
        (self.segments, self.older_bytes + self.end)
    }

    /// Which store's it is.
    pub(crate) fn store(&self) -> u64 {
        self.header.store
    }

    fn name(&self) -> String {
        Kind::Log.name(self.header.id)
    }
}

fn create(disk: &dyn Disk, reserve: u64, header: &Header) -> Result<Box<dyn DiskFile>, Error> {
    let name = Kind::Log.name(header.id);
    let temporary = unfinished(&name);
    let create = || {
        let mut file = disk.create(&temporary, reserve.max(HEADER as u64))?;
        file.write_at(0, &header.encode())?;
        file.sync()?;
        disk.rename(&temporary, &name)?;
        disk.sync()?;
        Ok(file)
    };
    create().map_err(Error::io(format!("begin {name}")))
}

/// The rest is void with or without this, so a failure is of no account.
fn give_back(file: &mut dyn DiskFile, end: u64) {
    if let Err(error) = file.truncate(end) {
        tracing::debug!(%error, "cannot give back the rest of a log segment");
    }
}
