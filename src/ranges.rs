//! The cluster's own addresses: those of pods and of services, checked before anything is started.

use anyhow::{Context, bail};
use apiserver::{PodRange, ServiceRange};
use ipnet::Ipv4Net;

use crate::cli::RangeFlags;

/// The longest prefix of a node's block: with fewer addresses there is no room for pods.
const LONGEST_BLOCK: u8 = 28;
/// The prefix lengths that a range of services may have.
const SERVICES: std::ops::RangeInclusive<u8> = 8..=28;

/// What the flags say, where it makes sense.
pub(crate) fn read(flags: &RangeFlags) -> anyhow::Result<(PodRange, ServiceRange)> {
    let RangeFlags { cluster_cidr, node_cidr_mask_size, service_cidr } = flags;
    let (pods, services) = (cluster_cidr.trunc(), service_cidr.trunc());
    if !(pods.prefix_len()..=LONGEST_BLOCK).contains(node_cidr_mask_size) {
        bail!(
            "--node-cidr-mask-size {node_cidr_mask_size}: must be between {}, the prefix length of --cluster-cidr, and \
             {LONGEST_BLOCK}",
            pods.prefix_len()
        );
    }
    if !SERVICES.contains(&services.prefix_len()) {
        let (least, most) = (SERVICES.start(), SERVICES.end());
        bail!("--service-cidr {services}: the prefix length must be between {least} and {most}");
    }
    if overlap(pods, services) {
        bail!("--cluster-cidr {pods} overlaps with --service-cidr {services}");
    }
    let pods = PodRange { addresses: pods, node_prefix: *node_cidr_mask_size };
    Ok((pods, ServiceRange { addresses: services, ..ServiceRange::default() }))
}

/// Makes sure that this machine, which is to be a node, leads to none of the addresses by itself.
pub(crate) async fn check_routes(pods: &PodRange, services: &ServiceRange) -> anyhow::Result<()> {
    for (flag, range) in [("--cluster-cidr", pods.addresses), ("--service-cidr", services.addresses)] {
        let found = nodeagent::route_to(range).await.context("cannot read this machine's routes")?;
        if let Some(route) = found {
            bail!("{flag} {range} overlaps with this machine's route {route}: choose another by {flag}");
        }
    }
    Ok(())
}

fn overlap(one: Ipv4Net, other: Ipv4Net) -> bool {
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
                service_cidr: services.parse().unwrap(),
            };
            let found =
                read(&flags).map(|(pods, services)| format!("{} {}", pods.addresses, services.addresses));
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
        check(
            "10.244.0.0/24",
            16,
            "10.96.0.0/12",
            "--node-cidr-mask-size 16: must be between 24, the prefix length of --cluster-cidr, and 28",
        );
    }
}
