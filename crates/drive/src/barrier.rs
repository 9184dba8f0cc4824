//! The barrier between a key's runs: it runs again only when the informers have seen what its last run wrote.

use object::Key;

use crate::GroupKind;

/// What must be seen before a key runs again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wait {
    /// The informer of the kind has reached this revision: that of a write, or of a read after a write of
    /// unknown outcome.
    Revision {
        /// Kind.
        kind: GroupKind,
        /// Revision.
        revision: u64,
    },
    /// The object with this UID is gone or terminating: it was deleted, and the answer told no revision.
    Gone {
        /// Kind.
        kind: GroupKind,
        /// Which.
        key: Key,
        /// UID.
        uid: String,
    },
}

impl Wait {
    /// The kind whose informer settles it.
    pub fn kind(&self) -> &GroupKind {
        match self {
            Wait::Revision { kind, .. } | Wait::Gone { kind, .. } => kind,
        }
    }
}

/// What the informers have seen.
pub trait Seen {
    /// The revision that the kind's informer has reached; none where nobody watches the kind.
    fn revision(&self, kind: &GroupKind) -> Option<u64>;
    /// Whether the object is there with this UID and is not terminating.
    fn is_live(&self, kind: &GroupKind, key: &Key, uid: &str) -> bool;
}

/// The waits of one key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Barrier(Vec<Wait>);

impl Barrier {
    /// Adds a wait; of two revisions of a kind the higher stands.
    pub fn add(&mut self, wait: Wait) {
        if let Wait::Revision { kind, revision } = &wait {
            for old in &mut self.0 {
                if let Wait::Revision { kind: k, revision: r } = old
                    && k == kind
                {
                    *r = (*r).max(*revision);
                    return;
                }
            }
        }
        self.0.push(wait);
    }

    /// Drops what was seen, and what nobody watches; the first wait that is left.
    pub fn first(&mut self, seen: &dyn Seen) -> Option<&Wait> {
        self.0.retain(|wait| !settled(wait, seen));
        self.0.first()
    }
}

fn settled(wait: &Wait, seen: &dyn Seen) -> bool {
    let Some(reached) = seen.revision(wait.kind()) else { return true };
    match wait {
        Wait::Revision { revision, .. } => reached >= *revision,
        Wait::Gone { kind, key, uid } => !seen.is_live(kind, key, uid),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct World {
        pods: u64,
        live: &'static str,
    }

    impl Seen for World {
        fn revision(&self, kind: &GroupKind) -> Option<u64> {
            (kind.kind == "Pod").then_some(self.pods)
        }

        fn is_live(&self, _: &GroupKind, _: &Key, uid: &str) -> bool {
            self.live == uid
        }
    }

    fn kind(name: &str) -> GroupKind {
        GroupKind::new("", name)
    }

    fn wrote(name: &str, revision: u64) -> Wait {
        Wait::Revision { kind: kind(name), revision }
    }

    #[test]
    fn opens_when_everything_written_was_seen() {
        let gone = |uid: &str| Wait::Gone { kind: kind("Pod"), key: Key::new("d", "a"), uid: uid.to_owned() };
        let rows: Vec<(&str, Vec<Wait>, bool)> = vec![
            ("nothing written", vec![], true),
            ("seen", vec![wrote("Pod", 5)], true),
            ("not yet seen", vec![wrote("Pod", 6)], false),
            ("the highest counts", vec![wrote("Pod", 9), wrote("Pod", 4)], false),
            ("nobody watches the kind", vec![wrote("Event", 9)], true),
            ("deleted but still there", vec![gone("live")], false),
            ("gone", vec![gone("other")], true),
            ("all must be seen", vec![wrote("Pod", 5), gone("live")], false),
        ];
        for (name, waits, open) in rows {
            let mut barrier = Barrier::default();
            waits.into_iter().for_each(|wait| barrier.add(wait));
            assert_eq!(barrier.first(&World { pods: 5, live: "live" }).is_none(), open, "{name}");
        }
    }
}
