//! What nft is told.
//!
//! One map leads from what a connection is addressed to, to the chain for its number of endpoints `K`; that
//! chain draws a number below `K` and looks it up in the one flat map of all targets with `K` endpoints. So the
//! first packet of a connection to a service costs two lookups however many services there are (any other connection
//! a few that find nothing), and a changed service a few elements.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Display, Formatter, Write};
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use super::layout::{Key, Layout, Pick, Target};
use crate::Protocol;

/// The protocols that have ports; nft wants to see them named where a port is translated.
const PROTOCOLS: &str = "{ tcp, udp, sctp }";

/// How many elements one command names.
const AT_ONCE: usize = 512;

/// The place of a target: what it is keyed by, and how many endpoints it has.
type Shape = (Scope, usize);

/// An element: the set or map that it is in, and what it says.
type Element = (Set, String);

/// Whether a map is keyed by address and port, or by the node's port alone.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Scope {
    Cluster,
    Node,
}

/// A set or a map of the table.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Set {
    /// One of those that are always there.
    Fixed(&'static str),
    /// The flat map of the targets of this shape.
    Flat(Shape),
}

impl Display for Set {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(name) => out.write_str(name),
            Self::Flat((scope, count)) => write!(out, "{}{count}", names(*scope).1),
        }
    }
}

/// Two batches, each a transaction; empty where there is nothing to do.
///
/// A transaction is not atomic for the packets that are on their way through the table. One that was led to the chain
/// for the old number of endpoints may find none there any more: it comes back, and `dispatch` leads it a second time.
/// And one that came before a chain was filled finds it empty, even when led there afterwards: so chains are filled
/// before anything leads to them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Adds maps and chains.
    pub prepare: String,
    /// Leads there, and removes what nothing leads to any more.
    pub switch: String,
}

/// The commands that lead from what the table holds to what it should hold.
pub fn changes(table: &str, current: &Layout, desired: &Layout) -> Changes {
    let mut changes = Changes::default();
    let (had, has) = (shapes(current), shapes(desired));
    for shape in has.difference(&had) {
        add_shape(&mut changes.prepare, table, *shape);
    }
    let (gone, come) = differing(current, desired);
    let (gone, come) = (elements(&gone), elements(&come));
    write_elements(&mut changes.switch, table, "delete", gone.difference(&come).map(keyed));
    let new = come.difference(&gone).map(|(set, element)| (*set, element.as_str()));
    write_elements(&mut changes.switch, table, "add", new);
    for shape in had.difference(&has) {
        delete_shape(&mut changes.switch, table, *shape);
    }
    changes
}

/// An element's set and key.
fn keyed((set, element): &Element) -> (Set, &str) {
    (*set, element.split(" : ").next().unwrap_or(element))
}

/// The commands that put a whole table in the place of whatever there is under its name, in one transaction.
///
/// `pods` are the addresses of this node's pods, `gateway` is the node's own among them.
pub fn rebuild(table: &str, pods: Ipv4Net, gateway: Ipv4Addr, desired: &Layout) -> String {
    let script = format!("table ip {table} {{ }}\ndelete table ip {table}\n");
    let changes = changes(table, &Layout::default(), desired);
    script + &frame(table, pods, gateway) + &changes.prepare + &changes.switch
}

/// The parts of the table that are there whatever the services are.
fn frame(table: &str, pods: Ipv4Net, gateway: Ipv4Addr) -> String {
    format!(
        "table ip {table} {{
    map services {{ typeof ip daddr . meta l4proto . th dport : verdict; }}
    map nodeports {{ typeof meta l4proto . th dport : verdict; }}
    set addresses {{ typeof ip daddr; }}
    set closed {{ typeof meta l4proto . th dport; }}
    set hairpins {{ typeof ip saddr . ip daddr; }}
    chain dispatch {{
        ip daddr . meta l4proto . th dport vmap @services
        ip daddr != 127.0.0.0/8 fib daddr type local meta l4proto . th dport vmap @nodeports
        ip daddr . meta l4proto . th dport vmap @services
        ip daddr != 127.0.0.0/8 fib daddr type local meta l4proto . th dport vmap @nodeports
    }}
    chain refuse {{
        meta l4proto tcp reject with tcp reset
        reject with icmp port-unreachable
    }}
    chain prerouting {{ type nat hook prerouting priority dstnat; goto dispatch; }}
    chain output {{ type nat hook output priority -100; goto dispatch; }}
    chain forward {{ type filter hook forward priority filter; ip daddr @addresses goto refuse; }}
    chain local {{ type filter hook output priority filter; ip daddr @addresses goto refuse; }}
    chain input {{
        type filter hook input priority filter
        ct state new meta l4proto . th dport @closed goto refuse
    }}
    chain postrouting {{
        type nat hook postrouting priority srcnat
        ct status dnat ip saddr . ip daddr @hairpins snat to {gateway}
        ct status dnat ip saddr != {pods} ip daddr != {pods} fib saddr type != local masquerade
    }}
}}
"
    )
}

