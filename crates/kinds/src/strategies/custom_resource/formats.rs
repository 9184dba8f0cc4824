//! Formats of texts in schemas, as upstream's registry (kube-openapi, `strfmt`) knows them.

mod net;
mod numbers;
mod time;

use std::sync::LazyLock;

use regex::Regex;

/// Whether a text is of a format; `None` where nothing is known of that format.
pub(super) fn is_right(format: &str, text: &str) -> Option<bool> {
    Some(match &*format.replace('-', "") {
        "bsonobjectid" => text.len() == 24 && is_hex(text),
        "byte" => is_base64(text),
        "cidr" => net::is_cidr(text),
        "creditcard" => numbers::is_credit_card(text),
        "date" => time::is_date(text),
        "datetime" => time::is_date_time(text),
        "duration" => time::is_duration(text),
        "email" => net::is_email(text),
        "hexcolor" => is_hex_color(text),
        "hostname" => is_host_name(text),
        "ipv4" => text.contains('.') && net::is_ip(text),
        "ipv6" => text.contains(':') && net::is_ip(text),
        "isbn" => numbers::is_isbn10(text) || numbers::is_isbn13(text),
        "isbn10" => numbers::is_isbn10(text),
        "isbn13" => numbers::is_isbn13(text),
        "k8slongname" => text.len() <= 253 && text.split('.').all(is_name),
        "k8sshortname" => text.len() <= 63 && is_name(text),
        "mac" => net::is_mac(text),
        "password" => true,
        "rgbcolor" => is_rgb_color(text),
        "ssn" => numbers::is_ssn(text),
        "uri" => net::is_uri(text),
        "uuid" => is_uuid(text, None),
        "uuid3" => is_uuid(text, Some(b'3')),
        "uuid4" => is_uuid(text, Some(b'4')),
        "uuid5" => is_uuid(text, Some(b'5')),
        _ => return None,
    })
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// Letters in lower case, digits, and hyphens between them.
fn is_name(text: &str) -> bool {
    let is_inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    text.bytes().all(|b| is_inner(b) || b == b'-')
        && text.bytes().next().is_some_and(is_inner)
        && text.bytes().last().is_some_and(is_inner)
}

/// Base64 with its padding; nothing is not enough.
fn is_base64(text: &str) -> bool {
    let digits = text.strip_suffix("==").or(text.strip_suffix('=')).unwrap_or(text);
    !text.is_empty()
        && text.len().is_multiple_of(4)
        && digits.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/'))
}

fn is_hex_color(text: &str) -> bool {
    let digits = text.strip_prefix('#').unwrap_or(text);
    matches!(digits.len(), 3 | 6) && is_hex(digits)
}

/// `rgb(1, 20, 255)`
fn is_rgb_color(text: &str) -> bool {
    let is_part = |part: &str| {
        let part = part.trim_matches(['\t', '\n', '\x0c', '\r', ' ']);
        let is_number = !part.is_empty() && part.len() <= 3 && part.bytes().all(|b| b.is_ascii_digit());
        is_number && (part == "0" || !part.starts_with('0')) && part.parse::<u8>().is_ok()
    };
    let parts = text.strip_prefix("rgb(").and_then(|text| text.strip_suffix(')'));
    parts.is_some_and(|parts| parts.split(',').count() == 3 && parts.split(',').all(is_part))
}

/// Hexadecimal digits, with hyphens or without; a version may be asked for, and versions from 4 have a variant.
fn is_uuid(text: &str, version: Option<u8>) -> bool {
    let mut rest = text.as_bytes();
    let mut digits = Vec::with_capacity(32);
    for (i, length) in [8, 4, 4, 4, 12].into_iter().enumerate() {
        rest = rest.strip_prefix(b"-").filter(|_| i > 0).unwrap_or(rest);
        let Some((part, after)) = rest.split_at_checked(length) else { return false };
        digits.extend_from_slice(part);
        rest = after;
    }
    let has_variant = matches!(digits[16], b'8' | b'9' | b'a' | b'b' | b'A' | b'B');
    rest.is_empty()
        && digits.iter().all(u8::is_ascii_hexdigit)
        && version.is_none_or(|version| digits[12] == version && (version == b'3' || has_variant))
}

/// A name of RFC 1123, in which letters and symbols of all scripts may be. A name of several parts ends in letters.
fn is_host_name(text: &str) -> bool {
    static NAME: LazyLock<Regex> = LazyLock::new(|| {
        let letter = r"[a-zA-Z\p{L}]";
        let inner = r"[a-zA-Z0-9\p{S}\p{L}]";
        let part = format!(r"{inner}(?:(?:-|{inner}){{0,61}}{inner})?");
        let name = format!(r"^(?:{inner}(?:-?{inner}{{0,62}})?|(?:{part}\.)+{letter}{{2,63}})$");
        Regex::new(&name).expect("a pattern of ours is right")
    });
    // nothing of more bytes is a name, whatever it matches
    text.len() <= 255 && text.split('.').all(|part| part.len() <= 63) && NAME.is_match(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_told_apart() {
        for (format, right, wrong) in [
            (
                "bsonobjectid",
                &["507f1f77bcf86cd799439011"][..],
                &["507f1f77", "507f1f77bcf86cd79943901x"][..],
            ),
            ("byte", &["YQ==", "YWI=", "YWJj"], &["", "YQ", "YQ=", "Y===", "Y-=="]),
            (
                "cidr",
                &["10.0.0.0/8", "010.0.0.0/8", "fd00::/64"],
                &["10.0.0.0", "10.0.0.0/33", "::/129", "::/+1"],
            ),
            (
                "creditcard",
                &["4111 1111 1111 1111", "378282246310005"],
                &["4111111111111112", "1234567812345670", ""],
            ),
            ("date", &["2024-02-29"], &["2023-02-29", "2024-2-29", "2024-02-29T", "24-02-29", "2024-13-01"]),
            (
                "date-time",
                &["2024-02-29T12:00:59Z", "2024-02-29t12:00:00.5+01:00", "2024-01-01T00:00:00x1z"],
                &[
                    "2024-02-29",
                    "2024-02-29 12:00:00Z",
                    "2024-02-30T12:00:00Z",
                    "2024-02-29T24:00:00Z",
                    "2024-02-29T12:00:00",
                    "2024-02-29T12:00:60Z",
                ],
            ),
            ("datetime", &["2024-02-29T12:00:59Z"], &["x"]),
            (
                "duration",
                &["1h30m", "-1.5s", "+2us", "0", ".5h", "3 days", "22 ns", " 1 week 2 hr", "1µs", "- 5 min"],
                &["", "1", "h", "1x", "1.2.3s", "5 parsecs", ".s", "-"],
            ),
            (
                "email",
                &[
                    "a@b.example",
                    "A B <a.b@c>",
                    "\"a b\"@c",
                    "\"N\" <a@b>",
                    "a@b (me)",
                    "a@[127.0.0.1]",
                    "ü@é",
                    " a@b ",
                ],
                &[
                    "", "a", "a@", "@b", "a..b@c", ".a@b", "a@b c", "<a@b", "\"\"@b", "a@[x]", "a@b.",
                    "a, b@c",
                ],
            ),
            ("hexcolor", &["#fff", "a0B1c2"], &["#ffff", "#ggg", ""]),
            (
                "hostname",
                &["a", "a-b", "a.example", "1.2.example", "xn--a.de", "bücher.example", "☃.net"],
                &["", "-a", "a_b", "a.b", "a.example.", "a..example", "1.2.3.4", "a.e1"],
            ),
            (
                "ipv4",
                &["10.0.0.1", "010.0.0.01", "::ffff:1.2.3.4"],
                &["10.0.0", "256.0.0.1", "1.2.3.4.5", "::1"],
            ),
            ("ipv6", &["::1", "FD00::1", "::ffff:1.2.3.4"], &["1.2.3.4", "fe80::1%eth0", "12345::", ":"]),
            ("isbn", &["0321751043", "978-0321751041"], &["0321751044", "9780321751042"]),
            ("isbn10", &["0-8044-2957-X"], &["978-0321751041", "0-8044-2957-x"]),
            ("isbn13", &["978-0321751041"], &["0321751043"]),
            ("k8s-long-name", &["a.b-1"], &["a..b", "A", ".a", "a."]),
            ("k8s-short-name", &["a-1"], &["a.b", "-a", "a-", "A", ""]),
            (
                "mac",
                &["01:23:45:67:89:ab", "01-23-45-67-89-AB-cd-ef", "0123.4567.89ab"],
                &[
                    "01:23:45:67:89",
                    "01:23-45:67:89:ab",
                    "0123.4567",
                    "01:23:45:67:89:ag",
                    "0:23:45:67:89:ab",
                ],
            ),
            ("password", &["", "x"], &[]),
            (
                "rgbcolor",
                &["rgb(0, 20,255)", "rgb( 1 , 2 , 3 )"],
                &["rgb(00,1,2)", "rgb(256,0,0)", "rgb(1,2)", "1,2,3"],
            ),
            ("ssn", &["111-22-3333", "111 22 3333"], &["111223333", "11-222-3333", "111-22-33333"]),
            (
                "uri",
                &[
                    "/a?b",
                    "*",
                    "http://a.example:80/%20?q=%zz",
                    "mailto:a@b",
                    "http://u:p@[::1]:8/x",
                    "http:///a",
                    "a.b+c-1://h",
                ],
                &[
                    "",
                    "a/b",
                    "a.example",
                    "http://a b/",
                    "http://[::1/",
                    "http://a:x/",
                    "/%zz",
                    "1a://b",
                    ":a",
                    "/a\n",
                    "http://u v@h/",
                    "http://%41/",
                ],
            ),
            (
                "uuid",
                &["01234567-89ab-cdef-0123-456789ABCDEF", "0123456789abcdef0123456789abcdef"],
                &[
                    "01234567-89ab-cdef-0123-456789abcde",
                    "0123-4567-89ab-cdef",
                    "g1234567-89ab-cdef-0123-456789abcdef",
                    "-1234567-89ab-cdef-0123-456789abcdef",
                ],
            ),
            ("uuid3", &["01234567-89ab-3def-0123-456789abcdef"], &["01234567-89ab-4def-8123-456789abcdef"]),
            ("uuid4", &["01234567-89ab-4def-8123-456789abcdef"], &["01234567-89ab-4def-0123-456789abcdef"]),
            ("uuid5", &["01234567-89ab-5def-B123-456789abcdef"], &["01234567-89ab-4def-8123-456789abcdef"]),
        ] {
            for (texts, expect) in [(right, true), (wrong, false)] {
                for text in texts {
                    assert_eq!(is_right(format, text), Some(expect), "{format} {text:?}");
                }
            }
        }
        assert_eq!(is_right("colour", "red"), None);
        assert_eq!(is_right("int32", "1"), None);
    }
}
