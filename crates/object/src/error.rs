//! Field errors: what is wrong with one field of an object, in the API's standard wording.

use std::fmt;

use crate::Value;

/// A field path as users read it: `spec.containers[0].image`, `metadata.labels[app]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path(String);

impl Path {
    /// A path that begins at the document's root.
    pub fn root() -> Self {
        Self::default()
    }

    /// A path from its text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The path of a field below this one.
    pub fn child(&self, name: &str) -> Self {
        if self.0.is_empty() { Self(name.to_owned()) } else { Self(format!("{}.{name}", self.0)) }
    }

    /// The path of a list item below this one.
    pub fn index(&self, index: usize) -> Self {
        Self(format!("{}[{index}]", self.0))
    }

    /// The path of a map entry below this one.
    pub fn key(&self, key: &str) -> Self {
        Self(format!("{}[{key}]", self.0))
    }

    /// The path's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "<nil>" } else { &self.0 })
    }
}

/// What kind of rule a field breaks; [`FieldErrorType::reason`] is the machine-readable cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldErrorType {
    /// A required value is absent.
    Required,
    /// A value is malformed or out of range.
    Invalid,
    /// A value is none of those supported.
    NotSupported,
    /// A value appears twice where it must be unique.
    Duplicate,
    /// A value is not allowed here.
    Forbidden,
    /// A text is too long.
    TooLong,
    /// A list or map has too many entries.
    TooMany,
    /// A reference leads nowhere.
    NotFound,
    /// A value has the wrong type.
    TypeInvalid,
    /// The check itself failed.
    Internal,
}

impl FieldErrorType {
    /// The cause's `reason`, as in `metav1.CauseType`.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Required => "FieldValueRequired",
            Self::Invalid => "FieldValueInvalid",
            Self::NotSupported => "FieldValueNotSupported",
            Self::Duplicate => "FieldValueDuplicate",
            Self::Forbidden => "FieldValueForbidden",
            Self::TooLong => "FieldValueTooLong",
            Self::TooMany => "FieldValueTooMany",
            Self::NotFound => "FieldValueNotFound",
            Self::TypeInvalid => "FieldValueTypeInvalid",
            Self::Internal => "InternalError",
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::Required => "Required value",
            Self::Invalid | Self::TypeInvalid => "Invalid value",
            Self::NotSupported => "Unsupported value",
            Self::Duplicate => "Duplicate value",
            Self::Forbidden => "Forbidden",
            Self::TooLong => "Too long",
            Self::TooMany => "Too many",
            Self::NotFound => "Not found",
            Self::Internal => "Internal error",
        }
    }
}

/// One broken rule at one field. Its text is the API's: `spec.replicas: Invalid value: -1: must be …`.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldError {
    /// Where.
    pub path: Path,
    /// Which kind of rule.
    pub kind: FieldErrorType,
    /// The offending value, where the text shows one.
    pub value: Option<Value>,
    /// What would be right; may be empty.
    pub detail: String,
}

/// All that is wrong with an object.
pub type FieldErrors = Vec<FieldError>;

impl FieldError {
    fn new(kind: FieldErrorType, path: &Path, value: Option<Value>, detail: impl Into<String>) -> Self {
        Self { path: path.clone(), kind, value, detail: detail.into() }
    }

    /// A required value is absent.
    pub fn required(path: &Path, detail: impl Into<String>) -> Self {
        Self::new(FieldErrorType::Required, path, None, detail)
    }

    /// A value is malformed or out of range.
    pub fn invalid(path: &Path, value: impl Into<Value>, detail: impl Into<String>) -> Self {
        Self::new(FieldErrorType::Invalid, path, Some(value.into()), detail)
    }

    /// A value has the wrong type.
    pub fn type_invalid(path: &Path, value: impl Into<Value>, detail: impl Into<String>) -> Self {
        Self::new(FieldErrorType::TypeInvalid, path, Some(value.into()), detail)
    }

    /// A value is none of `supported`.
    pub fn not_supported<S: AsRef<str>>(path: &Path, value: impl Into<Value>, supported: &[S]) -> Self {
        let quoted: Vec<String> = supported.iter().map(|s| format!("{:?}", s.as_ref())).collect();
        let detail = if quoted.is_empty() {
            String::new()
        } else {
            format!("supported values: {}", quoted.join(", "))
        };
        Self::new(FieldErrorType::NotSupported, path, Some(value.into()), detail)
    }

