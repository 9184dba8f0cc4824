//! The names of the files, and the header each begins with, without I/O.
//!
//! `log-N` holds the transactions after those of `log-(N-1)`; `snapshot-N` holds the live data
//! just before `log-N`. The numbers count up and are never used again.

use super::frame::ALIGN;
use crate::{Error, Revision};

/// The format that is written, and the only one that is read.
const VERSION: u32 = 1;

/// The length of a file's header. Its shape is the same in all format versions.
pub(crate) const HEADER: usize = 64;

const MAGIC: &[u8; 8] = b"BERTHSTO";

const _: () = assert!(HEADER.is_multiple_of(ALIGN));

/// The kinds of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Log,
    Snapshot,
}

impl Kind {
    fn stem(self) -> &'static str {
        match self {
            Kind::Log => "log-",
            Kind::Snapshot => "snapshot-",
        }
    }

    /// The name of the file with this number.
    pub(crate) fn name(self, id: u64) -> String {
        format!("{}{id:016x}", self.stem())
    }

    /// The number in a file's name, if it is a finished file of this kind.
    pub(crate) fn id(self, name: &str) -> Option<u64> {
        let digits = name.strip_prefix(self.stem())?;
        if digits.len() != 16 {
            return None;
        }
        u64::from_str_radix(digits, 16).ok()
    }
}

/// The name under which a file is written before it is renamed to its own.
pub(crate) fn unfinished(name: &str) -> String {
    format!("{name}.tmp")
}

/// Whether a file was left unfinished.
pub(crate) fn is_unfinished(name: &str) -> bool {
    let stems = [Kind::Log.stem(), Kind::Snapshot.stem()];
    name.ends_with(".tmp") && stems.iter().any(|stem| name.starts_with(stem))
}

/// What every file says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) kind: Kind,
    /// The number in the file's name.
    pub(crate) id: u64,
    /// Drawn when the store was made; the same in all its files and in every copy of it.
    pub(crate) store: u64,
    /// What the checksums of the file's frames begin with.
    pub(crate) salt: u32,
    /// The revision of the store just before the file's content (log) or as of it (snapshot).
    pub(crate) revision: Revision,
    /// In a log: where the content of the log before ends; anything after that is void.
    pub(crate) previous_end: u64,
    /// In a log: as [`Record::Reserve`](super::record::Record::Reserve), from logs before.
    pub(crate) reserved: Revision,
}

impl Header {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEADER);
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&VERSION.to_le_bytes());
        out.extend_from_slice(&(self.kind as u32).to_le_bytes());
        for number in [self.id, self.revision, self.previous_end, self.reserved] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out.extend_from_slice(&self.salt.to_le_bytes());
        out.extend_from_slice(&self.store.to_le_bytes());
        out.resize(HEADER - 4, 0);
        let crc = crc32c::crc32c(&out);
        out.extend_from_slice(&crc.to_le_bytes());
        out
    }

    /// Reads the header of the file with this kind and number.
    pub(crate) fn decode(data: &[u8], kind: Kind, id: u64) -> Result<Header, Error> {
        let file = kind.name(id);
        let corrupt = |what| Error::Corrupt { file: file.clone(), offset: 0, what };
        let Some(bytes) = data.first_chunk::<HEADER>() else {
            return Err(corrupt("the header is cut short"));
        };
        let u32_at = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let u64_at = |at: usize| u64::from(u32_at(at)) | u64::from(u32_at(at + 4)) << 32;
        if crc32c::crc32c(&bytes[..HEADER - 4]) != u32_at(HEADER - 4) {
            return Err(corrupt("the checksum of the header is wrong"));
        }
        if u32_at(8) != VERSION {
            return Err(Error::Format { file, found: u32_at(8), known: VERSION });
        }
        if &bytes[..8] != MAGIC || u32_at(12) != kind as u32 || u64_at(16) != id {
            return Err(corrupt("the header belongs to another file"));
        }
        Ok(Header {
            kind,
            id,
            salt: u32_at(48),
            store: u64_at(52),
            revision: u64_at(24),
            previous_end: u64_at(32),
            reserved: u64_at(40),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: Header = Header {
        kind: Kind::Log,
        id: 0x1f,
        store: 6,
        salt: 5,
        revision: 1 << 40,
        previous_end: 4096,
        reserved: 77,
    };

    #[test]
    fn names() {
        assert_eq!(Kind::Log.name(31), "log-000000000000001f");
        assert_eq!(Kind::Log.id("log-000000000000001f"), Some(31));
        assert_eq!(Kind::Log.id("log-000000000000001f.tmp"), None);
        assert_eq!(Kind::Snapshot.id("log-000000000000001f"), None);
        assert!(is_unfinished("log-000000000000001f.tmp"));
        assert!(!is_unfinished("notes.tmp"));
    }

    #[test]
    fn header_there_and_back() {
        let bytes = HEAD.encode();
        assert_eq!(bytes.len(), HEADER);
        assert_eq!(Header::decode(&bytes, Kind::Log, 0x1f).expect("valid"), HEAD);
        assert!(matches!(Header::decode(&bytes, Kind::Log, 1), Err(Error::Corrupt { .. })));
    }

    #[test]
    fn another_version_is_refused_by_name() {
        let mut bytes = HEAD.encode();
        bytes[8] = 9;
        let crc = crc32c::crc32c(&bytes[..HEADER - 4]);
        bytes[HEADER - 4..].copy_from_slice(&crc.to_le_bytes());
        let error = Header::decode(&bytes, Kind::Log, 0x1f);
        assert!(matches!(error, Err(Error::Format { found: 9, known: VERSION, .. })));
    }
}
