//! What a deletion does to an object: removes it, or marks it and waits. Pure.

use std::time::Duration;

use kinds::Kind;
use object::{FieldError, Key, Meta, Path, Status, Time, Value, format_time};
use serde::Deserialize;

/// `metav1.DeleteOptions`, from the body or the query.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct DeleteOptions {
    pub(crate) grace_period_seconds: Option<i64>,
    pub(crate) propagation_policy: Option<String>,
    pub(crate) orphan_dependents: Option<bool>,
    pub(crate) preconditions: Option<Preconditions>,
    pub(crate) dry_run: Vec<String>,
}

/// `metav1.Preconditions`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Preconditions {
    pub(crate) uid: Option<String>,
    pub(crate) resource_version: Option<String>,
}

/// What to do.
#[derive(Debug, PartialEq)]
pub(crate) enum Deletion {
    /// Take the object out of the store.
    Remove,
    /// Write the object, marked as terminating; whoever it waits for finishes the deletion.
    Mark(Value),
    /// It is marked already, and nothing changes.
    Wait,
}

impl DeleteOptions {
    /// Whether they leave it to the kind what becomes of the dependents.
    fn leaves_open(&self) -> bool {
        self.propagation_policy.is_none() && self.orphan_dependents.is_none()
    }

    /// What a client is warned of that leaves open what it should rather say.
    pub(crate) fn warning(&self, kind: &Kind) -> Option<String> {
        (kind.policy.warns_of_orphans && self.leaves_open()).then(|| {
            format!(
                "child pods are preserved by default when {} are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning",
                kind.plural
            )
        })
    }

    /// The HTTP code of a deletion that the object outlives: 202 where the client wants its dependents gone and says so
    /// the old way, as upstream.
    pub(crate) fn code_of_waiting(&self) -> u16 {
        if self.orphan_dependents == Some(false) { 202 } else { 200 }
    }

    /// What is wrong with the options themselves.
    pub(crate) fn check(&self) -> Result<(), Status> {
        let mut errors = Vec::new();
        let path = Path::new("propagationPolicy");
        if let Some(policy) = &self.propagation_policy {
            if self.orphan_dependents.is_some() {
                let text = "orphanDependents and deletionPropagation cannot be both set";
                errors.push(FieldError::invalid(&path, policy.as_str(), text));
            }
            if !POLICIES.contains(&policy.as_str()) {
                let supported = POLICIES.iter().copied().chain(["nil"]).collect::<Vec<_>>();
                errors.push(FieldError::not_supported(&path, policy.as_str(), &supported));
            }
        }
        if self.dry_run.iter().any(|run| run != "All") {
            errors.push(FieldError::not_supported(&Path::new("dryRun"), self.dry_run.clone(), &["All"]));
        }
        if errors.is_empty() {
            Ok(())
        } else {
            Err(Status::invalid("meta.k8s.io", "DeleteOptions", "", &errors))
        }
    }
}

/// Propagation policies.
const POLICIES: [&str; 3] = ["Foreground", "Background", "Orphan"];
const FOREGROUND: &str = "foregroundDeletion";
const ORPHAN: &str = "orphan";

/// Checks the preconditions of a deletion against the object's metadata. What is wrong is said of the kind, and of
/// namespaces, which upstream deletes on a way of their own, of the resource.
pub(crate) fn check_preconditions(
    kind: &Kind,
    key: &Key,
    when: &Preconditions,
    meta: &Meta,
) -> Result<(), Status> {
    let refused = |what: &str, asked: &str, found: &str, then: &str| {
        let why = format!(
            "the {what} in the precondition ({asked}) does not match the {what} in record ({found}). The object might \
             have been {then}"
        );
        Err(Status::conflict(&kind.group, &kind.kind, &key.name, &why))
    };
    match (&when.uid, &when.resource_version) {
        (Some(uid), _) if *uid != meta.uid && is_namespace(kind) => {
            Err(Status::conflict(&kind.group, &kind.plural, &key.name, &another_uid(uid, &meta.uid)))
        }
        (Some(uid), _) if *uid != meta.uid => refused("UID", uid, &meta.uid, "deleted and then recreated"),
        (_, Some(version)) if *version != meta.resource_version => {
            refused("ResourceVersion", version, &meta.resource_version, "modified")
        }
        _ => Ok(()),
    }
}

