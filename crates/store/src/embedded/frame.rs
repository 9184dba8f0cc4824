//! Frames: the unit of writing and of checksums, without I/O.
//!
//! ```text
//! frame   = header payload                      a multiple of 16 bytes, at a multiple of 16
//! header  = length:u32 synced:u32 payload-crc:u32 header-crc:u32      little endian, CRC-32C
//! payload = records, at least one 0, 0xb5       `length` bytes
//! ```
//! Space that was never written reads as zeros. `synced` is the offset in the file below which
//! everything was durable when the frame was written. The header's checksum begins with the
//! salt of the file, so that no stored value can pass for a frame.

/// Frames begin at multiples of this.
pub(crate) const ALIGN: usize = 16;

const HEADER: usize = 16;
const END: u8 = 0xb5;
/// What a disk writes whole or not at all.
const SECTOR: usize = 512;

/// A frame under construction: space for the header, then the records.
#[derive(Debug)]
pub(crate) struct Builder {
    bytes: Vec<u8>,
}

impl Builder {
    pub(crate) fn new() -> Builder {
        Builder { bytes: vec![0; HEADER] }
    }

    /// Where records are appended to.
    pub(crate) fn records(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// The bytes of records so far.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len() - HEADER
    }

    /// Pads and seals the frame.
    pub(crate) fn seal(mut self, salt: u32, synced: u64) -> Vec<u8> {
        let length = (self.bytes.len() + 2).next_multiple_of(ALIGN);
        self.bytes.resize(length - 1, 0);
        self.bytes.push(END);
        let payload = (length - HEADER) as u32;
        let payload_crc = crc32c::crc32c(&self.bytes[HEADER..]);
        self.bytes[0..4].copy_from_slice(&payload.to_le_bytes());
        // in a file too large for the field, claiming less is safe
        let synced = u32::try_from(synced).unwrap_or(u32::MAX);
        self.bytes[4..8].copy_from_slice(&synced.to_le_bytes());
        self.bytes[8..12].copy_from_slice(&payload_crc.to_le_bytes());
        let header_crc = crc32c::crc32c_append(salt, &self.bytes[..12]);
        self.bytes[12..16].copy_from_slice(&header_crc.to_le_bytes());
        self.bytes
    }
}

/// What stands at an offset.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Parsed<'a> {
    /// A whole frame.
    Frame { payload: &'a [u8], next: usize },
    /// Nothing was ever written here or behind.
    End,
    /// A frame that was not written whole and was never synced, with nothing promised behind.
    Torn,
    /// A frame that had been written whole, or whatever else.
    Corrupt,
}

/// Reads what stands at `offset` of a file's bytes.
pub(crate) fn parse(data: &[u8], offset: usize, salt: u32) -> Parsed<'_> {
    if let Some((header, payload)) = whole(data, offset, salt) {
        return Parsed::Frame { payload, next: offset + HEADER + header.length };
    }
    if is_zero(data.get(offset..).unwrap_or_default()) {
        return Parsed::End;
    }
    if incomplete(data, offset, salt) && !was_synced(data, offset, salt) {
        return Parsed::Torn;
    }
    Parsed::Corrupt
}

struct Header {
    length: usize,
    synced: usize,
    payload_crc: u32,
}

impl Header {
    /// The header at an offset, if its checksum is right.
    fn at(data: &[u8], offset: usize, salt: u32) -> Option<Header> {
        let bytes = data.get(offset..offset + HEADER)?;
        let word = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        if word(0) == 0 || word(12) != crc32c::crc32c_append(salt, &bytes[..12]) {
            return None;
        }
        Some(Header { length: word(0) as usize, synced: word(4) as usize, payload_crc: word(8) })
    }
}

fn whole(data: &[u8], offset: usize, salt: u32) -> Option<(Header, &[u8])> {
    let header = Header::at(data, offset, salt)?;
    let payload = data.get(offset + HEADER..offset + HEADER + header.length)?;
    (crc32c::crc32c(payload) == header.payload_crc).then_some((header, payload))
}

/// Whether some part of the frame at `offset` looks never written: a whole sector of it, its end,
/// or all that follows the header.
fn incomplete(data: &[u8], offset: usize, salt: u32) -> bool {
    let Some(header) = Header::at(data, offset, salt) else {
        let Some(bytes) = data.get(offset..offset + HEADER) else { return true };
        return is_zero(bytes) || is_zero(&data[offset + HEADER..]);
    };
    let end = offset + HEADER + header.length;
    let Some(frame) = data.get(offset..end) else { return true };
    if frame[frame.len() - 1] == 0 {
        return true;
    }
    let mut sector = offset;
    while sector < end {
        let next = (sector + 1).next_multiple_of(SECTOR).min(end);
        if is_zero(&data[sector..next]) {
            return true;
        }
        sector = next;
    }
    false
}

/// Whether a later frame says that `offset` was durable when it was written.
fn was_synced(data: &[u8], offset: usize, salt: u32) -> bool {
    let mut later = (offset + ALIGN..data.len()).step_by(ALIGN);
    later.any(|at| whole(data, at, salt).is_some_and(|(header, _)| header.synced > offset))
}

fn is_zero(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SALT: u32 = 7;

    fn frame(length: usize, synced: u64) -> Vec<u8> {
        let mut builder = Builder::new();
        builder.records().extend((0..length).map(|at| (at % 251) as u8 | 1));
        builder.seal(SALT, synced)
    }

    /// Two frames of some sectors, both synced before the next was written, and free space.
    fn file() -> (Vec<u8>, usize) {
        let mut data = frame(1500, 0);
        let second = data.len();
        data.extend(frame(1500, second as u64));
        data.resize(8192, 0);
        (data, second)
    }

    #[test]
    fn frames_follow_each_other() {
        let (data, second) = file();
        let Parsed::Frame { payload, next } = parse(&data, 0, SALT) else { panic!("no frame") };
        assert_eq!((payload.len() % ALIGN, payload.last(), next), (0, Some(&END), second));
        let Parsed::Frame { next, .. } = parse(&data, second, SALT) else { panic!("no frame") };
        assert_eq!(parse(&data, next, SALT), Parsed::End);
        assert_eq!(parse(&data, 0, SALT + 1), Parsed::Corrupt);
    }

    #[test]
    fn every_cut_of_the_last_frame_is_torn() {
        let (data, second) = file();
        for cut in second + 1..2 * second {
            let mut data = data.clone();
            data[cut..].fill(0);
            assert_eq!(parse(&data, second, SALT), Parsed::Torn, "cut at {cut}");
        }
    }

    #[test]
    fn every_lost_sector_of_the_last_frame_is_torn() {
        let (data, second) = file();
        for sector in (second / SECTOR + 1)..(2 * second / SECTOR) {
            let mut data = data.clone();
            data[sector * SECTOR..(sector + 1) * SECTOR].fill(0);
            assert_eq!(parse(&data, second, SALT), Parsed::Torn, "sector {sector}");
        }
    }

    #[test]
    fn a_synced_frame_is_never_torn() {
        let (mut data, _) = file();
        data[512..1024].fill(0);
        assert_eq!(parse(&data, 0, SALT), Parsed::Corrupt);
    }

    #[test]
    fn every_flipped_bit_is_corrupt() {
        let (data, second) = file();
        for bit in 0..second * 16 {
            let mut data = data.clone();
            data[bit / 8] ^= 1 << (bit % 8);
            let offset = if bit / 8 < second { 0 } else { second };
            assert_eq!(parse(&data, offset, SALT), Parsed::Corrupt, "bit {bit}");
        }
    }
}
