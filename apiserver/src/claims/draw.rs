//! Drawing from a range of numbers, of which a first band is left to those who ask for one by number, as far as the
//! others suffice (KEP-3070 for addresses, KEP-3668 for ports).

/// How much of a range is left: one part in `share` of its size, but at least 16 and at most `most`; nothing of a range
/// that is no larger than that.
pub(super) fn band(size: u128, share: u128, most: u128) -> u128 {
    if size <= 16 { 0 } else { (size / share).clamp(16, most) }
}

/// All numbers from `first` to `last` in the order in which they are to be tried: those above the band, then those in
/// it, each beginning anywhere.
pub(super) fn candidates(first: u128, last: u128, band: u128, random: u128) -> impl Iterator<Item = u128> {
    let split = first.saturating_add(band);
    let split = if split <= last { split } else { first };
    let banded = (split > first).then(|| ring(first, split - 1, random));
    ring(split, last, random).chain(banded.into_iter().flatten())
}

/// The numbers from `first` to `last` in a circle that begins anywhere.
fn ring(first: u128, last: u128, random: u128) -> impl Iterator<Item = u128> {
    let size = if first <= last { (last - first).saturating_add(1) } else { 1 };
    let start = first + random % size;
    (start..=last).chain(first..start)
}

/// A random number.
pub(super) fn random() -> u128 {
    uuid::Uuid::new_v4().as_u128()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_left_to_those_who_ask() {
        let addresses = |length: u32| band(1 << (32 - length), 16, 256);
        assert_eq!([28, 27, 24, 20, 12].map(addresses), [0, 16, 16, 256, 256]);
        assert_eq!([16, 17, 1024, 2768, 100_000].map(|size| band(size, 32, 128)), [0, 16, 32, 86, 128]);
    }

    #[test]
    fn every_number_has_its_turn_and_the_band_comes_last() {
        for (first, last, band, random) in [(1, 30, 16, 0), (1, 30, 16, 12345), (5, 5, 0, 9), (1, 14, 0, 7)] {
            let order: Vec<u128> = candidates(first, last, band, random).collect();
            let mut sorted = order.clone();
            sorted.sort();
            assert_eq!(sorted, (first..=last).collect::<Vec<_>>());
            let upper = (last - first + 1 - band) as usize;
            assert!(order[..upper].iter().all(|number| *number >= first + band), "{order:?}");
        }
        assert_eq!(candidates(1, 0, 0, 3).count(), 0, "an empty range");
        assert!(candidates(1, u128::MAX, 256, u128::MAX).next().is_some(), "the largest");
    }
}
