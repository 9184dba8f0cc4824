//! Schema as data: one description of types that every walker (decoding, defaulting, validation, patches,
//! protobuf, OpenAPI) reads. Built-in kinds and custom resources use the same.

use std::collections::HashMap;
use std::sync::Arc;

use crate::{Map, Value};

/// Index of a [`Type`] in its [`Types`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TypeId(pub u32);

/// A closed set of types that refer to one another by [`TypeId`].
#[derive(Debug, Default)]
pub struct Types {
    /// All types; a [`TypeId`] is an index here.
    pub types: Vec<Type>,
    /// Ids by full name.
    pub by_name: HashMap<String, TypeId>,
}

impl Types {
    /// The type with this id.
    pub fn get(&self, id: TypeId) -> &Type {
        &self.types[id.0 as usize]
    }

    /// The id of the type with this full name, e.g. `io.k8s.api.core.v1.Pod`.
    pub fn find(&self, name: &str) -> Option<TypeId> {
        self.by_name.get(name).copied()
    }
}

/// The schema of one kind: a root type among its types. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Schema {
    /// The types.
    pub types: Arc<Types>,
    /// The root's type.
    pub root: TypeId,
}

impl Schema {
    /// The root type.
    pub fn root(&self) -> &Type {
        self.types.get(self.root)
    }

    /// The schema of what a field of the root holds, where that is an object.
    pub fn of_field(&self, name: &str) -> Option<Schema> {
        match self.root().field(name)?.shape {
            Shape::Object(root) => Some(Schema { types: self.types.clone(), root }),
            _ => None,
        }
    }
}

/// A JSON object with known fields.
#[derive(Clone, Debug, Default)]
pub struct Type {
    /// Full name, e.g. `io.k8s.api.core.v1.Container`.
    pub name: String,
    /// Fields, sorted by JSON name.
    pub fields: Vec<Field>,
    /// Indexes of the fields that Go writes whatever they hold ([`Field::written`]).
    pub written: Vec<u32>,
    /// The object is replaced as a whole by merges (`x-kubernetes-map-type: atomic`).
    pub atomic: bool,
    /// (group, version, kind) where the type is an API object of its own.
    pub gvk: Vec<(String, String, String)>,
}

impl Type {
    /// A type as it is looked up: its fields are sorted, and those that are always written are known.
    #[must_use]
    pub fn complete(mut self) -> Self {
        self.fields.sort_by(|a, b| a.name.cmp(&b.name));
        let written = self.fields.iter().zip(0u32..).filter(|(field, _)| field.written.is_some());
        self.written = written.map(|(_, index)| index).collect();
        self
    }

    /// The fields that Go writes whatever they hold.
    pub(crate) fn always(&self) -> impl Iterator<Item = (&Field, &Value)> {
        let fields = self.written.iter().map(|&index| &self.fields[index as usize]);
        fields.filter_map(|field| Some((field, field.written.as_ref()?)))
    }

    /// The field with this JSON name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.binary_search_by(|f| f.name.as_str().cmp(name)).ok().map(|i| &self.fields[i])
    }
}

/// One field of a [`Type`].
#[derive(Clone, Debug)]
pub struct Field {
    /// JSON name.
    pub name: String,
    /// Shape of its value.
    pub shape: Shape,
    /// Upstream's OpenAPI lists it as required.
    pub required: bool,
    /// What stands in a document where the field holds nothing, since Go's encoder does not leave it out: null, a zero,
    /// or an object, whose own fields follow. None where Go leaves out what is empty.
    pub written: Option<Value>,
    /// Put in where the field is absent and its parent is present; defaults never create a parent.
    pub default: Option<Value>,
    /// Declarative rules on its value.
    pub rules: Vec<Rule>,
    /// `x-kubernetes-patch-strategy: retainKeys`.
    pub retain_keys: bool,
    /// How protobuf carries it, if it does.
    pub pb: Option<Pb>,
}

impl Field {
    /// Whether this value is the field's absence in Go: zero, false and the empty text are, where its type is no
    /// pointer; so are an empty list, map and string of bytes.
    pub(crate) fn reads_as_unset(&self, value: &Value) -> bool {
        let is_pointer = || self.pb.as_ref().is_none_or(|pb| pb.explicit);
        match (&self.shape, value) {
            (Shape::List(..), Value::Array(items)) => items.is_empty(),
            (Shape::Map(..), Value::Object(map)) => map.is_empty(),
            (Shape::Bytes, Value::String(text)) => text.is_empty(),
            (Shape::Bool, Value::Bool(set)) => !set && !is_pointer(),
            (Shape::Int { .. } | Shape::Number, Value::Number(number)) => {
                number.as_f64() == Some(0.0) && !is_pointer()
            }
            (Shape::String, Value::String(text)) => text.is_empty() && !is_pointer(),
            _ => false,
        }
    }
}

