//! Whether a document is of the type that a path names.

use object::{Status, Value};

use crate::pipeline::schema_of;

/// What an object's type is read into, as Go's messages show it.
const TYPE_META: &str = "struct { APIVersion string \"json:\\\"apiVersion,omitempty\\\"\"; Kind string \
                         \"json:\\\"kind,omitempty\\\"\" }";

/// The type that a document states: API version and kind, each empty where it states none. The error says why that
/// cannot be read.
pub(super) fn stated_type(value: &Value) -> Result<(&str, &str), String> {
    let unreadable =
        |why: String| format!("couldn't get version/kind; json parse error: json: cannot unmarshal {why}");
    if value.is_null() {
        return Ok(("", ""));
    }
    let Some(map) = value.as_object() else {
        return Err(unreadable(format!("{} into Go value of type {TYPE_META}", object::go_kind(value))));
    };
    let stated = |field: &str| match map.get(field) {
        None | Some(Value::Null) => Ok(""),
        Some(Value::String(text)) => Ok(text.as_str()),
        Some(other) => Err(unreadable(format!(
            "{} into Go struct field .{field} of type string",
            object::go_kind(other)
        ))),
    };
    let (api_version, kind) = (stated("apiVersion")?, stated("kind")?);
    if api_version.matches('/').count() > 1 {
        return Err(format!("unexpected GroupVersion string: {api_version}"));
    }
    Ok((api_version, kind))
}

/// Fills in or checks `apiVersion` and `kind` of a document against the kind the path names; null is an empty object.
pub(crate) fn check_type(value: &mut Value, api_version: &str, kind: &str) -> Result<(), Status> {
    let or = |stated: &str, expected: &str| if stated.is_empty() { expected } else { stated }.to_owned();
    let (found_version, found_kind) = match stated_type(value) {
        Ok(stated) => (or(stated.0, api_version), or(stated.1, kind)),
        Err(why) => return Err(unrecognized(kind, &why)),
    };
    if (found_version.as_str(), found_kind.as_str()) != (api_version, kind) {
        return Err(Status::bad_request(of_another_type((&found_version, &found_kind), (api_version, kind))));
    }
    if value.is_null() {
        *value = Value::Object(object::Map::new());
    }
    value["apiVersion"] = found_version.into();
    value["kind"] = found_kind.into();
    Ok(())
}

/// What is said of something that cannot be read as any document.
pub(super) fn unrecognized(kind: &str, why: &str) -> Status {
    Status::bad_request(format!("the object provided is unrecognized (must be of type {kind}): {why}"))
}

/// Why a document of one type cannot stand for one of another; a type is its API version and kind.
pub(super) fn of_another_type(found: (&str, &str), expected: (&str, &str)) -> String {
    let why = if schema_of(found.0, found.1).is_none() {
        no_kind(found.0, found.1)
    } else if found.1 == expected.1 {
        return format!(
            "the API version in the data ({}) does not match the expected API version ({})",
            found.0, expected.0
        );
    } else {
        let (group, _) = expected.0.split_once('/').unwrap_or(("core", ""));
        let package = group.split('.').next().unwrap_or_default();
        format!(
            "converting ({}.{}) to ({package}.{}): unknown conversion",
            version_of(found.0),
            found.1,
            expected.1
        )
    };
    format!("{} in version {:?} cannot be handled as a {}: {why}", found.1, version_of(found.0), expected.1)
}

/// The message about a type that the table does not have.
pub(super) fn no_kind(api_version: &str, kind: &str) -> String {
    format!("no kind {kind:?} is registered for version {api_version:?}")
}

pub(super) fn version_of(api_version: &str) -> &str {
    api_version.rsplit('/').next().unwrap_or(api_version)
}
