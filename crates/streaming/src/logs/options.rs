//! Which part of a log a client wants, and how it is shown (`PodLogOptions`).

use jiff::{SignedDuration, Timestamp};
use object::{FieldError, Path, Status, Value};

/// What a client asks of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Options {
    /// Go on as the log grows.
    pub follow: bool,
    /// The log of the attempt before.
    pub previous: bool,
    /// Each line begins with its time.
    pub timestamps: bool,
    /// Only this many last lines.
    pub tail: Option<u64>,
    /// Only lines not older than this.
    pub since: Option<Timestamp>,
    /// No more than this many bytes of output.
    pub limit: Option<u64>,
}

impl Options {
    /// The options in a query. Errors are 400 where a value cannot be read, 422 where it makes no sense.
    pub(crate) fn parse(query: &[(String, String)], now: Timestamp) -> Result<Self, Status> {
        let flag = |name| value(query, name).is_some_and(truth);
        let seconds = number(query, "sinceSeconds")?;
        let tail = number(query, "tailLines")?;
        let limit = number(query, "limitBytes")?;
        let time = instant(query, "sinceTime")?;
        let mut errors = Vec::new();
        errors.extend(at_least(0, "tailLines", tail, "must be greater than or equal to 0"));
        errors.extend(at_least(1, "limitBytes", limit, "must be greater than 0"));
        errors.extend(at_least(1, "sinceSeconds", seconds, "must be greater than 0"));
        if seconds.is_some() && time.is_some() {
            let text = "at most one of `sinceTime` or `sinceSeconds` may be specified";
            errors.push(FieldError::forbidden(&Path::root(), text));
        }
        if !errors.is_empty() {
            return Err(Status::invalid("", "PodLogOptions", "", &errors));
        }
        Ok(Self {
            follow: flag("follow"),
            previous: flag("previous"),
            timestamps: flag("timestamps"),
            tail: tail.and_then(|n| u64::try_from(n).ok()),
            since: time.or(seconds.map(|n| before(now, n))),
            limit: limit.and_then(|n| u64::try_from(n).ok()),
        })
    }
}

/// The first value of a parameter.
fn value<'a>(query: &'a [(String, String)], name: &str) -> Option<&'a str> {
    query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

/// A boolean parameter that is present is true, also when empty, unless it is `false` or `0`.
fn truth(text: &str) -> bool {
    !(text.eq_ignore_ascii_case("false") || text == "0")
}

fn number(query: &[(String, String)], name: &str) -> Result<Option<i64>, Status> {
    let Some(text) = value(query, name).filter(|text| !text.is_empty()) else { return Ok(None) };
    let unreadable = |_| Status::bad_request(format!("{name}: {text:?} is not an integer"));
    text.parse().map(Some).map_err(unreadable)
}

fn instant(query: &[(String, String)], name: &str) -> Result<Option<Timestamp>, Status> {
    let Some(text) = value(query, name).filter(|text| !text.is_empty()) else { return Ok(None) };
    let unreadable = |_| Status::bad_request(format!("{name}: {text:?} is not a time of RFC 3339"));
    text.parse().map(Some).map_err(unreadable)
}

fn at_least(least: i64, name: &str, number: Option<i64>, detail: &str) -> Option<FieldError> {
    let number = number.filter(|n| *n < least)?;
    Some(FieldError::invalid(&Path::new(name), Value::from(number), detail))
}

/// A time so long ago that no calendar has it is the earliest there is.
fn before(now: Timestamp, seconds: i64) -> Timestamp {
    now.checked_sub(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MIN)
}