fn shapes(layout: &Layout) -> BTreeSet<Shape> {
    layout.targets.iter().map(|(key, target)| (scope(key), target.endpoints.len())).collect()
}

fn scope(key: &Key) -> Scope {
    match key {
        Key::Cluster(..) => Scope::Cluster,
        Key::Node(..) => Scope::Node,
    }
}

fn add_shape(script: &mut String, table: &str, (scope, count): Shape) {
    let (letter, map, key) = names(scope);
    let typed = format!("typeof {key} . numgen random mod 65536 : ip daddr . th dport");
    let _ = writeln!(script, "add map ip {table} {map}{count} {{ {typed}; }}");
    for (pick, draw) in [(Pick::Random, "numgen random"), (Pick::Client, "jhash ip saddr")] {
        let chain = chain(letter, pick, count);
        let choice = format!("{key} . {draw} mod {count} map @{map}{count}");
        let _ = writeln!(script, "add chain ip {table} {chain}");
        let _ = writeln!(script, "add rule ip {table} {chain} meta l4proto {PROTOCOLS} dnat ip to {choice}");
    }
}

fn delete_shape(script: &mut String, table: &str, (scope, count): Shape) {
    let (letter, map, _) = names(scope);
    let chains = [Pick::Random, Pick::Client].map(|pick| chain(letter, pick, count));
    for step in ["flush", "delete"] {
        for chain in &chains {
            let _ = writeln!(script, "{step} chain ip {table} {chain}");
        }
    }
    let _ = writeln!(script, "delete map ip {table} {map}{count}");
}

/// The first letter of the chains, the maps' name, and what they are keyed by before the drawn number.
fn names(scope: Scope) -> (char, &'static str, &'static str) {
    match scope {
        Scope::Cluster => ('n', "endpoints", "ip daddr . meta l4proto . th dport"),
        Scope::Node => ('p', "nodes", "meta l4proto . th dport"),
    }
}

fn chain(letter: char, pick: Pick, count: usize) -> String {
    match pick {
        Pick::Random => format!("{letter}{count}"),
        Pick::Client => format!("{letter}{count}c"),
    }
}

/// Both layouts without what they have in common: so a change costs what changed.
fn differing(current: &Layout, desired: &Layout) -> (Layout, Layout) {
    (without(current, desired), without(desired, current))
}

fn without(one: &Layout, other: &Layout) -> Layout {
    let differs = |(key, target): &(&Key, &Target)| other.targets.get(key) != Some(target);
    Layout {
        targets: one.targets.iter().filter(differs).map(|(key, target)| (*key, target.clone())).collect(),
        addresses: &one.addresses - &other.addresses,
        closed: &one.closed - &other.closed,
        hairpins: &one.hairpins - &other.hairpins,
    }
}

/// Every element of a layout.
fn elements(layout: &Layout) -> BTreeSet<Element> {
    let mut all = BTreeSet::new();
    for (key, target) in &layout.targets {
        add_target(&mut all, key, target);
    }
    all.extend(layout.addresses.iter().map(|address| (Set::Fixed("addresses"), address.to_string())));
    all.extend(
        layout.closed.iter().map(|(protocol, port)| (Set::Fixed("closed"), port_key(*protocol, *port))),
    );
    all.extend(layout.hairpins.iter().map(|pod| (Set::Fixed("hairpins"), format!("{pod} . {pod}"))));
    all
}

fn add_target(all: &mut BTreeSet<Element>, key: &Key, target: &Target) {
    let (scope, count) = (scope(key), target.endpoints.len());
    let (set, key) = match key {
        Key::Cluster(address, protocol, port) => {
            (Set::Fixed("services"), format!("{address} . {}", port_key(*protocol, *port)))
        }
        Key::Node(protocol, port) => (Set::Fixed("nodeports"), port_key(*protocol, *port)),
    };
    all.insert((set, format!("{key} : jump {}", chain(names(scope).0, target.pick, count))));
    for (index, (address, port)) in target.endpoints.iter().enumerate() {
        all.insert((Set::Flat((scope, count)), format!("{key} . {index} : {address} . {port}")));
    }
}

/// One command per set, or a few where there is much to say.
fn write_elements<'a>(
    script: &mut String,
    table: &str,
    verb: &str,
    all: impl Iterator<Item = (Set, &'a str)>,
) {
    let mut by_set: BTreeMap<Set, Vec<&str>> = BTreeMap::new();
    for (set, element) in all {
        by_set.entry(set).or_default().push(element);
    }
    for (set, elements) in by_set {
        for some in elements.chunks(AT_ONCE) {
            let _ = writeln!(script, "{verb} element ip {table} {set} {{ {} }}", some.join(", "));
        }
    }
}

fn port_key(protocol: Protocol, port: u16) -> String {
    let protocol = match protocol {
        Protocol::Tcp => "tcp",
        Protocol::Udp => "udp",
        Protocol::Sctp => "sctp",
    };
    format!("{protocol} . {port}")
}
