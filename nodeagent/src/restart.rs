//! When a container that ended may start again, and when a failed pull is tried again.

use jiff::SignedDuration;
use object::Time;

use crate::observed::{ContainerState, ObservedContainer};

/// The first delay; doubles with every restart in a row.
const FIRST: SignedDuration = SignedDuration::from_secs(10);
/// The longest delay.
const LONGEST: SignedDuration = SignedDuration::from_secs(300);
/// A container that ran for this long is forgiven.
const FORGIVEN: SignedDuration = SignedDuration::from_secs(600);

/// A container's next start.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Next {
    /// Not before this.
    pub(crate) at: Time,
    /// The delay that this comes from.
    pub(crate) delay: SignedDuration,
    /// The streak of the attempt to start.
    pub(crate) streak: u32,
}

/// When a container that ended starts again: at once the first time, then with a delay of 10 s that doubles
/// to 5 minutes. None while it has not ended.
pub(crate) fn next(ended: &ObservedContainer) -> Option<Next> {
    let ContainerState::Exited { since, at, .. } = ended.state else { return None };
    let ran = since.map_or(SignedDuration::ZERO, |since| at.duration_since(since));
    let streak = if ran >= FORGIVEN { 0 } else { ended.streak };
    let delay = if streak == 0 { SignedDuration::ZERO } else { doubled(streak - 1) };
    Some(Next { at: at + delay, delay, streak: streak + 1 })
}

/// When a pull that failed so many times in a row is tried again.
pub(crate) fn next_pull(failed: Time, failures: u32) -> Time {
    failed + doubled(failures.saturating_sub(1))
}

fn doubled(times: u32) -> SignedDuration {
    FIRST.checked_mul(1 << times.min(10)).unwrap_or(LONGEST).min(LONGEST)
}

/// A delay in Go's notation: `10s`, `1m20s`, `5m0s`.
pub(crate) fn go_duration(delay: SignedDuration) -> String {
    let seconds = delay.as_secs();
    if seconds < 60 { format!("{seconds}s") } else { format!("{}m{}s", seconds / 60, seconds % 60) }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use object::Time;

    use super::{go_duration, next};
    use crate::observed::{ContainerState, ObservedContainer};

    fn ended(streak: u32, ran: i64) -> ObservedContainer {
        let at = Time::from_second(ran).unwrap();
        let since = Some(Time::UNIX_EPOCH);
        let state =
            ContainerState::Exited { code: 1, since, at, reason: String::new(), message: String::new() };
        let (name, id, image_id) = (String::new(), String::new(), String::new());
        ObservedContainer { name, attempt: 0, streak, id, image_id, state }
    }

    #[test]
    fn delays_double_to_five_minutes_and_are_forgiven() {
        let delays: Vec<_> = (0..8).map(|streak| next(&ended(streak, 1)).unwrap().delay.as_secs()).collect();
        assert_eq!(delays, [0, 10, 20, 40, 80, 160, 300, 300]);
        assert_eq!(next(&ended(7, 600)).unwrap().delay, SignedDuration::ZERO);
        assert_eq!(go_duration(SignedDuration::from_secs(80)), "1m20s");
        assert_eq!(go_duration(SignedDuration::from_secs(300)), "5m0s");
    }
}
