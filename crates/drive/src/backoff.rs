//! How long a failing key waits: doubling per failure, forgotten on success, as client-go's rate limiter does.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

/// The first delay.
const BASE: Duration = Duration::from_millis(5);
/// The longest delay.
const LIMIT: Duration = Duration::from_secs(1000);

/// Failures in a row, per key.
#[derive(Debug)]
pub struct Backoff<K>(HashMap<K, u32>);

impl<K> Default for Backoff<K> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Eq + Hash> Backoff<K> {
    /// Counts a failure; how long to wait before the next try.
    pub fn failed(&mut self, key: K) -> Duration {
        let failures = self.0.entry(key).or_default();
        let delay = 2u32.checked_pow(*failures).and_then(|factor| BASE.checked_mul(factor)).unwrap_or(LIMIT);
        *failures += 1;
        delay.min(LIMIT)
    }

    /// Forgets the failures of a key.
    pub fn succeeded(&mut self, key: &K) {
        self.0.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_to_the_limit_and_forgets_on_success() {
        let mut backoff = Backoff::default();
        let mut delays =
            std::iter::repeat_with(|| backoff.failed("a").as_millis()).take(60).collect::<Vec<_>>();
        assert_eq!(delays[..4], [5, 10, 20, 40]);
        assert_eq!(delays.pop(), Some(1_000_000));
        assert_eq!(backoff.failed("b").as_millis(), 5);
        backoff.succeeded(&"a");
        assert_eq!(backoff.failed("a").as_millis(), 5);
    }
}
