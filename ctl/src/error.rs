//! Why a command failed, in the words that kubectl's users and scripts know.

use std::fmt::Write;

use object::{Reason, Status};

/// Why a command failed. The text is what goes to standard error, complete with its prefix.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What was given cannot be used.
    #[error("error: {0}")]
    Message(String),
    /// The API refused.
    #[error("{}", refused(.0, ""))]
    Api(Box<Status>),
    /// The API refused what a file or a verb asked for.
    #[error("{}", refused(.status, .doing))]
    While {
        /// What was being done, e.g. `error when creating "web.yaml"`.
        doing: String,
        /// The API's words.
        status: Box<Status>,
    },
    /// Nobody listens where the API server should be.
    #[error("The connection to the server {0} was refused - did you specify the right host or port?")]
    Refused(String),
    /// The server cannot be reached, or its answer cannot be read.
    #[error("Unable to connect to the server: {}", chain(.0))]
    Client(#[source] client::Error),
    /// A file cannot be read.
    #[error("error: {path}: {source}")]
    File {
        /// Its path as given.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// Several things failed.
    #[error("{}", lines(.0))]
    Many(Vec<Error>),
}

impl Error {
    pub(crate) fn msg(text: impl Into<String>) -> Self {
        Self::Message(text.into())
    }

    /// Whether the API says that there is no such object.
    pub(crate) fn is_not_found(&self) -> bool {
        matches!(self, Self::Api(status) if status.code == 404)
    }

    /// Says what was being done when the API refused.
    pub(crate) fn while_doing(self, doing: impl Into<String>) -> Self {
        match self {
            Self::Api(status) => Self::While { doing: doing.into(), status },
            other => other,
        }
    }

    /// One error of many; none of none.
    pub(crate) fn all(mut errors: Vec<Error>) -> Result<(), Error> {
        match errors.len() {
            0 => Ok(()),
            1 => errors.pop().map_or(Ok(()), Err),
            _ => Err(Self::Many(errors)),
        }
    }
}

fn lines(errors: &[Error]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        let _ = write!(text, ": {source}");
        next = source.source();
    }
    text
}

fn refused(status: &Status, doing: &str) -> String {
    if status.reason == Some(Reason::Invalid) {
        return invalid(status);
    }
    let message = &status.message;
    let prefix = if doing.is_empty() { String::new() } else { format!("{doing}: ") };
    match status.reason {
        Some(Reason::Unauthorized) => {
            format!("error: You must be logged in to the server ({prefix}{message})")
        }
        Some(reason) => format!("Error from server ({reason:?}): {prefix}{message}"),
        None => format!("Error from server: {prefix}{message}"),
    }
}

/// What is wrong with an object: one cause on the line, several below it.
fn invalid(status: &Status) -> String {
    let Some(details) = status.details.as_deref() else {
        return format!("The request is invalid: {}", status.message);
    };
    let head = match (details.kind.is_empty(), details.name.is_empty()) {
        (true, true) if details.causes.is_empty() => {
            return format!("The request is invalid: {}", status.message);
        }
        (true, true) => "The request is invalid".to_owned(),
        _ => format!("The {} {:?} is invalid", details.kind, details.name),
    };
    let causes: Vec<_> =
        details.causes.iter().map(|cause| format!("{}: {}", cause.field, cause.message)).collect();
    match causes.as_slice() {
        [] => head,
        [one] => format!("{head}: {one}"),
        many => many.iter().fold(format!("{head}: "), |text, cause| format!("{text}\n* {cause}")),
    }
}

#[cfg(test)]
mod tests {
    use object::{Cause, Details};

    use super::*;

    #[test]
    fn reads_as_kubectl_prints() {
        let missing = Error::Api(Box::new(Status::not_found("", "pods", "x")));
        assert!(missing.is_not_found());
        assert_eq!(missing.to_string(), "Error from server (NotFound): pods \"x\" not found");
        let text = missing.while_doing("error when creating \"a.yaml\"").to_string();
        assert_eq!(
            text,
            "Error from server (NotFound): error when creating \"a.yaml\": pods \"x\" not found"
        );
        assert_eq!(Error::msg("no").to_string(), "error: no");
    }

    #[test]
    fn causes_of_invalid_objects() {
        let cause =
            |field: &str| Cause { field: field.into(), message: "Required value".into(), ..Cause::default() };
        let status = |causes| Status {
            code: 422,
            reason: Some(Reason::Invalid),
            message: "long".into(),
            details: Some(Box::new(Details {
                name: "a".into(),
                kind: "Pod".into(),
                causes,
                ..Details::default()
            })),
        };
        let one = Error::Api(Box::new(status(vec![cause("spec")])));
        assert_eq!(one.to_string(), "The Pod \"a\" is invalid: spec: Required value");
        let two = Error::Api(Box::new(status(vec![cause("spec"), cause("x")])));
        assert_eq!(
            two.to_string(),
            "The Pod \"a\" is invalid: \n* spec: Required value\n* x: Required value"
        );
    }
}
