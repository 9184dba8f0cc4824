//! The cluster's own addresses: those of pods and of services, checked before anything is started.

use std::ops::RangeInclusive;

use anyhow::{Context, bail};
use apiserver::{PodRange, ServiceRange};
use ipnet::IpNet;

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

/// Makes sure that this machine, which is to be a node, leads to none of the addresses by itself.
pub(crate) async fn check_routes(pods: &PodRange, services: &ServiceRange) -> anyhow::Result<()> {
    let blocks = services.blocks().filter_map(|block| match block {
        IpNet::V4(block) => Some(("--service-cidr", block)),
        IpNet::V6(_) => None,
    });
    for (flag, range) in std::iter::once(("--cluster-cidr", pods.addresses)).chain(blocks) {
        let found = nodeagent::route_to(range).await.context("cannot read this machine's routes")?;
        if let Some(route) = found {
            bail!("{flag} {range} overlaps with this machine's route {route}: choose another by {flag}");
        }
    }
    Ok(())
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
}
