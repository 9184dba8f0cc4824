//! Medians and percentiles.

use std::time::Duration;

use crate::table::number;

/// Several runs of the same.
pub(crate) struct Spread {
    pub(crate) min: f64,
    pub(crate) median: f64,
    pub(crate) max: f64,
    pub(crate) runs: usize,
}

impl Spread {
    /// Of at least one figure; of none, all is zero.
    pub(crate) fn of(figures: impl IntoIterator<Item = f64>) -> Spread {
        let mut sorted: Vec<f64> = figures.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let at = |i: usize| sorted.get(i).copied().unwrap_or_default();
        let (n, last) = (sorted.len(), sorted.len().saturating_sub(1));
        Spread {
            min: at(0),
            median: f64::midpoint(at(last / 2), at(n / 2).max(at(last / 2))),
            max: at(last),
            runs: n,
        }
    }

    /// `min 1.2, max 3.4 of 10 runs`, or nothing to say of a single run.
    pub(crate) fn describe(&self) -> String {
        match self.runs {
            0 | 1 => "1 run".to_owned(),
            n => format!("min {}, max {} of {n} runs", number(self.min), number(self.max)),
        }
    }
}

/// The middle of the figures.
pub(crate) fn median(figures: impl IntoIterator<Item = f64>) -> f64 {
    Spread::of(figures).median
}

/// The smallest duration that `share` of all do not exceed (nearest rank), in milliseconds. `sorted` ascends.
pub(crate) fn percentile(sorted: &[Duration], share: f64) -> f64 {
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().map(millis).unwrap_or_default()
}

/// In milliseconds.
pub(crate) fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

#[cfg(test)]
mod tests {
    use super::{median, percentile};
    use std::time::Duration;

    #[test]
    fn medians() {
        assert_eq!(median([]), 0.0);
        assert_eq!(median([3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median([4.0, 1.0, 2.0, 3.0]), 2.5);
    }

    #[test]
    fn percentiles() {
        let sorted: Vec<Duration> = (1..=100).map(Duration::from_millis).collect();
        assert_eq!((percentile(&sorted, 0.5), percentile(&sorted, 0.99)), (50.0, 99.0));
        assert_eq!(percentile(&[], 0.5), 0.0);
    }
}
