//! Sending Events.

use std::sync::Arc;

use kinds::Kind;
use object::{PatchType, Time, Value};
use parking_lot::Mutex;

use super::{Aggregator, ObjectRef, Severity, Step};
use crate::{Client, Error};

/// Events and objects that a recorder remembers.
const CAPACITY: usize = 4096;

/// Sends a component's Events, repeats as counts. An Event that cannot be sent is logged and lost: no work may hang
/// on it.
pub struct Recorder {
    client: Client,
    kind: Arc<Kind>,
    aggregator: Mutex<Aggregator>,
}

impl Recorder {
    /// A recorder of a component; `kind` is the row of `v1` Events.
    pub fn new(client: Client, kind: Arc<Kind>, component: &str) -> Self {
        Self { client, kind, aggregator: Mutex::new(Aggregator::new(component, CAPACITY)) }
    }

    /// Tells what happened to an object.
    pub async fn record(
        &self,
        now: Time,
        about: &ObjectRef,
        severity: Severity,
        reason: &str,
        message: &str,
    ) {
        let step = self.aggregator.lock().step(now, about, severity, reason, message);
        if let Err(error) = self.send(step, now).await {
            tracing::warn!(object = %about.name, reason, %error, "an event is lost");
        }
    }

    async fn send(&self, step: Step, now: Time) -> Result<(), Error> {
        match step {
            Step::Quiet => Ok(()),
            Step::Create(event) => self.create(&event).await,
            Step::Count { key, patch, instead } => {
                match self.client.patch(&self.kind, &key, None, PatchType::Merge, &patch).await {
                    Err(error) if error.is_not_found() => {
                        self.aggregator.lock().replaced(&key, &instead, now);
                        self.create(&instead).await
                    }
                    other => other.map(drop),
                }
            }
        }
    }

    async fn create(&self, event: &Value) -> Result<(), Error> {
        let namespace = event["metadata"]["namespace"].as_str().unwrap_or_default();
        self.client.create(&self.kind, namespace, event).await.map(drop)
    }
}
