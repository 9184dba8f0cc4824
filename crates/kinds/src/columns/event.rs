//! Columns of events.

use object::{Time, Value};

use super::{UNKNOWN, age, or, shown, text, wide};
use crate::rules::Read;
use crate::{Cell, Column};

/// Columns of events.
pub(crate) const EVENT: &[Column] = &[
    shown("Last Seen", |o, now| last_seen(o, now).into()),
    text("Type", "type"),
    text("Reason", "reason"),
    shown("Object", |o, _| target(o).into()),
    wide(text("Subobject", "involvedObject.fieldPath")),
    wide(shown("Source", |o, _| source(o).into())),
    shown("Message", |o, _| o.text("message").trim().into()),
    wide(shown("First Seen", |o, now| first_seen(o, now).into())),
    wide(shown("Count", |o, _| count(o).into())),
    Column { format: "name", ..wide(super::column("Name", "string", Cell::Path("metadata.name"))) },
];

fn first_seen(event: &Value, now: Time) -> String {
    match age(event, "firstTimestamp", now) {
        unknown if unknown == UNKNOWN => age(event, "eventTime", now),
        known => known,
    }
}

fn last_seen(event: &Value, now: Time) -> String {
    if event.has("series") {
        return age(event, "series.lastObservedTime", now);
    }
    match age(event, "lastTimestamp", now) {
        unknown if unknown == UNKNOWN => first_seen(event, now),
        known => known,
    }
}

/// Times seen; an event without a count was seen once.
fn count(event: &Value) -> i64 {
    let path = if event.has("series") { "series.count" } else { "count" };
    event.int(path).filter(|&n| n > 0).unwrap_or(1)
}

fn target(event: &Value) -> String {
    let kind = event.text("involvedObject.kind").to_lowercase();
    match event.text("involvedObject.name") {
        "" => kind,
        name => format!("{kind}/{name}"),
    }
}

fn source(event: &Value) -> String {
    let component = or(event.text("source.component"), event.text("reportingComponent"));
    match or(event.text("source.host"), event.text("reportingInstance")) {
        "" => component.to_owned(),
        instance => format!("{component}, {instance}"),
    }
}
