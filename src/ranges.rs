//! The cluster's own addresses: those of pods and of services, checked before anything is started.

use std::ops::RangeInclusive;

use anyhow::{Context, bail};
use apiserver::{PodRange, ServiceRange};
use ipnet::{IpNet, Ipv6Net};

use crate::cli::RangeFlags;

/// The longest prefix of a node's block: with fewer addresses there is no room for pods.
const LONGEST_BLOCK: u8 = 28;
/// The prefix lengths that a block of services may have, of IPv4 and of IPv6.
const SERVICES: (RangeInclusive<u8>, RangeInclusive<u8>) = (8..=28, 64..=124);

/// What the flags say, where it makes sense.
pub(crate) fn read(flags: &RangeFlags) -> anyhow::Result<(PodRange, ServiceRange)> {
    let RangeFlags { cluster_cidr, node_cidr_mask_size, service_cidr } = flags;
    let pods = cluster_cidr.trunc();
    if !(pods.prefix_len()..=LONGEST_BLOCK).contains(node_cidr_mask_size) {
        bail!(
            "--node-cidr-mask-size {node_cidr_mask_size}: must be between {}, the prefix length of --cluster-cidr, and \
             {LONGEST_BLOCK}",
            pods.prefix_len()
        );
    }
    let services = read_services(service_cidr)?;
    if let Some(block) = services.blocks().find(|block| overlap(IpNet::V4(pods), *block)) {
        bail!("--cluster-cidr {pods} overlaps with --service-cidr {block}");
    }
    Ok((PodRange { addresses: pods, node_prefix: *node_cidr_mask_size }, services))
}

fn read_services(blocks: &[IpNet]) -> anyhow::Result<ServiceRange> {
    let (addresses, secondary) = match *blocks {
        [one] => (one.trunc(), None),
        [one, other] if one.addr().is_ipv4() != other.addr().is_ipv4() => (one.trunc(), Some(other.trunc())),
        _ => bail!("--service-cidr: must be one block, or one of IPv4 and one of IPv6"),
    };
    let services = ServiceRange { addresses, secondary, ..ServiceRange::default() };
    for block in services.blocks() {
        let lengths = if block.addr().is_ipv4() { SERVICES.0 } else { SERVICES.1 };
        if !lengths.contains(&block.prefix_len()) {
            let (least, most) = (lengths.start(), lengths.end());
            bail!("--service-cidr {block}: the prefix length must be between {least} and {most}");
        }
    }
    Ok(services)
}

/// The kernel's table of routes over IPv6; not there where IPv6 is off.
const ROUTES_V6: &str = "/proc/net/ipv6_route";
/// Flags of a route that refuses what it matches, is for an anycast address, or leads to this machine itself.
const NOWHERE_ELSE: u32 = 0x0200 | 0x0010_0000 | 0x8000_0000;

/// Makes sure that this machine, which is to be a node, leads to none of the addresses by itself.
pub(crate) async fn check_routes(pods: &PodRange, services: &ServiceRange) -> anyhow::Result<()> {
    let blocks = services.blocks().map(|block| ("--service-cidr", block));
    for (flag, range) in std::iter::once(("--cluster-cidr", IpNet::V4(pods.addresses))).chain(blocks) {
        let found = match range {
            IpNet::V4(range) => nodeagent::route_to(range).await.map_err(anyhow::Error::from),
            IpNet::V6(range) => routes_v6().map(|table| route_v6(&table, range)),
        };
        if let Some(route) = found.context("cannot read this machine's routes")? {
            bail!("{flag} {range} overlaps with this machine's route {route}: choose another by {flag}");
        }
    }
    Ok(())
}

fn routes_v6() -> anyhow::Result<String> {
    match std::fs::read_to_string(ROUTES_V6) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        read => read.context(ROUTES_V6),
    }
}

/// A route of the table to some of these addresses, in words.
fn route_v6(table: &str, range: Ipv6Net) -> Option<String> {
    let meets = |to: &Ipv6Net| range.contains(to) || to.contains(&range);
    let found = table.lines().filter_map(parse_route_v6).find(|(to, _)| meets(to));
    found.map(|(to, link)| format!("{to} dev {link}"))
}

