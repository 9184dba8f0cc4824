//! A connection to the API server of the chosen context, and requests by path.

use std::path::PathBuf;

use bytes::{Bytes, BytesMut};
use clap::Args;
use client::Client;
use futures::StreamExt;
use futures::TryStreamExt;
use futures::stream::BoxStream;
use http::header::{ACCEPT, CONTENT_TYPE, USER_AGENT};
use http::{HeaderValue, Method, Request};
use http_body_util::BodyExt;
use kube::client::{Body, Connection};
use kube::config::{KubeConfigOptions, Kubeconfig};
use object::{PatchType, Status, Value};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::Error;
use crate::resource::Resource;

const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b':');
/// Where kubectl looks for a server that no configuration names.
const NO_SERVER: &str = "localhost:8080";
/// What a watch frame may take at most.
const MAX_FRAME: usize = 64 << 20;

/// Flags that every verb takes.
#[derive(Args, Clone, Debug, Default)]
pub struct Global {
    /// Path to the kubeconfig file to use.
    #[arg(long, global = true)]
    pub kubeconfig: Option<PathBuf>,
    /// The name of the kubeconfig context to use.
    #[arg(long, global = true)]
    pub context: Option<String>,
    /// The namespace of this request.
    #[arg(short = 'n', long, global = true)]
    pub namespace: Option<String>,
}

impl Global {
    /// The file to read: the flag's, the first that exists of `KUBECONFIG`, or the one in the home directory.
    pub fn file(&self) -> Option<PathBuf> {
        if let Some(path) = &self.kubeconfig {
            return Some(path.clone());
        }
        match std::env::var_os("KUBECONFIG").filter(|list| !list.is_empty()) {
            Some(list) => std::env::split_paths(&list).find(|path| path.exists()),
            None => std::env::home_dir().map(|home| home.join(".kube/config")).filter(|path| path.exists()),
        }
    }
}

/// What a request is, beyond its method and path.
#[derive(Default)]
pub(crate) struct Ask<'a> {
    pub(crate) query: &'a [(&'a str, &'a str)],
    pub(crate) accept: Option<&'static str>,
    pub(crate) content: Option<&'static str>,
    pub(crate) body: Option<&'a Value>,
}

/// A connection with its namespace.
pub(crate) struct Session {
    client: Client,
    host: String,
    /// The namespace of requests that name none.
    pub(crate) namespace: String,
    /// The namespace that the command line gave.
    pub(crate) explicit: Option<String>,
}

impl Session {
    /// Connects nothing yet: the first request does.
    pub(crate) async fn new(global: &Global) -> Result<Self, Error> {
        let Some(path) = global.file() else { return Err(Error::Refused(NO_SERVER.into())) };
        let unusable = |e: &dyn std::error::Error| Error::msg(format!("cannot use {}: {e}", path.display()));
        let file = Kubeconfig::read_from(&path).map_err(|e| unusable(&e))?;
        if let Some(context) = &global.context
            && !file.contexts.iter().any(|named| named.name == *context)
        {
            return Err(Error::msg(format!("context {context:?} does not exist")));
        }
        let options = KubeConfigOptions { context: global.context.clone(), ..KubeConfigOptions::default() };
        let mut config =
            kube::Config::from_custom_kubeconfig(file, &options).await.map_err(|e| unusable(&e))?;
        let agent = concat!("berth/", env!("CARGO_PKG_VERSION"));
        config.headers.push((USER_AGENT, HeaderValue::from_static(agent)));
        config.default_retry = false;
        let host = config.cluster_url.authority().map(ToString::to_string).unwrap_or_default();
        let namespace = global.namespace.clone().unwrap_or_else(|| config.default_namespace.clone());
        let client = kube::Client::try_from(config).map_err(|e| unusable(&e))?;
        Ok(Self { client: Client::from_kube(client), host, namespace, explicit: global.namespace.clone() })
    }

    /// The namespace part of this resource's paths.
    pub(crate) fn namespace_of(&self, resource: &Resource) -> &str {
        if resource.namespaced { &self.namespace } else { "" }
    }

    /// The answer to a request, as a document.
    pub(crate) async fn json(&self, method: Method, path: &str, ask: Ask<'_>) -> Result<Value, Error> {
        let bytes = self.bytes(method, path, ask).await?;
        serde_json::from_slice(&bytes).map_err(|e| Error::Client(client::Error::Decode(e)))
    }

    /// The answer to a request, as it is.
    pub(crate) async fn bytes(&self, method: Method, path: &str, ask: Ask<'_>) -> Result<Bytes, Error> {
        let request = request(method, path, &ask).map_err(|e| Error::Client(e.into()))?;
        self.client.bytes(request).await.map_err(|e| self.failure(e))
    }

