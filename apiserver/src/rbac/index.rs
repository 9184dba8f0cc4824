//! All roles and bindings, and decisions by them.

use std::collections::HashMap;
use std::sync::Arc;

use object::{Key, Labels};

use super::document::{AggregationRule, Binding, Role, RoleRef, SubjectKey};
use super::{Attributes, Decision, PolicyRule};
use crate::identity::{Identity, MASTERS};

/// A document that cannot be read; the index is as before.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {resource}/{key}")]
pub struct DocumentError {
    /// Plural of the resource.
    pub resource: String,
    /// The object.
    pub key: Key,
    /// What is wrong with it.
    pub source: serde_json::Error,
}

/// A cluster role and what it takes part in.
struct ClusterRole {
    labels: Labels,
    own: Arc<[PolicyRule]>,
    aggregation: Option<AggregationRule>,
    /// What it allows: its own rules, or those it gathers.
    resolved: Arc<[PolicyRule]>,
}

/// A binding as the index keeps it; a cluster-wide one has no namespace.
struct Grant {
    key: Key,
    binding: Binding,
}

/// The grants of one subject.
#[derive(Default)]
struct Grants {
    cluster: Vec<(Arc<Grant>, usize)>,
    namespaced: HashMap<String, Vec<(Arc<Grant>, usize)>>,
}

impl Grants {
    fn of(&mut self, namespace: &str) -> &mut Vec<(Arc<Grant>, usize)> {
        if namespace.is_empty() {
            &mut self.cluster
        } else {
            self.namespaced.entry(namespace.to_owned()).or_default()
        }
    }

    fn is_empty(&self) -> bool {
        self.cluster.is_empty() && self.namespaced.is_empty()
    }
}

/// All roles and bindings; empty, only `system:masters` may do anything. Not synchronized: hold it behind a lock, or
/// swap whole copies.
#[derive(Default)]
pub struct Rules {
    roles: HashMap<Key, Arc<[PolicyRule]>>,
    cluster_roles: HashMap<String, ClusterRole>,
    grants: HashMap<Key, Arc<Grant>>,
    users: HashMap<Arc<str>, Grants>,
    groups: HashMap<Arc<str>, Grants>,
}

impl Rules {
    /// Takes up an object of `rbac.authorization.k8s.io/v1`, by plural; other plurals are ignored.
    pub fn put(&mut self, plural: &str, key: &Key, document: &[u8]) -> Result<(), DocumentError> {
        let failed = |source| DocumentError { resource: plural.to_owned(), key: key.clone(), source };
        match plural {
            "roles" => {
                let role: Role = serde_json::from_slice(document).map_err(failed)?;
                self.roles.insert(key.clone(), role.rules.into());
            }
            "clusterroles" => {
                let role: Role = serde_json::from_slice(document).map_err(failed)?;
                self.put_cluster_role(&key.name, role);
            }
            "rolebindings" | "clusterrolebindings" => {
                let binding: Binding = serde_json::from_slice(document).map_err(failed)?;
                self.put_binding(key, binding);
            }
            _ => {}
        }
        Ok(())
    }

    /// Forgets an object, by plural.
    pub fn remove(&mut self, plural: &str, key: &Key) {
        match plural {
            "roles" => {
                self.roles.remove(key);
            }
            "clusterroles" => {
                self.cluster_roles.remove(&key.name);
                self.aggregate();
            }
            "rolebindings" | "clusterrolebindings" => self.remove_binding(key),
            _ => {}
        }
    }

    fn put_cluster_role(&mut self, name: &str, role: Role) {
        let own: Arc<[PolicyRule]> = role.rules.into();
        let (labels, aggregation) = (role.metadata.labels, role.aggregation_rule);
        let touches = |r: &ClusterRole| r.aggregation.is_some() || !r.labels.is_empty();
        let new = ClusterRole { labels, resolved: own.clone(), own, aggregation };
        let gathered = touches(&new);
        let before = self.cluster_roles.insert(name.to_owned(), new);
        if gathered || before.as_ref().is_some_and(touches) || self.gathers_everything() {
            self.aggregate();
        }
    }

    /// Whether a role without labels may be gathered too.
    fn gathers_everything(&self) -> bool {
        let none = Labels::default();
        let mut rules = self.cluster_roles.values().filter_map(|r| r.aggregation.as_ref());
        rules.any(|a| a.cluster_role_selectors.iter().any(|s| s.matches(&none)))
    }

    /// Computes what every aggregated role allows: the union over the roles it selects, themselves resolved.
    fn aggregate(&mut self) {
        let gathering: Vec<String> = self
            .cluster_roles
            .iter()
            .filter(|(_, r)| r.aggregation.is_some())
            .map(|(n, _)| n.clone())
            .collect();
        for name in gathering {
            let mut rules = Vec::new();
            self.gather(&name, &mut vec![], &mut rules);
            if let Some(role) = self.cluster_roles.get_mut(&name) {
                role.resolved = rules.into();
            }
        }
    }

