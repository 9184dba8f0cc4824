//! Requests on objects of any kind.

use std::path::Path;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, USER_AGENT};
use http::{HeaderValue, Method, Request, Response};
use http_body_util::BodyExt;
use kinds::Kind;
use kube::client::Body;
use kube::config::{KubeConfigOptions, Kubeconfig};
use object::{Key, PatchType, Value};

use crate::error::{Error, read_status};
use crate::uri;

/// How long a request other than a watch may take; API servers give up after a minute themselves.
const PATIENCE: Duration = Duration::from_secs(65);

fn media_type(patch: PatchType) -> &'static str {
    match patch {
        PatchType::Json => "application/json-patch+json",
        PatchType::Merge => "application/merge-patch+json",
        PatchType::Strategic => "application/strategic-merge-patch+json",
    }
}

/// The certificate of the CA of a kubeconfig's current context, in PEM; none where it names none.
pub fn authority(path: &Path) -> Result<Option<String>, Error> {
    let Some(cluster) = cluster(path)? else { return Ok(None) };
    let given = match (&cluster.certificate_authority_data, &cluster.certificate_authority) {
        (Some(data), _) => STANDARD.decode(data).map_err(|e| Error::Config(e.into()))?,
        (None, Some(path)) => std::fs::read(path).map_err(|e| Error::Config(e.into()))?,
        (None, None) => return Ok(None),
    };
    String::from_utf8(given).map(Some).map_err(|e| Error::Config(e.into()))
}

/// The cluster of a kubeconfig's current context.
fn cluster(path: &Path) -> Result<Option<kube::config::Cluster>, Error> {
    let unusable = |e: kube::config::KubeconfigError| Error::Config(e.into());
    let file = Kubeconfig::read_from(path).map_err(unusable)?;
    let context = file.contexts.iter().find(|context| Some(&context.name) == file.current_context.as_ref());
    let name = context.and_then(|context| context.context.as_ref()).map(|context| &context.cluster);
    let cluster = file.clusters.iter().find(|cluster| Some(&cluster.name) == name);
    Ok(cluster.and_then(|cluster| cluster.cluster.clone()))
}

/// The URL of the server that the current context of a kubeconfig names.
pub fn server(path: &Path) -> Result<String, Error> {
    let server = cluster(path)?.and_then(|cluster| cluster.server);
    server.ok_or_else(|| Error::Config("the current context names no server".into()))
}

/// What a list asks for; empty texts and 0 mean: not given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListParams {
    /// A label selector.
    pub labels: String,
    /// A field selector.
    pub fields: String,
    /// The most objects of a page.
    pub limit: usize,
    /// The continue token of the page before.
    pub cont: String,
    /// How new the answer must be; empty: as of now, `0`: whatever there is.
    pub resource_version: String,
}

/// A connection to the API with an identity. Cheap to clone.
///
/// Every method makes exactly one request and does not repeat it: who calls knows whether that is safe.
#[derive(Clone)]
pub struct Client {
    kube: kube::Client,
}

impl Client {
    /// A client for the current context of a kubeconfig file.
    pub async fn from_kubeconfig(path: &Path, user_agent: &str) -> Result<Self, Error> {
        let unusable = |e: kube::config::KubeconfigError| Error::Config(e.into());
        let file = Kubeconfig::read_from(path).map_err(unusable)?;
        let options = KubeConfigOptions::default();
        let mut config = kube::Config::from_custom_kubeconfig(file, &options).await.map_err(unusable)?;
        config.headers.push((USER_AGENT, HeaderValue::from_str(user_agent).map_err(http::Error::from)?));
        config.default_retry = false;
        kube::Client::try_from(config).map(Self::from_kube).map_err(|e| Error::Config(e.into()))
    }

    /// A client over another one, which may be a service of this process.
    pub fn from_kube(kube: kube::Client) -> Self {
        Self { kube }
    }

    /// The client that this one is over: for byte streams (exec, logs) and tests.
    pub fn kube(&self) -> &kube::Client {
        &self.kube
    }

    /// Creates an object; returns it as stored.
    pub async fn create(&self, kind: &Kind, namespace: &str, object: &Value) -> Result<Value, Error> {
        self.json(Method::POST, kind.path(namespace), Some(object)).await
    }

    /// Creates what a subresource takes (`binding`, `eviction`, `token`); returns the answer.
    pub async fn create_subresource(
        &self,
        kind: &Kind,
        key: &Key,
        subresource: &str,
        object: &Value,
    ) -> Result<Value, Error> {
        self.json(Method::POST, uri::object(kind, key, Some(subresource)), Some(object)).await
    }

    /// Reads an object as of now.
    pub async fn get(&self, kind: &Kind, key: &Key) -> Result<Value, Error> {
        self.json(Method::GET, uri::object(kind, key, None), None).await
    }

    /// Reads a subresource (`scale`, `status`).
    pub async fn get_subresource(&self, kind: &Kind, key: &Key, subresource: &str) -> Result<Value, Error> {
        self.json(Method::GET, uri::object(kind, key, Some(subresource)), None).await
    }

