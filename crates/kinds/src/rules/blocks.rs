//! Addresses and blocks of addresses.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An address, and how many of its first bits name a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Block {
    address: IpAddr,
    length: u8,
}

impl Block {
    /// Reads CIDR notation.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (address, length) = text.split_once('/').filter(|_| object::cidr(text).is_empty())?;
        Some(Self { address: address.parse().ok()?, length: length.parse().ok()? })
    }

    /// Whether the addresses are those of IPv4.
    pub(crate) fn is_v4(self) -> bool {
        self.address.is_ipv4()
    }

    /// Whether another block lies in this one and is smaller.
    pub(crate) fn exceeds(self, other: Self) -> bool {
        let cut = Self { length: self.length, ..other };
        self.is_v4() == other.is_v4() && self.length < other.length && cut.whole() == self.whole()
    }

    /// The block by its first address.
    pub(crate) fn whole(self) -> Self {
        let address = match self.address {
            IpAddr::V4(address) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.length)).unwrap_or_default();
                Ipv4Addr::from_bits(address.to_bits() & mask).into()
            }
            IpAddr::V6(address) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.length)).unwrap_or_default();
                Ipv6Addr::from_bits(address.to_bits() & mask).into()
            }
        };
        Self { address, ..self }
    }

    /// The block of the address alone.
    pub(crate) fn alone(self) -> Self {
        Self { length: if self.is_v4() { 32 } else { 128 }, ..self }
    }

    /// Whether the addresses are those of IPv4 in the notation of IPv6.
    pub(crate) fn is_mapped(self) -> bool {
        is_mapped(self.address)
    }

    /// The block in the notation of IPv4, where all its addresses are of IPv4.
    pub(crate) fn unmapped(self) -> Self {
        match (self.address.to_canonical(), self.length.checked_sub(96)) {
            (address, Some(length)) if self.is_mapped() => Self { address, length },
            _ => self,
        }
    }
}

impl fmt::Display for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.length)
    }
}

fn is_mapped(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(address) if address.to_ipv4_mapped().is_some())
}

fn only_as(text: &str, canonical: &str) -> Vec<String> {
    if text == canonical { Vec::new() } else { vec![format!("must be in canonical form ({canonical:?})")] }
}

/// An address in the one way to write it.
pub(crate) fn strict_ip(text: &str) -> Vec<String> {
    match text.parse::<IpAddr>() {
        Err(_) => object::ip(text),
        Ok(address) if is_mapped(address) => vec!["must not be an IPv4-mapped IPv6 address".to_owned()],
        Ok(address) => only_as(text, &address.to_string()),
    }
}

/// An address by which others than its own host, or its own link, are led to it.
pub(crate) fn endpoint_ip(text: &str) -> Vec<String> {
    let Ok(address) = text.parse::<IpAddr>() else { return vec!["must be a valid IP address".to_owned()] };
    let address = address.to_canonical();
    let (local, local_group) = match address {
        IpAddr::V4(address) => (address.is_link_local(), address.octets()[..3] == [224, 0, 0]),
        IpAddr::V6(address) => (address.is_unicast_link_local(), address.segments()[0] & 0xff0f == 0xff02),
    };
    let unspecified = format!("may not be unspecified ({text})");
    let complaints = [
        (address.is_unspecified(), unspecified.as_str()),
        (address.is_loopback(), "may not be in the loopback range (127.0.0.0/8, ::1/128)"),
        (local, "may not be in the link-local range (169.254.0.0/16, fe80::/10)"),
        (local_group, "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"),
    ];
    complaints.into_iter().filter(|(is_so, _)| *is_so).map(|(_, text)| text.to_owned()).collect()
}

/// A block by its first address, in the one way to write it.
pub(crate) fn strict_cidr(text: &str) -> Vec<String> {
    match Block::parse(text) {
        None => object::cidr(text),
        Some(block) if is_mapped(block.address) => {
            vec!["must not have an IPv4-mapped IPv6 address".to_owned()]
        }
        Some(block) if block != block.whole() => {
            vec!["must not have bits set beyond the prefix length".to_owned()]
        }
        Some(block) => only_as(text, &block.to_string()),
    }
}
