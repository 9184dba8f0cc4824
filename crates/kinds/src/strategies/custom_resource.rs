//! Rules of definitions of custom resources.

mod columns;
mod conversion;
mod defaults;
mod expressions;
mod formats;
mod names;
mod openapi;
mod paths;
mod pattern;
mod prune;
mod resources;
mod schema;
mod structural;
mod values;
mod versions;

use std::collections::HashSet;

use object::{FieldError, FieldErrors, Value};
use serde_json::json;

use crate::Strategy;
use crate::rules::{At, Errors, Read, Write, conditions, immutable};
use crate::strategy::METADATA;

/// Where a group of the community says who approved of its definition.
const APPROVAL: &str = "api-approved.kubernetes.io";
const STORED: &str = "status.storedVersions";
/// Checks of a schema end behind about so many errors: nobody reads more.
const MAX_ERRORS: usize = 1_000;

/// Strategy of definitions of custom resources.
pub(crate) struct CustomResourceDefinition;

impl Strategy for CustomResourceDefinition {
    fn default(&self, definition: &mut Value) {
        let kind = definition.text("spec.names.kind").to_owned();
        if !kind.is_empty() {
            definition.put_new("spec.names.singular", kind.to_lowercase());
            definition.put_new("spec.names.listKind", format!("{kind}List"));
        }
    }

    fn prepare_create(&self, definition: &mut Value) {
        definition.put("status", json!({}));
        note_stored(definition);
    }

    fn prepare_update(&self, new: &mut Value, _: &Value) {
        note_stored(new);
    }

    fn validate(&self, definition: &Value) -> FieldErrors {
        let (root, mut errors) = (At::root(definition), Errors::new());
        let spec = root.field("spec");
        check_name(&root, &mut errors);
        check_group(&spec, &mut errors);
        let paths_are_short = versions::check_paths(&spec, &mut errors);
        if paths_are_short {
            versions::check(&spec, &mut errors);
        }
        names::check_complete(&spec.field("names"), &mut errors);
        if paths_are_short {
            versions::check_shared(&spec, &mut errors);
        }
        conversion::check(&spec, &mut errors);
        names::check(&root.field("status.acceptedNames"), &mut errors);
        check_stored(&root, &mut errors);
        check_approval(&root, &mut errors);
        if spec.flag("preserveUnknownFields") {
            let detail = "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in \
                          spec.versions[*].schema instead";
            errors.push(FieldError::invalid(&spec.path("preserveUnknownFields"), true, detail));
        }
        errors.done()
    }

    fn warnings(&self, definition: &Value, old: Option<&Value>) -> Vec<String> {
        let before: HashSet<String> = old.map(unknown_formats).unwrap_or_default().into_iter().collect();
        let new = unknown_formats(definition).into_iter().filter(|format| !before.contains(format));
        new.map(|format| format!("unrecognized format {format:?}")).collect()
    }

    fn validate_update(&self, new: &Value, old: &Value) -> FieldErrors {
        let mut fields = vec!["spec.group", "spec.names.plural"];
        let mut errors = Errors::new();
        if conditions::is_true(&At::root(old).field("status"), "conditions", "Established") {
            fields.extend(["spec.scope", "spec.names.kind"]);
            conversion::check_authorities(new, old, &mut errors);
        }
        let mut errors = errors.done();
        errors.extend(immutable(new, old, &fields));
        errors
    }

    fn status_keeps(&self) -> &'static [&'static str] {
        METADATA
    }

    fn validate_status(&self, new: &Value, _: &Value) -> FieldErrors {
        let mut errors = Errors::new();
        names::check(&At::root(new).field("status.acceptedNames"), &mut errors);
        errors.done()
    }
}

/// The formats in all versions of a definition that nobody checks.
fn unknown_formats(definition: &Value) -> Vec<String> {
    let mut formats = Vec::new();
    for version in definition.items("spec.versions") {
        openapi::unknown_formats(version.at("schema.openAPIV3Schema"), &mut formats);
    }
    formats
}

/// Notes in the status in which version objects are stored from now on.
fn note_stored(definition: &mut Value) {
    let versions = definition.items("spec.versions").iter();
    let Some(version) =
        versions.filter(|version| version.flag("storage")).map(|v| v.at("name").clone()).next()
    else {
        return;
    };
    let mut stored = definition.items(STORED).to_vec();
    if !stored.contains(&version) {
        stored.push(version);
        definition.put(STORED, stored);
    }
}

/// A definition is named after what it defines.
fn check_name(root: &At, errors: &mut Errors) {
    let name = root.text("metadata.name");
    if name != format!("{}.{}", root.text("spec.names.plural"), root.text("spec.group")) {
        let detail = "must be spec.names.plural+\".\"+spec.group";
        errors.push(FieldError::invalid(&root.path("metadata.name"), name, detail));
    }
}

fn check_group(spec: &At, errors: &mut Errors) {
    let (path, group) = (spec.path("group"), spec.text("group"));
    if group.is_empty() {
        return;
    }
    errors.obey_joined(&path, group, object::dns1123_subdomain);
    if object::dns1123_subdomain(group).is_empty() && !group.contains('.') {
        errors.push(FieldError::invalid(&path, group, "should be a domain with at least one dot"));
    }
}

/// What objects were once stored in stays defined until none of them is.
fn check_stored(root: &At, errors: &mut Errors) {
    let (path, stored) = (root.path(STORED), root.items(STORED));
    if stored.is_empty() {
        let detail = "must have at least one stored version";
        return errors.push(FieldError::invalid(&path, root.show(STORED), detail));
    }
    let versions = root.items("spec.versions");
    for version in versions.iter().filter(|v| v.flag("storage") && !stored.contains(v.at("name"))) {
        let detail = format!("must have the storage version {}", version.text("name"));
        errors.push(FieldError::invalid(&path, root.show(STORED), detail));
    }
    for version in root.each(STORED).filter(|old| !versions.iter().any(|v| v.at("name") == old.value())) {
        let name = version.as_str().unwrap_or_default();
        let detail = format!(
            "missing from spec.versions; {name} was previously a storage version, and must remain in spec.versions \
             until a storage migration ensures no data remains persisted in {name} and removes {name} from \
             status.storedVersions"
        );
        errors.push(FieldError::invalid(&version.path(""), name, detail));
    }
}

/// Groups of the community are defined only by who has its leave.
fn check_approval(root: &At, errors: &mut Errors) {
    let group = root.text("spec.group");
    let ours = |domain: &str| group.strip_suffix(domain).is_some_and(|g| g.is_empty() || g.ends_with('.'));
    if !ours("k8s.io") && !ours("kubernetes.io") {
        return;
    }
    let path = root.path("metadata.annotations").key(APPROVAL);
    let approval = root.at("metadata.annotations").get(APPROVAL).and_then(Value::as_str);
    let must = format!("protected groups must have approval annotation \"{APPROVAL}\"");
    let see = "see https://github.com/kubernetes/enhancements/pull/1111";
    match approval.unwrap_or_default() {
        "" => errors.push(FieldError::required(&path, format!("{must}, {see}"))),
        text if text.starts_with("unapproved") || is_url(text) => {}
        text => {
            let detail = format!("{must} with either a URL or a reason starting with \"unapproved\", {see}");
            errors.push(FieldError::invalid(&path, text, detail));
        }
    }
}

fn is_url(text: &str) -> bool {
    text.split_once("://").is_some_and(|(scheme, rest)| !scheme.is_empty() && !rest.is_empty())
}
