//! Addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An address of IPv4, whose numbers may begin with zeros, or of IPv6.
fn ip(text: &str) -> Option<IpAddr> {
    if text.contains(':') {
        return text.parse::<Ipv6Addr>().ok().map(IpAddr::V6);
    }
    let number = |part: &str| {
        let is_number = !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        part.trim_start_matches('0')
            .parse::<u8>()
            .ok()
            .or((part.trim_matches('0').is_empty()).then_some(0))
            .filter(|_| is_number)
    };
    let numbers: Option<Vec<u8>> = text.split('.').map(number).collect();
    let numbers: [u8; 4] = numbers?.try_into().ok()?;
    Some(IpAddr::V4(Ipv4Addr::from(numbers)))
}

pub(super) fn is_ip(text: &str) -> bool {
    ip(text).is_some()
}

/// An address with the length of its prefix.
pub(super) fn is_cidr(text: &str) -> bool {
    let Some((address, length)) = text.split_once('/') else { return false };
    let most = match ip(address) {
        Some(IpAddr::V4(_)) => 32,
        Some(IpAddr::V6(_)) => 128,
        None => return false,
    };
    let is_number = !length.is_empty() && length.bytes().all(|b| b.is_ascii_digit());
    is_number && length.parse::<u32>().is_ok_and(|length| length <= most)
}

/// Six, eight or twenty bytes: in pairs of digits, or in fours.
pub(super) fn is_mac(text: &str) -> bool {
    let is_of = |mark: char, length: usize, counts: [usize; 3]| {
        let is_part = |part: &str| part.len() == length && part.bytes().all(|b| b.is_ascii_hexdigit());
        text.split(mark).all(is_part) && counts.contains(&text.split(mark).count())
    };
    is_of(':', 2, [6, 8, 20]) || is_of('-', 2, [6, 8, 20]) || is_of('.', 4, [3, 4, 10])
}

/// What a request may be about: an absolute URI, or an absolute path.
pub(super) fn is_uri(text: &str) -> bool {
    if text.is_empty() || text.bytes().any(|b| b.is_ascii_control()) {
        return false;
    }
    let Some((scheme, rest)) = scheme(text) else { return false };
    let rest = rest.split('?').next().unwrap_or_default();
    if text == "*" || !rest.starts_with('/') {
        return text == "*" || !scheme.is_empty();
    }
    let authority = rest.strip_prefix("//").filter(|_| !scheme.is_empty());
    let (authority, path) = match authority {
        Some(rest) => rest.split_at(rest.find('/').unwrap_or(rest.len())),
        None => ("", rest),
    };
    is_authority(authority) && is_escaped(path)
}

/// The scheme of a URI, empty if it has none, and what is behind it; `None` where there is only the mark of one.
fn scheme(text: &str) -> Option<(&str, &str)> {
    let is_inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    match text.find(|c: char| !is_inner(c)) {
        Some(0) if text.starts_with(':') => None,
        Some(end) if text[end..].starts_with(':') && text.starts_with(|c: char| c.is_ascii_alphabetic()) => {
            Some((&text[..end], &text[end + 1..]))
        }
        _ => Some(("", text)),
    }
}

fn is_authority(text: &str) -> bool {
    let (user, host) = text.rsplit_once('@').unwrap_or(("", text));
    let is_of_user = |c: char| c.is_ascii_alphanumeric() || "-._:~!$&'()*+,;=%@".contains(c);
    user.chars().all(is_of_user) && is_escaped(user) && is_host(host)
}

fn is_host(text: &str) -> bool {
    let is_port = |text: &str| {
        text.is_empty() || text.strip_prefix(':').is_some_and(|port| port.bytes().all(|b| b.is_ascii_digit()))
    };
    if let Some(inner) = text.strip_prefix('[') {
        let Some((address, port)) = inner.rsplit_once(']') else { return false };
        let address = address.split_once("%25").map_or(address, |(address, _)| address);
        return is_port(port) && address.parse::<Ipv6Addr>().is_ok();
    }
    let name = match text.rfind(':') {
        Some(at) if !is_port(&text[at..]) => return false,
        Some(at) => &text[..at],
        None => text,
    };
    let is_of_host =
        |c: char| !c.is_ascii() || c.is_ascii_alphanumeric() || "!$&'()*+,;=:[]<>\"-_.~%".contains(c);
    // only bytes that are no ASCII may be escaped
    let is_high =
        |escape: &str| matches!(escape.as_bytes().first(), Some(b'8'..=b'9' | b'a'..=b'f' | b'A'..=b'F'));
    name.chars().all(is_of_host) && is_escaped(name) && name.split('%').skip(1).all(is_high)
}