    /// A value appears twice.
    pub fn duplicate(path: &Path, value: impl Into<Value>) -> Self {
        Self::new(FieldErrorType::Duplicate, path, Some(value.into()), "")
    }

    /// A value is not allowed here.
    pub fn forbidden(path: &Path, detail: impl Into<String>) -> Self {
        Self::new(FieldErrorType::Forbidden, path, None, detail)
    }

    /// A text has more than `max` bytes.
    pub fn too_long(path: &Path, max: usize) -> Self {
        let bytes = if max == 1 { "byte" } else { "bytes" };
        Self::new(FieldErrorType::TooLong, path, None, format!("may not be more than {max} {bytes}"))
    }

    /// A list has `actual` entries, more than `max`.
    pub fn too_many(path: &Path, actual: usize, max: usize) -> Self {
        let (kind, items) = (FieldErrorType::TooMany, if max == 1 { "item" } else { "items" });
        Self::new(kind, path, Some(actual.into()), format!("must have at most {max} {items}"))
    }

    /// A reference leads nowhere.
    pub fn not_found(path: &Path, value: impl Into<Value>) -> Self {
        Self::new(FieldErrorType::NotFound, path, Some(value.into()), "")
    }

    /// The error without its path: the `message` of a Status cause.
    pub fn body(&self) -> String {
        let mut text = self.kind.text().to_owned();
        if let Some(value) = &self.value {
            text.push_str(": ");
            match value {
                Value::String(value) => text.push_str(&quoted(value)),
                other => text.push_str(&other.to_string()),
            }
        }
        if !self.detail.is_empty() {
            text.push_str(": ");
            text.push_str(&self.detail);
        }
        text
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.body())
    }
}

/// A text as Go's `%q` writes it.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            ' '..='~' => quoted.push(letter),
            '\u{7}' => quoted.push_str(r"\a"),
            '\u{8}' => quoted.push_str(r"\b"),
            '\u{c}' => quoted.push_str(r"\f"),
            '\n' => quoted.push_str(r"\n"),
            '\r' => quoted.push_str(r"\r"),
            '\t' => quoted.push_str(r"\t"),
            '\u{b}' => quoted.push_str(r"\v"),
            '\0'..='\u{7f}' => quoted.push_str(&format!(r"\x{:02x}", u32::from(letter))),
            _ if is_printable(letter) => quoted.push(letter),
            '\0'..='\u{ffff}' => quoted.push_str(&format!(r"\u{:04x}", u32::from(letter))),
            _ => quoted.push_str(&format!(r"\U{:08x}", u32::from(letter))),
        }
    }
    quoted.push('"');
    quoted
}

/// Whether Go's `unicode.IsPrint` holds: what Rust's notation of texts does not escape behind another letter.
pub fn is_printable(letter: char) -> bool {
    let is_marked = matches!(letter, '"' | '\'' | '\\');
    is_marked || String::from_iter(['a', letter]).escape_debug().count() == 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_quoted_as_in_go() {
        let value = "é\"\\\0\u{7}\n\u{a0}\u{301}\u{e0001}";
        let error = FieldError::invalid(&Path::new("a"), value, "");
        let expect = "Invalid value: \"é\\\"\\\\\\x00\\a\\n\\u00a0\u{301}\\U000e0001\"";
        assert_eq!(error.body(), expect);
    }

    #[test]
    fn one_is_no_plural() {
        let (long, many) = (
            |max| FieldError::too_long(&Path::new("a"), max),
            |max| FieldError::too_many(&Path::new("a"), 3, max),
        );
        assert_eq!(long(1).to_string(), "a: Too long: may not be more than 1 byte");
        assert_eq!(long(2).to_string(), "a: Too long: may not be more than 2 bytes");
        assert_eq!(many(1).to_string(), "a: Too many: 3: must have at most 1 item");
        assert_eq!(many(2).to_string(), "a: Too many: 3: must have at most 2 items");
    }

    #[test]
    fn supported_values_keep_their_order() {
        let error = FieldError::not_supported(&Path::new("effect"), "Odd", &["NoSchedule", "NoExecute"]);
        let expect = "effect: Unsupported value: \"Odd\": supported values: \"NoSchedule\", \"NoExecute\"";
        assert_eq!(error.to_string(), expect);
    }
}
