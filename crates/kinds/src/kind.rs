//! What a row of the table says, and the table's look-ups.

use std::collections::HashMap;
use std::sync::Arc;

use object::{Schema, Shape, Time, Value};

use crate::{Part, Plain, Strategy};

/// Whether objects of a kind live in namespaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// In a namespace.
    Namespaced,
    /// In the cluster.
    Cluster,
}

/// What can be done with a resource; the names are RBAC's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs, reason = "RBAC's own names")]
pub enum Verb {
    Create,
    Delete,
    DeleteCollection,
    Get,
    List,
    Patch,
    Update,
    Watch,
}

impl Verb {
    /// All verbs of a plain resource.
    pub const ALL: &[Verb] = &[
        Verb::Create,
        Verb::Delete,
        Verb::DeleteCollection,
        Verb::Get,
        Verb::List,
        Verb::Patch,
        Verb::Update,
        Verb::Watch,
    ];

    /// The verb's name in RBAC rules and discovery.
    pub fn name(self) -> &'static str {
        match self {
            Verb::Create => "create",
            Verb::Delete => "delete",
            Verb::DeleteCollection => "deletecollection",
            Verb::Get => "get",
            Verb::List => "list",
            Verb::Patch => "patch",
            Verb::Update => "update",
            Verb::Watch => "watch",
        }
    }
}

/// A path below an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subresource {
    /// A document of the object itself, of which writes take some fields (`/status`, `/approval`, …).
    Part(&'static Part),
    /// `/scale`, mapped onto these paths of the object.
    Scale {
        /// Path of the desired count, e.g. `spec.replicas`.
        spec: &'static str,
        /// Path of the observed count, e.g. `status.replicas`.
        status: &'static str,
        /// Path of the selector, e.g. `spec.selector`.
        selector: &'static str,
    },
    /// A call that takes and gives a document of another kind (`/binding`, `/eviction`, `/token`, …).
    Call {
        /// Name in the path.
        name: &'static str,
        /// API version of the document, e.g. `v1`.
        api_version: &'static str,
        /// Kind of the document, e.g. `Binding`.
        kind: &'static str,
    },
    /// A byte stream, served by the node (`/log`, `/exec`, …) or by what is behind `/proxy`.
    Connect {
        /// Name in the path.
        name: &'static str,
        /// Kind that discovery names, e.g. `PodExecOptions`.
        kind: &'static str,
        /// What may be asked of it.
        verbs: &'static [Verb],
        /// Query parameters, each with its JSON type.
        options: &'static [(&'static str, &'static str)],
    },
}

impl Subresource {
    /// Name in the path and in RBAC rules.
    pub fn name(&self) -> &'static str {
        match self {
            Subresource::Part(part) => part.name,
            Subresource::Scale { .. } => "scale",
            Subresource::Call { name, .. } | Subresource::Connect { name, .. } => name,
        }
    }
}

/// How a Table cell is read from an object.
#[derive(Clone)]
pub enum Cell {
    /// The value at a dotted path; absent reads as the empty text (numbers: 0).
    Path(&'static str),
    /// The age of the timestamp at a dotted path, as kubectl shows it (`5m`, `2d3h`, `<unknown>`).
    Age(&'static str),
    /// Computed.
    Of(fn(&Value, Time) -> Value),
}

/// A column of the server-side Table.
#[derive(Clone)]
pub struct Column {
    /// Title as in upstream's column definitions, e.g. `Ready`.
    pub name: &'static str,
    /// `string`, `integer`, `date`, `boolean`.
    pub kind: &'static str,
    /// `name` for the first column, else empty.
    pub format: &'static str,
    /// 0 always shown; 1 with `-o wide`.
    pub priority: i32,
    /// The cell.
    pub cell: Cell,
}

/// Differences between kinds that are flags.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// PUT to a name that does not exist creates it.
    pub create_on_update: bool,
    /// Updates without resourceVersion are refused.
    pub needs_resource_version: bool,
    /// Deletion waits for a grace period where the strategy gives one (pods).
    pub graceful: bool,
    /// `metadata.generation` counts changes of everything but metadata and status.
    pub generation: bool,
    /// A deletion that takes effect is answered with the object as it last was, others with a status.
    pub returns_deleted: bool,
    /// That a field cannot change is told before what else is wrong, and otherwise behind it.
    pub fixed_first: bool,
    /// A deletion that does not say what becomes of the dependents leaves them (older kinds of workloads, as ever).
    pub orphans: bool,
    /// Whoever leaves it open is warned of that.
    pub warns_of_orphans: bool,
    /// A creation may bring a status (nodes register with theirs).
    pub status_on_create: bool,
    /// Only answered, never stored (access reviews, TokenReview).
    pub talk: bool,
    /// Only observed, never stored: the server makes the documents when it is asked (component statuses).
    pub observed: bool,
    /// The strategy may name claims.
    pub claims: bool,
    /// What a name may be.
    pub name: NameRule,
    /// A finalizer that is none of Kubernetes' own has a domain.
    pub strict_finalizers: bool,
    /// Written without waiting for the disk: what expires (events), and what is in `kube-node-lease` (heartbeats).
    pub volatile: bool,
    /// Seconds until the object expires (events), if ever.
    pub ttl_seconds: Option<u32>,
}

/// What `metadata.name` may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NameRule {
    /// RFC 1123 subdomain, 253 bytes.
    #[default]
    Subdomain,
    /// RFC 1123 label, 63 bytes.
    Label,
    /// Any path segment: not `.`, `..`, no `/` or `%` (RBAC).
    PathSegment,
}

