//! A slow, plain scheduler, row by row, and random worlds on which the columns must agree with it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use object::Key;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

use crate::schedule::feasible;
use crate::*;

/// Nodes and the pods on them, as plain lists.
#[derive(Default)]
struct World {
    nodes: Vec<NodeView>,
    pods: Vec<PodView>,
    namespaces: BTreeMap<String, Labels>,
}

impl World {
    fn pods_on<'a>(&'a self, node: &'a NodeView) -> impl Iterator<Item = &'a PodView> {
        self.pods.iter().filter(|pod| pod.node == node.name)
    }

    fn means(&self, who: &PodMatch, pod: &PodView) -> bool {
        who.matches(&pod.key.namespace, &pod.labels, || self.namespaces.get(&pod.key.namespace))
    }

    fn feasible(&self, pod: &PodView) -> BTreeSet<String> {
        let fits = |node: &&NodeView| {
            own_fields(node, &pod.needs)
                && self.room(node, &pod.needs)
                && self.spread(node, pod)
                && self.affinity(node, pod)
                && self.anti_affinity(node, pod)
        };
        self.nodes.iter().filter(fits).map(|node| node.name.clone()).collect()
    }

    fn room(&self, node: &NodeView, needs: &Needs) -> bool {
        let free = |name: &str| {
            let used: i64 =
                self.pods_on(node).map(|pod| pod.needs.requests.get(name).copied().unwrap_or(0)).sum();
            node.allocatable.get(name).copied().unwrap_or(0) - used
        };
        let pods = self.pods_on(node).count() as i64;
        pods < node.allocatable.get(PODS).copied().unwrap_or(0)
            && needs.requests.iter().all(|(name, &amount)| amount <= free(name))
            && !self
                .pods_on(node)
                .flat_map(|p| &p.needs.ports)
                .any(|t| needs.ports.iter().any(|p| p.conflicts(t)))
    }

    /// The pods that share a node's domain.
    fn sharing<'a>(&'a self, node: &'a NodeView, topology: &'a str) -> impl Iterator<Item = &'a PodView> {
        let here = node.labels.get(topology);
        let same = move |other: &&NodeView| here.is_some() && other.labels.get(topology) == here;
        self.nodes.iter().filter(same).flat_map(|node| self.pods_on(node))
    }

    fn affinity(&self, node: &NodeView, pod: &PodView) -> bool {
        let terms = &pod.needs.affinity;
        let all = |other: &PodView| terms.iter().all(|term| self.means(&term.who, other));
        let labelled = terms.iter().all(|term| node.labels.contains_key(&term.topology));
        let company = terms.iter().all(|term| self.sharing(node, &term.topology).any(all));
        let counted = |term: &PodTerm| {
            self.nodes.iter().any(|n| n.labels.contains_key(&term.topology) && self.pods_on(n).any(all))
        };
        labelled && (company || !terms.iter().any(counted) && all(pod))
    }

    fn anti_affinity(&self, node: &NodeView, pod: &PodView) -> bool {
        let mine =
            |term: &PodTerm| self.sharing(node, &term.topology).any(|other| self.means(&term.who, other));
        let theirs = |carrier: &NodeView, term: &PodTerm| {
            let domain = node.labels.get(&term.topology);
            domain.is_some() && carrier.labels.get(&term.topology) == domain && self.means(&term.who, pod)
        };
        !pod.needs.anti_affinity.iter().any(mine)
            && !self.nodes.iter().any(|carrier| {
                self.pods_on(carrier)
                    .any(|other| other.needs.anti_affinity.iter().any(|term| theirs(carrier, term)))
            })
    }

    fn spread(&self, node: &NodeView, pod: &PodView) -> bool {
        let constraints = &pod.needs.spread;
        constraints.iter().all(|spread| {
            let mut domains: BTreeMap<&str, i64> = BTreeMap::new();
            for other in &self.nodes {
                let domain = other.labels.get(&spread.topology);
                let labelled = constraints.iter().all(|c| other.labels.contains_key(&c.topology));
                let selected = !spread.honor_affinity || selected(other, &pod.needs);
                let tolerated = !spread.honor_taints || tolerated(other, &pod.needs);
                if let Some(domain) = domain.filter(|_| labelled && selected && tolerated) {
                    let counted = |p: &&PodView| !p.terminating && self.means(&spread.who, p);
                    *domains.entry(domain).or_default() += self.pods_on(other).filter(counted).count() as i64;
                }
            }
            let enough = domains.len() as i64 >= spread.min_domains;
            let least = domains.values().min().copied().filter(|_| enough).unwrap_or(0);
            let here = node.labels.get(&spread.topology);
            let itself = i64::from(self.means(&spread.who, pod));
            here.is_some_and(|here| domains.get(here).unwrap_or(&0) + itself - least <= spread.max_skew)
        })
    }
}

