//! What the arguments name.

use std::path::Path;

use crate::Error;

/// A file here, or in a container.
#[derive(Debug, PartialEq)]
pub(super) enum Place {
    Local(String),
    Remote {
        /// Empty: the session's.
        namespace: String,
        pod: String,
        path: String,
    },
}

impl Place {
    /// Reads `FILE` or `[NAMESPACE/]POD:FILE`. What begins with a path is a file, colons or not.
    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        let invalid = || Error::msg("Filespec must match the canonical format: [[namespace/]pod:]file/path");
        let Some((pod, path)) = text.split_once(':') else { return Ok(Self::Local(text.to_owned())) };
        if pod.starts_with(['/', '.']) {
            return Ok(Self::Local(text.to_owned()));
        }
        let (namespace, pod) = pod.split_once('/').unwrap_or(("", pod));
        if pod.is_empty() || pod.contains('/') || text.starts_with('/') {
            return Err(invalid());
        }
        Ok(Self::Remote { namespace: namespace.into(), pod: pod.into(), path: path.into() })
    }
}

/// The directory in which `tar` unpacks (empty: where it starts), and what the copy is called there.
pub(super) fn target(source: &str, target: &str, is_directory: bool) -> Result<(String, String), Error> {
    let trimmed = target.trim_end_matches('/');
    if is_directory {
        let name = name_of(source).ok_or_else(|| Error::msg(format!("{source:?} has no name")))?;
        let directory = if trimmed.is_empty() { "/" } else { trimmed };
        return Ok((directory.to_owned(), name));
    }
    let name = base(trimmed).ok_or_else(|| Error::msg(format!("{target:?} names no file")))?;
    let directory = trimmed.strip_suffix(&name).unwrap_or_default();
    let trimmed = directory.trim_end_matches('/');
    Ok((if trimmed.is_empty() { directory } else { trimmed }.to_owned(), name))
}

/// The last part of a path; none for a root, and for what is relative to somewhere.
pub(super) fn base(path: &str) -> Option<String> {
    Path::new(path).file_name().map(|name| name.to_string_lossy().into_owned())
}

/// The name of a file here, whatever way it is named.
fn name_of(path: &str) -> Option<String> {
    base(path).or_else(|| base(&std::fs::canonicalize(path).ok()?.to_string_lossy()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_name_places() {
        let check = |text: &str, expect: Option<(&str, &str, &str)>| {
            let expect = match expect {
                Some((namespace, pod, path)) => {
                    Place::Remote { namespace: namespace.into(), pod: pod.into(), path: path.into() }
                }
                None => Place::Local(text.into()),
            };
            assert_eq!(Place::parse(text).ok(), Some(expect), "{text}");
        };
        check("a/b", None);
        check("./a:b", None);
        check("/a:b", None);
        check("web:/tmp/x", Some(("", "web", "/tmp/x")));
        check("n/web:x:y", Some(("n", "web", "x:y")));
        for text in [":x", "a/b/c:x", "n/:x"] {
            assert!(Place::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn copies_get_a_directory_and_a_name() {
        let check = |source: &str, to: &str, is_directory: bool, directory: &str, name: &str| {
            assert_eq!(target(source, to, is_directory).unwrap(), (directory.into(), name.into()), "{to}");
        };
        check("a/x", "/tmp", true, "/tmp", "x");
        check("a/x", "/tmp/", true, "/tmp", "x");
        check("a/x", "/", true, "/", "x");
        check("a/x", "/tmp/y", false, "/tmp", "y");
        check("a/x", "/y", false, "/", "y");
        check("a/x", "y", false, "", "y");
        check("a/x", "sub/y/", false, "sub", "y");
        assert!(target("a/x", "/", false).is_err());
    }
}
