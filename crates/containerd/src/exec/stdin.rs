//! Standard input of processes.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use containerd_client::services::v1::CloseIoRequest;
use tokio::io::AsyncWrite;
use tokio::net::unix::pipe::Sender;
use tokio::runtime::Handle;

use super::ExecId;

/// The writing side of a process's standard input. Shut down or dropped, it tells the process the end, unless it is
/// to stay open for another writer.
pub struct Stdin {
    exec: ExecId,
    sender: Option<Sender>,
    closes: bool,
}

impl Stdin {
    pub(crate) fn new(exec: ExecId, sender: Sender, closes: bool) -> Stdin {
        Stdin { exec, sender: Some(sender), closes }
    }

    /// The shim has the fifo open for writing too: it must be told.
    fn close(&mut self) {
        let (Some(_), true, Ok(runtime)) = (self.sender.take(), self.closes, Handle::try_current()) else {
            return;
        };
        let exec = self.exec.clone();
        runtime.spawn(async move {
            let (container_id, exec_id) = (exec.container.clone(), exec.id.clone());
            let request = exec.containerd.request(CloseIoRequest { container_id, exec_id, stdin: true });
            // A process that is gone needs no end.
            let _ = exec.containerd.tasks().close_io(request).await;
        });
    }
}

impl Drop for Stdin {
    fn drop(&mut self) {
        self.close();
    }
}

impl AsyncWrite for Stdin {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.sender {
            Some(sender) => Pin::new(sender).poll_write(cx, data),
            None => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.close();
        Poll::Ready(Ok(()))
    }
}

impl std::fmt::Debug for Stdin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stdin").field("id", &self.exec.id).field("open", &self.sender.is_some()).finish()
    }
}