/// Between a version that is served and the one that is stored. Both ways take complete documents and lose nothing; the
/// type of the document is the pipeline's to set.
pub trait Conversion: Send + Sync {
    /// Makes what is stored of a document of the served version.
    fn to_stored(&self, object: &mut Value);
    /// Makes a document of the served version of what is stored.
    fn to_served(&self, object: &mut Value);
    /// The stored path of a selectable field.
    fn stored_field<'f>(&self, field: &'f str) -> &'f str {
        field
    }
}

/// The row whose objects another one serves too.
#[derive(Clone)]
pub struct Storage {
    /// Its API group.
    pub group: String,
    /// Its plural.
    pub plural: String,
    /// The way there and back.
    pub conversion: &'static dyn Conversion,
}

/// One row of the table; custom resources are the same struct, built at run time.
#[derive(Clone)]
pub struct Kind {
    /// API group, empty for core.
    pub group: String,
    /// Served version; stored too, but where `storage` says otherwise.
    pub version: String,
    /// Kind.
    pub kind: String,
    /// Plural, lower case: the resource's name in paths.
    pub plural: String,
    /// Singular, lower case.
    pub singular: String,
    /// Short names.
    pub short: Vec<String>,
    /// Categories such as `all`.
    pub categories: Vec<String>,
    /// Scope.
    pub scope: Scope,
    /// Verbs.
    pub verbs: Vec<Verb>,
    /// Subresources.
    pub subresources: Vec<Subresource>,
    /// Table columns.
    pub columns: Vec<Column>,
    /// The paths that the columns read, where these are little of the object; none: any.
    pub reads: &'static [&'static str],
    /// Dotted paths of fields that field selectors may name, beyond `metadata.name` and `metadata.namespace`.
    pub selectable: Vec<String>,
    /// Those of them that documents have elsewhere, each with its path there; there may be several of one.
    pub renamed: &'static [(&'static str, &'static str)],
    /// Schema.
    pub schema: Schema,
    /// Flags.
    pub policy: Policy,
    /// What every request on the resource is warned of: its time is over.
    pub deprecated: Option<String>,
    /// Rules that data cannot say.
    pub strategy: &'static dyn Strategy,
    /// Where the objects are those of another row, which one: of this row count its names, verbs, selectable fields and
    /// schema, and of its strategy the defaults, and the rules for creations and updates, which see what is stored.
    pub storage: Option<Storage>,
}

impl std::fmt::Debug for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.api_version(), self.kind)
    }
}

impl Kind {
    /// `v1` or `apps/v1`.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    /// `pods` or `deployments.apps`: the resource's name in messages, and the first part of its storage keys.
    pub fn resource(&self) -> String {
        if self.group.is_empty() { self.plural.clone() } else { format!("{}.{}", self.plural, self.group) }
    }

    /// Whether objects live in namespaces.
    pub fn namespaced(&self) -> bool {
        self.scope == Scope::Namespaced
    }

    /// The subresource of this name.
    pub fn subresource(&self, name: &str) -> Option<&Subresource> {
        self.subresources.iter().find(|s| s.name() == name)
    }

    /// The kind of the documents that `/scale` answers, whatever is scaled.
    pub fn of_scale(&self) -> Self {
        let [group, version, kind] = ["autoscaling", "v1", "Scale"].map(str::to_owned);
        let columns = crate::columns::SCALE.to_vec();
        Self { group, version, kind, columns, reads: &[], storage: None, ..self.clone() }
    }

    /// Whether the resource has this verb.
    pub fn has(&self, verb: Verb) -> bool {
        self.verbs.contains(&verb)
    }

    /// Whether those who follow the metadata of all kinds follow this one: objects that expire (events) own nothing,
    /// are collected by nobody else, and may be many.
    pub fn is_followed(&self) -> bool {
        let listable = self.has(Verb::List) && self.has(Verb::Watch);
        listable && !self.policy.talk && self.policy.ttl_seconds.is_none()
    }

    /// Whether field selectors may name this path.
    pub fn is_selectable(&self, path: &str) -> bool {
        matches!(path, "metadata.name" | "metadata.namespace") || self.selectable.iter().any(|p| p == path)
    }

