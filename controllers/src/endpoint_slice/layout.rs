//! Which endpoints go into which slice: the fewest slices change, and none becomes too long.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use super::age;
use crate::views::{Endpoint, EndpointPort, EndpointSlice};

/// The most endpoints of a slice.
pub(super) const MAX_ENDPOINTS: usize = 100;

/// Endpoints with the same ports.
pub(super) struct Group {
    pub(super) ports: Vec<EndpointPort>,
    pub(super) endpoints: Vec<Endpoint>,
}

impl Group {
    pub(super) fn new(ports: Vec<EndpointPort>) -> Self {
        Self { ports, endpoints: Vec::new() }
    }
}

/// What a slice should hold.
#[derive(Debug, PartialEq)]
pub(super) struct Content {
    pub(super) ports: Vec<EndpointPort>,
    pub(super) endpoints: Vec<Endpoint>,
}

/// What is to become of a service's slices of one family.
#[derive(Default)]
pub(super) struct Layout<'a> {
    /// Slices that stay, and what they should hold.
    pub(super) kept: Vec<(&'a EndpointSlice, Content)>,
    /// What must go into slices that are not there yet.
    pub(super) fresh: Vec<Content>,
    /// Slices none of whose endpoints are wanted there any more.
    pub(super) vacated: Vec<&'a EndpointSlice>,
}

impl<'a> Layout<'a> {
    /// Distributes groups, which differ in their ports, over slices, oldest first.
    pub(super) fn of(groups: Vec<Group>, slices: &[&'a EndpointSlice]) -> Self {
        let mut by_ports = BTreeMap::<Vec<EndpointPort>, Vec<&EndpointSlice>>::new();
        for slice in slices {
            by_ports.entry(port_key(&slice.ports)).or_default().push(slice);
        }
        let mut layout = Self::default();
        for group in groups {
            let slices = by_ports.remove(&port_key(&group.ports)).unwrap_or_default();
            layout.fill(group, slices);
        }
        layout.vacated.extend(by_ports.into_values().flatten());
        layout.vacated.sort_by_key(|slice| age(slice));
        layout
    }

    /// A service without endpoints has one empty slice.
    pub(super) fn hold_the_place(&mut self) {
        if self.kept.is_empty() && self.fresh.is_empty() {
            self.fresh.push(Content { ports: Vec::new(), endpoints: Vec::new() });
        }
    }

    /// Changes vacated slices to what would otherwise be created.
    pub(super) fn reuse(&mut self) {
        let count = self.fresh.len().min(self.vacated.len());
        self.kept.extend(self.vacated.drain(..count).zip(self.fresh.drain(..count)));
    }

    /// Distributes one group over the slices that have its ports.
    fn fill(&mut self, group: Group, slices: Vec<&'a EndpointSlice>) {
        let Group { ports, endpoints } = group;
        let mut wanted = Wanted::new(endpoints);
        let mut filling = Vec::new();
        for slice in slices {
            let endpoints = wanted.take_those_of(slice);
            if endpoints.is_empty() {
                self.vacated.push(slice);
            } else {
                filling.push(Filling { changed: endpoints != slice.endpoints, slice, endpoints });
            }
        }
        let mut rest = wanted.rest();
        top_up(&mut filling, &mut rest);
        while !rest.is_empty() {
            match tightest_fit(&mut filling, rest.len()) {
                Some(fit) => fit.endpoints.append(&mut rest),
                None => {
                    let endpoints = rest.drain(..rest.len().min(MAX_ENDPOINTS)).collect();
                    self.fresh.push(Content { ports: ports.clone(), endpoints });
                }
            }
        }
        let content = |f: Filling<'a>| (f.slice, Content { ports: ports.clone(), endpoints: f.endpoints });
        self.kept.extend(filling.into_iter().map(content));
    }
}

/// A slice that stays, on the way to its content.
struct Filling<'a> {
    slice: &'a EndpointSlice,
    endpoints: Vec<Endpoint>,
    /// Whether it must be written whatever else it gets.
    changed: bool,
}

impl Filling<'_> {
    fn room(&self) -> usize {
        MAX_ENDPOINTS.saturating_sub(self.endpoints.len())
    }
}

/// Fills up the slices that change anyway, the fullest first.
fn top_up(filling: &mut [Filling<'_>], rest: &mut Vec<Endpoint>) {
    let mut changed: Vec<_> = filling.iter_mut().filter(|slice| slice.changed).collect();
    changed.sort_by_key(|slice| Reverse(slice.endpoints.len()));
    for slice in changed {
        let count = slice.room().min(rest.len());
        slice.endpoints.extend(rest.drain(..count));
    }
}

/// The slice with the least room among those into which all that is left fits.
fn tightest_fit<'f, 'a>(filling: &'f mut [Filling<'a>], count: usize) -> Option<&'f mut Filling<'a>> {
    filling.iter_mut().filter(|slice| slice.room() >= count).min_by_key(|slice| slice.room())
}

/// Endpoints that have no place yet, each found by the UID of its pod.
struct Wanted {
    endpoints: Vec<Option<Endpoint>>,
    places: HashMap<String, usize>,
}

impl Wanted {
    fn new(endpoints: Vec<Endpoint>) -> Self {
        let uid = |endpoint: &Endpoint| endpoint.target_ref.as_ref().map(|target| target.uid.clone());
        let places = endpoints.iter().enumerate().filter_map(|(at, e)| Some((uid(e)?, at))).collect();
        Self { endpoints: endpoints.into_iter().map(Some).collect(), places }
    }

    /// Takes the endpoints of the pods that a slice has, in the slice's order, as they should be now.
    fn take_those_of(&mut self, slice: &EndpointSlice) -> Vec<Endpoint> {
        let targets = slice.endpoints.iter().filter_map(|endpoint| endpoint.target_ref.as_ref());
        let places = targets.filter_map(|target| self.places.get(&target.uid));
        places.filter_map(|place| self.endpoints[*place].take()).take(MAX_ENDPOINTS).collect()
    }

    fn rest(self) -> Vec<Endpoint> {
        self.endpoints.into_iter().flatten().collect()
    }
}

/// Ports as a set: lists in another order are the same.
pub(super) fn port_key(ports: &[EndpointPort]) -> Vec<EndpointPort> {
    let mut key = ports.to_vec();
    key.sort();
    key
}
