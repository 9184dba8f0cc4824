//! Classes: pods with equal needs share one row of scores over all nodes, kept up by the log of changes.

use std::sync::Arc;

use hashbrown::HashMap;

use crate::columns::{CPU_COLUMN, MEMORY_COLUMN, Nodes, PODS_COLUMN};
use crate::filter::{self, Refused};
use crate::needs::{Needs, Weight};
use crate::nodeset::NodeSet;
use crate::reasons::Reasons;
use crate::score::{self, Profile};

/// Nodes per block; a block's highest key is kept, so that the best node is found without reading all.
const BLOCK: usize = 64;

/// The memory that class rows may take, in bytes.
const BUDGET: usize = 128 << 20;

/// What is remembered of a class. Everything here follows from the nodes and the needs.
#[derive(Debug)]
pub(crate) struct Class {
    needs: Arc<Needs>,
    profile: Profile,
    /// Requested amounts by column.
    wants: Vec<(usize, i64)>,
    /// Whether the filters on a node's own fields pass.
    allowed: NodeSet,
    /// Score plus one by slot; 0 where the pod does not fit.
    keys: Vec<u32>,
    /// The highest key of each block.
    tops: Vec<u32>,
    /// Position in the log up to which this is current; none before it is first built.
    read: Option<u64>,
    /// When the class was last asked for.
    used: u64,
    /// Why nothing fitted, and as of which position.
    refusal: Option<(u64, Arc<Reasons>)>,
}

impl Class {
    fn new(needs: Arc<Needs>, profile: Profile, nodes: &mut Nodes) -> Self {
        let mut wants: Vec<_> = needs.requests.iter().map(|(name, &n)| (nodes.column_id(name), n)).collect();
        wants.push((PODS_COLUMN, 1));
        wants.sort();
        Self {
            needs,
            profile,
            wants,
            allowed: NodeSet::default(),
            keys: Vec::new(),
            tops: Vec::new(),
            read: None,
            used: 0,
            refusal: None,
        }
    }

    /// Requested amounts by column.
    pub(crate) fn wants(&self) -> &[(usize, i64)] {
        &self.wants
    }

    /// The key of a slot: 0 where the pod does not fit, else its score plus one.
    pub(crate) fn key(&self, slot: usize) -> u32 {
        self.keys.get(slot).copied().unwrap_or(0)
    }

    /// Reads the changes since the last time.
    pub(crate) fn catch_up(&mut self, nodes: &Nodes) {
        match self.read.and_then(|read| nodes.log.since(read)) {
            Some(changes) => self.follow(nodes, changes),
            None => self.rebuild(nodes),
        }
        self.read = Some(nodes.log.end());
    }

    /// A slot with the highest key; `seed` chooses among equals.
    pub(crate) fn best(&self, seed: u64) -> Option<usize> {
        let top = self.tops.iter().copied().max().filter(|&top| top > 0)?;
        let blocks = self.tops.len();
        let first = (seed % blocks as u64) as usize;
        let block = (first..blocks).chain(0..first).find(|&block| self.tops[block] == top)?;
        let keys = &self.keys[block * BLOCK..self.keys.len().min((block + 1) * BLOCK)];
        let first = ((seed >> 32) % keys.len() as u64) as usize;
        let within = (first..keys.len()).chain(0..first).find(|&i| keys[i] == top)?;
        Some(block * BLOCK + within)
    }

    /// The slots on which the pod fits, with their keys.
    pub(crate) fn fitting(&self) -> impl Iterator<Item = (usize, u32)> {
        self.keys.iter().copied().enumerate().filter(|(_, key)| *key > 0)
    }

    /// Why nothing fits, if that was found at this very state of the nodes.
    pub(crate) fn refusal(&self, position: u64) -> Option<Arc<Reasons>> {
        self.refusal.as_ref().filter(|(at, _)| *at == position).map(|(_, reasons)| reasons.clone())
    }

    /// Remembers why nothing fits.
    pub(crate) fn set_refusal(&mut self, position: u64, reasons: Arc<Reasons>) {
        self.refusal = Some((position, reasons));
    }

    fn rebuild(&mut self, nodes: &Nodes) {
        self.allowed = Refused::of(nodes, &self.needs).allowed(nodes);
        self.keys = (0..nodes.slots()).map(|slot| self.evaluate(nodes, slot)).collect();
        self.tops = self.keys.chunks(BLOCK).map(|keys| keys.iter().copied().max().unwrap_or(0)).collect();
    }

    fn follow(&mut self, nodes: &Nodes, changes: impl Iterator<Item = (usize, bool)>) {
        self.keys.resize(nodes.slots(), 0);
        self.tops.resize(nodes.slots().div_ceil(BLOCK), 0);
        for (slot, node_changed) in changes {
            if node_changed {
                let row = nodes.row(slot);
                self.allowed.set(slot, row.is_some_and(|row| filter::allows(&self.needs, &row.view)));
            }
            self.set_key(slot, self.evaluate(nodes, slot));
        }
    }

    fn evaluate(&self, nodes: &Nodes, slot: usize) -> u32 {
        let Some(row) = nodes.row(slot).filter(|_| self.allowed.contains(slot)) else { return 0 };
        if !filter::has_room(nodes, slot, row, &self.needs, &self.wants) {
            return 0;
        }
        let used = nodes.weight(slot);
        let after =
            Weight { cpu: used.cpu + self.needs.weight.cpu, memory: used.memory + self.needs.weight.memory };
        let allocatable = Weight {
            cpu: nodes.column(CPU_COLUMN).allocatable[slot],
            memory: nodes.column(MEMORY_COLUMN).allocatable[slot],
        };
        1 + score::preference(&self.needs, &row.view)
            + score::resources(self.profile.strategy, after, allocatable)
    }

    fn set_key(&mut self, slot: usize, key: u32) {
        let old = std::mem::replace(&mut self.keys[slot], key);
        let block = slot / BLOCK;
        if key >= self.tops[block] {
            self.tops[block] = key;
        } else if old == self.tops[block] {
            let end = self.keys.len().min((block + 1) * BLOCK);
            self.tops[block] = self.keys[block * BLOCK..end].iter().copied().max().unwrap_or(0);
        }
    }
}

/// All classes that were asked for lately.
#[derive(Debug, Default)]
pub(crate) struct Classes {
    rows: HashMap<(Arc<Needs>, Profile), Class>,
    /// Counts the requests, to tell which classes were used last.
    clock: u64,
}

impl Classes {
    /// The class of these needs, current with the nodes.
    pub(crate) fn get(&mut self, needs: &Arc<Needs>, profile: Profile, nodes: &mut Nodes) -> &mut Class {
        self.clock += 1;
        if self.rows.len() * (nodes.slots() + 1) * size_of::<u32>() > BUDGET {
            self.forget_half();
        }
        let class = self
            .rows
            .entry((needs.clone(), profile))
            .or_insert_with(|| Class::new(needs.clone(), profile, nodes));
        class.used = self.clock;
        class.catch_up(nodes);
        class
    }

    fn forget_half(&mut self) {
        let mut used: Vec<u64> = self.rows.values().map(|class| class.used).collect();
        let half = used.len() / 2;
        let (_, &mut median, _) = used.select_nth_unstable(half);
        self.rows.retain(|_, class| class.used > median);
    }
}