/// What upstream's storage says of an object that is not the one that was meant.
pub(crate) fn another_uid(asked: &str, found: &str) -> String {
    format!("Precondition failed: UID in precondition: {asked}, UID in object meta: {found}")
}

fn is_namespace(kind: &Kind) -> bool {
    kind.group.is_empty() && kind.kind == "Namespace"
}

/// Decides what a deletion with these options does to the object.
pub(crate) fn decide(kind: &Kind, object: &Value, options: &DeleteOptions, now: Time) -> Deletion {
    let meta = Meta::of(object);
    let finalizers = with_propagation(kind, &meta.finalizers, options);
    let grace = match kind.policy.graceful {
        true => kind.strategy.grace(object, options.grace_period_seconds).unwrap_or(0).max(0),
        false => 0,
    };
    let waits = grace > 0 || !finalizers.is_empty() || has_spec_finalizers(object);
    if !waits {
        return Deletion::Remove;
    }
    let sooner =
        meta.deletion_grace_period_seconds.is_none_or(|before| kind.policy.graceful && grace < before);
    if meta.is_terminating() && !sooner && *finalizers == *meta.finalizers {
        return Deletion::Wait;
    }
    let mut marked = object.clone();
    let fields = &mut marked["metadata"];
    fields["finalizers"] = finalizers.into();
    if !meta.is_terminating() || sooner {
        let start = match (meta.deletion_timestamp, meta.deletion_grace_period_seconds) {
            (Some(at), Some(before)) => at - Duration::from_secs(before.max(0) as u64),
            _ => now,
        };
        fields["deletionTimestamp"] = format_time(start + Duration::from_secs(grace as u64)).into();
        fields["deletionGracePeriodSeconds"] = grace.into();
    }
    drop_empty_finalizers(&mut marked);
    if kind.policy.generation && !meta.is_terminating() {
        marked["metadata"]["generation"] = (meta.generation + 1).into();
    }
    if is_namespace(kind) {
        marked["status"]["phase"] = "Terminating".into();
    }
    Deletion::Mark(marked)
}

/// Whether an object that is being written has nothing left to wait for, and so must go instead.
pub(crate) fn is_finished(kind: &Kind, object: &Value) -> bool {
    let meta = Meta::of(object);
    let waits_for_grace = kind.policy.graceful && meta.deletion_grace_period_seconds.unwrap_or(0) > 0;
    meta.is_terminating() && meta.finalizers.is_empty() && !has_spec_finalizers(object) && !waits_for_grace
}

fn has_spec_finalizers(object: &Value) -> bool {
    object["kind"] == "Namespace" && object["spec"]["finalizers"].as_array().is_some_and(|f| !f.is_empty())
}

fn drop_empty_finalizers(object: &mut Value) {
    if let Some(meta) = object["metadata"].as_object_mut()
        && meta.get("finalizers").and_then(Value::as_array).is_some_and(Vec::is_empty)
    {
        meta.remove("finalizers");
    }
}

/// The finalizers as the asked propagation changes them, or the kind's own where no deletion has asked for one; the
/// options have been checked.
fn with_propagation(kind: &Kind, finalizers: &[String], options: &DeleteOptions) -> Vec<String> {
    let is_settled = finalizers.iter().any(|f| f == FOREGROUND || f == ORPHAN);
    let wanted = match (options.propagation_policy.as_deref(), options.orphan_dependents) {
        (None, None) if kind.policy.orphans && !is_settled => Some(ORPHAN),
        (None, None) => return finalizers.to_vec(),
        (Some("Foreground"), _) => Some(FOREGROUND),
        (Some("Orphan"), _) | (None, Some(true)) => Some(ORPHAN),
        (Some(_), _) | (None, Some(false)) => None,
    };
    let mut list: Vec<String> =
        finalizers.iter().filter(|f| *f != FOREGROUND && *f != ORPHAN).cloned().collect();
    list.extend(wanted.map(str::to_owned));
    list
}