impl Shape {
    /// What Go writes of a field of this shape that was never set, unless it is a pointer: null, a zero, or an object,
    /// whose own fields follow.
    pub fn unset(&self) -> Value {
        match self {
            Shape::List(..) | Shape::Map(..) | Shape::Bytes => Value::Null,
            shape => shape.zero(),
        }
    }

    /// What null is in a list or a map of this shape.
    pub(crate) fn zero(&self) -> Value {
        match self {
            Shape::Bool => false.into(),
            Shape::Int { .. } | Shape::Number | Shape::IntOrString => 0.into(),
            Shape::String | Shape::Bytes => "".into(),
            Shape::Quantity => "0".into(),
            Shape::Duration => "0s".into(),
            Shape::Object(_) | Shape::Map(..) => Value::Object(Map::new()),
            Shape::List(..) => Value::Array(Vec::new()),
            Shape::Time | Shape::MicroTime | Shape::Any => Value::Null,
        }
    }
}

/// The shape of a value.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// true or false.
    Bool,
    /// A whole number; `bits` is 32 or 64.
    Int {
        /// Width.
        bits: u8,
    },
    /// A floating-point number.
    Number,
    /// Text.
    String,
    /// Base64 text of bytes.
    Bytes,
    /// RFC 3339 seconds, or null.
    Time,
    /// RFC 3339 microseconds, or null.
    MicroTime,
    /// Seconds of a duration in Go's notation (`metav1.Duration`).
    Duration,
    /// A number with unit: string or number.
    Quantity,
    /// A string or a whole number.
    IntOrString,
    /// Anything (`RawExtension`, `FieldsV1`, `JSON`): kept as it is.
    Any,
    /// A JSON object with known fields.
    Object(TypeId),
    /// A list.
    List(Box<Shape>, List),
    /// A map from text; `true`: atomic under merges.
    Map(Box<Shape>, bool),
}

/// How a list merges.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct List {
    /// Keys of a list-type map; empty otherwise.
    pub keys: Vec<String>,
    /// A list-type set.
    pub set: bool,
    /// Key for strategic merges (`patch-merge-key`) where strategy is merge and items are objects.
    pub merge_key: Option<String>,
    /// `patch-strategy: merge` on a list of scalars or objects.
    pub merge: bool,
}

/// A declarative rule; messages are upstream's.
#[derive(Clone, Debug, PartialEq)]
pub enum Rule {
    /// Must be present and not empty ("Required value").
    Required,
    /// One of these texts ("Unsupported value").
    Enum(Vec<String>),
    /// A number of at least this.
    Min(i64),
    /// A number of at most this.
    Max(i64),
    /// Text with a named format: `dns-label`, `dns-subdomain`, `label-key`, `qualified-name`, `label-value`, `ip`, `cidr`, `port`, …
    Format(String),
    /// At most this many bytes.
    MaxBytes(usize),
    /// Cannot change once set ("field is immutable").
    Immutable,
}

/// A field's protobuf encoding.
#[derive(Clone, Debug, PartialEq)]
pub struct Pb {
    /// Tags of embedded messages that JSON inlines, outermost first; mostly none.
    pub outer: Vec<u32>,
    /// Field number.
    pub tag: u32,
    /// Wire kind.
    pub kind: PbKind,
    /// Zero and the empty text are values, not absence: clients leave the field out when it is unset.
    pub explicit: bool,
}

/// Protobuf encodings in use; repetition and maps follow from the field's [`Shape`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "protobuf's own names")]
pub enum PbKind {
    Bool,
    Int32,
    Int64,
    Uint32,
    Uint64,
    Double,
    Float,
    String,
    Bytes,
    Message,
    /// A JSON Schema or a list of them (`JSONSchemaPropsOrArray`).
    SchemaOrArray,
    /// A JSON Schema or a truth value (`JSONSchemaPropsOrBool`).
    SchemaOrBool,
    /// A JSON Schema or a list of texts (`JSONSchemaPropsOrStringArray`).
    SchemaOrStrings,
}
