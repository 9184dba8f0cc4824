//! The API server's state, one call on it, and the answers it gives.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use cache::{Entry, List, WatchCache, Watcher};
use http::HeaderMap;
use kinds::{Kind, Kinds};
use object::{FieldError, Key, Path, Schema, Status, Time, Value};
use parking_lot::RwLock;

use crate::authn::Authenticator;
use crate::backend::Streams;
use crate::body::{self, Body};
use crate::claims::{PodRange, ServiceRange};
use crate::flow::Flow;
use crate::identity::Identity;
use crate::node_proxy::NodeProxy;
use crate::objects::{Objects, Saved};
use crate::patch::Patch;
use crate::rbac::Rules;
use crate::request::RequestInfo;
use crate::tokens::Signer;
use crate::write::FieldValidation;

/// The API server: everything that a request needs, shared by all of them.
pub struct Api {
    /// The table of kinds.
    pub(crate) kinds: Arc<Kinds>,
    /// Writes and consistent single reads.
    pub(crate) objects: Objects,
    /// Reads, lists and watches.
    pub(crate) cache: Arc<WatchCache>,
    /// RBAC rules as of the cache's revision; written by the feed alone.
    pub(crate) rules: RwLock<Rules>,
    /// Bounds on what is in flight.
    pub(crate) flow: Flow,
    /// Who sends a request.
    pub(crate) authenticator: Authenticator,
    /// Signs service account tokens.
    pub(crate) signer: Arc<Signer>,
    /// What services draw addresses and ports from.
    pub(crate) services: ServiceRange,
    /// What nodes get the addresses of their pods from.
    pub(crate) pods: PodRange,
    /// The parts of the control plane that live in this process and need no Lease, by the names of the Leases that they
    /// would hold; told by who runs them.
    pub(crate) inside: RwLock<Vec<&'static str>>,
    /// The streams that are open.
    pub(crate) streams: Streams,
    /// The way to the agents of nodes.
    pub(crate) nodes: NodeProxy,
    /// Set once the cache is filled and the bootstrap objects are there.
    pub(crate) ready: AtomicBool,
    /// Set when the server begins to stop: watches end, `/readyz` fails.
    pub(crate) stopping: tokio::sync::watch::Sender<bool>,
    /// Discovery and OpenAPI documents, made at first use.
    pub(crate) documents: crate::discovery::Documents,
}

/// The most bytes that a field manager's name may have.
const MAX_MANAGER: usize = 128;

/// One request on a resource, after authentication, authorization and routing.
pub(crate) struct Call<'a> {
    pub(crate) info: &'a RequestInfo,
    /// Whose objects it is about.
    pub(crate) kind: Arc<Kind>,
    /// The row that the path names, as which they are taken and shown: the same, or another version of it.
    pub(crate) served: Arc<Kind>,
    pub(crate) identity: &'a Identity,
    pub(crate) now: Time,
    pub(crate) dry_run: bool,
    pub(crate) field_validation: FieldValidation,
    /// Texts for `Warning` headers.
    pub(crate) warnings: Vec<String>,
}

impl<'a> Call<'a> {
    pub(crate) fn new(
        info: &'a RequestInfo,
        (kind, served): (Arc<Kind>, Arc<Kind>),
        identity: &'a Identity,
        now: Time,
    ) -> Result<Self, Status> {
        let mut call = Self {
            info,
            kind,
            served,
            identity,
            now,
            dry_run: false,
            field_validation: FieldValidation::default(),
            warnings: Vec::new(),
        };
        if !matches!(info.verb, "get" | "list" | "watch") {
            call.read_options()?;
        }
        Ok(call)
    }

