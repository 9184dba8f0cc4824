//! Runs nft.

use std::process::Stdio;

use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::Error;

/// How much of nft's complaints an error keeps, in bytes.
const COMPLAINT: usize = 2000;

/// Applies a script in nft's own syntax as one transaction, in the network namespace of the calling thread.
///
/// Fails with [`Error::Nft`] where nft refuses; nothing is applied then. A caller that gives up ends nft too.
pub(crate) async fn run(script: &str) -> Result<(), Error> {
    let mut child = Command::new("nft")
        .args(["-f", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|source| Error::System { doing: "starting nft", source })?;
    let stdin = child.stdin.take();
    let feed = async {
        if let Some(mut stdin) = stdin {
            // nft may end before it has read all: its complaint says why
            let _ = stdin.write_all(script.as_bytes()).await;
        }
    };
    let ((), output) = tokio::join!(feed, child.wait_with_output());
    let output = output.map_err(|source| Error::System { doing: "running nft", source })?;
    if output.status.success() {
        return Ok(());
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    Err(Error::Nft(complaint.chars().take(COMPLAINT).collect()))
}
