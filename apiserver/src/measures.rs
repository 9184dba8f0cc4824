//! What the API server is measured by, under upstream's names.

use std::sync::LazyLock;
use std::time::Duration;

use http::StatusCode;
use kinds::Kinds;
use metrics::{Counter, EncodeLabelSet, Family, Gauge, Histograms, Scope, metric, seconds};

use crate::request::RequestInfo;

/// What a request is about. Whatever a client may write is no label: what is not in the table of kinds is `other`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct About {
    verb: &'static str,
    group: String,
    version: String,
    resource: String,
    subresource: String,
}

/// The same with the answer's code.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    verb: &'static str,
    group: String,
    version: String,
    resource: String,
    subresource: String,
    code: u16,
}

static REQUESTS: LazyLock<Family<Answered, Counter>> = LazyLock::new(|| {
    metric(
        Scope::Cluster,
        "apiserver_request",
        "Requests by what they are about and their answer",
        Family::default(),
    )
});

static SECONDS: LazyLock<Histograms<About>> = LazyLock::new(|| {
    let help = "Time from a request's head to its answer's, of requests that are not long-running";
    metric(Scope::Cluster, "apiserver_request_duration_seconds", help, seconds())
});

static LONG: LazyLock<Family<About, Gauge>> = LazyLock::new(|| {
    metric(
        Scope::Cluster,
        "apiserver_longrunning_requests",
        "Watches and streams that are open",
        Family::default(),
    )
});

/// Of which resource.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Resource {
    resource: String,
}

static OBJECTS: LazyLock<Family<Resource, Gauge>> = LazyLock::new(|| {
    metric(
        Scope::Cluster,
        "apiserver_storage_objects",
        "Objects that are stored, by resource",
        Family::default(),
    )
});

impl About {
    pub(crate) fn of(info: &RequestInfo, kinds: &Kinds) -> Self {
        let kind = if info.is_resource { kinds.at(&info.group, &info.version, &info.resource) } else { None };
        let connects = matches!(info.subresource.as_str(), "exec" | "attach" | "portforward" | "proxy");
        let verb = match info.verb {
            _ if connects => "CONNECT",
            "get" => "GET",
            "list" => "LIST",
            "watch" => "WATCH",
            "create" | "post" => "POST",
            "update" | "put" => "PUT",
            "patch" => "PATCH",
            "delete" => "DELETE",
            "deletecollection" => "DELETECOLLECTION",
            _ => "other",
        };
        let Some(kind) = kind else {
            let (group, version, subresource) = Default::default();
            let resource = if info.is_resource { "other".to_owned() } else { String::new() };
            return Self { verb, group, version, resource, subresource };
        };
        let subresource = kind.subresource(&info.subresource).map_or("", |found| found.name());
        Self {
            verb,
            group: kind.group.to_string(),
            version: kind.version.to_string(),
            resource: kind.plural.to_string(),
            subresource: subresource.to_owned(),
        }
    }

    /// Counts an answer.
    pub(crate) fn answered(self, code: StatusCode, took: Option<Duration>) {
        if let Some(took) = took {
            SECONDS.get_or_create(&self).observe(took.as_secs_f64());
        }
        let Self { verb, group, version, resource, subresource } = self;
        let answered = Answered { verb, group, version, resource, subresource, code: code.as_u16() };
        REQUESTS.get_or_create(&answered).inc();
    }
}

/// Counts a long-running request for as long as it is held.
pub(crate) struct Open(Gauge);

impl Open {
    pub(crate) fn begin(about: &About) -> Self {
        let gauge = LONG.get_or_create(about).clone();
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Notes how many objects of a resource there are.
pub(crate) fn stored(resource: String, count: usize) {
    OBJECTS.get_or_create(&Resource { resource }).set(i64::try_from(count).unwrap_or(i64::MAX));
}
