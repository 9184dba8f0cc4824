//! `metav1.Status`: how every failure, and the success of a deletion, is told to clients.

use serde::{Deserialize, Serialize};

use crate::FieldError;
use crate::validate::MAX_ERRORS;

/// `status.reason`: why, in one machine-readable word (`metav1.StatusReason`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names are the API's and say all there is")]
pub enum Reason {
    Unauthorized,
    Forbidden,
    NotFound,
    AlreadyExists,
    Conflict,
    Gone,
    Invalid,
    ServerTimeout,
    Timeout,
    TooManyRequests,
    BadRequest,
    MethodNotAllowed,
    NotAcceptable,
    RequestEntityTooLarge,
    UnsupportedMediaType,
    InternalError,
    Expired,
    ServiceUnavailable,
}

/// One cause in a status' details.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// Machine-readable reason, e.g. `FieldValueInvalid`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// What is wrong, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// Field path.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub field: String,
}

/// `status.details`: which object, and the causes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Details {
    /// Name of the object.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// API group of the object.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub group: String,
    /// The resource's plural, or for validation errors the kind.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// UID of the object.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub uid: String,
    /// Causes, one per broken rule.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<Cause>,
    /// When to come back, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_seconds: Option<u32>,
    /// Where a list whose revision is gone may be gone on with, at the price of consistency: sent as the document's
    /// `metadata.continue`.
    #[serde(skip)]
    pub continue_token: String,
}

/// A failure (or success) in the API's standard form. `code` is the HTTP status.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Status {
    /// HTTP status code.
    pub code: u16,
    /// Machine-readable reason; none for successes and rare codes.
    pub reason: Option<Reason>,
    /// For people.
    pub message: String,
    /// The object and the causes.
    pub details: Option<Box<Details>>,
}

/// `pods` or `deployments.apps`: how messages name a resource.
fn qualified(group: &str, plural: &str) -> String {
    if group.is_empty() { plural.to_owned() } else { format!("{plural}.{group}") }
}

impl Status {
    /// A status with a code, a reason and a message.
    pub fn new(code: u16, reason: Reason, message: impl Into<String>) -> Self {
        Self { code, reason: Some(reason), message: message.into(), details: None }
    }

    fn about(mut self, group: &str, kind: &str, name: &str) -> Self {
        let details = self.details.get_or_insert_default();
        (details.group, details.kind, details.name) = (group.to_owned(), kind.to_owned(), name.to_owned());
        self
    }

    /// 404: there is no such object.
    pub fn not_found(group: &str, plural: &str, name: &str) -> Self {
        let text = format!("{} {name:?} not found", qualified(group, plural));
        Self::new(404, Reason::NotFound, text).about(group, plural, name)
    }

    /// 404: there is no such path or resource.
    pub fn no_such_path() -> Self {
        Self::new(404, Reason::NotFound, "the server could not find the requested resource").about("", "", "")
    }

    /// 409: an object of this name exists.
    pub fn already_exists(group: &str, plural: &str, name: &str) -> Self {
        let text = format!("{} {name:?} already exists", qualified(group, plural));
        Self::new(409, Reason::AlreadyExists, text).about(group, plural, name)
    }

    /// 409: the write collides with the object's present state; `why` completes the sentence.
    pub fn conflict(group: &str, plural: &str, name: &str, why: &str) -> Self {
        let text = format!("Operation cannot be fulfilled on {} {name:?}: {why}", qualified(group, plural));
        Self::new(409, Reason::Conflict, text).about(group, plural, name)
    }

    /// 409: the update was made against an older version of the object.
    pub fn stale(group: &str, plural: &str, name: &str) -> Self {
        let why =
            "the object has been modified; please apply your changes to the latest version and try again";
        Self::conflict(group, plural, name, why)
    }

    /// 403: `why` says which rule forbids it.
    pub fn forbidden(group: &str, plural: &str, name: &str, why: &str) -> Self {
        let what = qualified(group, plural);
        let text = match (plural.is_empty(), name.is_empty()) {
            (true, _) => format!("forbidden: {why}"),
            (false, true) => format!("{what} is forbidden: {why}"),
            (false, false) => format!("{what} {name:?} is forbidden: {why}"),
        };
        Self::new(403, Reason::Forbidden, text).about(group, plural, name)
    }

