//! The decision: what is to be done about a pod, from what is desired and what is observed.

use jiff::SignedDuration;
use object::Time;

use crate::observed::{ContainerState, Failing, ImageState, Observed, ObservedContainer, SandboxState};
use crate::pod::{Container, Pod, PullPolicy, Restart};
use crate::restart;
use crate::verdict::{self, Verdict};

/// When an image that may not be pulled is looked for again.
const LOOK_FOR_IMAGE: SignedDuration = SignedDuration::from_secs(10);

/// One step that a runtime performs. Performing it again changes nothing.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Begin to fetch an image, or to find that the one that is there is up to date.
    PullImage {
        /// As the container names it.
        image: String,
    },
    /// Make the pod's namespaces and give it its addresses.
    CreateSandbox,
    /// Make and start an attempt at a container.
    StartContainer {
        /// The container.
        name: String,
        /// Which attempt.
        attempt: u32,
        /// Restarts in a row, to be reported with the attempt.
        streak: u32,
    },
    /// Tell an attempt to end, and end it when the grace is over.
    StopContainer {
        /// The container.
        name: String,
        /// Which attempt.
        attempt: u32,
        /// How long it gets.
        grace: SignedDuration,
        /// Why, where it ends alone and not with its pod: a sentence for the event.
        why: Option<String>,
    },
    /// Forget an attempt that ended.
    RemoveContainer {
        /// The container.
        name: String,
        /// Which attempt.
        attempt: u32,
    },
    /// Give up addresses and namespaces; no container runs any more.
    RemoveSandbox,
}

/// What to do, and when to look again even if nothing is reported.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// In this order.
    pub effects: Vec<Effect>,
    /// When waiting for a back-off, a deadline or a failed pull ends.
    pub again: Option<Time>,
}

impl Plan {
    fn look_again(&mut self, at: Time) {
        self.again = Some(self.again.map_or(at, |old| old.min(at)));
    }
}

/// Decides what to do about a pod that is bound to this node.
pub fn plan(desired: &Pod, observed: &Observed, now: Time) -> Plan {
    let mut plan = Plan::default();
    match verdict::verdict(desired, observed, now) {
        Verdict::Run => run(desired, observed, now, &mut plan),
        Verdict::End { grace, .. } => end(desired, observed, now, grace, &mut plan),
    }
    if let Some(deadline) = verdict::deadline(desired).filter(|deadline| *deadline > now) {
        plan.look_again(deadline);
    }
    plan
}

/// Decides what to do about the remains of a pod that the API no longer has.
pub fn plan_gone(observed: &Observed, now: Time) -> Plan {
    let mut plan = Plan::default();
    stop_all(&[], observed, now, SignedDuration::ZERO, &mut plan);
    if observed.is_still() {
        let remove =
            |c: &ObservedContainer| Effect::RemoveContainer { name: c.name.clone(), attempt: c.attempt };
        plan.effects.extend(observed.containers.iter().map(remove));
        plan.effects.extend(observed.sandbox.iter().map(|_| Effect::RemoveSandbox));
    }
    plan
}

/// Whether a deleted pod has left the node, so that its object can go.
pub fn has_left(desired: &Pod, observed: &Observed) -> bool {
    desired.deletion.is_some() && observed.sandbox.is_none() && observed.is_still()
}

fn run(desired: &Pod, observed: &Observed, now: Time, plan: &mut Plan) {
    match observed.sandbox.as_ref().map(|sandbox| sandbox.state) {
        None => return plan.effects.push(Effect::CreateSandbox),
        Some(SandboxState::Coming) => return,
        Some(SandboxState::Lost) => return end(desired, observed, now, SignedDuration::ZERO, plan),
        Some(SandboxState::Ready) => {}
    }
    tidy(observed, plan);
    if !initialize(desired, observed, now, plan) {
        return;
    }
    for container in &desired.spec.containers {
        keep_up(desired, container, observed, now, plan);
    }
}

/// Takes the init containers one step further; whether the containers may run.
fn initialize(desired: &Pod, observed: &Observed, now: Time, plan: &mut Plan) -> bool {
    let begun = verdict::containers_begun(desired, observed);
    for container in &desired.spec.init {
        let passed = begun || verdict::has_passed(container, observed);
        match observed.latest(&container.name) {
            // what it did is gone with the sandbox that it did it in
            Some(before) if !passed && observed.current(&container.name).is_none() => {
                start_next(container, before, observed, now, plan);
            }
            _ if container.is_sidecar() || !passed => keep_up(desired, container, observed, now, plan),
            _ => {}
        }
        if !passed {
            return false;
        }
    }
    true
}

/// Starts a container that should run and does not, as soon as back-off and image allow.
fn keep_up(desired: &Pod, container: &Container, observed: &Observed, now: Time, plan: &mut Plan) {
    let Some(latest) = observed.latest(&container.name) else {
        return start(container, verdict::first_attempt(desired, &container.name), 0, observed, now, plan);
    };
    match &latest.state {
        ContainerState::Running { failing: Some(failing), stopping: None, .. } => {
            give_up(desired, container, latest, failing, now, plan);
        }
        ContainerState::Running { .. } => {}
        ContainerState::Created => start(container, latest.attempt, latest.streak, observed, now, plan),
        ContainerState::Exited { code, .. } => {
            if verdict::again(desired, container, *code) {
                start_next(container, latest, observed, now, plan);
            }
        }
    }
}

