//! Blocks of text that carry bytes (RFC 7468).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A block.
#[derive(Debug)]
pub(crate) struct Block {
    /// What it says that it is.
    pub(crate) kind: String,
    /// Whether lines stand before the bytes that say something about them.
    pub(crate) has_headers: bool,
    pub(crate) bytes: Vec<u8>,
}

/// The well-formed blocks of a text.
pub(crate) fn blocks(text: &[u8]) -> Vec<Block> {
    let text = String::from_utf8_lossy(text);
    let mut lines = text.lines().map(str::trim_end);
    let mut blocks = Vec::new();
    while let Some(line) = lines.next() {
        let Some(kind) = marked(line, "BEGIN") else { continue };
        let (mut body, mut has_headers) = (String::new(), false);
        let end = lines.by_ref().find_map(|line| {
            let end = marked(line, "END");
            // headers, which old keys have, are no part of the bytes
            match line.contains(':') {
                true => has_headers = true,
                false if end.is_none() => body.push_str(line.trim_start()),
                false => {}
            }
            end
        });
        let bytes = STANDARD.decode(body).ok().filter(|_| end == Some(kind));
        blocks.extend(bytes.map(|bytes| Block { kind: kind.to_owned(), has_headers, bytes }));
    }
    blocks
}

/// The kind of a block in the line where it begins or ends.
fn marked<'a>(line: &'a str, mark: &str) -> Option<&'a str> {
    line.strip_prefix("-----")?.strip_prefix(mark)?.strip_prefix(' ')?.strip_suffix("-----")
}
