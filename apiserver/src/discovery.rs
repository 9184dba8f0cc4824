//! Paths that are no resource: discovery, OpenAPI, version and health, all made from the table of kinds.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::Ordering;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, EXPIRES, HOST, IF_NONE_MATCH, LOCATION, VARY};
use http::request::Parts;
use http::uri::Authority;
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use kinds::{Kind, Kinds, Subresource};
use object::{Status, Time, Value};
use parking_lot::Mutex;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::accept::{Encoding, Form, JSON, Shape, negotiate};
use crate::api::Api;
use crate::body::{Body, full};
use crate::measures;
use crate::request::RequestInfo;
use crate::respond::{document_response, indented, response, text_response};

/// The version that `/version` tells: the API line that is served, and Berth's own version as its suffix.
pub const VERSION: &str = concat!("v1.37.0+berth.", env!("CARGO_PKG_VERSION"));

const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/// The media type of the OpenAPI v2 document in protobuf.
const OPENAPI_V2: &str = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

/// How long a client may keep what never changes.
const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

/// A check's name, and why it fails, if it does.
type Check = (&'static str, Option<String>);

/// Documents that take a while to make and never change while the table of kinds does not.
#[derive(Default)]
pub(crate) struct Documents(Mutex<HashMap<String, Tagged>>);

/// A document and its entity tag.
#[derive(Clone)]
struct Tagged {
    bytes: Bytes,
    tag: String,
}

impl Documents {
    fn get(&self, name: &str, make: impl FnOnce() -> Vec<u8>) -> Tagged {
        if let Some(found) = self.0.lock().get(name) {
            return found.clone();
        }
        let bytes: Bytes = make().into();
        let digest = Sha256::digest(&bytes);
        let tag = digest.iter().fold(String::new(), |text, byte| text + &format!("{byte:02X}"));
        let made = Tagged { bytes, tag };
        self.0.lock().insert(name.to_owned(), made.clone());
        made
    }
}

impl Api {
    /// Answers a path that is no resource.
    pub(crate) async fn page(&self, info: &RequestInfo, parts: &Parts) -> Result<Response<Body>, Status> {
        let path = info.path.trim_end_matches('/');
        let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        // the others answer whatever the method is
        if info.verb != "get" && self.is_of_the_api(path) {
            return Err(Status::method_not_allowed());
        }
        match segments.as_slice() {
            [""] => Ok(for_people(&json!({"paths": self.paths()}))),
            ["version"] => Ok(for_people(&version())),
            [page @ ("healthz" | "livez" | "readyz")] => Ok(self.health(info, page).await),
            [page @ ("healthz" | "livez" | "readyz"), check] => self.check(page, check).await,
            ["metrics"] => Ok(self.measured()),
            [".well-known", "openid-configuration"] => {
                let keys = format!("{}/openid/v1/jwks", self.signer.issuer());
                Ok(json_response(&self.signer.openid_configuration(&keys)))
            }
            ["openid", "v1", "jwks"] => Ok(json_response(&self.signer.jwks())),
            ["api"] => self.groups(parts, "api", |_| core_versions(address(parts)), |group| group.is_empty()),
            ["apis"] => self.groups(parts, "apis", group_list, |group| !group.is_empty()),
            ["api", version] => self.resources(parts, "", version),
            ["apis", group] => {
                let groups = groups(&self.kinds);
                let found = groups.iter().find(|(name, _)| name == group).ok_or_else(Status::no_such_path)?;
                let mut value = group_value(group, &found.1);
                value["kind"] = "APIGroup".into();
                value["apiVersion"] = "v1".into();
                legacy(parts, &value)
            }
            ["apis", group, version] => self.resources(parts, group, version),
            ["openapi", "v2"] => self.openapi_v2(parts, path),
            ["openapi", "v3"] => {
                Ok(tagged(&parts.headers, &self.documents.get(path, || json_bytes(&self.openapi_index()))))
            }
            ["openapi", "v3", "api", version] => self.openapi(info, parts, "", version),
            ["openapi", "v3", "apis", group, version] => self.openapi(info, parts, group, version),
            _ => Err(Status::no_such_path()),
        }
    }

    /// Whether the API answers for a path, and with a Status where there is nothing: it does below the groups that it
    /// has, and at some pages.
    pub(crate) fn is_of_the_api(&self, path: &str) -> bool {
        let mut segments = path.trim_start_matches('/').split('/');
        match (segments.next().unwrap_or_default(), segments.next()) {
            ("api" | "version", _) | ("apis", None | Some("")) => true,
            ("apis", Some(group)) => self.kinds.served().any(|kind| kind.group == group),
            _ => matches!(path, "/.well-known/openid-configuration" | "/openid/v1/jwks"),
        }
    }

    fn paths(&self) -> Vec<String> {
        let mut paths: Vec<String> =
            "/api /apis /healthz /livez /metrics /openapi/v2 /openapi/v3 /readyz /version"
                .split(' ')
                .map(str::to_owned)
                .collect();
        for (group, versions) in groups(&self.kinds) {
            paths.extend((!group.is_empty()).then(|| format!("/apis/{group}")));
            paths.extend(versions.iter().map(|version| root(&group, version)));
        }
        paths.sort();
        paths
    }

    /// What the server is measured by, and with it what else runs in the process.
    fn measured(&self) -> Response<Body> {
        for kind in self.kinds.iter().filter(|kind| kind.has(kinds::Verb::List)) {
            // none but the first is asked for, as only their number matters
            let query =
                cache::ListQuery { filter: cache::Filter::default(), limit: 1, after: None, at: None };
            if let Ok(list) = self.cache.list(kind, &query) {
                measures::stored(kind.plural.to_string(), list.items.len() + list.remaining);
            }
        }
        let mut response = text_response(200, &metrics::text(metrics::Scope::Cluster));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(metrics::MEDIA_TYPE));
        response
    }

    /// The server's health: what is checked, and whether each is well. Who sends `verbose` sees all, `exclude` leaves
    /// one out.
    async fn health(&self, info: &RequestInfo, page: &str) -> Response<Body> {
        let named = |name: &'static str| {
            info.query.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
        };
        let mut excluded: BTreeSet<&str> = named("exclude").collect();
        let (mut lines, mut ok) = (String::new(), true);
        for (name, why) in self.checks(page).await {
            lines += &match why {
                _ if excluded.remove(name) => format!("[+]{name} excluded: ok\n"),
                None => format!("[+]{name} ok\n"),
                Some(_) => {
                    ok = false;
                    format!("[-]{name} failed: reason withheld\n")
                }
            };
        }
        if !excluded.is_empty() {
            let unknown: Vec<String> = excluded.iter().map(|name| format!("{name:?}")).collect();
            let unknown = unknown.join(",");
            lines += &format!("warn: some health checks cannot be excluded: no matches for {unknown}\n");
        }
        match ok {
            true if named("verbose").next().is_none() => text_response(200, "ok"),
            true => text_response(200, &format!("{lines}{page} check passed\n")),
            false => text_response(500, &format!("{lines}{page} check failed\n")),
        }
    }

    /// One check alone (`/readyz/etcd`), and why it fails.
    async fn check(&self, page: &str, name: &str) -> Result<Response<Body>, Status> {
        let mut checks = self.checks(page).await;
        // it is no reason to begin anew, but can be asked for
        if page != "readyz" {
            checks.push(self.store_check().await);
        }
        let found = checks.into_iter().find(|(check, _)| *check == name).ok_or_else(Status::no_such_path)?;
        Ok(match found.1 {
            None => text_response(200, "ok"),
            Some(why) => text_response(500, &format!("internal server error: {why}\n")),
        })
    }

    /// The checks of a page under upstream's names, each with why it fails.
    async fn checks(&self, page: &str) -> Vec<Check> {
        let mut checks = vec![("ping", None)];
        if page == "readyz" {
            let unless = |well: bool, why: &str| (!well).then(|| why.to_owned());
            let filled = self.ready.load(Ordering::Acquire);
            checks.push(self.store_check().await);
            checks.push(("informer-sync", unless(filled, "the cache is not filled yet")));
            checks.push(("shutdown", unless(!*self.stopping.borrow(), "process is shutting down")));
        }
        checks
    }

    /// Whether the store, which need not be an etcd, takes writes.
    async fn store_check(&self) -> Check {
        ("etcd", self.objects.writable().await.err().map(|status| status.message))
    }

    fn groups(
        &self,
        parts: &Parts,
        name: &str,
        plain: impl FnOnce(&Kinds) -> Value,
        keep: impl Fn(&str) -> bool,
    ) -> Result<Response<Body>, Status> {
        let form = negotiate(parts, |form| match form.shape {
            Shape::Discovery => form.encoding == Encoding::Json,
            Shape::Whole => form.encoding != Encoding::OpenApi,
            _ => false,
        })?;
        if form.shape == Shape::Whole {
            return Ok(document_response(200, &plain(&self.kinds), form.encoding));
        }
        let make = || json_bytes(&aggregated(&self.kinds, keep));
        let document = self.documents.get(&format!("{name} aggregated"), make);
        let mut response = tagged(&parts.headers, &document);
        if form.encoding == Encoding::Indented && response.status() == StatusCode::OK {
            *response.body_mut() = indented(200, &document.bytes).into_body();
        }
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(AGGREGATED));
        Ok(response)
    }

    fn resources(&self, parts: &Parts, group: &str, version: &str) -> Result<Response<Body>, Status> {
        let of_group = self.kinds.served().filter(|k| k.group == group && k.version == version);
        let mut resources: Vec<Value> =
            of_group.flat_map(|kind| legacy_resources(kind, self.kinds.stored(kind))).collect();
        resources.sort_by(|a, b| a["name"].as_str().cmp(&b["name"].as_str()));
        if resources.is_empty() {
            return Err(Status::no_such_path());
        }
        let group_version = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
        legacy(
            parts,
            &json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": resources}),
        )
    }

    fn openapi_v2(&self, parts: &Parts, path: &str) -> Result<Response<Body>, Status> {
        let can = |form: Form| {
            form.shape == Shape::Whole && matches!(form.encoding, Encoding::Json | Encoding::OpenApi)
        };
        let headers = &parts.headers;
        if negotiate(parts, can)?.encoding != Encoding::OpenApi {
            let make = || json_bytes(&kinds::openapi_v2(&self.kinds));
            return Ok(tagged(headers, &self.documents.get(path, make)));
        }
        let make = || kinds::openapi_v2_proto(&kinds::openapi_v2(&self.kinds));
        let mut response = tagged(headers, &self.documents.get("openapi v2 protobuf", make));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(OPENAPI_V2));
        Ok(response)
    }

    /// The OpenAPI v3 document of a group and version, in JSON alone: for ever, where the address has its hash, and
    /// under the right address, where that has another.
    fn openapi(
        &self,
        info: &RequestInfo,
        parts: &Parts,
        group: &str,
        version: &str,
    ) -> Result<Response<Body>, Status> {
        if !self.kinds.served().any(|k| k.group == group && k.version == version) {
            return Err(Status::no_such_path());
        }
        if negotiate(parts, |form| form == Form::JSON).is_err() {
            let mut response = Response::new(full(""));
            *response.status_mut() = StatusCode::NOT_ACCEPTABLE;
            response.headers_mut().insert(VARY, HeaderValue::from_static("Accept"));
            return Ok(response);
        }
        let document = self.openapi_document(group, version);
        let hash = info.param("hash");
        if !hash.is_empty() && hash != document.tag {
            let address = openapi_address(&root(group, version), &document.tag);
            let mut response = response(301, JSON, full(""));
            response
                .headers_mut()
                .insert(LOCATION, HeaderValue::try_from(address).map_err(Status::internal)?);
            return Ok(response);
        }
        let mut response = tagged(&parts.headers, &document);
        if !hash.is_empty() {
            let expires = HeaderValue::try_from(http_date(Time::now() + YEAR)).map_err(Status::internal)?;
            response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("public, immutable"));
            response.headers_mut().insert(EXPIRES, expires);
        }
        Ok(response)
    }

    fn openapi_document(&self, group: &str, version: &str) -> Tagged {
        self.documents
            .get(&root(group, version), || json_bytes(&kinds::openapi_v3(&self.kinds, group, version)))
    }

    fn openapi_index(&self) -> Value {
        let mut paths = serde_json::Map::new();
        for (group, versions) in groups(&self.kinds) {
            for version in versions {
                let path = root(&group, &version);
                let tag = self.openapi_document(&group, &version).tag;
                let url = json!({"serverRelativeURL": openapi_address(&path, &tag)});
                paths.insert(path.trim_start_matches('/').to_owned(), url);
            }
        }
        json!({"paths": paths})
    }
}

