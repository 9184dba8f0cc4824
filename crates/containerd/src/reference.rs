//! Names of images, as docker normalises them.

/// An image name that is none; says so in upstream's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("couldn't parse image name {reference:?}: {reason}")]
pub struct InvalidReference {
    reference: String,
    reason: String,
}

const FORMAT: &str = "invalid reference format";
const LONGEST_NAME: usize = 255;

/// A name's parts.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Parts<'a> {
    /// Domain and path.
    pub name: String,
    pub tag: Option<&'a str>,
    /// As `sha256:…`.
    pub digest: Option<&'a str>,
}

/// The full name of an image that a user wrote: `web` is `docker.io/library/web:latest`.
///
/// # Errors
/// When it is no image name.
pub fn canonical(reference: &str) -> Result<String, InvalidReference> {
    let parts = parse(reference)?;
    Ok(match (parts.tag, parts.digest) {
        (None, None) => format!("{}:latest", parts.name),
        (Some(tag), None) => format!("{}:{tag}", parts.name),
        (None, Some(digest)) => format!("{}@{digest}", parts.name),
        (Some(tag), Some(digest)) => format!("{}:{tag}@{digest}", parts.name),
    })
}

/// The registry of an image that a user wrote, and the repository there: `docker.io` and `library/web` of `web`.
///
/// # Errors
/// When it is no image name.
pub fn registry_of(reference: &str) -> Result<(String, String), InvalidReference> {
    let name = parse(reference)?.name;
    let (registry, repository) = name.split_once('/').unwrap_or(("", &name));
    Ok((registry.to_owned(), repository.to_owned()))
}

pub(crate) fn parse(reference: &str) -> Result<Parts<'_>, InvalidReference> {
    let fail = |reason: String| InvalidReference { reference: reference.to_owned(), reason };
    if is_hex(reference, 64) {
        return Err(fail(format!(
            "invalid repository name ({reference}), cannot specify 64-byte hexadecimal strings"
        )));
    }
    let (rest, digest) = match reference.split_once('@') {
        Some((rest, digest)) => (rest, Some(digest)),
        None => (reference, None),
    };
    let (domain, rest) = split_domain(rest);
    let (path, tag) = match rest.split_once(':') {
        Some((path, tag)) => (path, Some(tag)),
        None => (rest, None),
    };
    let path = match domain == "docker.io" && !path.contains('/') {
        true => format!("library/{path}"),
        false => path.to_owned(),
    };
    if path.chars().any(|c| c.is_ascii_uppercase()) {
        return Err(fail(format!("{FORMAT}: repository name ({path}) must be lowercase")));
    }
    let valid = is_domain(domain)
        && path.split('/').all(is_component)
        && tag.is_none_or(is_tag)
        && digest.is_none_or(is_digest);
    if !valid {
        return Err(fail(FORMAT.to_owned()));
    }
    if path.len() > LONGEST_NAME {
        return Err(fail(format!("repository name must not be more than {LONGEST_NAME} characters")));
    }
    Ok(Parts { name: format!("{domain}/{path}"), tag, digest })
}

/// What is before the first slash is a host when it looks like one.
fn split_domain(name: &str) -> (&str, &str) {
    match name.split_once('/') {
        Some(("index.docker.io", rest)) => ("docker.io", rest),
        Some((first, rest))
            if first.contains(['.', ':'])
                || first == "localhost"
                || first.chars().any(|c| c.is_ascii_uppercase()) =>
        {
            (first, rest)
        }
        _ => ("docker.io", name),
    }
}

fn is_domain(domain: &str) -> bool {
    let (host, port) = match domain.rsplit_once(':') {
        Some((host, port)) if !domain.ends_with(']') => (host, Some(port)),
        _ => (domain, None),
    };
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let named = host.split('.').all(|label| {
        !label.is_empty()
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    });
    let numbered = address.is_some_and(|address| {
        !address.is_empty() && address.chars().all(|c| c.is_ascii_hexdigit() || c == ':')
    });
    (named || numbered)
        && port.is_none_or(|port| !port.is_empty() && port.chars().all(|c| c.is_ascii_digit()))
}

/// Lower-case words and digits, parted by `.`, `_`, `__` or dashes.
fn is_component(component: &str) -> bool {
    let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    component.starts_with(word)
        && component.ends_with(word)
        && component
            .split(word)
            .all(|between| matches!(between, "" | "." | "_" | "__") || between.chars().all(|c| c == '-'))
}

fn is_tag(tag: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    (1..=128).contains(&tag.len())
        && tag.starts_with(word)
        && tag.chars().all(|c| word(c) || c == '.' || c == '-')
}

pub(crate) fn is_digest(digest: &str) -> bool {
    match digest.split_once(':') {
        Some(("sha256", hex)) => is_hex(hex, 64),
        Some(("sha384", hex)) => is_hex(hex, 96),
        Some(("sha512", hex)) => is_hex(hex, 128),
        _ => false,
    }
}

pub(crate) fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests;