    /// Where documents have the field that a field selector names; of several places the first that says something
    /// counts, and where none does, [`Kind::zero`].
    pub fn places<'p>(&'p self, path: &'p str) -> impl Iterator<Item = &'p str> {
        let renamed = self.renamed.iter().filter(move |(name, _)| *name == path);
        let itself = self.renamed.iter().all(|(name, _)| *name != path).then_some(path);
        renamed.map(|(_, place)| *place).chain(itself)
    }

    /// What the field at a dotted path reads as where it is absent: the text of its type's zero value.
    pub fn zero(&self, path: &str) -> &'static str {
        let mut shape = Shape::Object(self.schema.root);
        for name in path.split('.') {
            let Shape::Object(id) = shape else { return "" };
            let Some(field) = self.schema.types.get(id).field(name) else { return "" };
            shape = field.shape.clone();
        }
        match shape {
            Shape::Bool => "false",
            Shape::Int { .. } => "0",
            _ => "",
        }
    }

    /// The request path of the resource's collection (empty namespace: all, or cluster-scoped).
    pub fn path(&self, namespace: &str) -> String {
        let root = if self.group.is_empty() {
            format!("/api/{}", self.version)
        } else {
            format!("/apis/{}/{}", self.group, self.version)
        };
        if namespace.is_empty() || !self.namespaced() {
            format!("{root}/{}", self.plural)
        } else {
            format!("{root}/namespaces/{namespace}/{}", self.plural)
        }
    }
}

/// The table, with its look-ups.
#[derive(Debug, Default)]
pub struct Kinds {
    rows: Vec<Arc<Kind>>,
    by_path: HashMap<(String, String, String), usize>,
    by_resource: HashMap<(String, String), usize>,
    by_kind: HashMap<(String, String), usize>,
}

impl Kinds {
    /// A table of these rows; a later row of the same resource and version replaces an earlier one.
    pub fn new(rows: impl IntoIterator<Item = Kind>) -> Self {
        let mut kinds = Self::default();
        for row in rows {
            kinds.insert(row);
        }
        kinds
    }

    /// Adds or replaces a row.
    pub fn insert(&mut self, row: Kind) {
        let at = self.rows.len();
        let (group, plural, kind) = (&row.group, &row.plural, &row.kind);
        self.by_path.insert((group.clone(), row.version.clone(), plural.clone()), at);
        // of several versions, the stored one is the one that is meant
        for (names, name) in [(&mut self.by_resource, plural), (&mut self.by_kind, kind)] {
            let names = names.entry((group.clone(), name.clone()));
            names
                .and_modify(|i| {
                    if row.storage.is_none() {
                        *i = at
                    }
                })
                .or_insert(at);
        }
        self.rows.push(Arc::new(row));
    }

    /// All rows in table order, each with objects of its own.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Kind>> {
        self.served().filter(|kind| kind.storage.is_none())
    }

    /// All rows in table order, with those that serve the objects of another one.
    pub fn served(&self) -> impl Iterator<Item = &Arc<Kind>> {
        self.rows.iter()
    }

    /// By group, version and plural, as a request's path names it.
    pub fn at(&self, group: &str, version: &str, plural: &str) -> Option<&Arc<Kind>> {
        self.by_path.get(&(group.to_owned(), version.to_owned(), plural.to_owned())).map(|&i| &self.rows[i])
    }

    /// By group and plural: of several versions the stored one.
    pub fn resource(&self, group: &str, plural: &str) -> Option<&Arc<Kind>> {
        self.by_resource.get(&(group.to_owned(), plural.to_owned())).map(|&i| &self.rows[i])
    }

    /// By group and kind: of several versions the stored one.
    pub fn kind(&self, group: &str, kind: &str) -> Option<&Arc<Kind>> {
        self.by_kind.get(&(group.to_owned(), kind.to_owned())).map(|&i| &self.rows[i])
    }

    /// The row whose objects a row serves: itself, or the one that it names.
    pub fn stored<'k>(&'k self, kind: &'k Arc<Kind>) -> &'k Arc<Kind> {
        let stored = kind.storage.as_ref().and_then(|storage| self.resource(&storage.group, &storage.plural));
        stored.unwrap_or(kind)
    }
}

/// A row with the defaults of a plain, namespaced, stored resource; `table.rs` refines it.
pub fn plain(group: &str, version: &str, kind: &str, plural: &str, schema: Schema) -> Kind {
    Kind {
        group: group.to_owned(),
        version: version.to_owned(),
        kind: kind.to_owned(),
        plural: plural.to_owned(),
        singular: kind.to_lowercase(),
        short: Vec::new(),
        categories: Vec::new(),
        scope: Scope::Namespaced,
        verbs: Verb::ALL.to_vec(),
        subresources: Vec::new(),
        columns: Vec::new(),
        reads: &[],
        selectable: Vec::new(),
        renamed: &[],
        schema,
        policy: Policy::default(),
        deprecated: None,
        strategy: &Plain,
        storage: None,
    }
}
