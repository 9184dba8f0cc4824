//! The status of each container.

use jiff::SignedDuration;
use object::Time;

use crate::observed::{ContainerState, ImageState, Observed, ObservedContainer};
use crate::pod::{Container, Pod, PullPolicy};
use crate::restart::{self, go_duration};
use crate::status::{ContainerStatus, Running, State, Terminated};
use crate::verdict;

/// Until when a failed pull is told as an error; afterwards as waiting for the next try.
pub(crate) fn pull_error_until(failed: Time) -> Time {
    failed + SignedDuration::from_secs(5)
}

/// The status of one container; `ending` where nothing will be started again.
pub(crate) fn container(
    desired: &Pod,
    container: &Container,
    observed: &Observed,
    ending: bool,
    now: Time,
) -> ContainerStatus {
    let old = desired.status.container(&container.name);
    let Some(latest) = observed.latest(&container.name) else {
        return unseen(desired, container, observed, old, now);
    };
    let next = match &latest.state {
        ContainerState::Exited { code, .. } if !ending && verdict::again(desired, container, *code) => {
            restart::next(latest)
        }
        _ => None,
    };
    let ended = observed.previous(&container.name).and_then(terminated);
    let before = ended.map(|t| State { terminated: Some(t), ..State::default() });
    let kept = || old.filter(|o| o.restart_count == latest.attempt).map(|o| o.last_state.clone());
    let hindered = || hindrance(desired, container, observed, now);
    let restarting = next.and_then(|next| match next.at > now {
        true => Some(backing_off(desired, container, next.delay)),
        false => hindered(),
    });
    let last = || before.or_else(kept).unwrap_or_default();
    let (state, last_state) = match (restarting, &latest.state) {
        (Some(waiting), _) => (waiting, ended_state(latest)),
        (None, ContainerState::Created) => (hindered().unwrap_or_else(creating), last()),
        (None, _) => (state(latest), last()),
    };
    ContainerStatus {
        name: container.name.clone(),
        ready: is_ready(desired, container, latest),
        started: latest.has_started(),
        state,
        last_state,
        restart_count: latest.attempt,
        image: container.image.clone(),
        image_id: latest.image_id.clone(),
        container_id: latest.id.clone(),
    }
}

fn unseen(
    desired: &Pod,
    container: &Container,
    observed: &Observed,
    old: Option<&ContainerStatus>,
    now: Time,
) -> ContainerStatus {
    let old = old.filter(|old| !old.container_id.is_empty());
    ContainerStatus {
        name: container.name.clone(),
        image: container.image.clone(),
        state: waiting(desired, container, observed, now),
        last_state: old.map(|old| old.last_state.clone()).unwrap_or_default(),
        restart_count: old.map_or(0, |old| old.restart_count),
        ..ContainerStatus::default()
    }
}

/// Why a container that was never started waits.
fn waiting(desired: &Pod, container: &Container, observed: &Observed, now: Time) -> State {
    hindrance(desired, container, observed, now).unwrap_or_else(|| match desired.spec.init.is_empty() {
        true => creating(),
        false => State::waiting("PodInitializing", ""),
    })
}

/// What keeps a container from starting: its image, or else the last try at it.
fn hindrance(desired: &Pod, container: &Container, observed: &Observed, now: Time) -> Option<State> {
    let image = &container.image;
    match observed.image(image) {
        Some(ImageState::Failed { reason, message, at, .. }) => {
            if now < pull_error_until(*at) || reason == "InvalidImageName" {
                return Some(State::waiting(reason, message));
            }
            let back_off = format!("Back-off pulling image {image:?}: {reason}: {message}");
            return Some(State::waiting("ImagePullBackOff", back_off));
        }
        None if container.pull == PullPolicy::Never
            && verdict::is_its_turn(desired, observed, &container.name) =>
        {
            let message = format!("Container image {image:?} is not present with pull policy of Never");
            return Some(State::waiting("ErrImageNeverPull", message));
        }
        _ => {}
    }
    observed.trouble(&container.name).map(|trouble| State::waiting(&trouble.reason, &trouble.message))
}

fn creating() -> State {
    State::waiting("ContainerCreating", "")
}

fn backing_off(desired: &Pod, container: &Container, delay: SignedDuration) -> State {
    let Pod { key, uid, .. } = desired;
    let delay = go_duration(delay);
    let message = format!(
        "back-off {delay} restarting failed container={} pod={}_{}({uid})",
        container.name, key.name, key.namespace
    );
    State::waiting("CrashLoopBackOff", message)
}

fn state(container: &ObservedContainer) -> State {
    match &container.state {
        ContainerState::Created => creating(),
        ContainerState::Running { since, .. } => {
            State { running: Some(Running { started_at: Some(seconds(*since)) }), ..State::default() }
        }
        ContainerState::Exited { .. } => ended_state(container),
    }
}

fn ended_state(container: &ObservedContainer) -> State {
    State { terminated: terminated(container), ..State::default() }
}

fn terminated(container: &ObservedContainer) -> Option<Terminated> {
    let ContainerState::Exited { code, since, at, reason, message } = &container.state else { return None };
    Some(Terminated {
        exit_code: *code,
        reason: reason.clone(),
        message: message.clone(),
        started_at: since.map(seconds),
        finished_at: Some(seconds(*at)),
        container_id: container.id.clone(),
    })
}

/// Init containers are ready once they ended well, all others while they serve.
fn is_ready(desired: &Pod, container: &Container, latest: &ObservedContainer) -> bool {
    let init = desired.spec.init.iter().any(|c| c.name == container.name);
    match latest.state {
        ContainerState::Running { ready, .. } => ready && (!init || container.is_sidecar()),
        ContainerState::Exited { code, .. } => code == 0 && init && !container.is_sidecar(),
        ContainerState::Created => false,
    }
}

/// A time as documents have it: whole seconds.
pub(crate) fn seconds(time: Time) -> Time {
    Time::from_second(time.as_second()).unwrap_or(time)
}