    /// Reads an object as of now, as the served document.
    pub async fn get_bytes(&self, kind: &Kind, key: &Key) -> Result<Bytes, Error> {
        self.bytes(request(Method::GET, uri::object(kind, key, None), None)?).await
    }

    /// Lists objects of a namespace, or of all where it is empty.
    pub async fn list(&self, kind: &Kind, namespace: &str, params: &ListParams) -> Result<Value, Error> {
        decode(&self.list_bytes(kind, namespace, params).await?)
    }

    /// Lists objects, as the served document.
    pub async fn list_bytes(
        &self,
        kind: &Kind,
        namespace: &str,
        params: &ListParams,
    ) -> Result<Bytes, Error> {
        let limit = if params.limit == 0 { String::new() } else { params.limit.to_string() };
        let query = [
            ("labelSelector", &*params.labels),
            ("fieldSelector", &params.fields),
            ("limit", &limit),
            ("continue", &params.cont),
            ("resourceVersion", &params.resource_version),
        ];
        self.bytes(request(Method::GET, uri::with_query(kind.path(namespace), &query), None)?).await
    }

    /// Replaces an object; returns it as stored.
    pub async fn update(&self, kind: &Kind, key: &Key, object: &Value) -> Result<Value, Error> {
        self.json(Method::PUT, uri::object(kind, key, None), Some(object)).await
    }

    /// Replaces what a subresource shows of an object (`status`, `scale`, `finalize`, `approval`).
    pub async fn update_subresource(
        &self,
        kind: &Kind,
        key: &Key,
        subresource: &str,
        object: &Value,
    ) -> Result<Value, Error> {
        self.json(Method::PUT, uri::object(kind, key, Some(subresource)), Some(object)).await
    }

    /// Patches an object or a subresource of it; returns the object as stored.
    pub async fn patch(
        &self,
        kind: &Kind,
        key: &Key,
        subresource: Option<&str>,
        patch_type: PatchType,
        patch: &Value,
    ) -> Result<Value, Error> {
        self.send_patch(uri::object(kind, key, subresource), media_type(patch_type), patch).await
    }

    /// Applies fields as their owner (server-side apply); `force` takes those that others own.
    pub async fn apply(
        &self,
        kind: &Kind,
        key: &Key,
        subresource: Option<&str>,
        (manager, force): (&str, bool),
        fields: &Value,
    ) -> Result<Value, Error> {
        let query = [("fieldManager", manager), ("force", if force { "true" } else { "" })];
        let path = uri::with_query(uri::object(kind, key, subresource), &query);
        self.send_patch(path, "application/apply-patch+yaml", fields).await
    }

    async fn send_patch(
        &self,
        path: String,
        media_type: &'static str,
        patch: &Value,
    ) -> Result<Value, Error> {
        let mut request = request(Method::PATCH, path, Some(patch))?;
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
        decode(&self.bytes(request).await?)
    }

    /// Deletes an object with a `DeleteOptions` (null: none); returns the Status, or the object where it lives on.
    pub async fn delete(&self, kind: &Kind, key: &Key, options: &Value) -> Result<Value, Error> {
        let options = Some(options).filter(|options| !options.is_null());
        self.json(Method::DELETE, uri::object(kind, key, None), options).await
    }

    /// Makes a JSON request to any path (with its query).
    pub async fn json(&self, method: Method, path: String, body: Option<&Value>) -> Result<Value, Error> {
        decode(&self.bytes(request(method, path, body)?).await?)
    }

    /// Makes a request and reads the answer to its end. An answer that is not a success is an [`Error::Api`].
    pub async fn bytes(&self, request: Request<Body>) -> Result<Bytes, Error> {
        let read = async {
            let body = self.open(request).await?.into_body();
            Ok(body.collect().await.map_err(|e| Error::Transport(e.into()))?.to_bytes())
        };
        tokio::time::timeout(PATIENCE, read).await.unwrap_or_else(|late| Err(Error::Transport(late.into())))
    }

    /// Makes a request whose answer is a stream. An answer that is not a success is an [`Error::Api`].
    pub async fn open(&self, request: Request<Body>) -> Result<Response<Body>, Error> {
        let response = self.kube.send(request).await.map_err(|e| Error::Transport(e.into()))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let code = response.status().as_u16();
        let body = response.into_body().collect().await.map_err(|e| Error::Transport(e.into()))?;
        Err(read_status(code, &body.to_bytes()).into())
    }
}

/// A request that takes JSON and, where it has a body, brings JSON.
pub(crate) fn request(method: Method, path: String, body: Option<&Value>) -> Result<Request<Body>, Error> {
    let request = Request::builder().method(method).uri(path).header(ACCEPT, "application/json");
    let request = match body {
        None => request.body(Body::empty()),
        Some(body) => {
            let bytes = body.to_string().into_bytes();
            request.header(CONTENT_TYPE, "application/json").body(Body::from(bytes))
        }
    };
    Ok(request?)
}

fn decode(bytes: &[u8]) -> Result<Value, Error> {
    serde_json::from_slice(bytes).map_err(Error::Decode)
}
