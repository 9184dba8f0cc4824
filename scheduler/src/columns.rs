//! The nodes in columns: one vector per resource, one set of nodes per label and taint, and a log of what
//! changed, by which classes keep up.

use hashbrown::HashMap;

use crate::amount::{CPU, EPHEMERAL_STORAGE, MEMORY, PODS};
use crate::needs::{HostPort, Needs, NodeTerm, Taint, Weight};
use crate::node::NodeView;
use crate::nodeset::NodeSet;
use crate::selector::{Operator, Requirement, Selector};

/// Column of processor time.
pub(crate) const CPU_COLUMN: usize = 0;
/// Column of memory.
pub(crate) const MEMORY_COLUMN: usize = 1;
/// Column of the number of pods.
pub(crate) const PODS_COLUMN: usize = 3;
const FIXED: [&str; 4] = [CPU, MEMORY, EPHEMERAL_STORAGE, PODS];

/// One resource of all nodes, by slot.
#[derive(Debug, Default)]
pub(crate) struct Column {
    /// The resource's name.
    pub(crate) name: String,
    /// What pods can have.
    pub(crate) allocatable: Vec<i64>,
    /// What pods have.
    pub(crate) used: Vec<i64>,
}

impl Column {
    /// Whether this much more fits.
    pub(crate) fn fits(&self, slot: usize, amount: i64) -> bool {
        amount <= self.allocatable[slot].saturating_sub(self.used[slot])
    }
}

/// A node and what its slot's columns do not hold.
#[derive(Debug)]
pub(crate) struct Row {
    /// The node.
    pub(crate) view: NodeView,
    /// Host ports in use, one entry per pod and port.
    pub(crate) ports: Vec<HostPort>,
}

/// The nodes that have a label, by value.
#[derive(Debug, Default)]
struct LabelColumn {
    values: HashMap<String, Vec<u32>>,
}

/// All nodes.
#[derive(Debug)]
pub(crate) struct Nodes {
    rows: Vec<Option<Row>>,
    slots: HashMap<String, u32>,
    vacant: Vec<u32>,
    present: NodeSet,
    unschedulable: NodeSet,
    columns: Vec<Column>,
    column_ids: HashMap<String, usize>,
    weights: Vec<Weight>,
    labels: HashMap<String, LabelColumn>,
    taints: Vec<(Taint, NodeSet)>,
    /// What changed, in order.
    pub(crate) log: Log,
}

impl Default for Nodes {
    fn default() -> Self {
        let columns: Vec<_> =
            FIXED.iter().map(|&name| Column { name: name.into(), ..Column::default() }).collect();
        Self {
            rows: Vec::new(),
            slots: HashMap::new(),
            vacant: Vec::new(),
            present: NodeSet::default(),
            unschedulable: NodeSet::default(),
            column_ids: columns.iter().enumerate().map(|(id, c)| (c.name.clone(), id)).collect(),
            columns,
            weights: Vec::new(),
            labels: HashMap::new(),
            taints: Vec::new(),
            log: Log::default(),
        }
    }
}

impl Nodes {
    /// How many nodes there are.
    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    /// How many slots there are, vacant ones included.
    pub(crate) fn slots(&self) -> usize {
        self.rows.len()
    }

    /// The slot of a node.
    pub(crate) fn slot(&self, name: &str) -> Option<usize> {
        self.slots.get(name).map(|&slot| slot as usize)
    }

    /// The node in a slot.
    pub(crate) fn row(&self, slot: usize) -> Option<&Row> {
        self.rows.get(slot)?.as_ref()
    }

    /// The occupied slots.
    pub(crate) fn present(&self) -> &NodeSet {
        &self.present
    }

    /// The cordoned nodes.
    pub(crate) fn unschedulable(&self) -> &NodeSet {
        &self.unschedulable
    }

    /// All taints with the nodes that have them.
    pub(crate) fn taints(&self) -> &[(Taint, NodeSet)] {
        &self.taints
    }

    /// A resource's column.
    pub(crate) fn column(&self, id: usize) -> &Column {
        &self.columns[id]
    }

    /// What scores take a slot's pods to weigh.
    pub(crate) fn weight(&self, slot: usize) -> Weight {
        self.weights[slot]
    }

