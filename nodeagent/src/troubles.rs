//! What went wrong when pods were worked on, and when each thing is tried again.

use std::collections::HashMap;

use jiff::SignedDuration;
use object::Time;

use crate::observed::Trouble;
use crate::plan::{Effect, Plan};
use crate::runtime::RuntimeError;

/// The first delay; doubles with every failure in a row.
const FIRST: SignedDuration = SignedDuration::from_secs(1);
/// The longest delay.
const LONGEST: SignedDuration = SignedDuration::from_secs(10);

/// The failures of one pod: of its sandbox (none) and of its containers, by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Troubles(HashMap<Option<String>, Failure>);

#[derive(Clone, Debug)]
struct Failure {
    error: RuntimeError,
    again: Time,
    times: u32,
}

/// What an effect is about, where its failure is remembered.
fn subject(effect: &Effect) -> Option<Option<String>> {
    match effect {
        Effect::CreateSandbox => Some(None),
        Effect::StartContainer { name, .. } => Some(Some(name.clone())),
        _ => None,
    }
}

impl Troubles {
    /// Whether an effect that fails is held back before it is tried again.
    pub(crate) fn covers(effect: &Effect) -> bool {
        subject(effect).is_some()
    }

    /// Notes how an effect went.
    pub(crate) fn note(&mut self, effect: &Effect, outcome: &Result<(), RuntimeError>, now: Time) {
        let Some(subject) = subject(effect) else { return };
        match outcome {
            Ok(()) => drop(self.0.remove(&subject)),
            Err(error) => {
                let times = self.0.get(&subject).map_or(0, |failure| failure.times) + 1;
                let delay = FIRST.checked_mul(1 << (times - 1).min(8)).unwrap_or(LONGEST).min(LONGEST);
                self.0.insert(subject, Failure { error: error.clone(), again: now + delay, times });
            }
        }
    }

    /// Takes out of a plan what failed and is not to be tried again yet.
    pub(crate) fn hold_back(&self, plan: &mut Plan, now: Time) {
        let mut again = plan.again;
        plan.effects.retain(|effect| {
            let failure = subject(effect).and_then(|subject| self.0.get(&subject));
            let held = failure.filter(|failure| failure.again > now);
            if let Some(failure) = held {
                again = Some(again.map_or(failure.again, |at| at.min(failure.again)));
            }
            held.is_none()
        });
        plan.again = again;
    }

    /// As the report tells them.
    pub(crate) fn told(&self) -> Vec<Trouble> {
        let told = |(container, failure): (&Option<String>, &Failure)| Trouble {
            container: container.clone(),
            reason: failure.error.reason.to_owned(),
            message: failure.error.message.clone(),
        };
        self.0.iter().map(told).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_held_back_with_growing_delays_and_forgiven_by_success() {
        let effect = Effect::CreateSandbox;
        let failure = Err(RuntimeError::new("FailedCreatePodSandBox", "no"));
        let mut troubles = Troubles::default();
        let mut now = Time::UNIX_EPOCH;
        for seconds in [1, 2, 4, 8, 10, 10] {
            troubles.note(&effect, &failure, now);
            let mut plan = Plan { effects: vec![effect.clone()], again: None };
            troubles.hold_back(&mut plan, now);
            let due = now + SignedDuration::from_secs(seconds);
            assert_eq!(plan, Plan { effects: vec![], again: Some(due) });
            now = due;
            let mut plan = Plan { effects: vec![effect.clone()], again: None };
            troubles.hold_back(&mut plan, now);
            assert_eq!(plan.effects.len(), 1, "due");
        }
        assert_eq!(troubles.told()[0].message, "no");
        troubles.note(&effect, &Ok(()), now);
        assert!(troubles.told().is_empty());
    }
}
