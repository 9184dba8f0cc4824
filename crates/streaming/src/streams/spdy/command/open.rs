//! Which stream of a connection is which of the command's.

use crate::Exec;
use crate::streams::spdy::Malformed;

/// The numbers of the streams that are open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::streams::spdy) struct Streams {
    pub error: Option<u32>,
    pub stdin: Option<u32>,
    pub stdout: Option<u32>,
    pub stderr: Option<u32>,
    pub resize: Option<u32>,
}

impl Streams {
    /// Takes a new stream for what its headers say; each is opened once, by a client's (odd) number.
    pub(in crate::streams::spdy) fn add(
        &mut self,
        stream: u32,
        headers: &[(String, String)],
    ) -> Result<(), Malformed> {
        let kind = headers.iter().find(|(name, _)| name == "streamtype").ok_or(Malformed)?;
        let place = match kind.1.as_str() {
            "error" => &mut self.error,
            "stdin" => &mut self.stdin,
            "stdout" => &mut self.stdout,
            "stderr" => &mut self.stderr,
            "resize" => &mut self.resize,
            _ => return Err(Malformed),
        };
        if stream.is_multiple_of(2) || place.replace(stream).is_some() {
            return Err(Malformed);
        }
        Ok(())
    }

    /// Whether the streams that a command needs are all open.
    pub(in crate::streams::spdy) fn complete(&self, exec: &Exec) -> bool {
        let needs = [
            (true, self.error),
            (exec.stdin, self.stdin),
            (exec.stdout, self.stdout),
            (exec.stderr, self.stderr),
            (exec.tty, self.resize),
        ];
        needs.into_iter().all(|(needed, stream)| !needed || stream.is_some())
    }
}
