//! Addresses and blocks of addresses that are accepted but not written as they should be (KEP-4858).

use std::net::IpAddr;

use object::Path;

use crate::rules::blocks::Block;

/// What is odd about an address. A text that is none is the validation's to refuse.
pub(crate) fn address(path: &Path, text: &str) -> Option<String> {
    let IpAddr::V6(address) = text.parse().ok()? else { return None };
    if let Some(plain) = address.to_ipv4_mapped() {
        let future = "will be considered invalid in a future Kubernetes release";
        return Some(format!("{path}: non-standard IP address {text:?} {future}: use \"{plain}\""));
    }
    let form = format!("RFC 5952 canonical format (\"{address}\")");
    (address.to_string() != text).then(|| format!("{path}: IPv6 address {text:?} should be in {form}"))
}

/// What is odd about a block.
pub(crate) fn block(path: &Path, text: &str) -> Vec<String> {
    let Some(block) = Block::parse(text) else { return Vec::new() };
    let (whole, alone) = (block.whole().unmapped(), block.alone().unmapped());
    let mut warnings = Vec::new();
    if block != block.whole() {
        let choice = format!("(should be \"{whole}\" or \"{alone}\"?)");
        warnings.push(format!("{path}: CIDR value {text:?} is ambiguous in this context {choice}"));
    }
    if block.is_mapped() {
        let future = "will be considered invalid in a future Kubernetes release";
        warnings.push(format!("{path}: non-standard CIDR value {text:?} {future}: use \"{whole}\""));
    }
    if warnings.is_empty() && !block.is_v4() && block.to_string() != text {
        let form = format!("RFC 5952 canonical format (\"{block}\")");
        warnings.push(format!("{path}: IPv6 CIDR value {text:?} should be in {form}"));
    }
    warnings
}
