//! Blocks of headers: one zlib stream in each direction, flushed after every block.

use flate2::{Decompress, FlushDecompress};

use super::Malformed;
use super::dictionary::{CHECKSUM, dictionary};

/// Most bytes of a block once it is inflated, and most headers in it.
const BLOCK: usize = 16 * 1024;
const HEADERS: u32 = 64;

/// Says that a zlib stream begins with a dictionary.
const PRESET: u8 = 0x20;

/// Reads a client's blocks.
pub(super) struct Inflater {
    /// The deflate stream within the zlib stream.
    raw: Decompress,
    begun: bool,
}

impl Inflater {
    pub(super) fn new() -> Result<Self, Malformed> {
        let mut raw = Decompress::new(false);
        // as a stored block before the first one the dictionary is in the window like any other text
        let text = dictionary();
        let mut out = vec![0; text.len() + 1];
        raw.decompress(&stored(&text), &mut out, FlushDecompress::Sync).map_err(|_| Malformed)?;
        Ok(Self { raw, begun: false })
    }

    /// The names and values of a block. Every block of a connection must pass here, in order.
    pub(super) fn read(&mut self, block: &[u8]) -> Result<Vec<(String, String)>, Malformed> {
        let mut input = if self.begun { block } else { head(block)? };
        self.begun = true;
        let mut out = vec![0; BLOCK];
        let mut filled = 0;
        while !input.is_empty() {
            let (read, written) = (self.raw.total_in(), self.raw.total_out());
            let flush = FlushDecompress::Sync;
            self.raw.decompress(input, &mut out[filled..], flush).map_err(|_| Malformed)?;
            let read = usize::try_from(self.raw.total_in() - read).map_err(|_| Malformed)?;
            filled += usize::try_from(self.raw.total_out() - written).map_err(|_| Malformed)?;
            input = &input[read..];
            if read == 0 || filled == BLOCK {
                return Err(Malformed);
            }
        }
        parse(&out[..filled])
    }
}

/// A block without headers, as the first of a connection or a later one. Nothing is compressed.
pub(super) fn empty(first: bool) -> Vec<u8> {
    let mut block = if first { vec![0x78, 0x01] } else { Vec::new() };
    block.extend(stored(&0_u32.to_be_bytes()));
    // an empty block is the flush
    block.extend(stored(&[]));
    block
}

/// A block of a deflate stream that is not compressed (RFC 1951, section 3.2.4).
fn stored(text: &[u8]) -> Vec<u8> {
    let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
    let mut block = vec![0];
    block.extend(length.to_le_bytes());
    block.extend((!length).to_le_bytes());
    block.extend(&text[..usize::from(length)]);
    block
}

/// What is behind the head of a zlib stream (RFC 1950, section 2.2).
fn head(block: &[u8]) -> Result<&[u8], Malformed> {
    let (head, rest) = block.split_at_checked(2).ok_or(Malformed)?;
    if head[1] & PRESET == 0 {
        return Ok(rest);
    }
    let (checksum, rest) = rest.split_at_checked(4).ok_or(Malformed)?;
    if checksum == CHECKSUM.to_be_bytes() { Ok(rest) } else { Err(Malformed) }
}

fn parse(text: &[u8]) -> Result<Vec<(String, String)>, Malformed> {
    let (count, mut rest) = number(text)?;
    if count > HEADERS {
        return Err(Malformed);
    }
    let mut headers = Vec::new();
    for _ in 0..count {
        let (name, behind) = string(rest)?;
        let (value, behind) = string(behind)?;
        headers.push((name, value));
        rest = behind;
    }
    Ok(headers)
}

fn number(text: &[u8]) -> Result<(u32, &[u8]), Malformed> {
    let (bytes, rest) = text.split_first_chunk().ok_or(Malformed)?;
    Ok((u32::from_be_bytes(*bytes), rest))
}

fn string(text: &[u8]) -> Result<(String, &[u8]), Malformed> {
    let (length, rest) = number(text)?;
    let length = usize::try_from(length).map_err(|_| Malformed)?;
    let (bytes, rest) = rest.split_at_checked(length).ok_or(Malformed)?;
    Ok((String::from_utf8(bytes.to_vec()).map_err(|_| Malformed)?, rest))
}
