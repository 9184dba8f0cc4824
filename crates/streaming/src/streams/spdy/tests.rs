use bytes::BytesMut;

use super::Malformed;
use super::command::Streams;
use super::dictionary::dictionary;
use super::frame::{self, Frame, take};
use super::headers::{Inflater, empty};
use crate::Exec;

/// Two blocks as zlib compresses them with the dictionary: `streamtype: error`, then `streamtype: stdout` and
/// `content-type: text/plain`.
const BLOCKS: [&[u8]; 2] = [
    &[
        0x78, 0xf9, 0xe3, 0xc6, 0xa7, 0xc2, 0x02, 0xa6, 0x23, 0x46, 0x70, 0x3a, 0x2b, 0x29, 0x4a, 0x4d, 0xcc,
        0x85, 0x16, 0x25, 0xac, 0xa9, 0xa0, 0x80, 0x06, 0x00, 0x00, 0x00, 0xff, 0xff,
    ],
    &[
        0x02, 0x65, 0x1c, 0x0c, 0x29, 0x60, 0x62, 0x4e, 0xc9, 0x07, 0x97, 0xd1, 0xe8, 0xe5, 0x0f, 0x17, 0xc2,
        0xe1, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff,
    ],
];

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn the_dictionary_is_the_drafts() {
    let (mut a, mut b) = (1_u32, 0_u32);
    for byte in dictionary() {
        a = (a + u32::from(byte)) % 65_521;
        b = (b + a) % 65_521;
    }
    assert_eq!((b << 16) | a, super::dictionary::CHECKSUM);
    assert_eq!(dictionary().len(), 1423);
}

#[test]
fn headers_are_inflated_over_several_blocks() {
    let mut inflater = Inflater::new().unwrap();
    assert_eq!(inflater.read(BLOCKS[0]), Ok(pairs(&[("streamtype", "error")])));
    let expect = pairs(&[("streamtype", "stdout"), ("content-type", "text/plain")]);
    assert_eq!(inflater.read(BLOCKS[1]), Ok(expect));
}

#[test]
fn what_the_server_writes_is_a_zlib_stream_too() {
    let mut inflater = Inflater::new().unwrap();
    assert_eq!(inflater.read(&empty(true)), Ok(vec![]));
    assert_eq!(inflater.read(&empty(false)), Ok(vec![]));
}

#[test]
fn broken_headers_are_refused() {
    let mut strange = BLOCKS[0].to_vec();
    strange[2] ^= 1;
    // a stored block with one header, whose name is longer than the block
    let cut = [&[0x78, 0x01, 0, 8, 0, 0xf7, 0xff][..], &[0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff]].concat();
    let many = [&[0x78, 0x01, 0, 4, 0, 0xfb, 0xff][..], &[0xff; 4]].concat();
    for block in [&[][..], &[0x78], &BLOCKS[0][..6], &strange, &cut, &many, &[0x78, 0x01, 0xff, 0xff, 0xff]] {
        assert_eq!(Inflater::new().unwrap().read(block), Err(Malformed), "{block:02x?}");
    }
}

#[test]
fn a_block_that_swells_is_refused() {
    use std::io::Write as _;
    let mut small = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    small.write_all(&vec![0; 10 * 1024 * 1024]).unwrap();
    let small = small.finish().unwrap();
    assert!(small.len() < 20_000);
    assert_eq!(Inflater::new().unwrap().read(&small), Err(Malformed));
}

#[test]
fn frames_are_taken_once_they_are_whole() {
    let whole = [frame::data(1, b"abc", true), frame::ping(7), frame::data(3, b"", false)].concat();
    let mut bytes = BytesMut::new();
    let mut found = Vec::new();
    for byte in whole {
        bytes.extend_from_slice(&[byte]);
        found.extend(take(&mut bytes).unwrap());
    }
    let data = |stream, data: &'static [u8], fin| Frame::Data { stream, data: data.into(), fin };
    assert_eq!(found, [data(1, b"abc", true), Frame::Ping { id: 7 }, data(3, b"", false)]);
    assert!(bytes.is_empty());
}

#[test]
fn broken_frames_are_refused() {
    for broken in [
        // too long, another version, too short for its kind
        [0, 0, 0, 1, 0, 0xff, 0xff, 0xff],
        [0x80, 2, 0, 6, 0, 0, 0, 0],
        [0x80, 3, 0, 6, 0, 0, 0, 0],
        [0x80, 3, 0, 1, 0, 0, 0, 0],
    ] {
        assert_eq!(take(&mut BytesMut::from(&broken[..])), Err(Malformed), "{broken:02x?}");
    }
    let settings = [0x80, 3, 0, 4, 0, 0, 0, 4, 0, 0, 0, 0];
    assert_eq!(take(&mut BytesMut::from(&settings[..])), Ok(Some(Frame::Other)));
}

#[test]
fn a_commands_streams_are_each_opened_once() {
    let kind = |kind| pairs(&[("streamtype", kind)]);
    let exec = Exec { stdin: true, stdout: true, tty: true, ..Exec::default() };
    let mut streams = Streams::default();
    for (stream, name) in [(1, "error"), (3, "stdin"), (5, "stdout"), (7, "resize")] {
        assert!(!streams.complete(&exec), "before {name}");
        assert_eq!(streams.add(stream, &kind(name)), Ok(()));
    }
    assert!(streams.complete(&exec));
    assert_eq!(streams.add(9, &kind("stdin")), Err(Malformed));
    assert_eq!(streams.add(10, &kind("stderr")), Err(Malformed));
    assert_eq!(streams.add(11, &kind("data")), Err(Malformed));
    assert_eq!(streams.add(11, &[]), Err(Malformed));
}
