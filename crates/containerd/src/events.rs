//! What happens to tasks.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use containerd_client::events::{TaskCreate, TaskDelete, TaskExit, TaskStart};
use containerd_client::services::v1::SubscribeRequest;
use containerd_client::types::Envelope;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use jiff::Timestamp;
use prost_types::Any;
use tonic::{Response, Status, Streaming};

use crate::connection::Containerd;
use crate::found::time;

/// Between attempts to reach containerd.
const PAUSE: Duration = Duration::from_millis(500);

/// Something happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Events come from here on, for the first time or again; some may have been missed: look at everything anew.
    Reconnected,
    /// A task was created.
    Created {
        /// The container.
        id: String,
    },
    /// A container's process started.
    Started {
        /// The container.
        id: String,
        /// The process on the host.
        pid: u32,
    },
    /// A container's process ended.
    Exited {
        /// The container.
        id: String,
        /// Its exit code.
        code: u32,
        /// When.
        at: Option<Timestamp>,
    },
    /// A task was deleted.
    Deleted {
        /// The container.
        id: String,
    },
}

type Opening = Pin<Box<dyn Future<Output = Result<Response<Streaming<Envelope>>, Status>> + Send>>;

/// A subscription's way; an error leads back to the start.
enum Phase {
    /// Not connected: leads to `Opening` when containerd answers.
    Closed,
    /// Subscribed; containerd answers only with the first event, which leads to `Open`.
    Opening(Opening),
    /// Events flow.
    Open(Box<Streaming<Envelope>>),
}

impl Containerd {
    /// The task events of the namespace, for ever: reconnects by itself.
    #[must_use]
    pub fn events(&self) -> BoxStream<'static, Event> {
        stream::unfold((self.clone(), Phase::Closed), |(containerd, mut phase)| async move {
            loop {
                let (event, next) = containerd.step(phase).await;
                phase = next;
                if let Some(event) = event {
                    return Some((event, (containerd, phase)));
                }
            }
        })
        .boxed()
    }

    async fn step(&self, phase: Phase) -> (Option<Event>, Phase) {
        match phase {
            Phase::Closed => match self.open().await {
                Ok(phase) => (Some(Event::Reconnected), phase),
                Err(()) => {
                    tokio::time::sleep(PAUSE).await;
                    (None, Phase::Closed)
                }
            },
            Phase::Opening(opening) => match opening.await {
                Ok(answer) => (None, Phase::Open(Box::new(answer.into_inner()))),
                Err(_) => (None, Phase::Closed),
            },
            Phase::Open(mut events) => match events.message().await {
                Ok(Some(envelope)) => (envelope.event.and_then(decode), Phase::Open(events)),
                Ok(None) | Err(_) => (None, Phase::Closed),
            },
        }
    }

    async fn open(&self) -> Result<Phase, ()> {
        let filter = format!("namespace=={},topic~=\"^/tasks/\"", self.inner.options.namespace);
        let request = self.unbounded(SubscribeRequest { filters: vec![filter] });
        let mut service = self.event_service();
        let mut opening: Opening = Box::pin(async move { service.subscribe(request).await });
        tokio::select! {
            biased;
            answer = &mut opening => answer.map(|answer| Phase::Open(Box::new(answer.into_inner()))).map_err(drop),
            version = self.version() => version.map(|_| Phase::Opening(opening)).map_err(drop),
        }
    }
}

fn decode(any: Any) -> Option<Event> {
    let name = any.type_url.clone();
    let any = Any { type_url: format!("/{name}"), ..any };
    match name.as_str() {
        "containerd.events.TaskCreate" => {
            any.to_msg::<TaskCreate>().ok().map(|event| Event::Created { id: event.container_id })
        }
        "containerd.events.TaskStart" => any
            .to_msg::<TaskStart>()
            .ok()
            .map(|event| Event::Started { id: event.container_id, pid: event.pid }),
        "containerd.events.TaskExit" => {
            let event = any.to_msg::<TaskExit>().ok().filter(|event| event.id == event.container_id)?;
            let (code, at) = (event.exit_status, event.exited_at.and_then(time));
            Some(Event::Exited { id: event.container_id, code, at })
        }
        "containerd.events.TaskDelete" => {
            any.to_msg::<TaskDelete>().ok().map(|event| Event::Deleted { id: event.container_id })
        }
        _ => None,
    }
}