fn openapi_address(root: &str, tag: &str) -> String {
    format!("/openapi/v3{root}?hash={tag}")
}

/// A time as headers have it (RFC 9110 §5.6.7).
fn http_date(time: Time) -> String {
    time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// `/api/v1` or `/apis/apps/v1`.
fn root(group: &str, version: &str) -> String {
    if group.is_empty() { format!("/api/{version}") } else { format!("/apis/{group}/{version}") }
}

/// Groups in the order in which clients look for a resource that several have: these, as upstream ranks them, and
/// behind them all others by name.
const RANKED: [&str; 22] = [
    "",
    "apiregistration.k8s.io",
    "apps",
    "events.k8s.io",
    "authentication.k8s.io",
    "authorization.k8s.io",
    "autoscaling",
    "batch",
    "certificates.k8s.io",
    "networking.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
    "storage.k8s.io",
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "scheduling.k8s.io",
    "coordination.k8s.io",
    "node.k8s.io",
    "discovery.k8s.io",
    "resource.k8s.io",
    "flowcontrol.apiserver.k8s.io",
    "storagemigration.k8s.io",
];

/// Each group with its versions, the preferred one first.
fn groups(kinds: &Kinds) -> Vec<(String, Vec<String>)> {
    let mut groups: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for kind in kinds.served() {
        let versions = groups.entry(kind.group.clone()).or_default();
        if !versions.contains(&kind.version) {
            versions.push(kind.version.clone());
        }
    }
    let mut groups: Vec<_> = groups.into_iter().collect();
    let rank = |group: &str| RANKED.iter().position(|ranked| *ranked == group).unwrap_or(RANKED.len());
    groups.sort_by_key(|(group, _)| rank(group));
    groups
}

fn version() -> Value {
    json!({
        "major": "1", "minor": "37", "gitVersion": VERSION, "gitCommit": "", "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z", "goVersion": "", "compiler": "rustc",
        "platform": format!("linux/{}", architecture()),
    })
}

/// The architecture as container images name it.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

fn core_versions(address: Option<String>) -> Value {
    let address = address.map(|address| json!({"clientCIDR": "0.0.0.0/0", "serverAddress": address}));
    let addresses: Vec<Value> = address.into_iter().collect();
    json!({"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": addresses})
}

/// `host:port` by which the client came; none where it names no host.
fn address(parts: &Parts) -> Option<String> {
    let stated = || parts.headers.get(HOST)?.to_str().ok()?.parse::<Authority>().ok();
    let authority = parts.uri.authority().cloned().or_else(stated)?;
    Some(format!("{}:{}", authority.host(), authority.port_u16().unwrap_or(443)))
}

fn group_list(kinds: &Kinds) -> Value {
    let groups = groups(kinds).into_iter().filter(|(group, _)| !group.is_empty());
    let groups: Vec<Value> = groups.map(|(group, versions)| group_value(&group, &versions)).collect();
    json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
}

fn group_value(group: &str, versions: &[String]) -> Value {
    let list: Vec<Value> =
        versions.iter().map(|v| json!({"groupVersion": format!("{group}/{v}"), "version": v})).collect();
    json!({"name": group, "versions": list, "preferredVersion": list.first()})
}

fn verbs(kind: &Kind) -> Vec<&'static str> {
    kind.verbs.iter().map(|verb| verb.name()).collect()
}

