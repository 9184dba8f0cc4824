//! `wait`, and waiting for one object.

use std::time::Duration;

use clap::Args;
use object::Value;
use tokio::time::Instant;

use crate::Error;
use crate::jsonpath::{JsonPath, shown};
use crate::resource::{Resources, items, targets, text};
use crate::session::Session;
use crate::verb::emit;

/// How often an object is looked at.
const PAUSE: Duration = Duration::from_millis(100);

/// A wait that nobody lives to see the end of.
pub(crate) fn forever() -> Duration {
    Duration::from_secs(7 * 24 * 3600)
}

/// Reads Go's notation of durations: `1h2m3.5s`, `100ms`, `0`.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    let invalid = || format!("invalid duration {text:?}");
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    if text.starts_with('-') {
        return Ok(forever());
    }
    let mut total = 0.0;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(invalid)?;
        let number: f64 = rest[..digits].parse().map_err(|_| invalid())?;
        rest = &rest[digits..];
        let unit = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        total += number
            * match &rest[..unit] {
                "h" => 3600.0,
                "m" => 60.0,
                "s" => 1.0,
                "ms" => 1e-3,
                "us" | "µs" => 1e-6,
                _ => return Err(invalid()),
            };
        rest = &rest[unit..];
    }
    if text.is_empty() { Err(invalid()) } else { Duration::try_from_secs_f64(total).map_err(|_| invalid()) }
}

/// Wait for a specific condition on one or many resources.
#[derive(Args, Clone, Debug)]
pub struct Wait {
    /// `TYPE NAME…` or `TYPE/NAME…`.
    targets: Vec<String>,
    /// `condition=NAME[=VALUE]`, `jsonpath=EXPRESSION[=VALUE]`, `create` or `delete`.
    #[arg(long = "for")]
    condition: String,
    /// How long to wait; zero looks once, a negative time is a week.
    #[arg(long, default_value = "30s", value_parser = parse_duration, allow_hyphen_values = true)]
    timeout: Duration,
    /// Only objects with such labels.
    #[arg(short = 'l', long)]
    selector: Option<String>,
    /// All objects of the types.
    #[arg(long)]
    all: bool,
    /// The objects of all namespaces.
    #[arg(short = 'A', long)]
    all_namespaces: bool,
}

/// What is waited for.
#[derive(Clone, Debug, PartialEq)]
enum Goal {
    Created,
    Deleted,
    Condition(String, String),
    Path(JsonPath, Option<String>),
}

impl Goal {
    fn parse(text: &str) -> Result<Self, Error> {
        let unknown = || Error::msg(format!("unrecognized condition: {text:?}"));
        match text.split_once('=') {
            None if text.eq_ignore_ascii_case("delete") => Ok(Self::Deleted),
            None if text.eq_ignore_ascii_case("create") => Ok(Self::Created),
            Some(("condition", rest)) => {
                let (name, value) = rest.split_once('=').unwrap_or((rest, "true"));
                Ok(Self::Condition(name.to_owned(), value.to_owned()))
            }
            Some(("jsonpath", rest)) => {
                let rest = rest.trim_matches('\'');
                let (path, value) = match rest.find('}') {
                    Some(end) => (&rest[..=end], rest[end + 1..].strip_prefix('=')),
                    None => rest.split_once('=').map_or((rest, None), |(path, value)| (path, Some(value))),
                };
                let value = value.map(|value| value.trim_matches(['"', '\'']).to_owned());
                Ok(Self::Path(JsonPath::parse_expression(path)?, value))
            }
            _ => Err(unknown()),
        }
    }

    fn holds(&self, object: Option<&Value>) -> bool {
        match (self, object) {
            (Self::Deleted, object) => object.is_none(),
            (Self::Created, object) => object.is_some(),
            (_, None) => false,
            (Self::Condition(name, value), Some(object)) => condition_holds(object, name, value),
            (Self::Path(path, value), Some(object)) => {
                let found = path.values(object);
                match value {
                    None => !found.is_empty(),
                    Some(value) => found.first().is_some_and(|found| shown(found) == *value),
                }
            }
        }
    }
}

