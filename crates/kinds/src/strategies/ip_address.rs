//! Rules of addresses of services, and of the blocks that these are from.

use object::{FieldError, FieldErrors, Value};

use crate::rules::blocks::{self, Block};
use crate::rules::{At, Errors, Read};
use crate::{Claim, Strategy};

const MANAGED_BY: &str = "ipaddress.kubernetes.io/managed-by";
/// The value of [`MANAGED_BY`] on an object that only shows an address that a service holds.
const OF_SERVICES: &str = "ipallocator.k8s.io";

/// Strategy of addresses.
pub(crate) struct IpAddress;

impl Strategy for IpAddress {
    fn validate(&self, address: &Value) -> FieldErrors {
        let (root, mut errors) = (At::root(address), Errors::new());
        errors.obey(&root.path("metadata.name"), root.text("metadata.name"), blocks::strict_ip);
        let spec = root.field("spec");
        match spec.present("parentRef") {
            Some(parent) => check_parent(&parent, &mut errors),
            None => errors.push(FieldError::required(&spec.path("parentRef"), "")),
        }
        errors.done()
    }

    fn claims(&self, address: &Value) -> Vec<Claim> {
        let manager = address.at("metadata.labels").get(MANAGED_BY);
        let named = address.text("metadata.name").parse().ok();
        let claim = named.filter(|_| manager.is_none_or(|manager| manager != OF_SERVICES));
        claim.map(Claim::Address).into_iter().collect()
    }
}

fn check_parent(parent: &At, errors: &mut Errors) {
    errors.text(parent, "group", object::dns1123_subdomain);
    for field in ["resource", "name", "namespace"] {
        errors.text(parent, field, object::path_segment);
    }
}

/// Strategy of blocks.
pub(crate) struct ServiceCidr;

impl Strategy for ServiceCidr {
    fn validate(&self, range: &Value) -> FieldErrors {
        let (spec, mut errors) = (At::root(range).field("spec"), Errors::new());
        match spec.items("cidrs") {
            [] => errors.push(FieldError::required(&spec.path("cidrs"), "at least one CIDR required")),
            [_] | [_, _] => check_blocks(&spec, &mut errors),
            _ => {
                let detail = "may only hold up to 2 values";
                errors.push(FieldError::invalid(&spec.path("cidrs"), spec.show(""), detail));
            }
        }
        errors.done()
    }

    /// Blocks stay; a second one may come.
    fn validate_update(&self, new: &Value, old: &Value) -> FieldErrors {
        let (spec, was, mut errors) = (At::root(new).field("spec"), old.items("spec.cidrs"), Errors::new());
        let mut stays =
            |at: &At| errors.push(FieldError::invalid(&at.path(""), at.show(""), "field is immutable"));
        match (was.len(), spec.items("cidrs").len()) {
            (before, now) if before == now || (before, now) == (1, 2) => {
                let pairs = spec.each("cidrs").zip(was);
                pairs.filter(|(block, was)| block.value() != *was).for_each(|(block, _)| stays(&block));
            }
            _ => stays(&spec.field("cidrs")),
        }
        errors.done()
    }
}

/// Of two blocks, one is of IPv4 and one of IPv6.
fn check_blocks(spec: &At, errors: &mut Errors) {
    for block in spec.each("cidrs") {
        errors.obey(&block.path(""), block.text(""), blocks::strict_cidr);
    }
    let families = spec.items("cidrs").iter().map(|block| Block::parse(block.text("")).map(Block::is_v4));
    if let [Some(one), Some(other)] = families.collect::<Vec<_>>()[..]
        && one == other
    {
        let detail =
            "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64";
        errors.push(FieldError::invalid(&spec.path("cidrs"), spec.show("cidrs"), detail));
    }
}
