//! Get, list and watch: answered from the cache, at least as new as the client asks for.

use std::num::{IntErrorKind, ParseIntError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cache::{Expired, Filter, ListQuery, WatchStart};
use kinds::Kind;
use object::{FieldError, FieldSelector, Key, LabelSelector, Path, Status};
use serde::{Deserialize, Serialize};

use crate::api::{Answer, Api, Call};
use crate::write::not_found;

/// How long a read waits for the cache to reach the revision that it needs.
const PATIENCE: Duration = Duration::from_secs(3);

/// How new a list must be: `resourceVersion` and `resourceVersionMatch` (API concepts, "Resource versions").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Freshness {
    /// As of now.
    Consistent,
    /// Whatever there is.
    Any,
    /// At least this revision.
    NotOlderThan(u64),
    /// This very revision.
    Exact(u64),
}

/// What a continue token says, opaque to clients.
#[derive(Serialize, Deserialize)]
struct Continue {
    /// Revision of the first page; none: as of now, for a list whose revision is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rv: Option<u64>,
    /// Namespace and name of the last object given.
    ns: String,
    name: String,
}

impl Continue {
    fn after(last: &Key, revision: Option<u64>) -> Self {
        Self { rv: revision, ns: last.namespace.clone(), name: last.name.clone() }
    }

    fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    fn decode(text: &str) -> Result<Self, Status> {
        let invalid = |why: &dyn std::fmt::Display| {
            Status::bad_request(format!("invalid continue token: continue key is not valid: {why}"))
        };
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|e| invalid(&e))?;
        serde_json::from_slice(&bytes).map_err(|e| invalid(&e))
    }
}

impl Api {
    /// One object.
    pub(crate) async fn get(&self, call: &Call<'_>) -> Result<Answer, Status> {
        match freshness(call)? {
            Freshness::Any => {}
            Freshness::NotOlderThan(revision) => self.reach(revision).await?,
            Freshness::Consistent | Freshness::Exact(_) => self.reach(self.objects.revision().await?).await?,
        }
        let key = call.key();
        let entry =
            self.cache.get(&call.kind.resource(), &key).ok_or_else(|| not_found(&call.served, &key))?;
        Ok(Answer::Entry(entry))
    }

    /// All objects that match, or a page of them.
    pub(crate) async fn list(&self, call: &Call<'_>) -> Result<Answer, Status> {
        check_options(call)?;
        let limit = limit(call)?;
        let token = call.info.param("continue");
        let (at, after) = if token.is_empty() {
            let at = match freshness(call)? {
                Freshness::Any => None,
                Freshness::Consistent => {
                    self.reach(self.objects.revision().await?).await?;
                    None
                }
                Freshness::NotOlderThan(revision) => {
                    self.reach(revision).await?;
                    None
                }
                Freshness::Exact(revision) => {
                    self.reach(revision).await?;
                    Some(revision)
                }
            };
            (at, None)
        } else {
            let token = Continue::decode(token)?;
            if !matches!(call.info.param("resourceVersion"), "" | "0") {
                let why = "specifying resource version is not allowed when using continue";
                return Err(Status::bad_request(why));
            }
            if token.rv.is_none() {
                self.reach(self.objects.revision().await?).await?;
            }
            (token.rv, Some(Key::new(token.ns, token.name)))
        };
        let filter = filter(call)?;
        let query = ListQuery { filter, limit, after, at };
        let list =
            self.cache.list(&call.kind, &query).map_err(|Expired { .. }| expired(query.after.as_ref()))?;
        let token = list.items.last().filter(|_| list.more);
        let token = token.map(|last| Continue::after(&last.key, Some(list.revision)).encode());
        Ok(Answer::List { list, token })
    }

    /// A stream of changes.
    pub(crate) async fn watch(&self, call: &Call<'_>) -> Result<Answer, Status> {
        check_options(call)?;
        let version = call.info.param("resourceVersion");
        match version {
            "" => self.reach(self.objects.revision().await?).await?,
            "0" => {}
            _ if call.info.flag("sendInitialEvents") => self.reach(revision(version)?).await?,
            _ => {}
        }
        let start = match (initial_events(call), version) {
            (Some(true), _) => WatchStart::InitialEvents,
            (Some(false), "" | "0") => WatchStart::After(self.cache.revision()),
            (None, "" | "0") => WatchStart::State,
            (_, version) => WatchStart::After(revision(version)?),
        };
        let watcher = match self.cache.watch(&call.kind, filter(call)?, start) {
            Ok(watcher) => watcher,
            Err(Expired { oldest }) => {
                let why = format!("too old resource version: {version} ({oldest})");
                return Ok(Answer::Broken(Status::expired(why)));
            }
        };
        // As upstream: unless the client says otherwise, watches end after half an hour to an hour.
        let spread = uuid::Uuid::new_v4().as_bytes()[0];
        let seconds = match number(call, "timeoutSeconds")? {
            None | Some(0) => 1800 + u64::from(spread) * 7,
            Some(seconds) => u64::try_from(seconds).unwrap_or(0),
        };
        let until = tokio::time::Instant::now() + Duration::from_secs(seconds.min(24 * 3600));
        Ok(Answer::Watch { watcher, bookmarks: call.info.flag("allowWatchBookmarks"), until })
    }

