//! Where a walk is: a chain of steps on the stack, so that a path costs nothing until someone asks for its text.

use std::fmt::Write;

use crate::Path;

/// At most this many unknown and duplicate fields are reported each, as upstream does.
pub(crate) const MAX_REPORTS: usize = 100;

/// One step from a value to a value inside it.
#[derive(Clone, Copy)]
enum Step<'a> {
    Field(&'a str),
    Key(&'a str),
    Index(usize),
}

/// A place in a document: the step taken last, and the place it was taken from.
#[derive(Clone, Copy)]
pub(crate) struct Frame<'a> {
    from: Option<(&'a Frame<'a>, Step<'a>)>,
    depth: usize,
}

impl<'a> Frame<'a> {
    /// The document itself.
    pub(crate) const ROOT: Frame<'static> = Frame { from: None, depth: 0 };

    fn step(&'a self, step: Step<'a>) -> Self {
        Self { from: Some((self, step)), depth: self.depth + 1 }
    }

    /// A field of an object with known fields.
    pub(crate) fn field(&'a self, name: &'a str) -> Self {
        self.step(Step::Field(name))
    }

    /// An entry of a map.
    pub(crate) fn key(&'a self, key: &'a str) -> Self {
        self.step(Step::Key(key))
    }

    /// An item of a list.
    pub(crate) fn index(&'a self, index: usize) -> Self {
        self.step(Step::Index(index))
    }

    /// Steps from the root.
    pub(crate) fn depth(&self) -> usize {
        self.depth
    }

    fn steps(&self) -> Vec<Step<'a>> {
        let mut steps = Vec::with_capacity(self.depth);
        let mut at = *self;
        while let Some((parent, step)) = at.from {
            steps.push(step);
            at = *parent;
        }
        steps.reverse();
        steps
    }

    /// The path as validation errors show it: `metadata.labels[app]`, `spec.ports[0].port`.
    pub(crate) fn path(&self) -> Path {
        self.steps().into_iter().fold(Path::root(), |path, step| match step {
            Step::Field(name) => path.child(name),
            Step::Key(key) => path.key(key),
            Step::Index(index) => path.index(index),
        })
    }

    /// The path as strict decoding shows it: map keys are dotted like fields.
    pub(crate) fn dotted(&self) -> String {
        let mut text = String::new();
        for step in self.steps() {
            match step {
                Step::Field(name) | Step::Key(name) => push_dotted(&mut text, name),
                Step::Index(index) => write!(text, "[{index}]").expect("a String takes all writes"),
            }
        }
        text
    }

    /// The path as Go's JSON decoder shows it: fields only, without indexes and map keys.
    pub(crate) fn fields(&self) -> String {
        let mut text = String::new();
        for step in self.steps() {
            if let Step::Field(name) = step {
                push_dotted(&mut text, name);
            }
        }
        text
    }
}

fn push_dotted(text: &mut String, name: &str) {
    if !text.is_empty() {
        text.push('.');
    }
    text.push_str(name);
}

/// Adds a report unless there are enough, or it is there already.
pub(crate) fn report(reports: &mut Vec<String>, path: impl FnOnce() -> String) {
    if reports.len() >= MAX_REPORTS {
        return;
    }
    let path = path();
    if !reports.contains(&path) {
        reports.push(path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts() {
        let (spec, root) = (Frame::ROOT.field("spec"), Frame::ROOT);
        let containers = spec.field("containers");
        let item = containers.index(2);
        let limits = item.field("limits");
        let cpu = limits.key("cpu");
        assert_eq!(cpu.path().as_str(), "spec.containers[2].limits[cpu]");
        assert_eq!(cpu.dotted(), "spec.containers[2].limits.cpu");
        assert_eq!(cpu.fields(), "spec.containers.limits");
        assert_eq!((cpu.depth(), root.dotted()), (5, String::new()));
    }
}