    /// 401.
    pub fn unauthorized() -> Self {
        Self::new(401, Reason::Unauthorized, "Unauthorized")
    }

    /// 422: the object breaks rules; each becomes a cause.
    pub fn invalid(group: &str, kind: &str, name: &str, errors: &[FieldError]) -> Self {
        let mut listed: Vec<String> = errors.iter().take(MAX_ERRORS).map(ToString::to_string).collect();
        if errors.len() > MAX_ERRORS {
            listed.push(format!("and {} more", errors.len() - MAX_ERRORS));
        }
        let body = if listed.len() == 1 { listed[0].clone() } else { format!("[{}]", listed.join(", ")) };
        let causes = errors
            .iter()
            .take(MAX_ERRORS)
            .map(|e| Cause {
                reason: e.kind.reason().to_owned(),
                message: e.body(),
                field: e.path.to_string(),
            })
            .collect();
        let shown = if group.is_empty() { kind.to_owned() } else { format!("{kind}.{group}") };
        let mut status = Self::new(422, Reason::Invalid, format!("{shown} {name:?} is invalid: {body}"))
            .about(group, kind, name);
        status.details.get_or_insert_default().causes = causes;
        status
    }

    /// 400.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, Reason::BadRequest, message)
    }

    /// 405.
    pub fn method_not_allowed() -> Self {
        Self::new(
            405,
            Reason::MethodNotAllowed,
            "the server does not allow this method on the requested resource",
        )
        .about("", "", "")
    }

    /// 406: `accepted` are the media types that could be served.
    pub fn not_acceptable(accepted: &str) -> Self {
        Self::new(
            406,
            Reason::NotAcceptable,
            format!("only the following media types are accepted: {accepted}"),
        )
    }

    /// 415: `accepted` are the media types that could be read.
    pub fn unsupported_media_type(accepted: &str) -> Self {
        let text = format!(
            "the body of the request was in an unknown format - accepted media types include: {accepted}"
        );
        Self::new(415, Reason::UnsupportedMediaType, text)
    }

    /// 413: the body is over `limit` bytes.
    pub fn too_large(limit: usize) -> Self {
        Self::new(413, Reason::RequestEntityTooLarge, format!("Request entity too large: limit is {limit}"))
    }

    /// 410: the revision asked for is no longer kept.
    pub fn expired(message: impl Into<String>) -> Self {
        Self::new(410, Reason::Expired, message)
    }

    /// 429.
    pub fn too_many_requests(message: impl Into<String>, retry_after_seconds: u32) -> Self {
        let mut status = Self::new(429, Reason::TooManyRequests, message);
        let after = Some(retry_after_seconds).filter(|seconds| *seconds > 0);
        status.details.get_or_insert_default().retry_after_seconds = after;
        status
    }

    /// 504: the server did not get done in time.
    pub fn timeout(message: impl Into<String>) -> Self {
        Self::new(504, Reason::Timeout, message)
    }

    /// 503.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(503, Reason::ServiceUnavailable, message)
    }

    /// 500: our fault.
    pub fn internal(message: impl std::fmt::Display) -> Self {
        Self::new(500, Reason::InternalError, format!("Internal error occurred: {message}"))
    }

    /// 200: what a deletion answers when the object is gone.
    pub fn success(group: &str, plural: &str, name: &str, uid: &str) -> Self {
        let mut status = Self { code: 200, reason: None, message: String::new(), details: None }
            .about(group, plural, name);
        status.details.get_or_insert_default().uid = uid.to_owned();
        status
    }

    /// The document that is sent.
    pub fn to_value(&self) -> crate::Value {
        let success = self.code < 400;
        let mut value = serde_json::json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {},
            "status": if success { "Success" } else { "Failure" },
        });
        let map = value.as_object_mut().expect("a literal object");
        if !self.message.is_empty() {
            map.insert("message".into(), self.message.clone().into());
        }
        if let Some(reason) = self.reason {
            map.insert("reason".into(), serde_json::json!(reason));
        }
        if let Some(details) = &self.details {
            if !details.continue_token.is_empty() {
                map.insert("metadata".into(), serde_json::json!({"continue": details.continue_token}));
            }
            map.insert("details".into(), serde_json::json!(details));
        }
        // a success of the usual kind needs no number
        if self.code != 200 {
            map.insert("code".into(), self.code.into());
        }
        value
    }
}