    /// The column of a resource, made where there is none.
    pub(crate) fn column_id(&mut self, name: &str) -> usize {
        if let Some(&id) = self.column_ids.get(name) {
            return id;
        }
        let zeros = vec![0; self.rows.len()];
        self.columns.push(Column { name: name.to_owned(), allocatable: zeros.clone(), used: zeros });
        self.column_ids.insert(name.to_owned(), self.columns.len() - 1);
        self.columns.len() - 1
    }

    /// Adds or replaces a node; what its pods use stays. Returns its slot.
    pub(crate) fn put(&mut self, view: NodeView) -> usize {
        let slot = self.slot(&view.name).unwrap_or_else(|| self.take_slot(&view.name));
        let ports = match self.rows[slot].take() {
            Some(row) => {
                self.index(slot, &row.view, false);
                row.ports
            }
            None => Vec::new(),
        };
        self.columns.iter_mut().for_each(|column| column.allocatable[slot] = 0);
        for (name, &amount) in &view.allocatable {
            let id = self.column_id(name);
            self.columns[id].allocatable[slot] = amount;
        }
        self.index(slot, &view, true);
        self.rows[slot] = Some(Row { view, ports });
        self.log.push(slot, true);
        slot
    }

    /// Takes a node out; the caller has taken its pods off before. Returns the slot it had.
    pub(crate) fn remove(&mut self, name: &str) -> Option<usize> {
        let slot = self.slots.remove(name)?;
        let at = slot as usize;
        let row = self.rows[at].take()?;
        self.index(at, &row.view, false);
        for column in &mut self.columns {
            (column.allocatable[at], column.used[at]) = (0, 0);
        }
        self.weights[at] = Weight::default();
        self.present.set(at, false);
        self.vacant.push(slot);
        self.log.push(at, true);
        Some(at)
    }

    /// Notes that a pod with these needs came to a node, or left it.
    pub(crate) fn occupy(&mut self, slot: usize, needs: &Needs, came: bool) {
        let sign = if came { 1 } else { -1 };
        for (name, &amount) in &needs.requests {
            let id = self.column_id(name);
            let used = &mut self.columns[id].used[slot];
            *used = used.saturating_add(sign * amount);
        }
        self.columns[PODS_COLUMN].used[slot] += sign;
        let weight = &mut self.weights[slot];
        weight.cpu += sign * needs.weight.cpu;
        weight.memory += sign * needs.weight.memory;
        if let Some(row) = self.rows[slot].as_mut().filter(|_| !needs.ports.is_empty()) {
            row.occupy(&needs.ports, came);
        }
        self.log.push(slot, false);
    }

    /// The nodes that satisfy a requirement on labels.
    pub(crate) fn satisfying(&self, requirement: &Requirement) -> NodeSet {
        let absent_counts = matches!(requirement.operator, Operator::NotIn | Operator::DoesNotExist);
        let mut set = if absent_counts { self.present.clone() } else { NodeSet::default() };
        let Some(column) = self.labels.get(&requirement.key) else { return set };
        let mut mark =
            |slots: &[u32], present| slots.iter().for_each(|&slot| set.set(slot as usize, present));
        if matches!(requirement.operator, Operator::In | Operator::NotIn) {
            let listed = requirement.values.iter().filter_map(|value| column.values.get(value));
            listed.for_each(|slots| mark(slots, !absent_counts));
        } else {
            for (value, slots) in &column.values {
                mark(slots, requirement.accepts(Some(value)));
            }
        }
        set
    }

    /// The nodes that satisfy all requirements of a selector.
    pub(crate) fn selected(&self, selector: &Selector) -> NodeSet {
        self.satisfying_all(&selector.0)
    }

    /// The nodes that match one of the terms.
    pub(crate) fn matching(&self, terms: &[NodeTerm]) -> NodeSet {
        let mut set = NodeSet::default();
        terms.iter().for_each(|term| set.union(&self.matching_term(term)));
        set
    }

    /// The nodes that match a term.
    pub(crate) fn matching_term(&self, term: &NodeTerm) -> NodeSet {
        if term.labels.is_empty() && term.fields.is_empty() {
            return NodeSet::default();
        }
        let mut set = self.satisfying_all(&term.labels);
        for requirement in &term.fields {
            set.intersect(&self.named(requirement));
        }
        set
    }

    fn satisfying_all(&self, requirements: &[Requirement]) -> NodeSet {
        let mut set = self.present.clone();
        requirements.iter().for_each(|r| set.intersect(&self.satisfying(r)));
        set
    }

