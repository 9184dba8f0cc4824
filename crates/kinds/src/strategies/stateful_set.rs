//! Rules of stateful sets.

use object::{FieldError, FieldErrors, Value};
use serde_json::json;

use super::pod_spec::{self, Keeper};
use crate::rules::{At, Counts, Errors, Read, Write, share};
use crate::{Strategy, warnings};

const KEEPER: Keeper = Keeper { selector: "statefulset", malformed: Some(""), kind: "StatefulSet" };

const MORE_THAN_ALL: &str = "cannot be greater than status.replicas";

const COUNTS: Counts = Counts {
    natural: &[
        "replicas",
        "readyReplicas",
        "currentReplicas",
        "updatedReplicas",
        "availableReplicas",
        "observedGeneration",
        "collisionCount",
    ],
    parts: &[
        ("readyReplicas", "replicas", MORE_THAN_ALL),
        ("currentReplicas", "replicas", MORE_THAN_ALL),
        ("updatedReplicas", "replicas", MORE_THAN_ALL),
        ("availableReplicas", "replicas", MORE_THAN_ALL),
        ("availableReplicas", "readyReplicas", "cannot be greater than status.readyReplicas"),
    ],
    growing: &["collisionCount"],
};

/// Fields of the spec that an update may change.
const MUTABLE: [&str; 7] = [
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
];

const FROZEN: &str = "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', \
    'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' \
    are forbidden";

/// Strategy of stateful sets.
pub(crate) struct StatefulSet;

impl Strategy for StatefulSet {
    fn default(&self, object: &mut Value) {
        let Some(spec) = object.at_mut("spec") else { return };
        rolling_defaults(spec);
        for claim in spec.items_mut("volumeClaimTemplates") {
            claim.put("apiVersion", "v1");
            claim.put("kind", "PersistentVolumeClaim");
            claim.put_new("status.phase", "Pending");
        }
        if let Some(template) = spec.at_mut("template.spec") {
            pod_spec::spec_defaults(template);
        }
    }

    fn validate(&self, object: &Value) -> FieldErrors {
        let mut errors = Errors::new();
        let with_claims = with_claims_as_volumes(object);
        pod_spec::check_always_running(&At::root(&with_claims).field("spec"), &KEEPER, &mut errors);
        let spec = At::root(object).field("spec");
        let policy = spec.text("podManagementPolicy");
        if !matches!(policy, "" | "OrderedReady" | "Parallel") {
            let detail = "must be 'OrderedReady' or 'Parallel'";
            errors.push(FieldError::invalid(&spec.path("podManagementPolicy"), policy, detail));
        }
        check_strategy(&spec.field("updateStrategy"), &mut errors);
        errors.done()
    }

    fn validate_update(&self, new: &Value, old: &Value) -> FieldErrors {
        let (mut rest, was) = (new.at("spec").clone(), old.at("spec"));
        MUTABLE.iter().for_each(|field| rest.keep(field, was));
        if object::alike(&rest, was) {
            return FieldErrors::new();
        }
        vec![FieldError::forbidden(&At::root(new).path("spec"), FROZEN)]
    }

    fn validate_status(&self, new: &Value, old: &Value) -> FieldErrors {
        COUNTS.check(new, old)
    }

    fn warnings(&self, new: &Value, old: Option<&Value>) -> Vec<String> {
        let spec = At::root(new).field("spec");
        let mut warnings = Vec::new();
        if warnings::is_changed(new, old) {
            warnings.extend(warnings::of_template(&spec.field("template")));
        }
        // so upstream calls the spec of a claim, of which it does not speak for a new set
        let below = if old.is_some() { "Spec" } else { "" };
        for claim in spec.each("volumeClaimTemplates") {
            warnings.extend(warnings::of_claim(&claim.field("spec").placed(claim.path(below))));
        }
        if spec.int("revisionHistoryLimit").is_some_and(|limit| limit < 0) {
            let text = "a negative value retains all historical revisions; a value >= 0 is recommended";
            warnings.push(format!("spec.revisionHistoryLimit: {text}"));
        }
        warnings
    }
}

/// Who asks for an update strategy by name gets it without details; who asks for none gets them too.
fn rolling_defaults(spec: &mut Value) {
    if spec.is_empty("updateStrategy.type") {
        spec.put("updateStrategy.type", "RollingUpdate");
        spec.put_new("updateStrategy.rollingUpdate", json!({}));
    }
    if spec.text("updateStrategy.type") == "RollingUpdate" && spec.has("updateStrategy.rollingUpdate") {
        spec.put_new("updateStrategy.rollingUpdate.partition", 0);
        spec.put_new("updateStrategy.rollingUpdate.maxUnavailable", 1);
    }
}

fn check_strategy(strategy: &At, errors: &mut Errors) {
    let rolling = strategy.field("rollingUpdate");
    match strategy.text("type") {
        "RollingUpdate" => check_rolling(&rolling, errors),
        "OnDelete" if strategy.has("rollingUpdate") => {
            let detail = "only allowed for updateStrategy 'RollingUpdate'";
            errors.push(FieldError::invalid(&rolling.path(""), rolling.show(""), detail));
        }
        "OnDelete" | "" => {}
        _ => {
            let detail = "must be 'RollingUpdate' or 'OnDelete'";
            errors.push(FieldError::invalid(&strategy.path(""), strategy.show(""), detail));
        }
    }
}

fn check_rolling(rolling: &At, errors: &mut Errors) {
    share::check(rolling, "maxUnavailable", errors);
    if rolling.has("maxUnavailable") && share::is_zero(rolling.at("maxUnavailable")) {
        let (at, value) = (rolling.path("maxUnavailable"), rolling.show("maxUnavailable"));
        errors.push(FieldError::invalid(&at, value, "cannot be 0"));
    }
}

/// The set with the claims of its pods among the volumes of its template, where they take the place of volumes
/// of the same name.
fn with_claims_as_volumes(object: &Value) -> Value {
    let mut whole = object.clone();
    let mut volumes = whole.items("spec.template.spec.volumes").to_vec();
    for claim in object.items("spec.volumeClaimTemplates") {
        let name = claim.text("metadata.name");
        let volume = json!({ "name": name, "persistentVolumeClaim": { "claimName": name } });
        match volumes.iter_mut().find(|volume| volume.text("name") == name) {
            Some(same) => *same = volume,
            None => volumes.push(volume),
        }
    }
    if !volumes.is_empty() {
        whole.put("spec.template.spec.volumes", volumes);
    }
    whole
}