    /// Reads the query parameters that all writes have.
    fn read_options(&mut self) -> Result<(), Status> {
        let mut errors = Vec::new();
        let runs: Vec<&str> =
            self.info.query.iter().filter(|(key, _)| key == "dryRun").map(|(_, v)| &**v).collect();
        self.dry_run = !runs.is_empty();
        errors.extend(check_manager(self.info.param("fieldManager")));
        if runs.iter().any(|run| *run != "All") {
            errors.push(FieldError::not_supported(&Path::new("dryRun"), runs, &["All"]));
        }
        let validation = self.info.param("fieldValidation");
        match FieldValidation::parse(validation) {
            Some(parsed) => self.field_validation = parsed,
            None => {
                let supported = ["", "Ignore", "Strict", "Warn"];
                errors.push(FieldError::not_supported(&Path::new("fieldValidation"), validation, &supported));
            }
        }
        if errors.is_empty() {
            return Ok(());
        }
        Err(self.refuse_options(&errors))
    }

    fn refuse_options(&self, errors: &[FieldError]) -> Status {
        let kind = match self.info.verb {
            "create" => "CreateOptions",
            "update" => "UpdateOptions",
            "patch" => "PatchOptions",
            _ => "DeleteOptions",
        };
        Status::invalid("meta.k8s.io", kind, "", errors)
    }

    /// Reads the patch from the body. Force is for those who apply, which nobody can here.
    pub(crate) async fn patch(&self, headers: &HeaderMap, body: Body) -> Result<Patch, Status> {
        let kind = body::patch_type(headers)?;
        let bytes = body::collect(body).await?;
        if self.info.query.iter().any(|(key, _)| key == "force") {
            let why = "may not be specified for non-apply patch";
            return Err(self.refuse_options(&[FieldError::forbidden(&Path::new("force"), why)]));
        }
        body::decode_patch(kind, &bytes)
    }

    /// Makes a document one of this type, by its API version and kind, and decodes it as strictly as the client asked
    /// for. `unreadable` says that it is not one.
    pub(crate) fn conform(
        &mut self,
        document: &mut Value,
        duplicates: &[String],
        (api_version, kind): (&str, &str),
        schema: &Schema,
        unreadable: &dyn Fn(String) -> Status,
    ) -> Result<(), Status> {
        body::check_type(document, api_version, kind)?;
        let unknown = object::conform(schema, document).map_err(|e| unreadable(e.to_string()))?;
        self.field_validation.report(&unknown, duplicates, &mut self.warnings).map_err(unreadable)
    }

    /// The key of the object that the path names.
    pub(crate) fn key(&self) -> Key {
        Key::new(self.namespace(), self.info.name.as_str())
    }

    /// The namespace of the path; empty for cluster-scoped kinds.
    pub(crate) fn namespace(&self) -> &str {
        if self.kind.namespaced() { &self.info.namespace } else { "" }
    }
}

/// What is wrong with a field manager's name.
fn check_manager(name: &str) -> Vec<FieldError> {
    let path = Path::new("fieldManager");
    let long = (name.len() > MAX_MANAGER).then(|| FieldError::too_long(&path, MAX_MANAGER));
    let odd = name.char_indices().filter(|(_, letter)| !object::is_printable(*letter));
    let odd = odd.map(|(at, letter)| {
        let why = format!("invalid character U+{:04X} (at position {at})", u32::from(letter));
        FieldError::invalid(&path, name, why)
    });
    long.into_iter().chain(odd).collect()
}

/// What a call answers, before it takes the form that the client asked for.
pub(crate) enum Answer {
    /// An object as it was just written.
    Saved { code: u16, saved: Saved },
    /// A document that is not in the cache; of the call's kind unless it says otherwise.
    Document { code: u16, value: Value },
    /// An object of the cache.
    Entry(Arc<Entry>),
    /// A list of them.
    List { list: List, token: Option<String> },
    /// A stream of changes.
    Watch { watcher: Watcher, bookmarks: bool, until: tokio::time::Instant },
    /// A stream of one error, where there is nothing to begin a stream of changes with.
    Broken(Status),
    /// A status.
    Status(Status),
}

impl Answer {
    pub(crate) fn document(code: u16, value: Value) -> Self {
        Self::Document { code, value }
    }
}
