//! Rules of a job's status: what it says must fit together, and what is final stays.

use std::collections::HashSet;

use object::{FieldError, FieldErrors, Value, parse_time};

use super::{INDEXED, indexes};
use crate::rules::{At, Counts, Errors, Read};

const COUNTS: Counts =
    Counts { natural: &["active", "succeeded", "failed", "ready", "terminating"], parts: &[], growing: &[] };

/// Conditions that, once true, stay true, and what is said where they do not.
const FINAL: [(&str, &str); 4] = [
    ("Failed", "cannot disable the terminal Failed=True condition"),
    ("Complete", "cannot disable the terminal Complete=True condition"),
    ("FailureTarget", "cannot disable the terminal FailureTarget=True condition"),
    ("SuccessCriteriaMet", "cannot disable the SuccessCriteriaMet=True condition"),
];

/// A job before and after a write of its status. Rules about a part hold where the part changes, so that a job
/// that breaks one already can still be written.
struct Change<'a> {
    job: &'a Value,
    status: At<'a>,
    was: &'a Value,
}

/// Checks a write of a job's status.
pub(super) fn check(new: &Value, old: &Value) -> FieldErrors {
    let change = Change { job: new, status: At::root(new).field("status"), was: old.at("status") };
    let mut errors = Errors::new();
    change.check_uncounted(&mut errors);
    change.check_conditions(&mut errors);
    change.check_times(&mut errors);
    change.check_finished(&mut errors);
    change.check_indexes(&mut errors);
    change.check_counters(&mut errors);
    let mut all = COUNTS.check(new, old);
    all.extend(errors.done());
    all
}

fn is_true(status: &Value, condition: &str) -> bool {
    let mut all = status.items("conditions").iter();
    all.any(|one| one.text("type") == condition && one.text("status") == "True")
}

fn is_finished(status: &Value) -> bool {
    is_true(status, "Complete") || is_true(status, "Failed")
}