    /// Waits until the cache holds everything up to a revision.
    pub(crate) async fn reach(&self, revision: u64) -> Result<(), Status> {
        if self.cache.wait(revision, PATIENCE).await {
            return Ok(());
        }
        let mut status = Status::timeout(format!(
            "Timeout: Too large resource version: {revision}, current: {}",
            self.cache.revision()
        ));
        let details = status.details.get_or_insert_default();
        details.retry_after_seconds = Some(1);
        details.causes = vec![object::Cause {
            reason: "ResourceVersionTooLarge".into(),
            message: "Too large resource version".into(),
            field: String::new(),
        }];
        Err(status)
    }
}

/// The revision of a list is gone. After a first page, the rest can still be had as it is now, as upstream offers it.
fn expired(after: Option<&Key>) -> Status {
    let Some(after) = after else {
        return Status::expired("The resourceVersion for the provided list is too old.");
    };
    let mut status = Status::expired(
        "The provided continue parameter is too old to display a consistent list result. You can start a new list \
         without the continue parameter, or use the continue token in this response to retrieve the remainder of the \
         results. Continuing with the provided token results in an inconsistent list - objects that were created, \
         modified, or deleted between the time the first chunk was returned and now may show up in the list.",
    );
    status.details.get_or_insert_default().continue_token = Continue::after(after, None).encode();
    status
}

/// Whether a watch begins with what is there already, where the client says.
fn initial_events(call: &Call<'_>) -> Option<bool> {
    (!call.info.param("sendInitialEvents").is_empty()).then(|| call.info.flag("sendInitialEvents"))
}

/// Refuses options of lists and watches that do not go together (API concepts, "Resource versions"; KEP-3157).
fn check_options(call: &Call<'_>) -> Result<(), Status> {
    let param = |name: &str| call.info.param(name);
    let (version, matching) = (param("resourceVersion"), param("resourceVersionMatch"));
    let (watches, initial) = (call.info.verb == "watch", initial_events(call).is_some());
    number(call, "timeoutSeconds")?;
    number(call, "limit")?;
    let supported: &[&str] = if watches { &["NotOlderThan"] } else { &["Exact", "NotOlderThan", ""] };
    let path = Path::new("resourceVersionMatch");
    let is_set = !matching.is_empty();
    let rules = [
        (
            watches && initial && matching != "NotOlderThan",
            "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
        ),
        (
            watches && is_set && !initial,
            "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
        ),
        (
            !watches && is_set && version.is_empty(),
            "resourceVersionMatch is forbidden unless resourceVersion is provided",
        ),
        (
            is_set && !param("continue").is_empty(),
            "resourceVersionMatch is forbidden when continue is provided",
        ),
        (
            matching == "Exact" && version == "0",
            "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"",
        ),
    ];
    let broken = rules.iter().filter(|(broken, _)| *broken);
    let mut errors: Vec<FieldError> = broken.map(|(_, why)| FieldError::forbidden(&path, *why)).collect();
    if is_set && !supported.contains(&matching) {
        errors.push(FieldError::not_supported(&path, matching, supported));
    }
    if !watches && initial {
        errors.push(FieldError::forbidden(
            &Path::new("sendInitialEvents"),
            "sendInitialEvents is forbidden for list",
        ));
    }
    if errors.is_empty() { Ok(()) } else { Err(Status::invalid("meta.k8s.io", "ListOptions", "", &errors)) }
}

fn freshness(call: &Call<'_>) -> Result<Freshness, Status> {
    let (version, matching) = (call.info.param("resourceVersion"), call.info.param("resourceVersionMatch"));
    let limited = limit(call)? > 0;
    Ok(match (version, matching) {
        ("", _) => Freshness::Consistent,
        ("0", _) => Freshness::Any,
        (version, "Exact") => Freshness::Exact(revision(version)?),
        // A page at a revision is that revision; a whole list is at least as new.
        (version, "") if limited => Freshness::Exact(revision(version)?),
        (version, _) => Freshness::NotOlderThan(revision(version)?),
    })
}

