//! `Warning` headers (RFC 7234, section 5.5) with upstream's code and bounds.

use std::collections::HashSet;

use http::{HeaderValue, Response};

use crate::body::Body;

/// How many characters the texts of all warnings may have together, before each is cut.
const ALL: usize = 4 * 1024;
/// How many characters of each are left then.
const EACH: usize = 256;

/// Adds `Warning` headers.
pub(crate) fn warn(response: &mut Response<Body>, warnings: &[String]) {
    for value in values(warnings, ALL, EACH) {
        if let Ok(value) = HeaderValue::try_from(value) {
            response.headers_mut().append("warning", value);
        }
    }
}

/// The values of the headers: every text once. Where all are more than `all` characters, no text has more than `each`,
/// and what comes once `all` is reached is left out.
fn values(texts: &[String], all: usize, each: usize) -> Vec<String> {
    let mut seen = HashSet::new();
    let texts: Vec<&str> =
        texts.iter().map(String::as_str).filter(|text| can_be_told(text) && seen.insert(*text)).collect();
    if texts.iter().map(|text| text.chars().count()).sum::<usize>() <= all {
        return texts.into_iter().map(value).collect();
    }
    let mut written = 0;
    let cut = texts.into_iter().map(|text| first(text, each));
    let fits = cut.take_while(|text| {
        let is_open = written < all;
        written += text.chars().count();
        is_open
    });
    fits.map(value).collect()
}

/// Headers hold no control characters, and empty texts say nothing.
fn can_be_told(text: &str) -> bool {
    !text.is_empty() && !text.chars().any(char::is_control)
}

/// The first characters of a text.
fn first(text: &str, count: usize) -> &str {
    text.char_indices().nth(count).map_or(text, |(end, _)| &text[..end])
}

fn value(text: &str) -> String {
    format!("299 - \"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::full;

    fn check(texts: &[&str], expect: &[&str]) {
        let texts: Vec<String> = texts.iter().map(|&text| text.to_owned()).collect();
        let expect: Vec<String> = expect.iter().map(|text| format!("299 - \"{text}\"")).collect();
        assert_eq!(values(&texts, 25, 5), expect, "{texts:?}");
    }

    #[test]
    fn texts_are_told_once_and_quoted() {
        check(&[], &[]);
        check(&["one", "two", "one", ""], &["one", "two"]);
        check(&["say \"a\\b\""], &["say \\\"a\\\\b\\\""]);
        check(&["two\nlines", "tab\t", "\u{7f}", "fine"], &["fine"]);
    }

    #[test]
    fn what_is_too_much_is_cut() {
        let fits = ["aaaaaaaaaa", "bb", "ccc", "Iñtërnâtiô"];
        check(&fits, &fits);
        check(
            &["aaaaaaaaaa", "bb", "ccc", "Iñtërnâtiô", "e", "ffffffffff", "ffffffffff", "gggggggggg", "h"],
            &["aaaaa", "bb", "ccc", "Iñtër", "e", "fffff", "ggggg"],
        );
        check(&["aaaaaaaaaaaaaaaaaaaaaaaaaa"], &["aaaaa"]);
    }

    #[test]
    fn headers_carry_more_than_ascii() {
        let mut response = Response::new(full(""));
        warn(&mut response, &["naïve".to_owned(), "plain".to_owned()]);
        let told: Vec<&[u8]> =
            response.headers().get_all("warning").iter().map(HeaderValue::as_bytes).collect();
        assert_eq!(told, ["299 - \"naïve\"".as_bytes(), b"299 - \"plain\""]);
    }
}
