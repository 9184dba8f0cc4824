//! Who else gets a container's output, while it is attached.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::{AsyncWriteExt, DuplexStream};
use tokio::time::timeout;

/// Who does not read for so long is cut off: a container must not stand still for a listener.
const PATIENCE: Duration = Duration::from_secs(5);

/// The listeners of one container; none when its output has ended. Locked for moments only.
#[derive(Clone, Debug)]
pub(crate) struct Taps(Arc<Mutex<Option<Vec<Tap>>>>);

/// A listener.
#[derive(Debug)]
pub(crate) struct Tap {
    stdout: Option<DuplexStream>,
    stderr: Option<DuplexStream>,
}

impl Tap {
    pub fn new(stdout: Option<DuplexStream>, stderr: Option<DuplexStream>) -> Tap {
        Tap { stdout, stderr }
    }

    async fn give(&mut self, stream: &str, data: &[u8]) {
        let to = if stream == "stderr" { &mut self.stderr } else { &mut self.stdout };
        let Some(writer) = to else { return };
        if !matches!(timeout(PATIENCE, writer.write_all(data)).await, Ok(Ok(()))) {
            *to = None;
        }
    }
}

impl Taps {
    pub fn new() -> Taps {
        Taps(Arc::new(Mutex::new(Some(Vec::new()))))
    }

    /// Adds a listener; false when the output has ended.
    pub fn add(&self, tap: Tap) -> bool {
        self.0.lock().as_mut().map(|taps| taps.push(tap)).is_some()
    }

    /// Gives output to all listeners.
    pub async fn give(&self, stream: &str, data: &[u8]) {
        let mut taps = self.0.lock().as_mut().map(std::mem::take).unwrap_or_default();
        if taps.is_empty() {
            return;
        }
        for tap in &mut taps {
            tap.give(stream, data).await;
        }
        if let Some(all) = self.0.lock().as_mut() {
            all.append(&mut taps);
        }
    }

    /// The output has ended.
    pub fn end(&self) {
        *self.0.lock() = None;
    }
}
