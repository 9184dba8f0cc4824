//! Nobody grants more than they hold: the check before roles and bindings are written.
//!
//! Exempt are `system:masters`, holders of `escalate` on the role, and for bindings holders of `bind` on the role.

use object::{Meta, Status, Value};
use serde::Deserialize;

use super::cover::{missing, quoted, shown};
use super::document::{Binding, Role, RoleRef};
use super::{Attributes, GROUP, PolicyRule, Rules};
use crate::identity::{Identity, MASTERS};

impl Rules {
    /// Whether the user may write this role or binding, by plural; `old` is what it replaces. Other resources may
    /// always be written, as far as this check goes.
    pub fn check_escalation(
        &self,
        user: &Identity,
        plural: &str,
        namespace: &str,
        old: Option<&Value>,
        new: &Value,
    ) -> Result<(), Status> {
        if user.is_in(MASTERS) {
            return Ok(());
        }
        let name = Meta::of(new).name;
        let write = Write { rules: self, user, plural, namespace, name: &name };
        match plural {
            "roles" | "clusterroles" => write.check_role(old, new),
            "rolebindings" | "clusterrolebindings" => write.check_binding(old, new),
            _ => Ok(()),
        }
    }
}

/// One write under examination.
struct Write<'a> {
    rules: &'a Rules,
    user: &'a Identity,
    plural: &'a str,
    namespace: &'a str,
    name: &'a str,
}

impl Write<'_> {
    fn check_role(&self, old: Option<&Value>, new: &Value) -> Result<(), Status> {
        let (role, before): (Role, Option<Role>) = (self.read(new)?, old.map(|o| self.read(o)).transpose()?);
        let same = before
            .as_ref()
            .is_some_and(|b| b.rules == role.rules && b.aggregation_rule == role.aggregation_rule);
        if same || self.holds("escalate", self.plural, self.name) {
            return Ok(());
        }
        self.check_held(&role.rules)?;
        let gathers =
            |r: &Role| r.aggregation_rule.as_ref().is_some_and(|a| !a.cluster_role_selectors.is_empty());
        if (gathers(&role) || before.as_ref().is_some_and(gathers)) && !self.missing(&everything()).is_empty()
        {
            return Err(self.forbidden("must have cluster-admin privileges to use the aggregationRule"));
        }
        Ok(())
    }

    fn check_binding(&self, old: Option<&Value>, new: &Value) -> Result<(), Status> {
        let binding: Binding = self.read(new)?;
        let before: Option<Binding> = old.map(|o| self.read(o)).transpose()?;
        let RoleRef { name, .. } = &binding.role_ref;
        if before.is_some_and(|b| b == binding) || self.holds("bind", binding.role_ref.resource(), name) {
            return Ok(());
        }
        match self.rules.role(&binding.role_ref, self.namespace) {
            Ok(granted) => self.check_held(granted),
            Err(_) => Err(Status::not_found(GROUP, binding.role_ref.resource(), name)),
        }
    }

    fn holds(&self, verb: &str, resource: &str, name: &str) -> bool {
        let request = Attributes::resource(self.user, verb, GROUP, resource).of(self.namespace, name);
        self.rules.authorize(&request).is_allowed()
    }

    fn missing(&self, wanted: &[PolicyRule]) -> Vec<PolicyRule> {
        missing(&self.rules.rules_for(self.user, self.namespace).0, wanted)
    }

    fn check_held(&self, wanted: &[PolicyRule]) -> Result<(), Status> {
        let missing = self.missing(wanted);
        if missing.is_empty() {
            return Ok(());
        }
        let mut lines: Vec<String> = missing.iter().map(shown).collect();
        lines.sort();
        lines.dedup();
        let (_, errors) = self.rules.rules_for(self.user, self.namespace);
        let unread = if errors.is_empty() {
            String::new()
        } else {
            format!("; resolution errors: {}", quoted(&errors))
        };
        Err(self.forbidden(&format!(
            "user {:?} (groups={}) is attempting to grant RBAC permissions not currently held:\n{}{unread}",
            self.user.user,
            quoted(&self.user.groups),
            lines.join("\n"),
        )))
    }

    fn forbidden(&self, why: &str) -> Status {
        Status::forbidden(GROUP, self.plural, self.name, why)
    }

    fn read<'v, T: Deserialize<'v>>(&self, document: &'v Value) -> Result<T, Status> {
        T::deserialize(document)
            .map_err(|e| Status::bad_request(format!("{} {:?}: {e}", self.plural, self.name)))
    }
}

/// All there is to hold.
fn everything() -> [PolicyRule; 2] {
    let all = || vec!["*".to_owned()];
    [
        PolicyRule { verbs: all(), api_groups: all(), resources: all(), ..PolicyRule::default() },
        PolicyRule { verbs: all(), non_resource_urls: all(), ..PolicyRule::default() },
    ]
}