/// Starts the attempt after one that ended, when its back-off is over.
fn start_next(
    container: &Container,
    ended: &ObservedContainer,
    observed: &Observed,
    now: Time,
    plan: &mut Plan,
) {
    match restart::next(ended) {
        Some(next) if next.at > now => plan.look_again(next.at),
        Some(next) => start(container, ended.attempt + 1, next.streak, observed, now, plan),
        None => {}
    }
}

/// Ends an attempt that its probes have given up.
fn give_up(
    desired: &Pod,
    container: &Container,
    latest: &ObservedContainer,
    failing: &Failing,
    now: Time,
    plan: &mut Plan,
) {
    let grace = SignedDuration::from_secs(failing.grace.unwrap_or(desired.spec.grace));
    let restarts = desired.restart_of(container) != Restart::Never;
    let why = if restarts { format!("{}, will be restarted", failing.why) } else { failing.why.clone() };
    stop(latest, now, grace, Some(why), plan);
}

fn start(container: &Container, attempt: u32, streak: u32, observed: &Observed, now: Time, plan: &mut Plan) {
    let pull = || Effect::PullImage { image: container.image.clone() };
    let effect = match observed.image(&container.image) {
        Some(ImageState::Present { pulled, .. }) if will_do(container, *pulled, observed) => {
            Effect::StartContainer { name: container.name.clone(), attempt, streak }
        }
        Some(ImageState::Pulling) => return,
        None | Some(ImageState::Failed { .. }) if container.pull == PullPolicy::Never => {
            return plan.look_again(now + LOOK_FOR_IMAGE);
        }
        Some(ImageState::Present { .. }) | None => pull(),
        Some(ImageState::Failed { at, failures, .. }) => {
            let next = restart::next_pull(*at, *failures);
            if next > now {
                let shown = crate::containers::pull_error_until(*at);
                return plan.look_again(if shown > now { shown.min(next) } else { next });
            }
            pull()
        }
    };
    if !plan.effects.contains(&effect) {
        plan.effects.push(effect);
    }
}

/// Whether an image that is there can be started. With the policy `Always` its last pull must be later than
/// the need for it: than the end of the attempt before, or for the first attempt than the sandbox. All these
/// times are the node's own. An attempt that is made already has its image.
fn will_do(container: &Container, pulled: Option<Time>, observed: &Observed) -> bool {
    let needed = match observed.latest(&container.name).map(|latest| &latest.state) {
        Some(ContainerState::Exited { at, .. }) => Some(*at),
        Some(_) => return true,
        None => observed.sandbox.as_ref().map(|sandbox| sandbox.since),
    };
    container.pull != PullPolicy::Always || pulled >= needed
}

/// Forgets attempts older than the one before the latest.
fn tidy(observed: &Observed, plan: &mut Plan) {
    for old in &observed.containers {
        let latest = observed.latest(&old.name).map_or(0, |latest| latest.attempt);
        if old.attempt + 1 < latest && old.exit_code().is_some() {
            plan.effects.push(Effect::RemoveContainer { name: old.name.clone(), attempt: old.attempt });
        }
    }
}

/// Ends a pod: containers first, then sidecars in reverse order, then the sandbox.
fn end(desired: &Pod, observed: &Observed, now: Time, grace: SignedDuration, plan: &mut Plan) {
    let sidecars: Vec<&str> =
        desired.spec.init.iter().filter(|c| c.is_sidecar()).map(|c| c.name.as_str()).collect();
    stop_all(&sidecars, observed, now, grace, plan);
    if observed.is_still() && observed.sandbox.is_some() {
        plan.effects.push(Effect::RemoveSandbox);
    }
}

fn stop_all(sidecars: &[&str], observed: &Observed, now: Time, grace: SignedDuration, plan: &mut Plan) {
    let going = |c: &&ObservedContainer| c.exit_code().is_none();
    let rank = |c: &ObservedContainer| sidecars.iter().position(|name| *name == c.name);
    let last =
        observed.containers.iter().filter(going).map(rank).max_by_key(|rank| rank.map_or(usize::MAX, |r| r));
    let Some(last) = last else { return };
    for container in observed.containers.iter().filter(going).filter(|c| rank(c) == last) {
        stop(container, now, grace, None, plan);
    }
}

fn stop(
    container: &ObservedContainer,
    now: Time,
    grace: SignedDuration,
    why: Option<String>,
    plan: &mut Plan,
) {
    let deadline = now + grace;
    let stopping = match container.state {
        ContainerState::Running { stopping, .. } => stopping,
        _ => None,
    };
    if stopping.is_none_or(|until| until > deadline) {
        plan.effects.push(Effect::StopContainer {
            name: container.name.clone(),
            attempt: container.attempt,
            grace,
            why,
        });
    }
}

#[cfg(test)]
mod tests;