fn own_fields(node: &NodeView, needs: &Needs) -> bool {
    let cordon = Taint {
        key: "node.kubernetes.io/unschedulable".into(),
        value: String::new(),
        effect: TaintEffect::NoSchedule,
    };
    (!node.unschedulable || needs.tolerations.iter().any(|t| t.tolerates(&cordon)))
        && tolerated(node, needs)
        && selected(node, needs)
}

fn tolerated(node: &NodeView, needs: &Needs) -> bool {
    node.taints
        .iter()
        .filter(|t| t.repels())
        .all(|taint| needs.tolerations.iter().any(|t| t.tolerates(taint)))
}

fn selected(node: &NodeView, needs: &Needs) -> bool {
    let terms = needs.node_terms.as_ref();
    needs.node_selector.matches(&node.labels)
        && terms.is_none_or(|terms| terms.iter().any(|term| term.matches(&node.name, &node.labels)))
}

/// Random nodes, pods and requirements from small alphabets, so that everything meets everything.
struct Dice(StdRng);

impl Dice {
    fn chance(&mut self, percent: u32) -> bool {
        self.0.random_range(0..100) < percent
    }

    fn below(&mut self, end: i64) -> i64 {
        self.0.random_range(0..end)
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of.choose(&mut self.0).copied().unwrap_or_default()
    }

    fn some<T>(&mut self, percent: u32, make: impl Fn(&mut Self) -> T) -> Vec<T> {
        let count = if self.chance(percent) { 1 + self.below(2) } else { 0 };
        (0..count).map(|_| make(self)).collect()
    }

    fn node(&mut self, name: String) -> NodeView {
        let mut labels = vec![("host", name.clone())];
        for (key, values) in
            [("zone", &["a", "b", "c"][..]), ("disk", &["ssd", "hdd"]), ("rank", &["1", "5", "x"])]
        {
            if self.chance(80) {
                labels.push((key, self.one(values).to_owned()));
            }
        }
        let mut allocatable: Amounts =
            [(CPU.into(), 1000 + self.below(4000)), (PODS.into(), 1 + self.below(9))].into();
        allocatable.insert(MEMORY.into(), 1000 + self.below(4000));
        if self.chance(30) {
            allocatable.insert("x.io/gpu".into(), 1 + self.below(4));
        }
        let taints = self.some(25, Self::taint);
        NodeView {
            name,
            labels: labels.into_iter().collect(),
            taints,
            unschedulable: self.chance(8),
            allocatable,
        }
    }

    fn taint(&mut self) -> Taint {
        let effects = [TaintEffect::NoSchedule, TaintEffect::PreferNoSchedule, TaintEffect::NoExecute];
        let effect = effects[self.below(3) as usize];
        Taint { key: self.one(&["t1", "t2"]).into(), value: self.one(&["", "v"]).into(), effect }
    }

    fn toleration(&mut self) -> Toleration {
        let key = self.one(&["t1", "t2", "node.kubernetes.io/unschedulable"]).into();
        let operator = self.one(&["", "Equal", "Exists"]).into();
        Toleration { key, operator, value: self.one(&["", "v"]).into(), effect: None }
    }

    fn requirement(&mut self) -> Requirement {
        let all = [
            Operator::In,
            Operator::NotIn,
            Operator::Exists,
            Operator::DoesNotExist,
            Operator::Gt,
            Operator::Lt,
        ];
        let operator = all[self.below(6) as usize];
        let (key, values) = match operator {
            Operator::Gt | Operator::Lt => ("rank", vec![self.one(&["0", "3", "9"]).to_owned()]),
            Operator::In | Operator::NotIn => match self.chance(50) {
                true => ("zone", vec![self.one(&["a", "b"]).to_owned(), "c".to_owned()]),
                false => ("disk", vec![self.one(&["ssd", "hdd"]).to_owned()]),
            },
            _ => (self.one(&["zone", "disk", "none"]), Vec::new()),
        };
        Requirement { key: key.into(), operator, values }
    }

    fn node_term(&mut self) -> NodeTerm {
        let name = format!("n{}", self.below(12));
        let fields = match self.chance(20) {
            true => vec![Requirement::equals("metadata.name", name)],
            false => Vec::new(),
        };
        NodeTerm { labels: self.some(80, Self::requirement), fields }
    }