/// Whether a condition has a value, as observed of the object's present generation.
fn condition_holds(object: &Value, name: &str, value: &str) -> bool {
    let same = |a: &Value, b: &str| text(a).eq_ignore_ascii_case(b);
    let generation = object["metadata"]["generation"].as_i64();
    let observed = |of: &Value| of["observedGeneration"].as_i64();
    let stale = |of: &Value| observed(of).zip(generation).is_some_and(|(seen, now)| seen < now);
    let conditions = items(&object["status"]["conditions"]);
    conditions.iter().find(|condition| same(&condition["type"], name)).is_some_and(|condition| {
        same(&condition["status"], value) && !stale(condition) && !stale(&object["status"])
    })
}

impl Wait {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Error> {
        let goal = Goal::parse(&self.condition)?;
        let resources = Resources::discover(session).await?;
        let deadline = Instant::now() + self.timeout;
        let mut found = Vec::new();
        for target in targets(&self.targets, &resources)? {
            let resource = target.resource;
            let namespace = if self.all_namespaces { "" } else { session.namespace_of(&resource) };
            if let Some(name) = target.name {
                found.push((resource.clone(), namespace.to_owned(), name));
                continue;
            }
            if !self.all && self.selector.is_none() {
                return Err(Error::msg("resource name may not be empty"));
            }
            let query = [("labelSelector", self.selector.as_deref().unwrap_or_default())];
            let list = session.list(&resource.collection(namespace), &query, None).await?;
            found.extend(items(&list["items"]).iter().map(|item| {
                let of = |name: &str| text(&item["metadata"][name]).to_owned();
                (resource.clone(), of("namespace"), of("name"))
            }));
        }
        if found.is_empty() && goal != Goal::Deleted {
            return Err(Error::msg("no matching resources found"));
        }
        let mut errors = Vec::new();
        for (resource, namespace, name) in found {
            let what = format!("{}/{name}", resource.plural);
            match until(session, &resource.object(&namespace, &name), &goal, deadline, &what).await {
                Ok(true) => emit(&format!("{}/{name} condition met\n", resource.title()))?,
                Ok(false) => {}
                Err(e) => errors.push(e),
            }
        }
        Error::all(errors)
    }
}

/// Waits; tells whether there is something to say: of an object that was never there, there is not.
async fn until(
    session: &Session,
    path: &str,
    goal: &Goal,
    deadline: Instant,
    what: &str,
) -> Result<bool, Error> {
    let mut seen = false;
    loop {
        let object = match session.get(path).await {
            Ok(object) => Some(object),
            Err(e) if e.is_not_found() && matches!(goal, Goal::Created | Goal::Deleted) => None,
            Err(e) => return Err(e),
        };
        seen |= object.is_some();
        if goal.holds(object.as_ref()) {
            return Ok(seen);
        }
        pause(deadline, what).await?;
    }
}

/// Waits until the object of this uid is gone, or another took its name.
pub(crate) async fn until_gone(
    session: &Session,
    path: &str,
    uid: &str,
    deadline: Instant,
    what: &str,
) -> Result<(), Error> {
    loop {
        match session.get(path).await {
            Ok(object) if uid.is_empty() || text(&object["metadata"]["uid"]) == uid => {}
            Err(e) if !e.is_not_found() => return Err(e),
            _ => return Ok(()),
        }
        pause(deadline, what).await?;
    }
}

async fn pause(deadline: Instant, what: &str) -> Result<(), Error> {
    if Instant::now() >= deadline {
        return Err(Error::msg(format!("timed out waiting for the condition on {what}")));
    }
    tokio::time::sleep_until(deadline.min(Instant::now() + PAUSE)).await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn durations() {
        for (text, expect) in [("30s", 30_000), ("1m30s", 90_000), ("1.5s", 1500), ("100ms", 100), ("0", 0)] {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(expect)), "{text}");
        }
        for text in ["", "5", "s", "5x"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn goals() {
        let object = json!({"metadata": {"generation": 2}, "status": {"phase": "Running", "conditions": [
            {"type": "Ready", "status": "True"}, {"type": "Old", "status": "True", "observedGeneration": 1},
        ]}});
        for (goal, expect) in [
            ("condition=Ready", true),
            ("condition=ready=true", true),
            ("condition=Ready=False", false),
            ("condition=Old", false),
            ("jsonpath={.status.phase}=Running", true),
            ("jsonpath=.status.phase=Running", true),
            ("jsonpath={.status.phase}", true),
            ("jsonpath={.status.no}", false),
            ("delete", false),
            ("create", true),
        ] {
            assert_eq!(Goal::parse(goal).unwrap().holds(Some(&object)), expect, "{goal}");
        }
        assert!(Goal::Deleted.holds(None) && Goal::parse("x").is_err());
    }
}
