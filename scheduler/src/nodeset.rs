//! Sets of nodes, as bits over their slots.

/// A set of node slots. Slots beyond its length are not in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct NodeSet {
    words: Vec<u64>,
}

impl NodeSet {
    /// Whether the slot is in the set.
    pub(crate) fn contains(&self, slot: usize) -> bool {
        self.words.get(slot / 64).is_some_and(|word| word >> (slot % 64) & 1 == 1)
    }

    /// Puts a slot in or takes it out.
    pub(crate) fn set(&mut self, slot: usize, present: bool) {
        let at = slot / 64;
        if at >= self.words.len() {
            if !present {
                return;
            }
            self.words.resize(at + 1, 0);
        }
        let bit = 1 << (slot % 64);
        if present {
            self.words[at] |= bit;
        } else {
            self.words[at] &= !bit;
        }
    }

    /// Adds all of `other`.
    pub(crate) fn union(&mut self, other: &Self) {
        if other.words.len() > self.words.len() {
            self.words.resize(other.words.len(), 0);
        }
        for (mine, theirs) in self.words.iter_mut().zip(&other.words) {
            *mine |= theirs;
        }
    }

    /// Keeps what is in `other` too.
    pub(crate) fn intersect(&mut self, other: &Self) {
        self.words.truncate(other.words.len());
        for (mine, theirs) in self.words.iter_mut().zip(&other.words) {
            *mine &= theirs;
        }
    }

    /// Takes out all of `other`.
    pub(crate) fn subtract(&mut self, other: &Self) {
        for (mine, theirs) in self.words.iter_mut().zip(&other.words) {
            *mine &= !theirs;
        }
    }

    /// The slots, ascending.
    pub(crate) fn iter(&self) -> impl Iterator<Item = usize> {
        self.words.iter().enumerate().flat_map(|(at, &word)| {
            std::iter::successors((word != 0).then_some(word), |left| {
                let rest = left & (left - 1);
                (rest != 0).then_some(rest)
            })
            .map(move |left| at * 64 + left.trailing_zeros() as usize)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::NodeSet;

    fn of(slots: &[usize]) -> NodeSet {
        let mut set = NodeSet::default();
        slots.iter().for_each(|&slot| set.set(slot, true));
        set
    }

    #[test]
    fn algebra() {
        let mut set = of(&[1, 63, 64, 200]);
        assert_eq!(set.iter().collect::<Vec<_>>(), [1, 63, 64, 200]);
        set.subtract(&of(&[63]));
        set.union(&of(&[2]));
        assert_eq!(set.iter().collect::<Vec<_>>(), [1, 2, 64, 200]);
        set.intersect(&of(&[1, 2, 3, 64]));
        assert_eq!(set.iter().collect::<Vec<_>>(), [1, 2, 64]);
        assert!(set.contains(64) && !set.contains(65) && !set.contains(1000));
    }
}