    fn who(&mut self) -> PodMatch {
        let selector = match self.below(8) {
            0 => None,
            1 => Some(Selector::default()),
            _ => Some(Selector(vec![Requirement::equals("app", self.one(&["x", "y", "z"]))])),
        };
        let namespaces = match self.below(5) {
            0 => Namespaces { names: BTreeSet::new(), selector: Some(Selector::default()) },
            1 => Namespaces {
                names: BTreeSet::new(),
                selector: Some(Selector(vec![Requirement::equals("team", "red")])),
            },
            _ => Namespaces { names: [self.one(&["d", "e"]).to_owned()].into(), selector: None },
        };
        PodMatch { namespaces, selector }
    }

    fn term(&mut self) -> PodTerm {
        PodTerm { who: self.who(), topology: self.one(&["zone", "host", "disk"]).into() }
    }

    fn spread(&mut self) -> Spread {
        Spread {
            who: self.who(),
            topology: self.one(&["zone", "host"]).into(),
            max_skew: 1 + self.below(2),
            min_domains: 1 + self.below(4),
            honor_affinity: self.chance(70),
            honor_taints: self.chance(30),
        }
    }

    fn port(&mut self) -> HostPort {
        let ip = self.one(&["0.0.0.0", "10.0.0.1", "10.0.0.2"]).into();
        HostPort { ip, protocol: self.one(&["TCP", "UDP"]).into(), port: 80 }
    }

    fn needs(&mut self) -> Needs {
        let mut requests: Amounts =
            [(CPU.into(), 1 + self.below(1500)), (MEMORY.into(), 1 + self.below(1500))].into();
        if self.chance(10) {
            requests.insert("x.io/gpu".into(), 1 + self.below(2));
        }
        let weight = Weight { cpu: requests[CPU], memory: requests[MEMORY] };
        let node_selector =
            if self.chance(15) { vec![Requirement::equals("disk", "ssd")] } else { Vec::new() };
        let terms = self.some(30, Self::node_term);
        Needs {
            requests,
            weight,
            node_selector: Selector(node_selector),
            node_terms: (!terms.is_empty()).then_some(terms),
            preferred_nodes: self.some(20, |dice| (1 + dice.below(100), dice.node_term())),
            tolerations: self.some(40, Self::toleration),
            ports: self.some(15, Self::port),
            affinity: self.some(15, Self::term),
            anti_affinity: self.some(20, Self::term),
            preferred_pods: self.some(10, |dice| (dice.below(200) - 100, dice.term())),
            spread: self.some(20, Self::spread),
            preferred_spread: self.some(10, Self::spread),
            ..Needs::default()
        }
    }

    fn pod(&mut self, number: usize, needs: &Arc<Needs>) -> PodView {
        PodView {
            key: Key::new(self.one(&["d", "e"]), format!("p{number}")),
            uid: format!("u{number}").into(),
            labels: [("app", self.one(&["x", "y", "z"]))].into(),
            terminating: self.chance(10),
            needs: needs.clone(),
            ..PodView::default()
        }
    }
}

/// One random world, changed step by step; at each step columns and rows must agree.
fn play(seed: u64) {
    let mut dice = Dice(StdRng::seed_from_u64(seed));
    let (mut world, mut fleet) = (World::default(), Fleet::default());
    for (name, team) in [("d", "red"), ("e", "blue")] {
        let labels: Labels = [("team", team)].into();
        world.namespaces.insert(name.into(), labels.clone());
        fleet.put_namespace(NamespaceView { name: name.into(), labels });
    }
    let shapes: Vec<Arc<Needs>> = (0..8).map(|_| Arc::new(dice.needs())).collect();
    for step in 0..120 {
        match dice.below(10) {
            0 | 1 => {
                let node = dice.node(format!("n{}", dice.0.clone().random_range(0..12)));
                world.nodes.retain(|n| n.name != node.name);
                world.nodes.push(node.clone());
                fleet.put_node(node);
            }
            2 if dice.chance(30) && !world.nodes.is_empty() => {
                let at = dice.below(world.nodes.len() as i64) as usize;
                fleet.remove_node(&world.nodes.swap_remove(at).name);
            }
            3 if !world.pods.is_empty() => {
                let at = dice.below(world.pods.len() as i64) as usize;
                assert!(fleet.remove_pod(&world.pods.swap_remove(at).uid));
            }
            4 if !world.pods.is_empty() => {
                let at = dice.below(world.pods.len() as i64) as usize;
                world.pods[at].terminating = true;
                fleet.put_pod(&world.pods[at]);
            }
            5 if dice.chance(20) => {
                let (name, team) = (dice.one(&["d", "e"]), dice.one(&["red", "blue"]));
                let labels: Labels = [("team", team)].into();
                world.namespaces.insert(name.into(), labels.clone());
                fleet.put_namespace(NamespaceView { name: name.into(), labels });
            }
            _ => {
                let shape = shapes[dice.below(shapes.len() as i64) as usize].clone();
                let pod = dice.pod(step, &shape);
                place(&mut world, &mut fleet, pod, seed, step);
            }
        }
    }
}

