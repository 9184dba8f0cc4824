//! The node's own address: that of the interface which the default route leaves by.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::files::Files;

/// A route over IPv4.
struct Route {
    interface: String,
    to: u32,
    mask: u32,
}

/// The address, or else the first global one, or else that of the loopback. IPv4 goes first.
pub(crate) fn find(files: &Files) -> String {
    let found =
        by_route(files).or_else(|| any_v4(files)).map(IpAddr::V4).or_else(|| v6(files).map(IpAddr::V6));
    found.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)).to_string()
}

/// The address in a network that is reached directly by the interface of the default route.
fn by_route(files: &Files) -> Option<Ipv4Addr> {
    let text = files.optional("proc/net/route");
    let routes: Vec<Route> = text.lines().filter_map(route).collect();
    let interface = &routes.iter().find(|route| route.mask == 0)?.interface;
    let direct = || routes.iter().filter(|route| route.interface == *interface && route.mask != 0);
    local_v4(files).into_iter().find(|own| direct().any(|route| u32::from(*own) & route.mask == route.to))
}

/// A line of `/proc/net/route`: name, destination, gateway, flags, three counts, mask; numbers in hexadecimal
/// and in network order as they lie in memory.
fn route(line: &str) -> Option<Route> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let number =
        |i: usize| Some(u32::from_be_bytes(u32::from_str_radix(fields.get(i)?, 16).ok()?.to_ne_bytes()));
    Some(Route { interface: (*fields.first()?).to_owned(), to: number(1)?, mask: number(7)? })
}

fn any_v4(files: &Files) -> Option<Ipv4Addr> {
    local_v4(files).into_iter().find(|own| !own.is_loopback() && !own.is_link_local())
}

/// The addresses of this machine: entries of `/proc/net/fib_trie` marked as local, each told after its address.
fn local_v4(files: &Files) -> BTreeSet<Ipv4Addr> {
    let text = files.optional("proc/net/fib_trie");
    let mut last: Option<Ipv4Addr> = None;
    let mut own = BTreeSet::new();
    for line in text.lines() {
        if let Some(address) = line.trim().strip_prefix("|-- ") {
            last = address.parse().ok();
        } else if line.contains("/32 host LOCAL") {
            own.extend(last);
        }
    }
    own
}

/// The first global address of IPv6: `/proc/net/if_inet6` has address, index, prefix, scope, flags and name.
fn v6(files: &Files) -> Option<Ipv6Addr> {
    const GLOBAL: &str = "00";
    let text = files.optional("proc/net/if_inet6");
    text.lines().find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let address = u128::from_str_radix(fields.first()?, 16).ok()?;
        (*fields.get(3)? == GLOBAL).then(|| Ipv6Addr::from(address))
    })
}