    /// The nodes whose fields satisfy a requirement; the only field is `metadata.name`.
    fn named(&self, requirement: &Requirement) -> NodeSet {
        let mut set = NodeSet::default();
        if requirement.key == "metadata.name" && requirement.operator == Operator::In {
            requirement.values.iter().filter_map(|name| self.slot(name)).for_each(|slot| set.set(slot, true));
            return set;
        }
        for slot in self.present.iter() {
            let name = self.row(slot).map(|row| row.view.name.as_str());
            set.set(slot, requirement.accepts(name.filter(|_| requirement.key == "metadata.name")));
        }
        set
    }

    fn take_slot(&mut self, name: &str) -> usize {
        let slot = self.vacant.pop().unwrap_or_else(|| {
            self.rows.push(None);
            self.weights.push(Weight::default());
            for column in &mut self.columns {
                column.allocatable.push(0);
                column.used.push(0);
            }
            (self.rows.len() - 1) as u32
        });
        self.slots.insert(name.to_owned(), slot);
        self.present.set(slot as usize, true);
        slot as usize
    }

    /// Puts a node into, or takes it out of, the label and taint sets.
    fn index(&mut self, slot: usize, view: &NodeView, present: bool) {
        self.unschedulable.set(slot, present && view.unschedulable);
        for (key, value) in view.labels.iter() {
            let slots = self.labels.entry_ref(key).or_default().values.entry_ref(value).or_default();
            if present {
                slots.push(slot as u32);
                continue;
            }
            slots.retain(|&s| s as usize != slot);
            if slots.is_empty()
                && let Some(column) = self.labels.get_mut(key)
            {
                column.values.remove(value);
            }
        }
        for taint in &view.taints {
            match self.taints.iter_mut().find(|(known, _)| known == taint) {
                Some((_, nodes)) => nodes.set(slot, present),
                None => {
                    let mut nodes = NodeSet::default();
                    nodes.set(slot, present);
                    self.taints.push((taint.clone(), nodes));
                }
            }
        }
        if !present {
            self.taints.retain(|(_, nodes)| nodes.iter().next().is_some());
        }
    }
}

impl Row {
    fn occupy(&mut self, ports: &[HostPort], came: bool) {
        for port in ports {
            if came {
                self.ports.push(port.clone());
            } else if let Some(at) = self.ports.iter().position(|p| p == port) {
                self.ports.swap_remove(at);
            }
        }
    }

    /// Whether none of these ports is taken.
    pub(crate) fn ports_free(&self, ports: &[HostPort]) -> bool {
        !ports.iter().any(|port| self.ports.iter().any(|taken| taken.conflicts(port)))
    }
}

/// Which slots changed since when. Bounded: a reader that falls behind starts over.
#[derive(Debug, Default)]
pub(crate) struct Log {
    base: u64,
    entries: Vec<u32>,
    /// Position after the last change of each slot.
    changed: Vec<u64>,
    /// Position after the last change of the node itself in each slot.
    node_changed: Vec<u64>,
}

impl Log {
    const MOST: usize = 1 << 14;

    fn push(&mut self, slot: usize, node_changed: bool) {
        if self.entries.len() >= Self::MOST {
            self.entries.drain(..Self::MOST / 2);
            self.base += (Self::MOST / 2) as u64;
        }
        self.entries.push(slot as u32);
        if slot >= self.changed.len() {
            self.changed.resize(slot + 1, 0);
            self.node_changed.resize(slot + 1, 0);
        }
        self.changed[slot] = self.end();
        if node_changed {
            self.node_changed[slot] = self.end();
        }
    }

    /// The position after the last change.
    pub(crate) fn end(&self) -> u64 {
        self.base + self.entries.len() as u64
    }

    /// The slots that changed since a position, each once, with whether the node itself did; none if the log
    /// does not reach back.
    pub(crate) fn since(&self, position: u64) -> Option<impl Iterator<Item = (usize, bool)>> {
        let skip = usize::try_from(position.checked_sub(self.base)?).ok()?;
        let after = (position + 1)..;
        let entries = self.entries.get(skip..)?.iter().zip(after);
        let last = entries.filter(|&(&slot, after)| self.changed[slot as usize] == after);
        Some(last.map(move |(&slot, _)| (slot as usize, self.node_changed[slot as usize] > position)))
    }
}