fn place(world: &mut World, fleet: &mut Fleet, mut pod: PodView, seed: u64, step: usize) {
    let expected = world.feasible(&pod);
    let profile = Profile::default();
    let found: BTreeSet<String> = feasible(fleet, &pod, &profile).into_iter().collect();
    assert_eq!(found, expected, "seed {seed}, step {step}: {:#?}", pod.needs);
    match schedule(fleet, &pod, &profile, seed ^ step as u64) {
        Decision::Bind { node, .. } => {
            assert!(expected.contains(&node), "seed {seed}, step {step}: {node} is not feasible");
            fleet.assume(&pod, &node);
            pod.node = node;
            assert_eq!(fleet.node_of(&pod.uid), Some(pod.node.as_str()));
            world.pods.push(pod);
        }
        Decision::Wait { reasons } => {
            assert!(expected.is_empty(), "seed {seed}, step {step}: waits though {expected:?} would do");
            let refused: usize = reasons.refusals.values().sum();
            assert!(refused >= world.nodes.len(), "seed {seed}, step {step}: {reasons} leaves out a node");
        }
    }
}

#[test]
fn columns_agree_with_rows() {
    let first = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok());
    match first {
        Some(seed) => play(seed),
        None => (0..400).for_each(play),
    }
}

fn plain_node(name: &str, cpu: i64) -> NodeView {
    let allocatable = [(CPU.into(), cpu), (MEMORY.into(), cpu), (PODS.into(), 110)].into();
    NodeView { name: name.into(), allocatable, ..NodeView::default() }
}

fn plain_pod(number: usize, cpu: i64) -> PodView {
    let requests: Amounts = [(CPU.into(), cpu), (MEMORY.into(), cpu)].into();
    let needs = Needs { requests, weight: Weight { cpu, memory: cpu }, ..Needs::default() };
    PodView {
        key: Key::new("d", format!("p{number}")),
        uid: format!("u{number}").into(),
        needs: Arc::new(needs),
        ..PodView::default()
    }
}

#[test]
fn never_above_allocatable() {
    for seed in 0..20 {
        let mut dice = Dice(StdRng::seed_from_u64(seed));
        let (mut fleet, mut used) = (Fleet::default(), BTreeMap::<String, i64>::new());
        (0..70).for_each(|i| assert!(fleet.put_node(plain_node(&format!("n{i}"), 1000))));
        for number in 0..2000 {
            let pod = plain_pod(number, 50 + 50 * dice.below(6));
            if let Decision::Bind { node, .. } = schedule(&mut fleet, &pod, &Profile::default(), seed) {
                fleet.assume(&pod, &node);
                *used.entry(node).or_default() += pod.needs.requests[CPU];
            }
        }
        assert!(used.values().all(|&used| used <= 1000), "seed {seed}: {used:?}");
        assert!(used.values().sum::<i64>() >= 70 * 950, "seed {seed}: room was left over");
    }
}

#[test]
fn packing_fills_and_spreading_spreads() {
    for (strategy, nodes) in [(Strategy::MostAllocated, 1), (Strategy::LeastAllocated, 5)] {
        let mut fleet = Fleet::default();
        (0..5).for_each(|i| assert!(fleet.put_node(plain_node(&format!("n{i}"), 1000))));
        let mut used = BTreeSet::new();
        for number in 0..5 {
            let pod = plain_pod(number, 100);
            let Decision::Bind { node, .. } =
                schedule(&mut fleet, &pod, &Profile { strategy }, number as u64)
            else {
                panic!("there is room")
            };
            fleet.assume(&pod, &node);
            used.insert(node);
        }
        assert_eq!(used.len(), nodes, "{strategy:?}");
    }
}

#[test]
fn waits_with_upstreams_sentence() {
    let mut fleet = Fleet::default();
    let wait = |fleet: &mut Fleet, pod: &PodView| match schedule(fleet, pod, &Profile::default(), 0) {
        Decision::Wait { reasons } => reasons.to_string(),
        bound => panic!("{bound:?}"),
    };
    assert_eq!(wait(&mut fleet, &plain_pod(1, 1)), "no nodes available to schedule pods");
    fleet.put_node(plain_node("a", 10));
    let taint = Taint { key: "key".into(), value: "value".into(), effect: TaintEffect::NoSchedule };
    for name in ["b", "c"] {
        fleet.put_node(NodeView { taints: vec![taint.clone()], ..plain_node(name, 10) });
    }
    let message = "0/3 nodes are available: 1 Insufficient cpu, 1 Insufficient memory, 2 node(s) had untolerated taint {key: value}.";
    assert_eq!(wait(&mut fleet, &plain_pod(1, 11)), message);
}
