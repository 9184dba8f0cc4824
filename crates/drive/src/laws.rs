//! The laws of controllers, and a harness that checks them in a small world in memory.
//!
//! 1. Carrying out what was decided and deciding again comes to rest.
//! 2. No patch and no deletion goes without the UID of the object it is meant for.
//! 3. Where the item is gone or going nothing is created.
//! 4. A crash after any action, and a decision from an older view of the world, end in the same state as the
//!    undisturbed run.

mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use cache::Snapshot;
use object::{Key, Time, Value};

use crate::{Action, Controller, GroupKind, Item, Memory, Outcome, Query, Watch, Watched};
pub use world::{Refusal, World};

/// Passes over all items before the harness says that a controller does not come to rest.
const MAX_ROUNDS: usize = 60;
/// Calls of one reconcile that may end in questions.
const MAX_QUESTIONS: usize = 20;

/// A situation in which a controller is watched.
pub struct Scenario {
    /// What it is about.
    pub name: &'static str,
    /// What there is at first.
    pub objects: Vec<Value>,
    /// The time at first.
    pub now: Time,
    /// How far the time may move where the controller asks to be woken.
    pub horizon: Duration,
    /// Fields, wherever they are, that a disturbance may change: times that depend on when something was seen.
    pub ignore: &'static [&'static str],
    /// What everybody else does between passes. Must come to rest as well.
    pub others: fn(&mut World),
}

impl Scenario {
    /// A scenario in which nobody else does anything and time stands still.
    pub fn new(name: &'static str, now: Time, objects: Vec<Value>) -> Self {
        Self { name, objects, now, horizon: Duration::ZERO, ignore: &[], others: |_| {} }
    }
}

/// How a run is disturbed. A turn is one decision that has actions; turns count from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Disturbance {
    /// Not at all.
    None,
    /// Of turn `.0` only the first `.1` actions are carried out, and all memory is lost.
    Crash(usize, usize),
    /// Turn `.0` is decided by a newcomer on the view that turn `.1` was decided on.
    Stale(usize, usize),
}

/// A turn of the undisturbed run.
struct Turn {
    item: Item,
    world: World,
    actions: Vec<Action>,
}

/// Checks the laws in a scenario and returns the state in which it ends. Panics where a law is broken.
pub fn check_laws(controller: &Controller, scenario: &Scenario) -> World {
    let watches = (controller.watches)();
    let harness = Harness { controller, scenario, watches };
    let mut turns = Vec::new();
    let end = harness.run(Disturbance::None, &mut turns);
    turns.iter().for_each(|turn| harness.check_preconditions(turn));
    turns.iter().for_each(|turn| harness.check_orphaned(turn));
    for disturbance in disturbances(&turns) {
        let disturbed = harness.run(disturbance, &mut Vec::new());
        assert_same(&end, &disturbed, scenario, disturbance);
    }
    end
}

/// Runs a scenario undisturbed to its end, for tests of what a controller does.
pub fn settle(controller: &Controller, scenario: &Scenario) -> World {
    let harness = Harness { controller, scenario, watches: (controller.watches)() };
    harness.run(Disturbance::None, &mut Vec::new())
}

/// One decision, with all its questions answered from the world.
pub fn decide(controller: &Controller, world: &World, item: &Item, memory: &mut Memory) -> Outcome {
    let snapshot = world.snapshot(&(controller.watches)());
    ask(controller, &snapshot, world, item, memory)
}

fn ask(
    controller: &Controller,
    snapshot: &Snapshot,
    world: &World,
    item: &Item,
    memory: &mut Memory,
) -> Outcome {
    memory.forget_answers();
    for _ in 0..MAX_QUESTIONS {
        match (controller.reconcile)(snapshot, item, memory, world.now) {
            Outcome::Ask(queries) => answer(world, queries, memory),
            done @ Outcome::Do { .. } => return done,
        }
    }
    panic!("{} asks about {item:?} without end", controller.name);
}

fn answer(world: &World, queries: Vec<Query>, memory: &mut Memory) {
    for query in queries {
        let answer = world.answer(&query);
        memory.answered(query, answer);
    }
}

fn disturbances(turns: &[Turn]) -> Vec<Disturbance> {
    let crash = |(at, turn): (usize, &Turn)| {
        (0..turn.actions.len()).map(move |n| Disturbance::Crash(at, n)).collect::<Vec<_>>()
    };
    let stale = |at: usize| (0..at).map(move |old| Disturbance::Stale(at, old));
    turns.iter().enumerate().flat_map(crash).chain((0..turns.len()).flat_map(stale)).collect()
}

fn assert_same(expect: &World, actual: &World, scenario: &Scenario, disturbance: Disturbance) {
    let (expect, actual) = (expect.essence(scenario.ignore), actual.essence(scenario.ignore));
    let differs = |name: &&String| expect.get(*name) != actual.get(*name);
    let names: BTreeSet<&String> = expect.keys().chain(actual.keys()).filter(|name| differs(name)).collect();
    for name in &names {
        eprintln!("{name}\n  undisturbed: {:?}\n  disturbed:   {:?}", expect.get(*name), actual.get(*name));
    }
    assert!(names.is_empty(), "{}: {disturbance:?} ends in another state: {names:?}", scenario.name);
}

struct Harness<'a> {
    controller: &'a Controller,
    scenario: &'a Scenario,
    watches: Vec<Watch>,
}