/// Verbs of a subresource.
fn subresource_verbs(subresource: &Subresource) -> Vec<&'static str> {
    match subresource {
        Subresource::Part(part) => part.verbs.iter().map(|verb| verb.name()).collect(),
        Subresource::Scale { .. } => vec!["get", "patch", "update"],
        Subresource::Call { .. } => vec!["create"],
        Subresource::Connect { verbs, .. } => verbs.iter().map(|verb| verb.name()).collect(),
    }
}

/// Group, version and kind of the documents that a subresource takes, where they are not the object's own.
fn subresource_kind(kind: &Kind, subresource: &Subresource) -> (String, String, String) {
    let split = |api_version: &str| {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        (group.to_owned(), version.to_owned())
    };
    match subresource {
        Subresource::Scale { .. } => ("autoscaling".to_owned(), "v1".to_owned(), "Scale".to_owned()),
        Subresource::Call { api_version, kind, .. } => {
            let (group, version) = split(api_version);
            (group, version, (*kind).to_owned())
        }
        Subresource::Connect { kind: options, .. } => {
            (kind.group.clone(), kind.version.clone(), (*options).to_owned())
        }
        _ => (kind.group.clone(), kind.version.clone(), kind.kind.clone()),
    }
}

/// By what clients see that objects are stored in another version than before (KEP-2155).
fn storage_version_hash(stored: &Kind) -> String {
    let name = format!("{}/{}/{}", stored.group, stored.version, stored.kind);
    STANDARD.encode(&Sha256::digest(name)[..8])
}

