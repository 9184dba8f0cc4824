//! How a process ended.

use std::process::ExitCode;

use object::Value;

use crate::Error;
use crate::resource::{items, text};

/// The exit code that a session's status tells.
///
/// # Errors
/// The process did not run to its end.
pub(super) fn exit_code(status: &Value) -> Result<i32, Error> {
    if status["status"] == "Success" {
        return Ok(0);
    }
    if status["reason"] != "NonZeroExitCode" {
        return Err(Error::msg(text(&status["message"])));
    }
    let causes = items(&status["details"]["causes"]);
    let code = causes.iter().find(|cause| cause["reason"] == "ExitCode");
    let code = code.and_then(|cause| text(&cause["message"]).parse().ok());
    code.ok_or_else(|| Error::msg("error stream protocol error: no exit code in the status"))
}

/// The process's exit code as ours; says so where it is none of success.
pub(super) fn as_exit_code(code: i32) -> ExitCode {
    if code != 0 {
        eprintln!("command terminated with exit code {code}");
    }
    // Of a larger number the system would keep the low byte too.
    ExitCode::from((code & 0xff) as u8)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn statuses_tell_exit_codes() {
        let check = |status: Value, expect: Result<i32, &str>| {
            assert_eq!(exit_code(&status).map_err(|e| e.to_string()), expect.map_err(str::to_owned));
        };
        check(json!({"status": "Success"}), Ok(0));
        let causes = json!([{"reason": "ExitCode", "message": "7"}]);
        check(
            json!({"status": "Failure", "reason": "NonZeroExitCode", "details": {"causes": causes}}),
            Ok(7),
        );
        check(
            json!({"status": "Failure", "reason": "NonZeroExitCode"}),
            Err("error: error stream protocol error: no exit code in the status"),
        );
        check(
            json!({"status": "Failure", "reason": "InternalError", "message": "no such file"}),
            Err("error: no such file"),
        );
    }
}