impl Harness<'_> {
    /// Runs until nobody does anything any more.
    fn run(&self, disturbance: Disturbance, turns: &mut Vec<Turn>) -> World {
        let mut pending = disturbance;
        let mut world = World::new(self.scenario.now, self.scenario.objects.clone());
        let mut memories = BTreeMap::<Item, Memory>::new();
        let mut items = BTreeSet::new();
        for _ in 0..MAX_ROUNDS {
            let before = (world.revision(), turns.len(), pending);
            (self.scenario.others)(&mut world);
            items.extend(self.items(&world));
            let mut wakes = Vec::new();
            for item in &items {
                let memory = memories.entry(item.clone()).or_default();
                wakes.extend(self.turn(&mut world, item, memory, &mut pending, turns));
            }
            if (world.revision(), turns.len(), pending) == before && !self.sleep(&mut world, wakes) {
                return world;
            }
        }
        panic!("{}, {}, {disturbance:?}: does not come to rest", self.controller.name, self.scenario.name);
    }

    /// Moves the time to the earliest wake; false where there is none within the horizon.
    fn sleep(&self, world: &mut World, wakes: Vec<Duration>) -> bool {
        let Some(wake) = wakes.into_iter().min() else { return false };
        world.now += wake;
        world.now <= self.scenario.now + self.scenario.horizon
    }

    /// All items that there are reasons to look at.
    fn items(&self, world: &World) -> Vec<Item> {
        let snapshot = world.snapshot(&self.watches);
        let mut items = Vec::new();
        for object in world.essence(&[]).into_values() {
            let (kind, key) = identity(&object);
            for watch in &self.watches {
                let view = match watch.what {
                    Watched::View(view) if kind == (view.group, view.kind) => view.get(&snapshot, &key),
                    Watched::View(_) => None,
                    Watched::Everything => snapshot
                        .everything()
                        .get(&kind.group, &kind.kind, &key)
                        .map(|row| row.as_ref() as &dyn std::any::Any),
                };
                if let Some(view) = view {
                    items.extend(watch.map.items(
                        self.controller.kind,
                        &snapshot,
                        view,
                        &object::Meta::of(&object),
                    ));
                }
            }
        }
        items
    }

    /// One decision about one item, disturbed where it is the disturbance's turn.
    fn turn(
        &self,
        world: &mut World,
        item: &Item,
        memory: &mut Memory,
        pending: &mut Disturbance,
        turns: &mut Vec<Turn>,
    ) -> Option<Duration> {
        let at = turns.len();
        let before = world.clone();
        let disturbance = *pending;
        let outcome = match disturbance {
            Disturbance::Stale(when, old) if when == at => {
                *memory = Memory::default();
                *pending = Disturbance::None;
                ask(self.controller, &turns[old].world.snapshot(&self.watches), world, item, memory)
            }
            _ => ask(self.controller, &world.snapshot(&self.watches), world, item, memory),
        };
        let Outcome::Do { actions, wake, .. } = outcome else { unreachable!("all was answered") };
        if actions.is_empty() {
            return wake;
        }
        match disturbance {
            Disturbance::Crash(when, count) if when == at => {
                let carried_out = actions.iter().take(count).try_for_each(|action| world.apply(action));
                carried_out.expect("nothing disturbs the actions before a crash");
                *memory = Memory::default();
                *pending = Disturbance::None;
            }
            Disturbance::Stale(when, _) if when == at => {
                let _refused = actions.iter().try_for_each(|action| world.apply(action));
                *memory = Memory::default();
            }
            _ => self.carry_out(world, item, &actions),
        }
        turns.push(Turn { item: item.clone(), world: before, actions });
        wake
    }

    /// On a fresh view every action must succeed.
    fn carry_out(&self, world: &mut World, item: &Item, actions: &[Action]) {
        for action in actions {
            if let Err(refusal) = world.apply(action) {
                panic!(
                    "{}, {}, {item:?}: {refusal:?} of {action:?}",
                    self.controller.name, self.scenario.name
                );
            }
        }
    }

    fn check_preconditions(&self, turn: &Turn) {
        for action in &turn.actions {
            if let Action::Patch { when, .. } | Action::Delete { when, .. } = action {
                assert!(!when.uid.is_empty(), "{}: {action:?} has no precondition", self.controller.name);
            }
        }
    }

    fn check_orphaned(&self, turn: &Turn) {
        let GroupKind { group, kind } = &turn.item.kind;
        let Some(object) = turn.world.get(group, kind, &turn.item.key).cloned() else { return };
        let (mut going, mut gone) = (turn.world.clone(), turn.world.clone());
        going.change(&object, |object| {
            object["metadata"]["finalizers"] = serde_json::json!(["test/held"]);
        });
        going.terminate(&object);
        gone.remove(&object);
        for world in [going, gone] {
            let outcome = decide(self.controller, &world, &turn.item, &mut Memory::default());
            let Outcome::Do { actions, .. } = outcome else { unreachable!("all was answered") };
            let created = actions.iter().find(|action| matches!(action, Action::Create { .. }));
            assert!(
                created.is_none(),
                "{}: {created:?} for an item that is gone or going",
                self.controller.name
            );
        }
    }
}

fn identity(object: &Value) -> (GroupKind, Key) {
    (GroupKind::of(object), object::Meta::of(object).key())
}
