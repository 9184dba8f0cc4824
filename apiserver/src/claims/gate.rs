//! The namespace gate: a hidden key that is there exactly while a namespace accepts new objects.

use bytes::Bytes;
use kinds::Kind;
use object::{Key, Meta, Status, Value};

use crate::api::Api;
use crate::objects::Hidden;

impl Api {
    /// Adds what the namespace gate asks of this write. The gate is a hidden key that is there exactly while the
    /// namespace accepts new objects: a creation requires it, the namespace's own life puts and removes it.
    pub(crate) fn gate(
        &self,
        kind: &Kind,
        key: &Key,
        old: Option<&Value>,
        new: Option<&Value>,
        hidden: &mut Hidden,
    ) {
        let is_namespace = kind.group.is_empty() && kind.kind == "Namespace";
        if is_namespace {
            let open = |object: Option<&Value>| object.is_some_and(|o| !Meta::of(o).is_terminating());
            match (open(old), open(new)) {
                (false, true) => hidden.take.push(gate_key(&key.name)),
                (true, false) => hidden.release.push(gate_key(&key.name)),
                _ => {}
            }
        } else if kind.namespaced() && old.is_none() && new.is_some() {
            hidden.require.push(gate_key(&key.namespace));
        }
    }

    /// The gate's check for writes that are not carried out.
    pub(crate) async fn check_gate(&self, kind: &Kind, key: &Key, hidden: &Hidden) -> Result<(), Status> {
        for required in &hidden.require {
            if !self.objects.holds(required).await? {
                return Err(self.namespace_closed(kind, key).await);
            }
        }
        Ok(())
    }

    /// Why the gate of an object's namespace is closed.
    pub(crate) async fn namespace_closed(&self, kind: &Kind, key: &Key) -> Status {
        let Some(namespaces) = self.kinds.kind("", "Namespace") else { return Status::no_such_path() };
        match self.objects.get(namespaces, &Key::new("", key.namespace.as_str())).await {
            Ok(None) => Status::not_found("", "namespaces", &key.namespace),
            Ok(Some(_)) => {
                let text = format!(
                    "unable to create new content in namespace {} because it is being terminated",
                    key.namespace
                );
                let mut status = Status::forbidden(&kind.group, &kind.plural, &key.name, &text);
                status.details.get_or_insert_default().causes.push(object::Cause {
                    reason: "NamespaceTerminating".into(),
                    message: format!("namespace {} is being terminated", key.namespace),
                    field: "metadata.namespace".into(),
                });
                status
            }
            Err(status) => status,
        }
    }
}

fn gate_key(namespace: &str) -> Bytes {
    format!("/.open/{namespace}").into()
}
