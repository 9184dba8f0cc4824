//! Rules of templates of pods, and of those who keep their pods running.

use object::FieldError;

use super::{At, Errors, Read, annotations, check_new_containers, check_spec, labels};

/// How the errors of a kind that keeps pods running speak of it.
pub(crate) struct Keeper {
    /// The kind, where its selector selects all.
    pub(crate) selector: &'static str,
    /// What is said of a malformed selector as a whole, if anything.
    pub(crate) malformed: Option<&'static str>,
    /// The kind, where its pods may not do as they like.
    pub(crate) kind: &'static str,
}

/// Checks a template of a pod.
pub(crate) fn check_template(template: &At, errors: &mut Errors) {
    // upstream tells of a template's metadata as if it were the template's own
    labels::check(&template.field("metadata.labels").placed(template.path("labels")), errors);
    let notes = template.field("metadata.annotations").placed(template.path("annotations"));
    labels::check_annotations(&notes, errors);
    let spec = template.field("spec");
    annotations::check(&notes, &spec, errors);
    check_spec(&spec, errors);
    check_new_containers(&spec, errors);
    annotations::check_match(&notes, &spec, errors);
    errors.forbid(template, "spec.ephemeralContainers", "ephemeral containers not allowed in pod template");
}

/// Checks the selector and the template of what keeps pods running.
pub(crate) fn check_always_running(spec: &At, keeper: &Keeper, errors: &mut Errors) {
    let (selector, template) = (spec.field("selector"), spec.field("template"));
    if !spec.has("selector") {
        errors.need(spec, "selector");
        push_mismatch(&template, errors);
    } else if labels::is_empty(&selector) {
        let detail = format!("empty selector is invalid for {}", keeper.selector);
        errors.push(FieldError::invalid(&selector.path(""), selector.show(""), detail));
    } else if labels::check_selector(&selector, errors) {
        check_match(&selector, &template, errors);
    } else if let Some(detail) = keeper.malformed {
        errors.push(FieldError::invalid(&selector.path(""), selector.show(""), detail));
    }
    check_kept(&template, keeper.kind, errors);
}

/// A selector must select the pods of its template.
pub(crate) fn check_match(selector: &At, template: &At, errors: &mut Errors) {
    if !labels::selects(selector, template.at("metadata.labels")) {
        push_mismatch(template, errors);
    }
}

/// Says that the pods of a template are not selected.
pub(crate) fn push_mismatch(template: &At, errors: &mut Errors) {
    let (at, labels) = (template.path("metadata.labels"), template.show("metadata.labels"));
    errors.push(FieldError::invalid(&at, labels, "`selector` does not match template `labels`"));
}

/// Checks the template of a pod that is kept running.
pub(crate) fn check_kept(template: &At, kind: &str, errors: &mut Errors) {
    check_template(template, errors);
    errors.one_of(template, "spec.restartPolicy", &["Always"]);
    let detail = format!("activeDeadlineSeconds in {kind} is not Supported");
    errors.forbid_present(template, "spec.activeDeadlineSeconds", &detail);
}
