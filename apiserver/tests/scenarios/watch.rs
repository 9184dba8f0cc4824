//! Watches of a story.

use std::time::Duration;

use http_body_util::BodyExt;
use kube::client::Body;
use object::Value;
use tokio::time::timeout;

use super::compare::{Captured, excerpt, fill, fits_text};
use super::run::{failure, yaml};
use super::write;

/// Within this an event that must come has come.
const SOON: Duration = Duration::from_secs(10);
/// After this none comes that should not.
const QUIET: Duration = Duration::from_millis(40);

/// A running watch.
pub(super) struct Watch {
    body: Body,
    /// What came of a line that is not whole.
    rest: Vec<u8>,
    ended: bool,
}

/// What a watch told.
pub(super) enum Event {
    Frame(Value),
    End,
}

impl Watch {
    pub(super) fn new(body: Body) -> Self {
        Self { body, rest: Vec::new(), ended: false }
    }

    /// What it told since the last look, where so many events are waited for.
    pub(super) async fn told(&mut self, wanted: usize) -> Vec<Event> {
        let mut events = Vec::new();
        loop {
            let patience = if events.len() < wanted { SOON } else { QUIET };
            match timeout(patience, self.next()).await {
                Ok(Some(event)) => events.push(event),
                Ok(None) | Err(_) => return events,
            }
        }
    }

    /// The next event; none behind the end.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.rest.drain(..=end).collect();
                return Some(Event::Frame(serde_json::from_slice(&line).expect("an event")));
            }
            if self.ended {
                return None;
            }
            match self.body.frame().await {
                Some(frame) => self.rest.extend_from_slice(frame.expect("a frame").data_ref().expect("data")),
                None => {
                    self.ended = true;
                    return Some(Event::End);
                }
            }
        }
    }
}

impl Event {
    /// The expected line where the event fits it, and otherwise the line that it would be.
    pub(super) fn line(&self, expected: &str, captured: &mut Captured) -> String {
        let Self::Frame(frame) = self else { return "END".to_owned() };
        let object = &frame["object"];
        let kind = frame["type"].as_str().unwrap_or_default();
        let (wanted, fields) = expected.split_once(" {").unwrap_or((expected, ""));
        let told = match (failure(object), object["metadata"]["name"].as_str()) {
            (Some(failure), _) => format!("{kind} {failure}"),
            (None, Some(name)) => format!("{kind} {name}"),
            (None, None) => kind.to_owned(),
        };
        let told = if fits_text(&fill(wanted, captured), &told) { wanted.to_owned() } else { told };
        if fields.is_empty() {
            return told;
        }
        let wanted = yaml(&format!("{{{fields}"));
        match excerpt(&wanted, object, captured) {
            same if same == wanted => format!("{told} {{{fields}"),
            other => format!("{told} {}", write::flow(&other)),
        }
    }
}
