//! `describe`.

mod kinds;
mod pod;

use clap::Args;
use object::Value;

use crate::Error;
use crate::columns::align;
use crate::jsonpath::shown;
use crate::manifest::{self, Files};
use crate::resource::{Resource, Resources, items, targets, text};
use crate::session::Session;
use crate::verb::emit;

/// Show details of a specific resource or group of resources.
#[derive(Args, Clone, Debug)]
pub struct Describe {
    /// `TYPE[,TYPE] [NAME…]` or `TYPE/NAME…`.
    targets: Vec<String>,
    #[command(flatten)]
    files: Files,
    /// Only objects with such labels.
    #[arg(short = 'l', long)]
    selector: Option<String>,
    /// The objects of all namespaces.
    #[arg(short = 'A', long)]
    all_namespaces: bool,
}

impl Describe {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Error> {
        let resources = Resources::discover(session).await?;
        let mut texts = Vec::new();
        let mut errors = Vec::new();
        for (resource, path, is_object) in self.places(session, &resources)? {
            let found = match is_object {
                true => session.get(&path).await.map(|object| vec![object]),
                false => self.listed(session, &path).await,
            };
            match found {
                Ok(objects) => {
                    for object in objects {
                        texts.push(describe(session, &resource, &object).await?);
                    }
                }
                Err(e) => errors.push(e),
            }
        }
        if texts.is_empty() && errors.is_empty() {
            match self.all_namespaces {
                true => eprintln!("No resources found"),
                false => eprintln!("No resources found in {} namespace.", session.namespace),
            }
        }
        emit(&texts.join("\n\n"))?;
        Error::all(errors)
    }

    /// What to read: objects, and collections.
    fn places(
        &self,
        session: &Session,
        resources: &Resources,
    ) -> Result<Vec<(Resource, String, bool)>, Error> {
        if !self.files.filename.is_empty() {
            let manifests = manifest::load(&self.files, "describe", session, resources)?;
            return Ok(manifests.into_iter().map(|m| (m.resource.clone(), m.path(), true)).collect());
        }
        let place = |target: crate::resource::Target| {
            let resource = target.resource;
            let namespace = if self.all_namespaces { "" } else { session.namespace_of(&resource) };
            match &target.name {
                Some(name) => (resource.clone(), resource.object(namespace, name), true),
                None => (resource.clone(), resource.collection(namespace), false),
            }
        };
        Ok(targets(&self.targets, resources)?.into_iter().map(place).collect())
    }

    async fn listed(&self, session: &Session, path: &str) -> Result<Vec<Value>, Error> {
        let query = [("labelSelector", self.selector.as_deref().unwrap_or_default())];
        let mut list = session.list(path, &query, None).await?;
        Ok(match list["items"].take() {
            Value::Array(objects) => objects,
            _ => Vec::new(),
        })
    }
}

/// What belongs to an object and is read with it.
#[derive(Debug, Default)]
struct Around {
    events: Vec<Value>,
    /// Replica sets of a deployment, pods of a replica set, end point slices of a
    /// service, the lists of quotas and limits of a namespace.
    parts: Vec<Value>,
}

async fn describe(session: &Session, resource: &Resource, object: &Value) -> Result<String, Error> {
    let metadata = &object["metadata"];
    let namespace = text(&metadata["namespace"]);
    let fields = format!("involvedObject.uid={}", text(&metadata["uid"]));
    let at = if namespace.is_empty() {
        "/api/v1/events".into()
    } else {
        format!("/api/v1/namespaces/{namespace}/events")
    };
    let events = session.list(&at, &[("fieldSelector", &fields)], None).await?;
    let parts = match (resource.group.as_str(), resource.kind.as_str()) {
        ("apps", "Deployment") => {
            Some((format!("/apis/apps/v1/namespaces/{namespace}/replicasets"), String::new()))
        }
        ("apps", "ReplicaSet") => Some((format!("/api/v1/namespaces/{namespace}/pods"), String::new())),
        ("", "Service") => Some((
            format!("/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices"),
            format!("kubernetes.io/service-name={}", text(&metadata["name"])),
        )),
        _ => None,
    };
    let mut around = Around { events: items(&events["items"]).to_vec(), parts: Vec::new() };
    if let Some((path, labels)) = parts {
        let list = session.list(&path, &[("labelSelector", &labels)], None).await?;
        around.parts = items(&list["items"]).to_vec();
    }
    if (resource.group.as_str(), resource.kind.as_str()) == ("", "Namespace") {
        for plural in ["resourcequotas", "limitranges"] {
            let path = format!("/api/v1/namespaces/{}/{plural}", text(&metadata["name"]));
            around.parts.push(session.list(&path, &[], None).await?);
        }
    }
    Ok(written(resource, object, &around, jiff::Timestamp::now()))
}

