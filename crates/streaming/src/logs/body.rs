//! A log as the body of an answer: read when the client takes it, never ahead.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use futures::Stream;
use http_body::Frame;
use tokio::sync::watch;

use super::Options;
use super::reader::{Reader, Step};
use crate::LogSource;

/// How long a follower waits before it looks again.
const LOOK: Duration = Duration::from_millis(100);

/// The log's text as a stream of blocks. It ends after an error.
pub(crate) async fn body(
    source: LogSource,
    options: Options,
) -> io::Result<impl Stream<Item = io::Result<Frame<Bytes>>> + Send> {
    let LogSource { path, ended } = source;
    let reader = blocking(move || Reader::open(path, &options)).await?;
    let state = Following { reader, ended };
    Ok(futures::stream::try_unfold(state, async |state| {
        let next = state.next().await?;
        Ok(next.map(|(text, state)| (Frame::data(text), state)))
    }))
}

struct Following {
    reader: Reader,
    ended: watch::Receiver<bool>,
}

impl Following {
    async fn next(mut self) -> io::Result<Option<(Bytes, Self)>> {
        loop {
            let ended = self.ended();
            let mut reader = self.reader;
            let (reader, step) = blocking(move || reader.step(ended).map(|step| (reader, step))).await?;
            self.reader = reader;
            match step {
                Step::Text(text) if text.is_empty() => {}
                Step::Text(text) => return Ok(Some((text.into(), self))),
                Step::Idle => self.wait().await,
                Step::End => return Ok(None),
            }
        }
    }

    /// Asked before the files are read, so that what was written before the end is read.
    fn ended(&mut self) -> bool {
        *self.ended.borrow_and_update() || self.ended.has_changed().is_err()
    }

    async fn wait(&mut self) {
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            _ = self.ended.changed() => {}
        }
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}