/// A kind and its subresources in an `APIResourceList`.
fn legacy_resources(kind: &Kind, stored: &Kind) -> Vec<Value> {
    let mut main = json!({
        "name": kind.plural, "singularName": kind.singular, "namespaced": kind.namespaced(), "kind": kind.kind,
        "verbs": verbs(kind),
    });
    if !kind.short.is_empty() {
        main["shortNames"] = json!(kind.short);
    }
    if !kind.categories.is_empty() {
        main["categories"] = json!(kind.categories);
    }
    if kind.has(kinds::Verb::Create) && !kind.policy.talk {
        main["storageVersionHash"] = storage_version_hash(stored).into();
    }
    let mut list = vec![main];
    for subresource in &kind.subresources {
        let (group, version, name) = subresource_kind(kind, subresource);
        let mut value = json!({
            "name": format!("{}/{}", kind.plural, subresource.name()), "singularName": "",
            "namespaced": kind.namespaced(), "kind": name, "verbs": subresource_verbs(subresource),
        });
        if group != kind.group || version != kind.version {
            value["group"] = group.into();
            value["version"] = version.into();
        }
        list.push(value);
    }
    list
}

/// `apidiscovery.k8s.io/v2`: everything in one document (KEP-3352).
fn aggregated(kinds: &Kinds, keep: impl Fn(&str) -> bool) -> Value {
    let items: Vec<Value> = groups(kinds)
        .into_iter()
        .filter(|(group, _)| keep(group))
        .map(|(group, versions)| {
            let versions: Vec<Value> =
                versions.iter().map(|version| aggregated_version(kinds, &group, version)).collect();
            let mut value = json!({"metadata": {"creationTimestamp": null}, "versions": versions});
            if !group.is_empty() {
                value["metadata"]["name"] = group.into();
            }
            value
        })
        .collect();
    json!({"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items})
}

fn aggregated_version(kinds: &Kinds, group: &str, version: &str) -> Value {
    let of_group = kinds.served().filter(|k| k.group == group && k.version == version);
    let mut of_group: Vec<_> = of_group.collect();
    of_group.sort_by(|a, b| a.plural.cmp(&b.plural));
    let resources: Vec<Value> = of_group.into_iter().map(|kind| aggregated_resource(kind)).collect();
    json!({"version": version, "freshness": "Current", "resources": resources})
}

fn aggregated_resource(kind: &Kind) -> Value {
    let mut value = json!({
        "resource": kind.plural, "singularResource": kind.singular,
        "scope": if kind.namespaced() { "Namespaced" } else { "Cluster" },
        "responseKind": {"group": kind.group, "version": kind.version, "kind": kind.kind},
        "verbs": verbs(kind),
    });
    if !kind.short.is_empty() {
        value["shortNames"] = json!(kind.short);
    }
    if !kind.categories.is_empty() {
        value["categories"] = json!(kind.categories);
    }
    let mut subresources: Vec<_> = kind.subresources.iter().collect();
    subresources.sort_by_key(|subresource| subresource.name());
    let below: Vec<Value> = subresources
        .into_iter()
        .map(|subresource| {
            let (group, version, name) = subresource_kind(kind, subresource);
            json!({
                "subresource": subresource.name(), "verbs": subresource_verbs(subresource),
                "responseKind": {"group": group, "version": version, "kind": name},
            })
        })
        .collect();
    if !below.is_empty() {
        value["subresources"] = below.into();
    }
    value
}

fn tagged(headers: &HeaderMap, document: &Tagged) -> Response<Body> {
    let tag = format!("\"{}\"", document.tag);
    let known =
        headers.get(IF_NONE_MATCH).and_then(|v| v.to_str().ok()).is_some_and(|known| known.contains(&tag));
    let mut response = match known {
        true => response(304, "application/json", full(Bytes::new())),
        false => response(200, "application/json", full(document.bytes.clone())),
    };
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(ETAG, tag);
    }
    response.headers_mut().insert(VARY, HeaderValue::from_static("Accept"));
    response
}

/// A document by which older clients find their way, in the form that they ask for.
fn legacy(parts: &Parts, value: &Value) -> Result<Response<Body>, Status> {
    let can = |form: Form| form.shape == Shape::Whole && form.encoding != Encoding::OpenApi;
    Ok(document_response(200, value, negotiate(parts, can)?.encoding))
}

fn for_people(value: &Value) -> Response<Body> {
    indented(200, &json_bytes(value))
}

fn json_response(value: &Value) -> Response<Body> {
    document_response(200, value, Encoding::Json)
}

fn json_bytes(value: &Value) -> Vec<u8> {
    value.to_string().into_bytes()
}