    /// A document at a path.
    pub(crate) async fn get(&self, path: &str) -> Result<Value, Error> {
        self.json(Method::GET, path, Ask::default()).await
    }

    /// Creates an object in a collection.
    pub(crate) async fn post(
        &self,
        path: &str,
        query: &[(&str, &str)],
        body: &Value,
    ) -> Result<Value, Error> {
        self.json(Method::POST, path, Ask { query, body: Some(body), ..Ask::default() }).await
    }

    /// Patches an object.
    pub(crate) async fn patch(
        &self,
        path: &str,
        query: &[(&str, &str)],
        kind: PatchType,
        body: &Value,
    ) -> Result<Value, Error> {
        let content = Some(match kind {
            PatchType::Json => "application/json-patch+json",
            PatchType::Merge => "application/merge-patch+json",
            PatchType::Strategic => "application/strategic-merge-patch+json",
        });
        self.json(Method::PATCH, path, Ask { query, content, body: Some(body), ..Ask::default() }).await
    }

    /// All objects of a collection as one list document, page by page.
    pub(crate) async fn list(
        &self,
        path: &str,
        query: &[(&str, &str)],
        accept: Option<&'static str>,
    ) -> Result<Value, Error> {
        let mut whole = Value::Null;
        let mut next = String::new();
        loop {
            let mut query = query.to_vec();
            query.extend([("limit", "500"), ("continue", next.as_str())]);
            let mut page =
                self.json(Method::GET, path, Ask { query: &query, accept, ..Ask::default() }).await?;
            type_items(&mut page);
            let more = page["metadata"]["continue"].as_str().unwrap_or_default().to_owned();
            append(&mut whole, page);
            if more.is_empty() {
                return Ok(whole);
            }
            next = more;
        }
    }

    /// The frames of a watch until the server ends it.
    pub(crate) async fn watch(
        &self,
        path: &str,
        query: &[(&str, &str)],
        accept: Option<&'static str>,
    ) -> Result<BoxStream<'static, Result<Value, Error>>, Error> {
        let mut query = query.to_vec();
        query.push(("watch", "true"));
        let ask = Ask { query: &query, accept, ..Ask::default() };
        let request = request(Method::GET, path, &ask).map_err(|e| Error::Client(e.into()))?;
        let body = self.client.open(request).await.map_err(|e| self.failure(e))?.into_body();
        Ok(frames(body).boxed())
    }

    /// The answer to a GET, piece by piece as it comes.
    pub(crate) async fn stream(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<BoxStream<'static, Result<Bytes, Error>>, Error> {
        let ask = Ask { query, accept: Some("application/json, */*"), ..Ask::default() };
        let request = request(Method::GET, path, &ask).map_err(|e| Error::Client(e.into()))?;
        let body = self.client.open(request).await.map_err(|e| self.failure(e))?.into_body();
        Ok(body.into_data_stream().map_err(broken).boxed())
    }

    /// The answer to any request, whatever it says.
    pub(crate) async fn raw(&self, request: Request<Body>) -> Result<http::Response<Body>, Error> {
        let sent = self.client.kube().send(request).await;
        sent.map_err(|error| self.failure(client::Error::Transport(error.into())))
    }

    /// A WebSocket connection at a path with its query.
    pub(crate) async fn connect(&self, path: &str) -> Result<Connection, Error> {
        let request = Request::get(path).body(Vec::new()).map_err(|e| Error::Client(e.into()))?;
        self.client.kube().connect(request).await.map_err(|error| match error {
            kube::Error::Api(status) => Error::Api(Box::new(status_of(*status))),
            other => self.failure(client::Error::Transport(other.into())),
        })
    }

    fn failure(&self, error: client::Error) -> Error {
        match error {
            client::Error::Api(status) => Error::Api(status),
            other if is_refused(&other) => Error::Refused(self.host.clone()),
            other => Error::Client(other),
        }
    }
}

fn broken(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::Client(client::Error::Transport(error.into()))
}

/// The API's words, as kube reads them.
fn status_of(status: kube::core::Status) -> Status {
    let reason = serde_json::from_value(status.reason.into()).ok();
    Status { code: status.code, reason, message: status.message, details: None }
}

/// Puts the rows and items of a page behind those before it.
fn append(whole: &mut Value, page: Value) {
    if whole.is_null() {
        *whole = page;
        return;
    }
    let Value::Object(page) = page else { return };
    for (name, value) in page {
        match (name.as_str(), value) {
            ("items" | "rows", Value::Array(more)) => {
                if let Some(list) = whole.get_mut(&name).and_then(Value::as_array_mut) {
                    list.extend(more);
                }
            }
            ("metadata", value) => whole["metadata"] = value,
            _ => {}
        }
    }
}

