//! `version`.

use clap::Args;

use crate::Error;
use crate::resource::text;
use crate::session::Session;
use crate::verb::emit;

/// Print the client and server version information.
#[derive(Args, Clone, Debug)]
pub struct Version {
    /// Only the client's version: no server is asked.
    #[arg(long)]
    client: bool,
}

impl Version {
    pub(crate) async fn run(self, session: Result<Session, Error>) -> Result<(), Error> {
        emit(concat!("Client Version: v", env!("CARGO_PKG_VERSION"), "\n"))?;
        if self.client {
            return Ok(());
        }
        let answer = session?.get("/version").await?;
        emit(&format!("Server Version: {}\n", text(&answer["gitVersion"])))
    }
}
