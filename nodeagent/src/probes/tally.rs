//! What answers in a row amount to.

use std::time::Duration;

use super::spec::Probe;

/// An answer, as far as it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Well.
    Success,
    /// Not well.
    Failure,
    /// The question could not be asked: changes nothing.
    Unknown,
}

/// What a probe has found so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing yet: not up, not serving, but not dead either. Left by the first threshold that is reached.
    Pending,
    /// Well; left when failures reach their threshold.
    Good,
    /// Not well; left when successes reach theirs, where the container is not given up.
    Bad,
}

/// The count of one probe of one container. Times are the container's age.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Tally {
    /// What it has found.
    pub(crate) verdict: Verdict,
    /// When it asks next.
    pub(crate) due: Duration,
    /// The last answer that counted, and how many of them came in a row.
    last: Option<(Answer, u32)>,
}

impl Tally {
    /// Nothing counted; first due at this age.
    pub(crate) fn new(verdict: Verdict, due: Duration) -> Self {
        Self { verdict, due, last: None }
    }

    /// Counts an answer that came at the age `now`.
    pub(crate) fn step(self, probe: &Probe, answer: Answer, now: Duration) -> Self {
        let due = (self.due + probe.period).max(now);
        let (threshold, reached) = match answer {
            Answer::Unknown => return Self { due, ..self },
            Answer::Success => (probe.success_threshold, Verdict::Good),
            Answer::Failure => (probe.failure_threshold, Verdict::Bad),
        };
        let run = match self.last {
            Some((last, run)) if last == answer => run.saturating_add(1),
            _ => 1,
        };
        let verdict = if run >= threshold { reached } else { self.verdict };
        Self { verdict, due, last: Some((answer, run)) }
    }
}