/// Whether two digits are behind each percent sign.
fn is_escaped(text: &str) -> bool {
    let is_escape = |rest: &str| rest.len() >= 2 && rest.as_bytes()[..2].iter().all(u8::is_ascii_hexdigit);
    text.split('%').skip(1).all(is_escape)
}

/// One address of mail (RFC 5322): the address alone, or in angle brackets behind a name.
pub(super) fn is_email(text: &str) -> bool {
    let Some(text) = without_comments(text) else { return false };
    let text = text.trim_matches(BLANK);
    if is_address(text) {
        return true;
    }
    let Some((name, address)) = text.strip_suffix('>').and_then(|text| text.rsplit_once('<')) else {
        return false;
    };
    is_phrase(name.trim_matches(BLANK)) && is_address(address.trim_matches(BLANK))
}

const BLANK: [char; 2] = [' ', '\t'];

/// Takes comments out, which are in parentheses outside of quotes; `None` where one has no end.
fn without_comments(text: &str) -> Option<String> {
    let (mut out, mut depth, mut is_quoted, mut is_escaped) = (String::new(), 0_usize, false, false);
    for c in text.chars() {
        let is_plain = !std::mem::take(&mut is_escaped);
        match c {
            '\\' if is_plain => is_escaped = true,
            '"' if is_plain && depth == 0 => is_quoted = !is_quoted,
            '(' if is_plain && !is_quoted => depth += 1,
            ')' if is_plain && !is_quoted && depth > 0 => {
                depth -= 1;
                continue;
            }
            _ => {}
        }
        if depth == 0 {
            out.push(c);
        }
    }
    (depth == 0).then_some(out)
}

fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let domain = domain.trim_start_matches(BLANK);
    let is_literal = |domain: &str| {
        let inner = domain.strip_prefix('[').and_then(|domain| domain.strip_suffix(']'));
        inner.is_some_and(|inner| match inner.strip_prefix("IPv6:") {
            Some(address) => address.parse::<Ipv6Addr>().is_ok(),
            None => inner.parse::<IpAddr>().is_ok(),
        })
    };
    let is_local = is_dotted(local) || local.len() > 2 && is_quote(local);
    is_local && (is_dotted(domain) || is_literal(domain))
}

/// Words with dots between them.
fn is_dotted(text: &str) -> bool {
    text.split('.').all(is_word)
}

fn is_word(text: &str) -> bool {
    let is_inner = |c: char| !c.is_ascii() || c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c);
    !text.is_empty() && text.chars().all(is_inner)
}

fn is_quote(text: &str) -> bool {
    let Some(inner) = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) else { return false };
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        let is_right = |c: char| !c.is_ascii_control() || c == '\t';
        match c {
            '"' => return false,
            '\\' if chars.next().is_some_and(is_right) => {}
            c if c == '\\' || !is_right(c) => return false,
            _ => {}
        }
    }
    true
}

/// A name before an address: words and quotes; none is one, too.
fn is_phrase(text: &str) -> bool {
    let mut rest = text;
    while !rest.is_empty() {
        let end = match rest.strip_prefix('"') {
            Some(inner) => closing(inner).map(|end| end + 2),
            None => Some(rest.find(['"', ' ', '\t']).unwrap_or(rest.len())),
        };
        let Some((part, after)) = end.and_then(|end| rest.split_at_checked(end)) else { return false };
        if !(is_quote(part) || part.split('.').all(|word| word.is_empty() || is_word(word))) {
            return false;
        }
        rest = after.trim_start_matches(BLANK);
    }
    true
}

/// Where a quote ends.
fn closing(text: &str) -> Option<usize> {
    let mut is_escaped = false;
    text.char_indices().find_map(|(i, c)| {
        let is_plain = !std::mem::take(&mut is_escaped);
        is_escaped = is_plain && c == '\\';
        (is_plain && c == '"').then_some(i)
    })
}
