//! Types of expressions, and how they are written.

use std::sync::Arc;

/// The type of an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Type {
    /// Known only when it is evaluated.
    Dyn,
    /// Of an expression that is wrong; it fits everywhere, so that each fault is told once.
    Error,
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool,
    /// A signed integer of 64 bits.
    Int,
    /// An unsigned integer of 64 bits.
    Uint,
    /// A number with a fraction.
    Double,
    /// A text.
    String,
    /// Bytes.
    Bytes,
    /// A length of time.
    Duration,
    /// A moment.
    Timestamp,
    /// A list of values of one type.
    List(Arc<Type>),
    /// A map: the type of its keys, and of its values.
    Map(Arc<(Type, Type)>),
    /// A value that may be missing.
    Optional(Arc<Type>),
    /// A type as a value.
    Type(Arc<Type>),
    /// What a scope or the library gives a name: an object with fields, or what only functions look into.
    Named(Arc<str>),
    /// A type that is not known yet.
    Param(u32),
}

impl Type {
    /// A list of `item`.
    pub fn list(item: Type) -> Type {
        Type::List(Arc::new(item))
    }

    /// A map from `key` to `value`.
    pub fn map(key: Type, value: Type) -> Type {
        Type::Map(Arc::new((key, value)))
    }

    /// A value that may be missing.
    pub fn optional(value: Type) -> Type {
        Type::Optional(Arc::new(value))
    }

    /// What has a name of its own.
    pub fn named(name: &str) -> Type {
        Type::Named(name.into())
    }

    /// The types that this one is made of.
    pub(crate) fn parts(&self) -> Vec<&Type> {
        match self {
            Type::List(part) | Type::Optional(part) | Type::Type(part) => vec![part],
            Type::Map(parts) => vec![&parts.0, &parts.1],
            _ => Vec::new(),
        }
    }

    /// The same with other parts.
    pub(crate) fn with(&self, change: &mut impl FnMut(&Type) -> Type) -> Type {
        match self {
            Type::List(item) => Type::list(change(item)),
            Type::Optional(value) => Type::optional(change(value)),
            Type::Type(of) => Type::Type(Arc::new(change(of))),
            Type::Map(parts) => {
                let key = change(&parts.0);
                Type::map(key, change(&parts.1))
            }
            other => other.clone(),
        }
    }

    /// How many types it is made of, itself with them.
    pub(crate) fn weight(&self) -> usize {
        1 + self.parts().into_iter().map(Type::weight).sum::<usize>()
    }

    pub(crate) fn is_open(&self) -> bool {
        matches!(self, Type::Dyn | Type::Error)
    }

    /// Whether `null` is a value of it.
    pub(crate) fn is_nullable(&self) -> bool {
        matches!(self, Type::Null | Type::Duration | Type::Timestamp | Type::Named(_) | Type::Optional(_))
    }

    /// How the type is called where an expression must evaluate to it.
    pub fn declared(&self) -> String {
        match self {
            Type::Null => "null_type".to_owned(),
            Type::Duration => "google.protobuf.Duration".to_owned(),
            Type::Timestamp => "google.protobuf.Timestamp".to_owned(),
            other => other.write(&Type::declared),
        }
    }

    fn write(&self, part: &dyn Fn(&Type) -> String) -> String {
        match self {
            Type::List(item) => format!("list({})", part(item)),
            Type::Map(parts) => format!("map({}, {})", part(&parts.0), part(&parts.1)),
            Type::Optional(value) => format!("optional_type({})", part(value)),
            Type::Type(of) => format!("type({})", part(of)),
            Type::Named(name) => name.to_string(),
            Type::Dyn | Type::Param(_) => "dyn".to_owned(),
            Type::Error => "!error!".to_owned(),
            Type::Null => "null".to_owned(),
            Type::Bool => "bool".to_owned(),
            Type::Int => "int".to_owned(),
            Type::Uint => "uint".to_owned(),
            Type::Double => "double".to_owned(),
            Type::String => "string".to_owned(),
            Type::Bytes => "bytes".to_owned(),
            Type::Duration => "duration".to_owned(),
            Type::Timestamp => "timestamp".to_owned(),
        }
    }
}

/// How the type is called in what is wrong with an expression.
impl std::fmt::Display for Type {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str(&self.write(&Type::to_string))
    }
}