impl Change<'_> {
    fn is(&self, condition: &str) -> bool {
        is_true(self.status.value(), condition)
    }

    /// Whether one of these conditions is true now and was not, or the other way round.
    fn turns(&self, conditions: &[&str]) -> bool {
        conditions.iter().any(|condition| self.is(condition) != is_true(self.was, condition))
    }

    fn changes(&self, fields: &[&str]) -> bool {
        fields.iter().any(|field| !object::alike(self.status.at(field), self.was.at(field)))
    }

    fn is_indexed(&self) -> bool {
        self.job.text("spec.completionMode") == INDEXED
    }

    fn invalid(&self, field: &str, detail: impl Into<String>, errors: &mut Errors) {
        errors.push(FieldError::invalid(&self.status.path(field), self.status.show(field), detail));
    }

    /// Each pod is counted once.
    fn check_uncounted(&self, errors: &mut Errors) {
        let (uncounted, mut seen) = (self.status.field("uncountedTerminatedPods"), HashSet::new());
        for pod in ["succeeded", "failed"].into_iter().flat_map(|list| uncounted.each(list)) {
            let uid = pod.value().as_str().unwrap_or_default();
            if uid.is_empty() {
                errors.push(FieldError::invalid(&pod.path(""), uid, "must not be empty"));
            } else if !seen.insert(uid) {
                errors.push(FieldError::duplicate(&pod.path(""), uid));
            }
        }
    }

    fn check_conditions(&self, errors: &mut Errors) {
        let (complete, failed) = (self.is("Complete"), self.is("Failed"));
        let (enough, failing) = (self.is("SuccessCriteriaMet"), self.is("FailureTarget"));
        let was_complete = is_true(self.was, "Complete") && !is_true(self.was, "SuccessCriteriaMet");
        let criteria = !self.job.at("spec.successPolicy").is_null();
        let wrong = [
            (
                complete && failed && self.turns(&["Complete", "Failed"]),
                "cannot set Complete=True and Failed=true conditions",
            ),
            (
                complete && failing && self.turns(&["Complete", "FailureTarget"]),
                "cannot set Complete=True and FailureTarget=true conditions",
            ),
            (enough && failed, "cannot set SuccessCriteriaMet=True and Failed=true conditions"),
            (enough && failing, "cannot set SuccessCriteriaMet=True and FailureTarget=true conditions"),
            (
                failed && !failing && self.turns(&["Failed"]),
                "cannot set Failed=True condition without the FailureTarget=true condition",
            ),
            (
                complete && !enough && self.turns(&["Complete"]),
                "cannot set Complete=True condition without the SuccessCriteriaMet=true condition",
            ),
            (
                criteria && complete && !enough,
                "cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True",
            ),
            (
                was_complete && enough,
                "cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions",
            ),
        ];
        let lost = FINAL.iter().map(|&(kind, detail)| (is_true(self.was, kind) && !self.is(kind), detail));
        for (_, detail) in wrong.into_iter().chain(lost).filter(|(is, _)| *is) {
            errors.wrong(&self.status.path("conditions"), detail);
        }
    }

    fn check_times(&self, errors: &mut Errors) {
        let (status, complete) = (&self.status, self.is("Complete"));
        if self.turns(&["Complete"]) || self.changes(&["completionTime"]) {
            if status.has("completionTime") && !complete {
                let detail = "cannot set completionTime when there is no Complete=True condition";
                self.invalid("completionTime", detail, errors);
            }
            if complete && !status.has("completionTime") {
                let detail = "completionTime is required for Complete jobs";
                errors.push(FieldError::required(&status.path("completionTime"), detail));
            }
        }
        let time = |field| parse_time(status.text(field));
        let both = time("startTime").zip(time("completionTime"));
        if self.changes(&["startTime", "completionTime"]) && both.is_some_and(|(start, end)| end < start) {
            self.invalid("completionTime", "completionTime cannot be set before startTime", errors);
        }
        let was_and_is = self.was.has("completionTime") && status.has("completionTime");
        if was_and_is && self.changes(&["completionTime"]) {
            self.invalid("completionTime", "completionTime cannot be mutated", errors);
        }
        if self.was.has("startTime") && self.changes(&["startTime"]) && !self.job.flag("spec.suspend") {
            let detail = "startTime cannot be removed for unsuspended job";
            errors.push(FieldError::required(&status.path("startTime"), detail));
        }
    }

    /// A job that is over has begun, and has no pods left.
    fn check_finished(&self, errors: &mut Errors) {
        if !is_finished(self.status.value()) {
            return;
        }
        let ends = !is_finished(self.was);
        let concerns = |field| ends || self.changes(&[field]);
        let some = |field| self.status.int(field).unwrap_or_default() > 0;
        if some("active") && concerns("active") {
            self.invalid("active", "active>0 is invalid for finished job", errors);
        }
        if some("terminating") && concerns("terminating") {
            self.invalid("terminating", "terminating>0 is invalid for finished job", errors);
        }
        if !self.status.has("startTime") && concerns("startTime") {
            let detail = "startTime is required for finished job";
            errors.push(FieldError::required(&self.status.path("startTime"), detail));
        }
        let uncounted = self.status.at("uncountedTerminatedPods");
        let none = uncounted.is_empty("failed") && uncounted.is_empty("succeeded");
        if !none && concerns("uncountedTerminatedPods") {
            let detail = "uncountedTerminatedPods needs to be empty for finished job";
            self.invalid("uncountedTerminatedPods", detail, errors);
        }
    }

    fn check_indexes(&self, errors: &mut Errors) {
        let per_index = self.job.at("spec.backoffLimitPerIndex").is_number();
        if self.changes(&["completedIndexes"]) {
            self.check_list("completedIndexes", errors);
            if !self.status.is_empty("completedIndexes") && !self.is_indexed() {
                let detail = "cannot set non-empty completedIndexes when non-indexed completion mode";
                self.invalid("completedIndexes", detail, errors);
            }
        }
        if self.changes(&["failedIndexes"]) {
            if per_index {
                self.check_list("failedIndexes", errors);
            } else if self.status.has("failedIndexes") {
                let detail = "cannot set non-null failedIndexes when backoffLimitPerIndex is null";
                self.invalid("failedIndexes", detail, errors);
            }
        }
        if self.changes(&["completedIndexes", "failedIndexes"]) {
            self.check_overlap(errors);
        }
    }

    /// A list of indexes must be one.
    fn check_list(&self, field: &str, errors: &mut Errors) {
        let Some(completions) = self.job.int("spec.completions") else { return };
        if let Err(why) = indexes::parse(self.status.text(field), completions) {
            self.invalid(field, format!("error parsing {field}: {why}"), errors);
        }
    }

    /// No index both failed and succeeded.
    fn check_overlap(&self, errors: &mut Errors) {
        let Some(completions) = self.job.int("spec.completions") else { return };
        let list = |field| indexes::readable(self.status.text(field), completions);
        if let Some(index) = indexes::first_common(&list("completedIndexes"), &list("failedIndexes")) {
            let detail = format!("failedIndexes and completedIndexes overlap at index: {index}");
            self.invalid("failedIndexes", detail, errors);
        }
    }

    /// Counters only grow; of a job that can shrink, successes may be taken back.
    fn check_counters(&self, errors: &mut Errors) {
        let count = |status: &Value, field| status.int(field).unwrap_or_default();
        let shrinks = |field| count(self.status.value(), field) < count(self.was, field);
        let value = |field| count(self.status.value(), field);
        let elastic = self.is_indexed() && self.job.at("spec.completions") == self.job.at("spec.parallelism");
        for (field, checked) in [("failed", true), ("succeeded", !elastic)] {
            if checked && shrinks(field) {
                let detail = format!("cannot decrease the {field} counter");
                errors.push(FieldError::invalid(&self.status.path(field), value(field), detail));
            }
        }
        if self.status.int("ready").is_some_and(|ready| ready > value("active"))
            && self.changes(&["ready", "active"])
        {
            self.invalid("ready", "cannot set more ready pods than active", errors);
        }
    }
}
