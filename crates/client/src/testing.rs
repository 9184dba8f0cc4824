//! An API server that answers by a script.

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use http::{Request, Response};
use http_body_util::{BodyExt, StreamBody};
use kinds::Kind;
use kube::client::Body;
use object::{Schema, Status, Type, TypeId, Types, Value};
use parking_lot::Mutex;
use serde_json::json;

use crate::Client;

/// A row for pods without a schema.
pub(crate) fn pods() -> Kind {
    let types = Types { types: vec![Type::default()], by_name: HashMap::new() };
    let schema = Schema { types: Arc::new(types), root: TypeId(0) };
    kinds::plain("", "v1", "Pod", "pods", schema)
}

/// One answer.
pub(crate) enum Answer {
    /// A document.
    Json(Value),
    /// A refusal.
    Status(Status),
    /// A watch: these chunks, then the end, or silence.
    Stream {
        /// The chunks.
        chunks: Vec<String>,
        /// Whether nothing follows instead of the end.
        hangs: bool,
    },
    /// The connection breaks.
    Broken,
}

impl Answer {
    /// A watch of these frames that ends.
    pub(crate) fn frames(frames: &[String]) -> Self {
        Self::Stream { chunks: frames.to_vec(), hangs: false }
    }

    /// A watch of these frames that then says no more.
    pub(crate) fn hanging(frames: &[String]) -> Self {
        Self::Stream { chunks: frames.to_vec(), hangs: true }
    }
}

/// A request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) line: String,
    pub(crate) media_type: String,
    pub(crate) body: Value,
}

/// The requests so far and the answers to come.
#[derive(Default)]
pub(crate) struct Script {
    pub(crate) asked: Mutex<Vec<Asked>>,
    answers: Mutex<VecDeque<Answer>>,
}

impl Script {
    /// Waits until so many requests arrived.
    pub(crate) async fn wait(&self, requests: usize) {
        while self.lines().len() < requests {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Methods, paths and queries.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.asked.lock().iter().map(|asked| asked.line.clone()).collect()
    }

    async fn answer(
        &self,
        request: Request<Body>,
    ) -> Result<Response<StreamBody<BoxStream<'static, Chunk>>>, Infallible> {
        let line = format!("{} {}", request.method(), request.uri());
        let media_type = request.headers().get("content-type").map_or("", |v| v.to_str().unwrap()).to_owned();
        let body = request.into_body().collect().await.unwrap().to_bytes();
        let body = serde_json::from_slice(&body).unwrap_or_default();
        self.asked.lock().push(Asked { line, media_type, body });
        let next = self.answers.lock().pop_front();
        let once = |text: String| stream::iter([Ok(http_body::Frame::data(Bytes::from(text)))]).boxed();
        let (code, body) = match next {
            None => (200, stream::pending().boxed()),
            Some(Answer::Json(value)) => (200, once(value.to_string())),
            Some(Answer::Status(status)) => (status.code, once(status.to_value().to_string())),
            Some(Answer::Broken) => (200, stream::iter([Err("broken".into())]).boxed()),
            Some(Answer::Stream { chunks, hangs }) => {
                let chunks = stream::iter(
                    chunks.into_iter().map(|text| Ok(http_body::Frame::data(Bytes::from(text)))),
                );
                (200, if hangs { chunks.chain(stream::pending()).boxed() } else { chunks.boxed() })
            }
        };
        Ok(Response::builder().status(code).body(StreamBody::new(body)).unwrap())
    }
}

type Chunk = Result<http_body::Frame<Bytes>, Box<dyn std::error::Error + Send + Sync>>;

/// A client of a server that gives these answers in turn and is silent afterwards.
pub(crate) fn scripted(answers: impl IntoIterator<Item = Answer>) -> (Client, Arc<Script>) {
    let script = Arc::new(Script { answers: Mutex::new(answers.into_iter().collect()), ..Script::default() });
    let service = tower::service_fn({
        let script = script.clone();
        move |request| {
            let script = script.clone();
            async move { script.answer(request).await }
        }
    });
    (Client::from_kube(kube::Client::new(service, "default")), script)
}

/// A pod at a revision.
pub(crate) fn pod(name: &str, revision: u64) -> Value {
    json!({"metadata": {"namespace": "ns", "name": name, "resourceVersion": revision.to_string()}})
}

/// A page of pods.
pub(crate) fn page(revision: u64, next: &str, items: &[Value]) -> Answer {
    Answer::Json(
        json!({"metadata": {"resourceVersion": revision.to_string(), "continue": next}, "items": items}),
    )
}

/// A watch frame.
pub(crate) fn frame(kind: &str, object: &Value) -> String {
    format!("{}\n", json!({"type": kind, "object": object}))
}
