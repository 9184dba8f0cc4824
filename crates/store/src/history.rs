//! The recent visible changes, from which watches read and resume.

use std::collections::VecDeque;

use crate::watch::MAX_BATCH;
use crate::{Batch, Change, Error, Range, Revision, is_hidden};

/// The visible changes after `oldest`, bounded in number and bytes.
#[derive(Debug)]
pub(crate) struct History {
    changes: VecDeque<Change>,
    bytes: usize,
    /// Everything above this revision is still here.
    oldest: Revision,
    /// The latest revision recorded or skipped.
    latest: Revision,
    /// Revisions strictly between the two may have been given out and lost in a crash.
    lost: Vec<(Revision, Revision)>,
    max_count: usize,
    max_bytes: usize,
}

impl History {
    pub(crate) fn new(start: Revision, max_count: usize, max_bytes: usize) -> History {
        History {
            changes: VecDeque::new(),
            bytes: 0,
            oldest: start,
            latest: start,
            lost: Vec::new(),
            max_count,
            max_bytes,
        }
    }

    /// Records one transaction's changes, which share a revision above all recorded ones.
    pub(crate) fn record(&mut self, changes: &[Change]) {
        for change in changes {
            self.latest = change.revision();
            if !is_hidden(change.key()) {
                self.bytes += change.size();
                self.changes.push_back(change.clone());
            }
        }
        while self.changes.len() > self.max_count || self.bytes > self.max_bytes {
            self.forget_first();
        }
    }

    /// Moves on to `revision`: those skipped may have been given out, but were lost.
    pub(crate) fn skip_to(&mut self, revision: Revision) {
        if revision > self.latest {
            self.lost.push((self.latest, revision));
            self.latest = revision;
        }
    }

    /// Forgets everything up to and including `upto`.
    pub(crate) fn compact(&mut self, upto: Revision) -> Result<(), Error> {
        if upto > self.latest {
            return Err(Error::FutureRevision { asked: upto, current: self.latest });
        }
        while self.changes.front().is_some_and(|first| first.revision() <= upto) {
            self.forget_first();
        }
        self.oldest = self.oldest.max(upto);
        self.lost.retain(|(_, next)| *next > self.oldest);
        Ok(())
    }

    /// Whether a watch can begin after this revision.
    pub(crate) fn check(&self, after: Revision) -> Result<(), Error> {
        if after > self.latest {
            return Err(Error::FutureRevision { asked: after, current: self.latest });
        }
        let lost = self.lost.iter().find(|(last, next)| *last < after && after < *next);
        match lost {
            Some((_, next)) => Err(Error::Compacted { oldest: *next }),
            None if after < self.oldest => Err(Error::Compacted { oldest: self.oldest }),
            None => Ok(()),
        }
    }

    /// The changes in the range after a revision, as many as one batch holds.
    pub(crate) fn read(&self, range: &Range, after: Revision) -> Result<Batch, Error> {
        if after < self.oldest {
            return Err(Error::Lagged);
        }
        let start = self.changes.partition_point(|change| change.revision() <= after);
        let mut batch = Batch { changes: Vec::new(), revision: self.latest };
        for change in self.changes.range(start..) {
            if batch.changes.len() == MAX_BATCH {
                batch.revision = change.revision() - 1;
                break;
            }
            if range.contains(change.key()) {
                batch.changes.push(change.clone());
            }
        }
        Ok(batch)
    }

    fn forget_first(&mut self) {
        if let Some(first) = self.changes.pop_front() {
            self.bytes -= first.size();
            self.oldest = self.oldest.max(first.revision());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delete(revision: Revision) -> Change {
        Change::Delete { key: format!("k{revision}").into(), revision }
    }

    fn filled(upto: Revision, max_count: usize) -> History {
        let mut history = History::new(0, max_count, usize::MAX);
        (1..=upto).for_each(|revision| history.record(&[delete(revision)]));
        history
    }

    #[test]
    fn the_window_is_bounded() {
        let history = filled(10, 4);
        assert!(matches!(history.check(5), Err(Error::Compacted { oldest: 6 })));
        assert!(matches!(history.read(&Range::all(), 5), Err(Error::Lagged)));
        let batch = history.read(&Range::all(), 6).expect("within the window");
        assert_eq!(batch.changes, (7..=10).map(delete).collect::<Vec<_>>());
        assert_eq!(batch.revision, 10);
    }

    #[test]
    fn a_full_batch_stops_short() {
        let history = filled(2 * MAX_BATCH as u64 + 1, usize::MAX);
        let mut after = 0;
        for length in [MAX_BATCH, MAX_BATCH, 1] {
            let batch = history.read(&Range::all(), after).expect("nothing is forgotten");
            assert_eq!(batch.changes.len(), length);
            after = batch.revision;
        }
        assert_eq!(after, 2 * MAX_BATCH as u64 + 1);
    }

    #[test]
    fn lost_revisions_are_compacted() {
        let mut history = filled(3, 10);
        history.skip_to(100);
        assert!(history.check(3).is_ok());
        assert!(matches!(history.check(4), Err(Error::Compacted { oldest: 100 })));
        assert!(matches!(history.check(99), Err(Error::Compacted { oldest: 100 })));
        assert!(history.check(100).is_ok());
        assert!(matches!(history.check(101), Err(Error::FutureRevision { .. })));
    }
}
