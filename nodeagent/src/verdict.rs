//! Whether a pod shall run or end, and in which phase it is.

use jiff::SignedDuration;
use object::Time;

use crate::observed::{ContainerState, Observed, ObservedContainer, Sandbox};
use crate::pod::{Container, Pod, Restart};
use crate::status::{ContainerStatus, Phase};

/// What shall become of a pod.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Verdict {
    /// It runs, or will.
    Run,
    /// It ends: what still runs is stopped.
    End {
        /// How long containers get.
        grace: SignedDuration,
        /// Why, where that is the pod's status: (reason, message).
        why: Option<(&'static str, &'static str)>,
    },
}

/// Judges a pod.
pub(crate) fn verdict(desired: &Pod, observed: &Observed, now: Time) -> Verdict {
    if let Some(deletion) = desired.deletion {
        // The deadline is told in whole seconds, rounded down.
        let deadline = deletion.deadline + SignedDuration::from_secs(1);
        let left = deadline.duration_since(now).max(SignedDuration::ZERO);
        return Verdict::End { grace: left.min(SignedDuration::from_secs(deletion.grace)), why: None };
    }
    let grace = SignedDuration::from_secs(desired.spec.grace);
    if desired.status.phase.is_terminal() {
        return Verdict::End { grace, why: None };
    }
    if deadline(desired).is_some_and(|deadline| now >= deadline) {
        let message = "Pod was active on the node longer than the specified deadline";
        return Verdict::End { grace, why: Some(("DeadlineExceeded", message)) };
    }
    match phase_of(desired, observed, false) {
        Phase::Succeeded | Phase::Failed => Verdict::End { grace, why: None },
        _ => Verdict::Run,
    }
}

/// When `activeDeadlineSeconds` are over.
pub(crate) fn deadline(desired: &Pod) -> Option<Time> {
    let seconds = desired.spec.deadline.filter(|_| desired.deletion.is_none())?;
    if desired.status.phase.is_terminal() {
        return None;
    }
    desired.status.start_time?.checked_add(SignedDuration::from_secs(seconds)).ok()
}

/// Whether a container that ended with this code starts again. Init containers that ended well do not.
pub(crate) fn again(desired: &Pod, container: &Container, code: i32) -> bool {
    let policy = desired.restart_of(container);
    let init = desired.spec.init.iter().any(|c| c.name == container.name) && !container.is_sidecar();
    if init && policy == Restart::Always { code != 0 } else { policy.again(code) }
}

/// Whether a container (not an init container) was ever started in the pod's sandbox, as far as the runtime or the
/// status knows: a new sandbox is initialized anew.
pub(crate) fn containers_begun(desired: &Pod, observed: &Observed) -> bool {
    let Some(sandbox) = &observed.sandbox else { return false };
    desired.spec.containers.iter().any(|container| match observed.latest(&container.name) {
        Some(_) => observed.current(&container.name).is_some(),
        None => desired.status.container(&container.name).is_some_and(|c| has_run_since(c, sandbox.since)),
    })
}

/// Whether a container ran at this time or later, as was reported: in whole seconds.
fn has_run_since(reported: &ContainerStatus, since: Time) -> bool {
    let times = [&reported.state, &reported.last_state].into_iter().flat_map(|state| {
        let started = state.running.as_ref().and_then(|running| running.started_at);
        [started, state.terminated.as_ref().and_then(|ended| ended.finished_at)]
    });
    times.flatten().any(|time| time.as_second() >= since.as_second())
}

/// Whether an init container lets those after it run: a sidecar once it has come up, others once they ended
/// well.
pub(crate) fn has_passed(init: &Container, observed: &Observed) -> bool {
    let latest = observed.current(&init.name);
    match init.is_sidecar() {
        true => latest.is_some_and(ObservedContainer::has_started),
        false => latest.and_then(ObservedContainer::exit_code) == Some(0),
    }
}

/// Whether nothing but itself keeps a container from running.
pub(crate) fn is_its_turn(desired: &Pod, observed: &Observed, name: &str) -> bool {
    let sandbox = observed.sandbox.as_ref().is_some_and(Sandbox::is_ready);
    let mut before = desired.spec.init.iter().take_while(|c| c.name != name);
    sandbox && (containers_begun(desired, observed) || before.all(|c| has_passed(c, observed)))
}

/// The attempt to begin with where the runtime knows none: after those that the status counts.
pub(crate) fn first_attempt(desired: &Pod, name: &str) -> u32 {
    let reported = desired.status.container(name).filter(|c| !c.container_id.is_empty());
    reported.map_or(0, |c| c.restart_count + 1)
}

/// How a container counts for the phase.
enum Standing {
    /// Runs.
    Running,
    /// Ended, and stays so or waits to be started again.
    Ended(i32),
    /// Was never started.
    Waiting,
}

fn standing(observed: &Observed, name: &str) -> Standing {
    match observed.latest(name).map(|c| &c.state) {
        Some(ContainerState::Running { .. }) => Standing::Running,
        Some(ContainerState::Exited { code, .. }) => Standing::Ended(*code),
        Some(ContainerState::Created) if observed.previous(name).is_some() => Standing::Ended(1),
        Some(ContainerState::Created) | None => Standing::Waiting,
    }
}

/// The phase that the containers make; `ending` where nothing will be started again.
pub(crate) fn phase_of(desired: &Pod, observed: &Observed, ending: bool) -> Phase {
    let init = || desired.spec.init.iter().filter(|c| !c.is_sidecar());
    let failed_init = init().any(|c| match standing(observed, &c.name) {
        Standing::Ended(code) => code != 0 && (ending || !again(desired, c, code)),
        _ => false,
    });
    if failed_init {
        return Phase::Failed;
    }
    let (mut running, mut waiting, mut well, mut badly, mut coming) = (0, 0, 0, 0, 0);
    for container in &desired.spec.containers {
        match standing(observed, &container.name) {
            Standing::Running => running += 1,
            Standing::Waiting => waiting += 1,
            Standing::Ended(code) => {
                *if code == 0 { &mut well } else { &mut badly } += 1;
                coming += u32::from(!ending && again(desired, container, code));
            }
        }
    }
    match (waiting, running, coming) {
        (1.., _, _) if ending => Phase::Failed,
        (1.., _, _) => Phase::Pending,
        (_, 1.., _) | (_, _, 1..) => Phase::Running,
        _ if well + badly == 0 => Phase::Pending,
        _ if badly == 0 => Phase::Succeeded,
        _ => Phase::Failed,
    }
}