/// Gives the items of a list the type that the list states for all of them.
fn type_items(list: &mut Value) {
    let api_version = list["apiVersion"].clone();
    let Some(kind) = list["kind"].as_str().and_then(|kind| kind.strip_suffix("List")).map(Value::from) else {
        return;
    };
    for item in list.get_mut("items").and_then(Value::as_array_mut).into_iter().flatten() {
        let Some(item) = item.as_object_mut() else { continue };
        item.entry("apiVersion").or_insert_with(|| api_version.clone());
        item.entry("kind").or_insert_with(|| kind.clone());
    }
}

fn is_refused(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        let io = error.downcast_ref::<std::io::Error>();
        if io.is_some_and(|io| io.kind() == std::io::ErrorKind::ConnectionRefused) {
            return true;
        }
        next = error.source();
    }
    false
}

fn request(method: Method, path: &str, ask: &Ask<'_>) -> Result<Request<Body>, http::Error> {
    let accept = ask.accept.unwrap_or("application/json");
    let request = Request::builder().method(method).uri(with_query(path, ask.query)).header(ACCEPT, accept);
    match ask.body {
        None => request.body(Body::empty()),
        Some(body) => {
            let content = ask.content.unwrap_or("application/json");
            request.header(CONTENT_TYPE, content).body(Body::from(body.to_string().into_bytes()))
        }
    }
}

fn with_query(path: &str, query: &[(&str, &str)]) -> String {
    let given: Vec<_> = query.iter().copied().filter(|(_, value)| !value.is_empty()).collect();
    with_words(path, &given)
}

/// A path with a query in which values may be empty.
pub(crate) fn with_words(path: &str, query: &[(&str, &str)]) -> String {
    let mut path = path.to_owned();
    for (name, value) in query {
        path.push(if path.contains('?') { '&' } else { '?' });
        path.push_str(name);
        path.push('=');
        path.extend(utf8_percent_encode(value, ESCAPED));
    }
    path
}

/// A name as a path segment.
pub(crate) fn segment(name: &str) -> String {
    utf8_percent_encode(name, ESCAPED).to_string()
}

/// The lines of a body, each a document.
fn frames(body: Body) -> impl futures::Stream<Item = Result<Value, Error>> + Send {
    let chunks = body.into_data_stream().map_err(broken).boxed();
    futures::stream::try_unfold((chunks, BytesMut::new()), move |(mut chunks, mut rest)| async move {
        loop {
            if let Some(end) = rest.iter().position(|&byte| byte == b'\n') {
                let line = rest.split_to(end + 1);
                let frame =
                    serde_json::from_slice(&line).map_err(|e| Error::Client(client::Error::Decode(e)))?;
                return Ok(Some((frame, (chunks, rest))));
            }
            match chunks.try_next().await? {
                Some(_) if rest.len() > MAX_FRAME => return Err(Error::msg("a watch event is too large")),
                Some(chunk) => rest.extend_from_slice(&chunk),
                None => return Ok(None),
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn queries() {
        assert_eq!(with_query("/a", &[("x", ""), ("l", "a=b"), ("w", "1")]), "/a?l=a%3Db&w=1");
        assert_eq!(with_query("/a?b=c", &[("w", "1")]), "/a?b=c&w=1");
        assert_eq!(segment("a/b"), "a%2Fb");
    }

    #[test]
    fn pages_become_one_list() {
        let mut whole = Value::Null;
        append(&mut whole, json!({"items": [1], "metadata": {"continue": "x"}}));
        append(&mut whole, json!({"items": [2], "metadata": {"resourceVersion": "3"}}));
        assert_eq!(whole, json!({"items": [1, 2], "metadata": {"resourceVersion": "3"}}));
    }

    #[test]
    fn items_get_their_lists_type() {
        let mut list = json!({"apiVersion": "v1", "kind": "PodList", "items": [{"a": 1}, {"kind": "Own"}]});
        type_items(&mut list);
        let items = json!([{"apiVersion": "v1", "kind": "Pod", "a": 1}, {"apiVersion": "v1", "kind": "Own"}]);
        assert_eq!(list["items"], items);
    }

    #[tokio::test]
    async fn watch_frames() {
        let frames: Vec<_> = frames(Body::from(b"{\"a\":1}\n{\"a\":2}\n{".to_vec())).collect().await;
        let values: Vec<_> = frames.into_iter().map(|frame| frame.unwrap()["a"].clone()).collect();
        assert_eq!(values, [json!(1), json!(2)]);
    }
}
