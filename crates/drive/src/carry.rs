//! Carrying out the actions of one decision: in order, stopping at the first failure. Runs of creations or of
//! deletions go out together, creations in batches that grow as long as none fails.

use std::ops::Range;

use futures::future::join_all;

use crate::actor::{Actor, Refused};
use crate::barrier::{Barrier, Wait};
use crate::{Action, Failure, GroupKind, Note};

/// The most requests at a time.
const WIDTH: usize = 64;

/// What came of the actions.
#[derive(Debug, Default)]
pub(crate) struct Carried {
    /// What must be seen before the item runs again.
    pub(crate) barrier: Barrier,
    /// Kinds of which a write may or may not have happened.
    pub(crate) unknown: Vec<GroupKind>,
    /// The first failure.
    pub(crate) failure: Option<Failure>,
    /// Which actions succeeded.
    succeeded: Vec<bool>,
}

impl Carried {
    /// The notes that are true now.
    pub(crate) fn true_notes(&self, notes: Vec<Note>) -> Vec<Note> {
        let is_true = |note: &Note| note.after.is_none_or(|at| self.succeeded.get(at) == Some(&true));
        notes.into_iter().filter(is_true).collect()
    }

    fn note(&mut self, action: &Action, result: Result<Option<Wait>, Refused>) {
        self.succeeded.push(result.is_ok());
        match result {
            Ok(wait) => wait.into_iter().for_each(|wait| self.barrier.add(wait)),
            Err(refused) => {
                if refused.unknown {
                    self.unknown.push(action.kind().clone());
                }
                let failure = || Failure {
                    action: action.clone(),
                    message: refused.message,
                    conflict: refused.conflict,
                };
                self.failure.get_or_insert_with(failure);
            }
        }
    }
}

/// Carries out actions.
pub(crate) async fn carry_out(actor: &dyn Actor, actions: &[Action]) -> Carried {
    let mut carried = Carried::default();
    let mut width = 1;
    while carried.failure.is_none() && carried.succeeded.len() < actions.len() {
        let batch = next_batch(actions, carried.succeeded.len(), width);
        width = if batch.len() == width { (width * 2).min(WIDTH) } else { 1 };
        let tries = actions[batch.clone()].iter().map(|action| actor.perform(action));
        for (action, result) in actions[batch].iter().zip(join_all(tries).await) {
            carried.note(action, result);
        }
    }
    carried
}

/// The next actions that may go out together.
fn next_batch(actions: &[Action], from: usize, width: usize) -> Range<usize> {
    let alike = |action: &&Action| match (&actions[from], *action) {
        (Action::Create { kind: a, .. }, Action::Create { kind: b, .. })
        | (Action::Delete { kind: a, .. }, Action::Delete { kind: b, .. }) => a == b,
        _ => false,
    };
    let limit = if matches!(actions[from], Action::Delete { .. }) { WIDTH } else { width };
    let alike = actions[from + 1..].iter().take(limit - 1).take_while(alike).count();
    from..from + 1 + alike
}

impl Action {
    /// The kind of the object that it writes.
    pub fn kind(&self) -> &GroupKind {
        match self {
            Action::Create { kind, .. } | Action::Patch { kind, .. } | Action::Delete { kind, .. } => kind,
        }
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use object::{Key, Value};
    use parking_lot::Mutex;
    use serde_json::json;

    use super::*;
    use crate::{NoteType, Precondition, Propagation, Query};

    /// Takes note of what it is asked to do, and fails at one name.
    struct Script {
        fails: &'static str,
        done: Mutex<Vec<String>>,
    }

    fn name(action: &Action) -> String {
        match action {
            Action::Create { object, .. } => object["metadata"]["name"].as_str().unwrap().to_owned(),
            Action::Patch { key, .. } | Action::Delete { key, .. } => key.name.clone(),
        }
    }

    #[async_trait]
    impl Actor for Script {
        async fn perform(&self, action: &Action) -> Result<Option<Wait>, Refused> {
            let name = name(action);
            if name == self.fails {
                return Err(Refused { message: "no".into(), conflict: false, unknown: true });
            }
            self.done.lock().push(name);
            Ok(Some(Wait::Revision { kind: action.kind().clone(), revision: 1 }))
        }

        async fn answer(&self, _: &Query) -> Result<Option<Value>, Refused> {
            Ok(None)
        }

        async fn revision(&self, _: &GroupKind) -> Result<u64, Refused> {
            Ok(1)
        }

        async fn tell(&self, _: &'static str, _: &Note) {}
    }

    fn action(text: &str) -> Action {
        let (verb, name) = text.split_at(1);
        let (kind, key, when) = (GroupKind::new("", "Pod"), Key::new("d", name), Precondition::default());
        match verb {
            "+" => Action::Create { kind, object: json!({"metadata": {"name": name}}) },
            "-" => Action::Delete { kind, key, when, propagation: Propagation::Background, grace: None },
            _ => Action::Patch { kind, key, subresource: None, patch: json!({}), when },
        }
    }

    #[tokio::test]
    async fn stops_at_the_first_failure() {
        let rows = [
            ("=a +b +c -d", "x", "a b c d"),
            ("=a =b =c", "b", "a"),
            ("+a +b +c +d +e", "a", ""),
            ("+a +b +c +d +e", "b", "a c"),
            ("-a -b -c", "a", "b c"),
        ];
        for (plan, fails, done) in rows {
            let actions: Vec<_> = plan.split(' ').map(action).collect();
            let script = Script { fails, done: Mutex::default() };
            let carried = carry_out(&script, &actions).await;
            assert_eq!(script.done.lock().join(" "), done, "{plan}");
            assert_eq!(carried.failure.is_some(), fails != "x");
            assert_eq!(carried.unknown.len(), usize::from(fails != "x"));
            let note = |after| Note {
                kind: GroupKind::new("", "Pod"),
                key: Key::default(),
                uid: String::new(),
                severity: NoteType::Normal,
                reason: "R",
                message: String::new(),
                after,
            };
            let notes = (0..actions.len()).map(|at| note(Some(at))).chain([note(None)]).collect();
            assert_eq!(carried.true_notes(notes).len(), done.split_whitespace().count() + 1, "{plan}");
        }
    }

    #[test]
    fn only_like_actions_go_out_together() {
        let actions: Vec<_> = "+a +b +c -d -e -f =g".split(' ').map(action).collect();
        assert_eq!(next_batch(&actions, 0, 1), 0..1);
        assert_eq!(next_batch(&actions, 1, 2), 1..3);
        assert_eq!(next_batch(&actions, 1, 9), 1..3);
        assert_eq!(next_batch(&actions, 3, 1), 3..6);
        assert_eq!(next_batch(&actions, 6, 4), 6..7);
    }
}
