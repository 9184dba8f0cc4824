//! What the server itself decides about an object before it is validated: metadata, the split of status and the
//! rest, the generation. Pure.

mod ratchet;

use std::collections::HashSet;

use kinds::Kind;
use object::{FieldErrorType, FieldErrors, Key, Path, Status, Time, Value, format_time};

/// What a creation needs from outside.
pub(crate) struct Fresh {
    /// Now.
    pub(crate) now: Time,
    /// A new UID.
    pub(crate) uid: String,
    /// Five random characters for `generateName`.
    pub(crate) suffix: String,
}

/// Which part of an object an update may touch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Everything but `status`.
    Main,
    /// What a subresource takes.
    Of(&'static kinds::Part),
    /// Anything: the server's own writes, such as a binding.
    Server,
}

/// Completes a new object's metadata and drops what a client may not set.
pub(crate) fn create(kind: &Kind, object: &mut Value, namespace: &str, fresh: Fresh) -> Result<Key, Status> {
    let map = object.as_object_mut().ok_or_else(|| Status::bad_request("the body is not an object"))?;
    if kind.subresource("status").is_some() && !(kind.policy.status_on_create && map.contains_key("status")) {
        map.insert("status".to_owned(), no_status(kind));
    }
    let meta = map.entry("metadata").or_insert_with(|| Value::Object(Default::default()));
    let meta = meta.as_object_mut().ok_or_else(|| Status::bad_request("metadata is not an object"))?;
    let text = |meta: &object::Map, field: &str| {
        meta.get(field).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    if !matches!(text(meta, "resourceVersion").as_str(), "" | "0") {
        return Err(Status::bad_request("resourceVersion should not be set on objects to be created"));
    }
    for field in [
        "resourceVersion",
        "selfLink",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "generation",
        "managedFields",
    ] {
        meta.remove(field);
    }
    place(kind, meta, namespace)?;
    let generated = text(meta, "generateName");
    if text(meta, "name").is_empty() && !generated.is_empty() {
        let base: String = generated.chars().take(58).collect();
        meta.insert("name".into(), format!("{base}{}", fresh.suffix).into());
    }
    meta.insert("uid".into(), fresh.uid.into());
    meta.insert("creationTimestamp".into(), format_time(fresh.now).into());
    if kind.policy.generation {
        meta.insert("generation".into(), 1.into());
    }
    let key = Key::new(text(meta, "namespace"), text(meta, "name"));
    kind.strategy.prepare_create(object);
    Ok(key)
}

/// What the status of a new object says: nothing, in so many words where the schema wants words.
fn no_status(kind: &Kind) -> Value {
    let mut status = Value::Object(object::Map::new());
    if let Some(schema) = kind.schema.of_field("status") {
        object::conform(&schema, &mut status).expect("what is empty is of every type");
        object::apply_defaults(&schema, &mut status);
    }
    status
}

/// Gives an object the form in which it is stored, after the server and the kind have had their say.
pub(crate) fn settle(kind: &Kind, object: &mut Value) -> Result<(), Status> {
    object::conform(&kind.schema, object).map(drop).map_err(Status::internal)
}

/// Sets the object's namespace from the path's, or refuses a different one.
fn place(kind: &Kind, meta: &mut object::Map, namespace: &str) -> Result<(), Status> {
    let stated = meta.get("namespace").and_then(Value::as_str).unwrap_or_default();
    if !kind.namespaced() {
        if !stated.is_empty() {
            return Err(Status::bad_request(
                "namespace must not be set on a cluster-scoped object".to_owned(),
            ));
        }
        meta.remove("namespace");
    } else if stated.is_empty() {
        meta.insert("namespace".into(), namespace.into());
    } else if stated != namespace {
        return Err(Status::bad_request(
            "the namespace of the provided object does not match the namespace sent on the request",
        ));
    }
    Ok(())
}

/// Keeps from `old` what this write may not touch, and counts the generation. What the server itself does, such as a
/// binding, is no new wish of anybody.
pub(crate) fn update(kind: &Kind, part: Part, new: &mut Value, old: &Value, now: Time) -> Result<(), Status> {
    keep_system_metadata(new, old);
    match part {
        Part::Main => {
            if kind.subresource("status").is_some() {
                keep(new, old, "status");
            }
            kind.strategy.prepare_update(new, old);
        }
        Part::Of(part) => {
            *new = part.taken(new, old);
            kind.strategy.prepare_part(part, new, old, now);
        }
        Part::Server => return settle(kind, new),
    }
    settle(kind, new)?;
    if kind.policy.generation && desired_differs(new, old) {
        let generation = old["metadata"]["generation"].as_i64().unwrap_or(0) + 1;
        new["metadata"]["generation"] = generation.into();
    }
    Ok(())
}

fn keep(new: &mut Value, old: &Value, field: &str) {
    let Some(map) = new.as_object_mut() else { return };
    match old.get(field) {
        Some(value) => map.insert(field.to_owned(), value.clone()),
        None => map.remove(field),
    };
}

fn keep_system_metadata(new: &mut Value, old: &Value) {
    let Some(meta) = new.get_mut("metadata").and_then(Value::as_object_mut) else { return };
    meta.remove("managedFields");
    meta.remove("selfLink");
    for field in
        ["creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation", "generateName"]
    {
        match old["metadata"].get(field) {
            Some(value) => meta.insert(field.to_owned(), value.clone()),
            None => meta.remove(field),
        };
    }
    for field in ["uid", "namespace", "name", "resourceVersion"] {
        if meta.get(field).and_then(Value::as_str).unwrap_or_default().is_empty()
            && let Some(value) = old["metadata"].get(field)
        {
            meta.insert(field.to_owned(), value.clone());
        }
    }
}

/// Whether anything but metadata and status differs.
fn desired_differs(new: &Value, old: &Value) -> bool {
    !alike_but(new, old, &["metadata", "status"])
}

/// Whether two documents differ in more than their resource version.
pub(crate) fn differs(new: &Value, old: &Value) -> bool {
    let meta = |of| Value::get(of, "metadata").unwrap_or(&Value::Null);
    !alike_but(new, old, &["metadata"]) || !alike_but(meta(new), meta(old), &["resourceVersion"])
}

/// Whether two objects have the same fields, these left out.
fn alike_but(a: &Value, b: &Value, without: &[&str]) -> bool {
    let counts = |(name, _): &(&String, &Value)| !without.contains(&name.as_str());
    let fields = |of: &Value| of.as_object().into_iter().flatten().filter(counts).count();
    let same = |(name, value): (&String, &Value)| b.get(name) == Some(value);
    fields(a) == fields(b) && a.as_object().into_iter().flatten().filter(counts).all(same)
}

/// All rules on a new object, as it is stored, that came as `served`.
pub(crate) fn validate_create(kind: &Kind, served: &Kind, object: &Value) -> FieldErrors {
    let mut errors = validate_metadata(kind, object);
    errors.extend(object::validate(&kind.schema, object));
    errors.extend(kind.strategy.validate(object));
    errors.extend(kind.strategy.validate_create(object));
    if served.storage.is_some() {
        errors.extend(served.strategy.validate_create(object));
    }
    dedup(errors)
}

/// All rules on a changed object, as it is stored, whose change came as `served`.
pub(crate) fn validate_update(
    kind: &Kind,
    served: &Kind,
    part: Part,
    new: &Value,
    old: &Value,
) -> FieldErrors {
    let mut errors =
        object::validate_object_meta_update(&new["metadata"], &old["metadata"], &Path::new("metadata"));
    if part != Part::Server {
        errors.extend(brought(new, old, |object| validate_metadata(kind, object)));
    }
    let fixed = match part {
        Part::Main => object::validate_update(&kind.schema, new, old),
        Part::Of(part) if part.whole => object::validate_update(&kind.schema, new, old),
        Part::Of(_) | Part::Server => FieldErrors::new(),
    };
    if kind.policy.fixed_first {
        errors.extend(fixed.iter().cloned());
    }
    match part {
        Part::Main => {
            errors.extend(validate_whole(kind, new, old));
            errors.extend(kind.strategy.validate_update(new, old));
            if served.storage.is_some() {
                errors.extend(served.strategy.validate_update(new, old));
            }
        }
        Part::Of(&kinds::Part::STATUS) => errors.extend(kind.strategy.validate_status(new, old)),
        Part::Of(part) => {
            if part.whole {
                errors.extend(validate_whole(kind, new, old));
            }
            errors.extend(kind.strategy.validate_part(part, new, old));
        }
        Part::Server => {}
    }
    if !kind.policy.fixed_first {
        errors.extend(fixed);
    }
    dedup(errors)
}

/// What must be true of an object at any time. Where nothing new is wished for, what was wrong before may stay so:
/// labels and finalizers of an object can be changed that has become invalid.
fn validate_whole(kind: &Kind, new: &Value, old: &Value) -> FieldErrors {
    let mut errors = object::validate(&kind.schema, new);
    ratchet::forgive(&kind.schema, &mut errors, new, old);
    match desired_differs(new, old) {
        true => errors.extend(kind.strategy.validate(new)),
        false => errors.extend(brought(new, old, |object| kind.strategy.validate(object))),
    }
    errors
}

/// The breaches of rules in a new object that the old one does not have. An error that does not show the value may stand
/// for another one, and is told.
fn brought(new: &Value, old: &Value, rules: impl Fn(&Value) -> FieldErrors) -> FieldErrors {
    let mut errors = rules(new);
    if !errors.is_empty() {
        let before: HashSet<String> = rules(old).iter().map(ToString::to_string).collect();
        errors.retain(|error| error.kind == FieldErrorType::TooLong || !before.contains(&error.to_string()));
    }
    errors
}

fn validate_metadata(kind: &Kind, object: &Value) -> FieldErrors {
    let rule = match kind.policy.name {
        kinds::NameRule::Subdomain => object::dns1123_subdomain,
        kinds::NameRule::Label => object::dns1123_label,
        kinds::NameRule::PathSegment => object::path_segment,
    };
    let (meta, path) = (&object["metadata"], Path::new("metadata"));
    let mut errors = object::validate_object_meta(meta, kind.namespaced(), rule, &path);
    if kind.policy.strict_finalizers {
        errors.extend(object::validate_finalizer_names(meta, &path));
    }
    errors
}

/// A rule may stand both in the table and in a strategy; it is told once.
fn dedup(mut errors: FieldErrors) -> FieldErrors {
    let mut told = HashSet::new();
    errors.retain(|error| told.insert(error.to_string()));
    errors
}