/// Where a line's route leads to, and by which link: none for a default route, and for what leads nowhere else. The
/// fields, in hexadecimal: destination and its prefix length, the same of the source, next hop, metric, two counts,
/// flags; then the link's name.
fn parse_route_v6(line: &str) -> Option<(Ipv6Net, &str)> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let number = |at: usize| u128::from_str_radix(fields.get(at)?, 16).ok();
    let to = Ipv6Net::new(number(0)?.into(), number(1)?.try_into().ok()?).ok()?;
    let leads_away = number(8)? & u128::from(NOWHERE_ELSE) == 0 && to.prefix_len() > 0;
    leads_away.then_some((to, *fields.get(9)?))
}

fn overlap(one: IpNet, other: IpNet) -> bool {
    one.contains(&other) || other.contains(&one)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_checked() {
        let check = |pods: &str, mask: u8, services: &str, expect: &str| {
            let flags = RangeFlags {
                cluster_cidr: pods.parse().unwrap(),
                node_cidr_mask_size: mask,
                service_cidr: services.split(',').map(|block| block.parse().unwrap()).collect(),
            };
            let found = read(&flags).map(|(pods, services)| {
                let blocks: Vec<String> = services.blocks().map(|block| block.to_string()).collect();
                format!("{} {}", pods.addresses, blocks.join(","))
            });
            assert_eq!(found.unwrap_or_else(|e| e.to_string()), expect);
        };
        check("10.244.0.0/16", 24, "10.96.0.0/12", "10.244.0.0/16 10.96.0.0/12");
        check("10.244.7.1/16", 24, "10.97.0.0/12", "10.244.0.0/16 10.96.0.0/12");
        check(
            "10.0.0.0/8",
            24,
            "10.96.0.0/12",
            "--cluster-cidr 10.0.0.0/8 overlaps with --service-cidr 10.96.0.0/12",
        );
        check(
            "10.96.1.0/24",
            24,
            "10.96.0.0/12",
            "--cluster-cidr 10.96.1.0/24 overlaps with --service-cidr 10.96.0.0/12",
        );
        check(
            "10.1.0.0/16",
            24,
            "10.0.0.0/4",
            "--service-cidr 0.0.0.0/4: the prefix length must be between 8 and 28",
        );
        let both = "10.96.0.0/12,fd00:10:96::/112";
        check("10.244.0.0/16", 24, both, &format!("10.244.0.0/16 {both}"));
        let one_of_each = "--service-cidr: must be one block, or one of IPv4 and one of IPv6";
        check("10.244.0.0/16", 24, "10.96.0.0/12,10.112.0.0/12", one_of_each);
        check("10.244.0.0/16", 24, &format!("{both},10.112.0.0/12"), one_of_each);
        check(
            "10.244.0.0/16",
            24,
            "fd00::/48",
            "--service-cidr fd00::/48: the prefix length must be between 64 and 124",
        );
        check(
            "10.244.0.0/24",
            16,
            "10.96.0.0/12",
            "--node-cidr-mask-size 16: must be between 24, the prefix length of --cluster-cidr, and 28",
        );
    }
    #[test]
    fn routes_over_ipv6_are_found() {
        let none = "0".repeat(32);
        let line = |to: &str, length: &str, flags: &str, link: &str| {
            format!("{to:0<32} {length} {none} 00 {none} 00000100 00000001 00000000 {flags}     {link}\n")
        };
        let table = [
            line("fd00001000960000", "40", "00000001", "eth0"),
            line("", "00", "00000003", "eth0"),
            line("", "00", "00200200", "lo"),
            line("fd20", "10", "00200200", "lo"),
            line("fd300000000000000000000000000002", "80", "80200001", "eth0"),
            line("fd400000000000000000000000000007", "80", "00000007", "tun0"),
        ]
        .concat();
        let check = |range: &str, expect: Option<&str>| {
            assert_eq!(route_v6(&table, range.parse().unwrap()).as_deref(), expect, "{range}");
        };
        check("fd00:10:96::/112", Some("fd00:10:96::/64 dev eth0"));
        check("fd00:10:97::/112", None);
        check("fd40::/112", Some("fd40::7/128 dev tun0"));
        check("fd40:0:0:1::/112", None);
        // what is refused, or this machine's own address alone, leads nowhere else
        check("fd20::/112", None);
        check("fd30::/112", None);
        routes_v6().expect("this machine's table, if it has one");
    }
}