fn revision(text: &str) -> Result<u64, Status> {
    // Go takes no sign here, where Rust takes one
    let read = if text.starts_with('+') { "-".parse() } else { text.parse() };
    read.map_err(|e| {
        let error = FieldError::invalid(&Path::new("resourceVersion"), text, unparsed("ParseUint", text, &e));
        Status::bad_request(format!("invalid resource version: {error}"))
    })
}

/// The value of a parameter that is a number.
fn number(call: &Call<'_>, name: &str) -> Result<Option<i64>, Status> {
    let stated = call.info.query.iter().find(|(key, _)| key == name);
    let read = |(_, text): &(String, String)| {
        text.parse().map_err(|e| Status::bad_request(unparsed("ParseInt", text, &e)))
    };
    stated.map(read).transpose()
}

/// What Go says of a text that is no number.
fn unparsed(function: &str, text: &str, error: &ParseIntError) -> String {
    let why = match error.kind() {
        IntErrorKind::PosOverflow | IntErrorKind::NegOverflow => "value out of range",
        _ => "invalid syntax",
    };
    format!("strconv.{function}: parsing {text:?}: {why}")
}

/// How many objects are listed at most; 0: all.
fn limit(call: &Call<'_>) -> Result<usize, Status> {
    Ok(number(call, "limit")?.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(0))
}

/// The selectors of a request. Field selectors may name what the kind's row says and nothing else.
pub(crate) fn filter(call: &Call<'_>) -> Result<Filter, Status> {
    let labels = call.info.param("labelSelector");
    let fields = call.info.param("fieldSelector");
    let labels = labels.parse::<LabelSelector>().map_err(|e| Status::bad_request(e.to_string()))?;
    let fields = fields.parse::<FieldSelector>().map_err(|e| Status::bad_request(e.to_string()))?;
    for requirement in fields.requirements() {
        let field = requirement.field.as_str();
        if !call.served.is_selectable(field) {
            return Err(Status::bad_request(not_selectable(&call.served, field)));
        }
    }
    let fields = match named_by_path(call) {
        Some(name) if fields.is_everything() => format!("metadata.name={}", escaped(name))
            .parse::<FieldSelector>()
            .map_err(|e| Status::bad_request(e.to_string()))?,
        Some(name) if call.info.selected_name() != name => {
            return Err(Status::bad_request("fieldSelector metadata.name doesn't match requested name"));
        }
        _ => fields,
    };
    let fields = match &call.served.storage {
        Some(storage) => fields.renamed(|field| storage.conversion.stored_field(field)),
        None => fields,
    };
    Ok(Filter { namespace: call.namespace().to_owned(), labels, fields })
}

/// The name of the one object that is watched, where the path has it (`/watch/…`).
fn named_by_path<'c>(call: &'c Call<'_>) -> Option<&'c str> {
    Some(call.info.name.as_str()).filter(|name| call.info.verb == "watch" && !name.is_empty())
}

/// A value as field selectors write it.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace(',', "\\,").replace('=', "\\=")
}

/// What is said of a field that a kind cannot be selected by. Kinds with fields of their own say it otherwise.
fn not_selectable(kind: &Kind, field: &str) -> String {
    match kind.selectable.is_empty() {
        true => {
            format!(r#"{field:?} is not a known field selector: only "metadata.name", "metadata.namespace""#)
        }
        false => format!("field label not supported: {field}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expired_page_can_be_gone_on_with_as_things_are_now() {
        let last = Key::new("default", "web-7");
        let status = expired(Some(&last)).to_value();
        assert_eq!((&status["code"], &status["reason"]), (&410.into(), &"Expired".into()));
        let token = status["metadata"]["continue"].as_str().expect("a token");
        let Ok(Continue { rv, ns, name }) = Continue::decode(token) else { panic!("{token}") };
        assert_eq!((rv, ns.as_str(), name.as_str()), (None, "default", "web-7"));
        assert_eq!(expired(None).to_value()["metadata"], serde_json::json!({}));
    }

    #[test]
    fn tokens_of_consistent_lists_name_their_revision() {
        let token = Continue::after(&Key::new("", "n"), Some(7)).encode();
        let Ok(Continue { rv, .. }) = Continue::decode(&token) else { panic!("{token}") };
        assert_eq!(rv, Some(7));
        assert!(Continue::decode("nonsense").is_err());
    }
}