/// The description as text.
fn written(resource: &Resource, object: &Value, around: &Around, now: object::Time) -> String {
    let mut out = match (resource.group.as_str(), resource.kind.as_str()) {
        ("apps", "Deployment") => kinds::deployment(object, around),
        ("apps", "ReplicaSet") => kinds::replica_set(object, around),
        ("", "Pod") => pod::pod(object),
        ("", "Node") => kinds::node(object),
        ("", "Service") => kinds::service(object, around),
        ("", "ConfigMap") => kinds::config_map(object),
        ("", "Namespace") => return align(&kinds::namespace(object, around), 2),
        _ => kinds::generic(resource, object),
    };
    out.push_str(&events(&around.events, now));
    align(&out, 2)
}

/// A title and its lines, as labels and annotations are shown; `<none>` where there are none.
fn pairs(title: &str, map: &Value, between: &str) -> String {
    let lines: Vec<_> = map
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(name, _)| !name.ends_with("last-applied-configuration"))
        .map(|(name, value)| format!("{name}{between}{}", shown(value)))
        .collect();
    match lines.is_empty() {
        true => format!("{title}:\t<none>\n"),
        false => format!("{title}:\t{}\n", lines.join("\n\t")),
    }
}

/// A time as descriptions write it.
fn date(value: &Value) -> String {
    let time = object::parse_time(text(value));
    time.map_or_else(|| "<unset>".into(), |time| time.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string())
}

fn none_if_empty(text: &str) -> &str {
    if text.is_empty() { "<none>" } else { text }
}

fn events(events: &[Value], now: object::Time) -> String {
    if events.is_empty() {
        return "Events:\t<none>\n".into();
    }
    let mut out =
        "Events:\n  Type\tReason\tAge\tFrom\tMessage\n  ----\t------\t----\t----\t-------\n".to_owned();
    let mut sorted: Vec<_> = events.iter().collect();
    sorted.sort_by_key(|event| text(&event["lastTimestamp"]).to_owned());
    for event in sorted {
        let age = |field: &str| {
            let time = object::parse_time(text(&event[field]));
            time.or_else(|| object::parse_time(text(&event["eventTime"]))).map_or_else(
                || "<unknown>".to_owned(),
                |time| ::kinds::human_duration(now.duration_since(time)),
            )
        };
        let age = match event["count"].as_i64() {
            Some(count) if count > 1 => {
                format!("{} (x{count} over {})", age("lastTimestamp"), age("firstTimestamp"))
            }
            _ => age("firstTimestamp"),
        };
        let from = [&event["source"]["component"], &event["reportingComponent"]];
        let from = from.into_iter().map(text).find(|from| !from.is_empty()).unwrap_or_default();
        let message = text(&event["message"]).trim();
        let (kind, reason) = (text(&event["type"]), text(&event["reason"]));
        out.push_str(&format!("  {kind}\t{reason}\t{age}\t{from}\t{message}\n"));
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn any_kind_is_described() {
        let resource = Resource { version: "v1".into(), kind: "Foo".into(), ..Resource::default() };
        let object = json!({"metadata": {"name": "a", "labels": {"x": "1", "y": "2"}}, "spec": {"size": 1}});
        let event = json!({"type": "Normal", "reason": "Made", "message": "ok", "count": 1,
            "source": {"component": "c"}, "firstTimestamp": "2026-01-01T00:00:00Z", "lastTimestamp": "2026-01-01T00:00:00Z"});
        let around = Around { events: vec![event], parts: Vec::new() };
        let now = object::parse_time("2026-01-01T00:00:05Z").unwrap();
        let expect = "Name:         a\nLabels:       x=1\n              y=2\nAnnotations:  <none>\nAPI Version:  v1\n\
                      Kind:         Foo\nspec:\n  size: 1\nEvents:\n  Type    Reason  Age   From  Message\n  ----    \
                      ------  ----  ----  -------\n  Normal  Made    5s    c     ok\n";
        assert_eq!(written(&resource, &object, &around, now), expect);
    }
}
