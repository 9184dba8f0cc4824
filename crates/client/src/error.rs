//! Why a request failed.

use object::{Details, Reason, Status};
use serde::Deserialize;

/// How much of an answer that is no Status is shown.
const SHOWN: usize = 512;

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The API refused it.
    #[error("{0}")]
    Api(Box<Status>),
    /// It did not reach the API, or the answer did not come back: a write may or may not have happened.
    #[error("the API server cannot be reached")]
    Transport(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The answer cannot be read: a write has happened.
    #[error("the API server's answer cannot be read")]
    Decode(#[source] serde_json::Error),
    /// The request cannot be made of what was given.
    #[error("not a request")]
    Request(#[from] http::Error),
    /// The kubeconfig cannot be used.
    #[error("the kubeconfig cannot be used")]
    Config(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// The API's own words, where it answered.
    pub fn status(&self) -> Option<&Status> {
        match self {
            Self::Api(status) => Some(status),
            _ => None,
        }
    }

    fn is(&self, code: u16, reason: Reason) -> bool {
        self.status().is_some_and(|status| status.code == code && status.reason.is_none_or(|r| r == reason))
    }

    /// Whether there is no such object.
    pub fn is_not_found(&self) -> bool {
        self.is(404, Reason::NotFound)
    }

    /// Whether the object was changed meanwhile, or a precondition does not hold: that of a patch is the UID in it, which
    /// may not be another than the object's.
    pub fn is_conflict(&self) -> bool {
        let causes = self.status().and_then(|status| status.details.as_ref()).map(|details| &details.causes);
        let of_another =
            causes.is_some_and(|causes| causes.iter().any(|cause| cause.field == "metadata.uid"));
        self.is(409, Reason::Conflict) || of_another && self.is(422, Reason::Invalid)
    }

    /// Whether an object of this name exists.
    pub fn is_already_exists(&self) -> bool {
        self.is(409, Reason::AlreadyExists)
    }

    /// Whether the revision asked for is no longer kept.
    pub fn is_expired(&self) -> bool {
        self.status().is_some_and(|status| status.code == 410)
    }

    /// Whether a write may have happened although it failed: no answer came, or the server gave up waiting.
    pub fn is_unknown(&self) -> bool {
        match self {
            Self::Transport(_) | Self::Decode(_) => true,
            Self::Api(status) => status.code >= 500,
            Self::Request(_) | Self::Config(_) => false,
        }
    }
}

impl From<Status> for Error {
    fn from(status: Status) -> Self {
        Self::Api(Box::new(status))
    }
}

/// `metav1.Status` as it arrives.
#[derive(Deserialize)]
struct Document {
    kind: String,
    #[serde(default)]
    code: u16,
    #[serde(default)]
    reason: serde_json::Value,
    #[serde(default)]
    message: String,
    #[serde(default)]
    details: Option<Details>,
}

/// The status that a body holds; where it holds none, one made of the HTTP code and the body's text.
pub(crate) fn read_status(code: u16, body: &[u8]) -> Status {
    match serde_json::from_slice::<Document>(body) {
        Ok(document) if document.kind == "Status" => Status {
            code: if document.code == 0 { code } else { document.code },
            reason: Reason::deserialize(&document.reason).ok(),
            message: document.message,
            details: document.details.map(Box::new),
        },
        _ => {
            let text = String::from_utf8_lossy(&body[..body.len().min(SHOWN)]);
            Status { code, reason: None, message: format!("HTTP status {code}: {text}"), details: None }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_api_writes() {
        let status = Status::already_exists("apps", "deployments", "web");
        let read = read_status(409, status.to_value().to_string().as_bytes());
        assert_eq!(read, status);
        let error = Error::from(read);
        assert!(error.is_already_exists() && !error.is_conflict() && !error.is_not_found());
        assert!(Error::from(Status::stale("", "pods", "a")).is_conflict());
        let invalid = |path| {
            let error = object::FieldError::invalid(&object::Path::new(path), "b", "field is immutable");
            Error::from(Status::invalid("", "Pod", "a", &[error]))
        };
        assert!(invalid("metadata.uid").is_conflict() && !invalid("spec.nodeName").is_conflict());
        assert!(Error::from(Status::not_found("", "pods", "a")).is_not_found());
        assert!(Error::from(Status::expired("gone")).is_expired());
    }

    #[test]
    fn makes_a_status_of_anything_else() {
        let status = read_status(502, b"<html>Bad Gateway</html>");
        assert_eq!((status.code, status.reason), (502, None));
        assert!(status.message.contains("Bad Gateway"));
        let odd = read_status(418, br#"{"kind":"Status","reason":"Teapot","message":"no","details":null}"#);
        assert_eq!((odd.code, odd.reason, odd.message.as_str()), (418, None, "no"));
    }
}
