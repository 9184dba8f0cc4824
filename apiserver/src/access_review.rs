//! Access reviews: questions about permissions and identities, answered and never stored.
//!
//! `kubectl auth can-i` asks a `SelfSubjectAccessReview`, `can-i --list` a `SelfSubjectRulesReview`, `whoami` a
//! `SelfSubjectReview`. The answer is the question with its `status`.

use std::collections::BTreeMap;

use object::{Status, Value};
use serde::Deserialize;
use serde_json::json;

use crate::identity::Identity;
use crate::rbac::{Attributes, Decision, PolicyRule, Rules};

/// Answers a review of this kind, which is valid. None if the kind is no access review.
pub fn answer(kind: &str, review: Value, user: &Identity, rules: &Rules) -> Option<Result<Value, Status>> {
    Some(match kind {
        "SelfSubjectAccessReview" => self_subject_access(review, user, rules),
        "SubjectAccessReview" | "LocalSubjectAccessReview" => subject_access(review, rules),
        "SelfSubjectRulesReview" => self_subject_rules(review, user, rules),
        "SelfSubjectReview" => Ok(with_status(review, json!({ "userInfo": user.to_value() }))),
        _ => return None,
    })
}

/// `spec` of the three access reviews.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Spec {
    resource_attributes: Option<Resource>,
    non_resource_attributes: Option<NonResource>,
    user: String,
    uid: String,
    groups: Option<Vec<String>>,
    extra: Option<BTreeMap<String, Vec<String>>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Resource {
    namespace: String,
    verb: String,
    group: String,
    resource: String,
    subresource: String,
    name: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct NonResource {
    path: String,
    verb: String,
}

impl Spec {
    fn of(review: &Value) -> Result<Self, Status> {
        match review.get("spec") {
            None | Some(Value::Null) => Ok(Self::default()),
            Some(spec) => Self::deserialize(spec).map_err(|e| Status::bad_request(format!("spec: {e}"))),
        }
    }

    fn subject(&mut self) -> Identity {
        Identity {
            user: std::mem::take(&mut self.user),
            uid: std::mem::take(&mut self.uid),
            groups: self.groups.take().unwrap_or_default(),
            extra: self.extra.take().unwrap_or_default(),
        }
    }

    fn decide(&self, user: &Identity, rules: &Rules) -> Value {
        let request = match (&self.resource_attributes, &self.non_resource_attributes) {
            (Some(r), _) => Attributes {
                subresource: &r.subresource,
                ..Attributes::resource(user, &r.verb, &r.group, &r.resource).of(&r.namespace, &r.name)
            },
            (None, Some(n)) => Attributes::path(user, &n.verb, &n.path),
            (None, None) => return json!({ "allowed": false }),
        };
        let decision = rules.authorize(&request);
        let mut status = json!({ "allowed": decision.is_allowed() });
        let reason = decision.reason();
        if !reason.is_empty() {
            status["reason"] = json!(reason);
        }
        if let Decision::NoOpinion { errors } = &decision
            && !errors.is_empty()
        {
            status["evaluationError"] = json!(errors.join(", "));
        }
        status
    }
}

fn with_status(mut review: Value, status: Value) -> Value {
    review["status"] = status;
    review
}

fn self_subject_access(review: Value, user: &Identity, rules: &Rules) -> Result<Value, Status> {
    let status = Spec::of(&review)?.decide(user, rules);
    Ok(with_status(review, status))
}

fn subject_access(review: Value, rules: &Rules) -> Result<Value, Status> {
    let mut spec = Spec::of(&review)?;
    let user = spec.subject();
    let status = spec.decide(&user, rules);
    Ok(with_status(review, status))
}

fn self_subject_rules(review: Value, user: &Identity, rules: &Rules) -> Result<Value, Status> {
    let namespace = review["spec"]["namespace"].as_str().unwrap_or_default().to_owned();
    if namespace.is_empty() {
        return Err(Status::bad_request("no namespace on request"));
    }
    let (held, errors) = rules.rules_for(user, &namespace);
    let (resource, path): (Vec<_>, Vec<_>) =
        held.into_iter().partition(|rule| rule.non_resource_urls.is_empty());
    let mut status = json!({
        "resourceRules": distinct(&resource),
        "nonResourceRules": distinct(&path),
        "incomplete": !errors.is_empty(),
    });
    if !errors.is_empty() {
        status["evaluationError"] = json!(errors.join(", "));
    }
    Ok(with_status(review, status))
}

fn distinct(rules: &[&PolicyRule]) -> Value {
    let mut seen: Vec<&PolicyRule> = Vec::new();
    for rule in rules {
        if !seen.contains(rule) {
            seen.push(rule);
        }
    }
    json!(seen)
}

/// Answers a `TokenReview`; `check` is given the token and the audiences asked for, and says whom the token speaks
/// for and which of the audiences it holds for.
pub fn token_review<E: std::fmt::Display>(
    review: Value,
    check: impl FnOnce(&str, &[String]) -> Result<(Value, Vec<String>), E>,
) -> Result<Value, Status> {
    let spec = &review["spec"];
    let Some(token) = spec["token"].as_str().filter(|token| !token.is_empty()) else {
        return Err(Status::bad_request("token is required for TokenReview in authentication"));
    };
    let audiences: Vec<String> = spec["audiences"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|a| a.as_str().map(str::to_owned))
        .collect();
    let status = match check(token, &audiences) {
        Ok((user, audiences)) => json!({ "authenticated": true, "user": user, "audiences": audiences }),
        Err(error) => json!({ "user": {}, "error": error.to_string() }),
    };
    Ok(with_status(review, status))
}

#[cfg(test)]
mod tests {
    use object::Key;

    use super::*;

    /// `jane` may read pods in `a`, everyone may get `/version`.
    fn rules() -> Rules {
        let mut rules = Rules::default();
        let documents = [
            (
                "clusterroles",
                "",
                "pods",
                json!({ "rules": [
                { "verbs": ["get", "list"], "apiGroups": [""], "resources": ["pods"] },
            ] }),
            ),
            (
                "clusterroles",
                "",
                "version",
                json!({ "rules": [
                { "verbs": ["get"], "nonResourceURLs": ["/version"] },
            ] }),
            ),
            (
                "rolebindings",
                "a",
                "jane",
                json!({
                    "roleRef": { "kind": "ClusterRole", "name": "pods" },
                    "subjects": [{ "kind": "User", "name": "jane" }],
                }),
            ),
            (
                "clusterrolebindings",
                "",
                "all",
                json!({
                    "roleRef": { "kind": "ClusterRole", "name": "version" },
                    "subjects": [{ "kind": "Group", "name": "system:authenticated" }],
                }),
            ),
        ];
        for (plural, namespace, name, document) in documents {
            rules.put(plural, &Key::new(namespace, name), document.to_string().as_bytes()).unwrap();
        }
        rules
    }

    fn ask(kind: &str, spec: Value) -> Result<Value, (u16, String)> {
        let jane = Identity::component("jane");
        let review = json!({ "kind": kind, "spec": spec });
        let answer = answer(kind, review, &jane, &rules()).unwrap();
        answer.map(|v| v["status"].clone()).map_err(|s| (s.code, s.message))
    }

    #[test]
    fn can_i() {
        let pods = |namespace: &str| json!({ "resourceAttributes": { "namespace": namespace, "verb": "list", "resource": "pods" } });
        let kind = "SelfSubjectAccessReview";
        let yes = ask(kind, pods("a")).unwrap();
        assert_eq!(yes["allowed"], true);
        assert!(yes["reason"].as_str().unwrap().starts_with("RBAC: allowed by RoleBinding"), "{yes}");
        assert_eq!(ask(kind, pods("b")).unwrap(), json!({ "allowed": false }));
        let path = json!({ "nonResourceAttributes": { "path": "/version", "verb": "get" } });
        assert_eq!(ask(kind, path).unwrap()["allowed"], true);
    }

    #[test]
    fn can_they() {
        let spec = |more: Value| {
            let mut spec =
                json!({ "resourceAttributes": { "namespace": "a", "verb": "get", "resource": "pods" } });
            spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            spec
        };
        let kind = "SubjectAccessReview";
        assert_eq!(ask(kind, spec(json!({ "user": "jane" }))).unwrap()["allowed"], true);
        assert_eq!(ask(kind, spec(json!({ "user": "joe" }))).unwrap()["allowed"], false);
        let masters = spec(json!({ "user": "joe", "groups": ["system:masters"] }));
        assert_eq!(ask(kind, masters).unwrap()["allowed"], true);
        let kind = "LocalSubjectAccessReview";
        assert_eq!(ask(kind, spec(json!({ "user": "jane" }))).unwrap()["allowed"], true);
    }

    #[test]
    fn what_can_i() {
        let status = ask("SelfSubjectRulesReview", json!({ "namespace": "a" })).unwrap();
        assert_eq!(
            status,
            json!({
                "resourceRules": [{ "verbs": ["get", "list"], "apiGroups": [""], "resources": ["pods"] }],
                "nonResourceRules": [{ "verbs": ["get"], "nonResourceURLs": ["/version"] }],
                "incomplete": false,
            })
        );
        assert_eq!(ask("SelfSubjectRulesReview", json!({})).unwrap_err().0, 400);
    }

    #[test]
    fn who_am_i() {
        let status = ask("SelfSubjectReview", json!({})).unwrap();
        assert_eq!(status["userInfo"], json!({ "username": "jane", "groups": ["system:authenticated"] }));
    }

    #[test]
    fn whose_token() {
        let review = |spec: Value| json!({ "kind": "TokenReview", "spec": spec });
        let good = token_review(review(json!({ "token": "t", "audiences": ["x"] })), |_, audiences| {
            Ok::<_, String>((json!({ "username": "u" }), audiences.to_vec()))
        });
        let status = &good.unwrap()["status"];
        assert_eq!((&status["authenticated"], &status["audiences"]), (&json!(true), &json!(["x"])));
        let bad = token_review(review(json!({ "token": "t" })), |_, _| Err("expired")).unwrap();
        assert_eq!(bad["status"]["error"], "expired");
        assert_eq!(token_review(review(json!({})), |_, _| Err("")).unwrap_err().code, 400);
    }
}
