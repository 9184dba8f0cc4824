//! Built-in admission: plugins that complete an object before it is prepared, and judge it once it is valid. The lists
//! are in [`plugins`]; what they decide is pure (`kinds::admission`), and gets its documents from the cache.

mod certificate_subject_restriction;
mod documents;
mod plugins;

use kinds::Kind;
use kinds::admission::{Operation, Review};
use object::{Key, Status, Value};

use crate::api::{Api, Call};
use crate::objects::Hidden;
use crate::prepare::Part;
use crate::write::random_suffix;
use plugins::{MUTATING, Rule, VALIDATING};

/// A write that is admitted or not.
pub(crate) struct Subject<'a> {
    kind: &'a Kind,
    /// The name is what the client knows of it: of a new object perhaps how it begins.
    key: Key,
    operation: Operation,
    /// The object as it was, where it is changed.
    old: Option<&'a Value>,
}

impl<'a> Subject<'a> {
    /// The creation of an object.
    pub(crate) fn new(call: &Call<'_>, kind: &'a Kind, object: &Value) -> Self {
        let text = |field: &str| object["metadata"][field].as_str().filter(|text| !text.is_empty());
        let name = text("name").or_else(|| text("generateName")).unwrap_or_default();
        Self { kind, key: Key::new(call.namespace(), name), operation: Operation::Create, old: None }
    }

    /// The change of an object; none where no plugin is about this part of one.
    pub(crate) fn change(call: &Call<'_>, kind: &'a Kind, part: Part, old: &'a Value) -> Option<Self> {
        let operation = match part {
            Part::Main => Operation::Update,
            Part::Of(&kinds::Part::RESIZE) => Operation::Resize,
            Part::Of(_) | Part::Server => return None,
        };
        Some(Self { kind, key: call.key(), operation, old: Some(old) })
    }

    fn concerns<F>(&self, rule: &Rule<F>) -> bool {
        rule.resource == (self.kind.group.as_str(), self.kind.plural.as_str())
            && rule.on.contains(&self.operation)
    }
}

impl Api {
    /// Completes an object by the plugins, in their order; they may refuse it.
    pub(crate) async fn admit(&self, subject: &Subject<'_>, object: &mut Value) -> Result<(), Status> {
        if !MUTATING.iter().any(|rule| subject.concerns(rule)) {
            return Ok(());
        }
        let suffix = random_suffix();
        for rule in MUTATING.iter().filter(|rule| subject.concerns(rule)) {
            let documents = self.documents(subject, (rule.needs)(object, subject.old)).await?;
            let decided = (rule.decide)(object, &subject.review(&documents, &suffix));
            if let Err(why) = decided {
                return Err(self.not_admitted(subject, rule.plugin, &why).await);
            }
        }
        Ok(())
    }

    /// Asks the plugins whether a valid object may be.
    pub(crate) async fn judge(&self, subject: &Subject<'_>, object: &Value) -> Result<(), Status> {
        for rule in VALIDATING.iter().filter(|rule| subject.concerns(rule)) {
            let documents = self.documents(subject, (rule.needs)(object, subject.old)).await?;
            let decided = (rule.decide)(object, &subject.review(&documents, ""));
            if let Err(why) = decided {
                return Err(self.not_admitted(subject, rule.plugin, &why).await);
            }
        }
        Ok(())
    }

    async fn not_admitted(&self, subject: &Subject<'_>, plugin: &str, why: &str) -> Status {
        let Subject { kind, key, .. } = subject;
        tracing::debug!(plugin, resource = kind.plural, %key, why, "not admitted");
        match self.check_open(subject).await {
            Err(closed) => closed,
            Ok(()) => Status::forbidden(&kind.group, &kind.plural, &key.name, why),
        }
    }

    /// A namespace that is gone or going is a better reason than any other against a new object.
    async fn check_open(&self, subject: &Subject<'_>) -> Result<(), Status> {
        let mut hidden = Hidden::default();
        if subject.old.is_none() && subject.kind.namespaced() {
            self.gate(subject.kind, &subject.key, None, Some(&Value::Null), &mut hidden);
        }
        self.check_gate(subject.kind, &subject.key, &hidden).await
    }
}

impl Subject<'_> {
    fn review<'b>(&'b self, documents: &'b [Value], suffix: &'b str) -> Review<'b> {
        Review { namespace: &self.key.namespace, old: self.old, documents, suffix }
    }
}
