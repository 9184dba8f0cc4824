//! Makes the requests of a story.

use std::collections::BTreeMap;

use client::Client;
use http::header::{CONTENT_TYPE, WARNING};
use http::response::Parts;
use http::{HeaderMap, Request};
use http_body_util::BodyExt;
use kube::client::Body;
use object::{Value, parse_yaml};

use super::compare::{Captured, excerpt, fill, fits_text, stable};
use super::read::Step;
use super::watch::{Event, Watch};
use super::write;

/// Who tells a story, and what was captured in it.
pub(super) struct Teller<'c> {
    client: &'c Client,
    captured: Captured,
    watches: BTreeMap<String, Watch>,
}

/// An answer, read to its end.
struct Answer {
    /// The code; of a failure also why.
    line: String,
    warnings: Vec<String>,
    headers: HeaderMap,
    body: Value,
}

impl<'c> Teller<'c> {
    pub(super) fn new(client: &'c Client) -> Self {
        Self { client, captured: Captured::new(), watches: BTreeMap::new() }
    }

    /// Does what a step says; the lines that its answer should have, where they are others.
    pub(super) async fn step(&mut self, step: &Step<'_>) -> Option<Vec<String>> {
        if step.method == "EVENTS" {
            let watch = self.watches.get_mut(step.target).expect("a watch that was opened");
            let events = watch.told(step.expected.len()).await;
            return self.judge_events(&step.expected, &events);
        }
        if step.each.is_empty() {
            return self.request(step).await;
        }
        let mut differs = None;
        for each in &step.each {
            self.captured.insert("each".to_owned(), (*each).to_owned());
            differs = differs.or(self.request(step).await);
        }
        self.captured.remove("each");
        differs
    }

    async fn request(&mut self, step: &Step<'_>) -> Option<Vec<String>> {
        let response =
            self.client.kube().send(self.built(step)).await.expect("the server is in this process");
        let (head, body) = response.into_parts();
        let body = if step.method == "WATCH" && head.status.is_success() {
            let name = step.target.split(' ').next().unwrap_or_default();
            self.watches.insert(name.to_owned(), Watch::new(body));
            Value::Null
        } else {
            document(&head.headers, &body.collect().await.expect("a whole body").to_bytes())
        };
        self.judge(&step.expected, &Answer::of(head, body))
    }

    fn built(&self, step: &Step<'_>) -> Request<Body> {
        let filled = |text: &str| fill(text, &self.captured);
        let patch = |kind: &str| ("PATCH", format!("application/{kind}"));
        let (method, media_type) = match step.method {
            "MERGE" => patch("merge-patch+json"),
            "STRATEGIC" => patch("strategic-merge-patch+json"),
            "JSONPATCH" => patch("json-patch+json"),
            "APPLY" => patch("apply-patch+yaml"),
            "WATCH" => ("GET", String::new()),
            method => (method, "application/json".to_owned()),
        };
        let path = match step.target.split_once(' ') {
            Some((_, path)) => format!("{path}{}watch=1", if path.contains('?') { '&' } else { '?' }),
            None => step.target.to_owned(),
        };
        let mut request = Request::builder().method(method).uri(filled(&path));
        for (name, value) in &step.headers {
            request = request.header(*name, filled(value));
        }
        let stated = step.headers.iter().any(|(name, _)| *name == CONTENT_TYPE);
        if !stated && !step.body.is_empty() {
            request = request.header(CONTENT_TYPE, media_type);
        }
        let body = filled(&step.body);
        let body = match stated || body.is_empty() {
            true => body,
            false => yaml(&body).to_string(),
        };
        request.body(body.into_bytes().into()).unwrap_or_else(|e| panic!("line {}: {e}", step.line))
    }

    fn judge(&mut self, expected: &[&str], answer: &Answer) -> Option<Vec<String>> {
        let captured = &self.captured;
        let line = expected.first().copied().unwrap_or_default();
        let marked =
            |mark: &str| expected.iter().filter_map(|line| line.strip_prefix(mark)).collect::<Vec<_>>();
        let (warnings, headers) = (marked("! "), marked("< "));
        let rest = expected.iter().skip(1 + warnings.len() + headers.len());
        let wanted = yaml(&rest.copied().collect::<Vec<_>>().join("\n"));
        let told: Vec<String> = headers.iter().map(|line| answer.header(line, captured)).collect();
        let fits = |wanted: &str, told: &str| fits_text(&fill(wanted, captured), told);
        let fits = fits(line, &answer.line)
            && warnings.len() == answer.warnings.len()
            && warnings.iter().zip(&answer.warnings).all(|(wanted, told)| fits(wanted, told))
            && told == headers;
        let body = match &wanted {
            // of a success that nothing is expected of yet, all
            Value::Null if expected.is_empty() && answer.is_success() => stable(&answer.body, captured),
            Value::Null => Value::Null,
            wanted => excerpt(wanted, &answer.body, &mut self.captured),
        };
        if fits && body == wanted {
            return None;
        }
        let mut lines = vec![answer.line.clone()];
        lines.extend(answer.warnings.iter().map(|warning| format!("! {warning}")));
        lines.extend(told.iter().map(|header| format!("< {header}")));
        lines.extend(write::lines(&body));
        Some(lines)
    }

    fn judge_events(&mut self, expected: &[&str], events: &[Event]) -> Option<Vec<String>> {
        let told = |(index, event): (usize, &Event)| {
            event.line(expected.get(index).copied().unwrap_or_default(), &mut self.captured)
        };
        let lines: Vec<String> = events.iter().enumerate().map(told).collect();
        (lines != expected).then_some(lines)
    }
}

impl Answer {
    fn of(head: Parts, body: Value) -> Self {
        let code = head.status.as_u16();
        let line = match code {
            ..400 => code.to_string(),
            _ => failure(&body).unwrap_or_else(|| format!("{code}: {body}")),
        };
        let warnings = head.headers.get_all(WARNING).iter();
        let warnings = warnings.map(|value| {
            let text = value.to_str().expect("a text").strip_prefix("299 - \"").expect("code and agent");
            text.strip_suffix('"').expect("a quoted text").replace("\\\"", "\"").replace("\\\\", "\\")
        });
        Self { line, warnings: warnings.collect(), headers: head.headers, body }
    }

    fn is_success(&self) -> bool {
        self.line.len() == 3
    }

    /// A header as expected where it fits, and otherwise as it is.
    fn header(&self, expected: &str, captured: &Captured) -> String {
        let (name, value) = expected.split_once(": ").unwrap_or((expected, ""));
        let actual = self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        match fits_text(&fill(value, captured), actual) {
            true => expected.to_owned(),
            false => format!("{name}: {actual}"),
        }
    }
}

/// A failure in one line, where a document is one.
pub(super) fn failure(status: &Value) -> Option<String> {
    let text = |field: &str| status[field].as_str().unwrap_or_default();
    let failed = status["kind"] == "Status" && status["status"] == "Failure";
    failed.then(|| format!("{} {}: {}", status["code"], text("reason"), text("message")))
}

fn document(headers: &HeaderMap, bytes: &[u8]) -> Value {
    let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match media_type.split(';').next() {
        Some("application/json") if !bytes.is_empty() => serde_json::from_slice(bytes).expect("JSON"),
        Some("application/yaml") => parse_yaml(bytes).expect("YAML").value,
        _ => String::from_utf8_lossy(bytes).into(),
    }
}

pub(super) fn yaml(text: &str) -> Value {
    parse_yaml(text.as_bytes()).unwrap_or_else(|e| panic!("{e}\n{text}")).value
}
