//! How a session's end is told.

use object::{Status, Value};
use serde_json::json;

use super::protocol::VerdictForm;

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// With this exit code.
    Exited(i32),
    /// It could not be run, or its end is not known.
    Failed(Status),
}

impl Verdict {
    /// What is written on the error channel, if anything.
    pub(crate) fn write(&self, form: VerdictForm) -> Option<Vec<u8>> {
        match form {
            VerdictForm::Status => Some(self.document().to_string().into_bytes()),
            VerdictForm::Text => self.message().map(String::into_bytes),
        }
    }

    fn message(&self) -> Option<String> {
        match self {
            Self::Exited(0) => None,
            Self::Exited(code) => Some(format!("command terminated with exit code {code}")),
            Self::Failed(status) => Some(status.message.clone()),
        }
    }

    /// `metav1.Status`. Clients read the exit code from the cause's message.
    fn document(&self) -> Value {
        match self {
            Self::Exited(0) => json!({ "metadata": {}, "status": "Success" }),
            Self::Exited(code) => json!({
                "metadata": {},
                "status": "Failure",
                "message": self.message(),
                "reason": "NonZeroExitCode",
                "details": { "causes": [{ "reason": "ExitCode", "message": code.to_string() }] },
            }),
            Self::Failed(status) => status.to_value(),
        }
    }
}
