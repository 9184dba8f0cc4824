//! All probes of one container: which one asks next, and what their verdicts make of the container.

use std::sync::Arc;
use std::time::Duration;

use super::prober::Reported;
use super::spec::{Probe, ProbeKind};
use super::tally::{Answer, Tally, Verdict};
use crate::observed::Failing;

/// What the probes of a running container say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeResult {
    /// Whether it has come up.
    pub started: bool,
    /// Whether it serves.
    pub ready: bool,
    /// Set once liveness or startup has failed too often.
    pub failing: Option<Failing>,
}

impl ProbeResult {
    /// What is said of a container without probes.
    pub const UNASKED: Self = Self { started: true, ready: true, failing: None };
}

/// The probes of one container and their counts.
#[derive(Debug)]
pub(crate) struct Checks {
    container: Arc<str>,
    checks: Vec<Check>,
    /// The pod is on its way out: only readiness is asked for.
    ending: bool,
}

#[derive(Debug)]
struct Check {
    probe: Arc<Probe>,
    tally: Tally,
    /// A try is under way.
    asking: bool,
}

impl Checks {
    /// The probes of a container of this name and age. `reported` is what an agent before this one found of
    /// this very container. `delay` is how long a probe with this period is put off.
    pub(crate) fn new(
        container: Arc<str>,
        probes: &[Probe],
        age: Duration,
        reported: Option<Reported>,
        delay: impl Fn(Duration) -> Duration,
    ) -> Self {
        let check = |probe: &Probe| {
            let due = probe.initial_delay.max(age + delay(probe.period));
            let tally = Tally::new(begin(probe.kind, reported), due);
            Check { probe: Arc::new(probe.clone()), tally, asking: false }
        };
        Self { container, checks: probes.iter().map(check).collect(), ending: false }
    }

    /// Which probe asks next, and at which age; none where none will while all stays as it is.
    pub(crate) fn due(&self) -> Option<(usize, Duration)> {
        let open = self.checks.iter().enumerate().filter(|(_, check)| !check.asking && self.is_open(check));
        open.map(|(i, check)| (i, check.tally.due)).min_by_key(|(_, due)| *due)
    }

    /// Startup asks until it knows, the others from then on; liveness until it has given the container up.
    fn is_open(&self, check: &Check) -> bool {
        let verdict = check.tally.verdict;
        match check.probe.kind {
            ProbeKind::Startup => verdict == Verdict::Pending && !self.ending,
            ProbeKind::Liveness => verdict != Verdict::Bad && self.has_started() && !self.ending,
            ProbeKind::Readiness => self.has_started(),
        }
    }

    /// Notes that a probe asks, and says what.
    pub(crate) fn begin(&mut self, index: usize) -> Arc<Probe> {
        self.checks[index].asking = true;
        self.checks[index].probe.clone()
    }

    /// Counts an answer that came at the age `now`; whether that changed the result.
    pub(crate) fn answer(&mut self, index: usize, answer: Answer, now: Duration) -> bool {
        let before = self.result();
        let check = &mut self.checks[index];
        check.asking = false;
        check.tally = check.tally.step(&check.probe, answer, now);
        self.result() != before
    }

    /// The pod is on its way out.
    pub(crate) fn end(&mut self) {
        self.ending = true;
    }

    /// What the verdicts make of the container.
    pub(crate) fn result(&self) -> ProbeResult {
        let started = self.has_started();
        let ready = started && self.of(ProbeKind::Readiness).all(|c| c.tally.verdict == Verdict::Good);
        ProbeResult { started, ready, failing: self.failing() }
    }

    fn has_started(&self) -> bool {
        self.of(ProbeKind::Startup).all(|check| check.tally.verdict == Verdict::Good)
    }

    fn failing(&self) -> Option<Failing> {
        let fatal = self.of(ProbeKind::Startup).chain(self.of(ProbeKind::Liveness));
        let given_up = fatal.into_iter().find(|check| check.tally.verdict == Verdict::Bad)?;
        let kind = if given_up.probe.kind == ProbeKind::Startup { "startup" } else { "liveness" };
        let why = format!("Container {} failed {kind} probe", self.container);
        Some(Failing { why, grace: given_up.probe.grace })
    }

    fn of(&self, kind: ProbeKind) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(move |check| check.probe.kind == kind)
    }
}

fn begin(kind: ProbeKind, reported: Option<Reported>) -> Verdict {
    match (kind, reported) {
        (ProbeKind::Startup, Some(Reported { started: true, .. })) => Verdict::Good,
        (ProbeKind::Readiness, Some(Reported { ready: true, .. })) => Verdict::Good,
        _ => Verdict::Pending,
    }
}
