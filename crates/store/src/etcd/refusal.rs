//! Whether etcd refuses writes, as its answers tell.

use tokio::time::Instant;

/// Whether etcd refuses writes. Answers overtake each other: one to a write that began before the latest change is not
/// news.
#[derive(Debug)]
pub(super) struct Refusal {
    is_there: bool,
    since: Instant,
}

impl Refusal {
    /// No write was refused yet.
    pub(super) fn none(now: Instant) -> Refusal {
        Refusal { is_there: false, since: now }
    }

    pub(super) fn is_there(&self) -> bool {
        self.is_there
    }

    /// Takes in whether a write that began then was refused; returns whether that is a change.
    pub(super) fn learn(&mut self, began: Instant, refused: bool, now: Instant) -> bool {
        let is_new = began >= self.since && refused != self.is_there;
        if is_new {
            *self = Refusal { is_there: refused, since: now };
        }
        is_new
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn every_change_is_news_once_and_late_answers_are_none() {
        let start = Instant::now();
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        let mut refusal = Refusal::none(start);
        // when the write began, whether it was refused, when that was known; whether it is news, and what holds then
        for (began, refused, known, is_new, is_there) in [
            (0, false, 1, false, false),
            (1, true, 3, true, true),
            (2, false, 4, false, true),
            (3, true, 5, false, true),
            (4, false, 6, true, false),
            (5, true, 7, false, false),
            (6, true, 8, true, true),
        ] {
            assert_eq!(refusal.learn(at(began), refused, at(known)), is_new, "{began} {refused}");
            assert_eq!(refusal.is_there(), is_there, "{began} {refused}");
        }
    }
}