    fn gather<'a>(&'a self, name: &'a str, seen: &mut Vec<&'a str>, rules: &mut Vec<PolicyRule>) {
        let Some(role) = self.cluster_roles.get(name) else { return };
        if seen.contains(&name) {
            return;
        }
        seen.push(name);
        let Some(aggregation) = &role.aggregation else {
            for rule in role.own.iter() {
                if !rules.contains(rule) {
                    rules.push(rule.clone());
                }
            }
            return;
        };
        let mut selected: Vec<&str> = self
            .cluster_roles
            .iter()
            .filter(|(_, r)| aggregation.cluster_role_selectors.iter().any(|s| s.matches(&r.labels)))
            .map(|(name, _)| name.as_str())
            .collect();
        selected.sort_unstable();
        for name in selected {
            self.gather(name, seen, rules);
        }
    }

    fn put_binding(&mut self, key: &Key, binding: Binding) {
        self.remove_binding(key);
        let grant = Arc::new(Grant { key: key.clone(), binding });
        for (position, subject) in grant.binding.subjects.iter().enumerate() {
            let entry = (grant.clone(), position);
            match subject.key(&key.namespace) {
                Some(SubjectKey::User(name)) => {
                    self.users.entry(name).or_default().of(&key.namespace).push(entry)
                }
                Some(SubjectKey::Group(name)) => {
                    self.groups.entry(name).or_default().of(&key.namespace).push(entry)
                }
                None => {}
            }
        }
        self.grants.insert(key.clone(), grant);
    }

    fn remove_binding(&mut self, key: &Key) {
        let Some(grant) = self.grants.remove(key) else { return };
        for subject in &grant.binding.subjects {
            let (index, name) = match subject.key(&key.namespace) {
                Some(SubjectKey::User(name)) => (&mut self.users, name),
                Some(SubjectKey::Group(name)) => (&mut self.groups, name),
                None => continue,
            };
            let Some(grants) = index.get_mut(&name) else { continue };
            grants.of(&key.namespace).retain(|(other, _)| other.key != *key);
            grants.namespaced.retain(|_, list| !list.is_empty());
            if grants.is_empty() {
                index.remove(&name);
            }
        }
    }

    /// The grants that count for a user in a namespace: cluster-wide ones first.
    fn grants_of<'a>(
        &'a self,
        user: &'a Identity,
        namespace: &'a str,
    ) -> impl Iterator<Item = &'a (Arc<Grant>, usize)> + 'a {
        let subjects = move || {
            let groups = user.groups.iter().filter_map(|g| self.groups.get(g.as_str()));
            self.users.get(user.user.as_str()).into_iter().chain(groups)
        };
        let within = move |grants: &'a Grants| grants.namespaced.get(namespace).into_iter().flatten();
        subjects().flat_map(|g| &g.cluster).chain(subjects().flat_map(within))
    }

    /// The rules of the role that a binding of `namespace` refers to.
    pub(super) fn role(&self, reference: &RoleRef, namespace: &str) -> Result<&[PolicyRule], String> {
        let found = if reference.is_cluster() {
            self.cluster_roles.get(&reference.name).map(|r| &*r.resolved)
        } else {
            self.roles.get(&Key::new(namespace, reference.name.as_str())).map(|r| &**r)
        };
        found.ok_or_else(|| {
            let kind = reference.kind.to_lowercase();
            format!("{kind}.{} {:?} not found", super::GROUP, reference.name)
        })
    }

    /// Whether the request is allowed.
    pub fn authorize(&self, request: &Attributes<'_>) -> Decision {
        if request.user.is_in(MASTERS) {
            return Decision::Allow { reason: String::new() };
        }
        let mut errors = Vec::new();
        for (grant, position) in self.grants_of(request.user, request.namespace) {
            match self.role(&grant.binding.role_ref, &grant.key.namespace) {
                Ok(rules) if rules.iter().any(|rule| rule.allows(request)) => {
                    return Decision::Allow { reason: grant.reason(*position) };
                }
                Ok(_) => {}
                Err(error) if errors.contains(&error) => {}
                Err(error) => errors.push(error),
            }
        }
        Decision::NoOpinion { errors }
    }

    /// All rules that hold for a user in a namespace, and what could not be read.
    pub fn rules_for(&self, user: &Identity, namespace: &str) -> (Vec<&PolicyRule>, Vec<String>) {
        let (mut all, mut errors) = (Vec::new(), Vec::new());
        for (grant, _) in self.grants_of(user, namespace) {
            match self.role(&grant.binding.role_ref, &grant.key.namespace) {
                Ok(rules) => all.extend(rules),
                Err(error) => errors.push(error),
            }
        }
        (all, errors)
    }
}

impl Grant {
    fn reason(&self, position: usize) -> String {
        let RoleRef { kind, name } = &self.binding.role_ref;
        let binding = match self.key.namespace.as_str() {
            "" => format!("ClusterRoleBinding {:?}", self.key.name),
            namespace => format!("RoleBinding {:?}", format!("{}/{namespace}", self.key.name)),
        };
        let subject = self.binding.subjects[position].shown();
        format!("RBAC: allowed by {binding} of {kind} {name:?} to {subject}")
    }
}
