//! Rules of endpoints and endpoint slices.

use std::net::{Ipv4Addr, Ipv6Addr};

use object::{FieldError, FieldErrors, Value};

use crate::rules::{At, Errors, Read};
use crate::{Strategy, warnings};

const MAX_ENDPOINTS: usize = 1000;
const MAX_ADDRESSES: usize = 100;
const MAX_PORTS: usize = 20_000;

const SLICES_MANAGED_BY: &str = "endpointslice.kubernetes.io/managed-by";
const SLICE_MAKERS: [&str; 2] =
    ["endpointslice-controller.k8s.io", "endpointslicemirroring-controller.k8s.io"];
const MANAGED_BY: &str = "endpoints.kubernetes.io/managed-by";
const MAKER: &str = "endpoint-controller";

/// Strategy of endpoint slices.
pub(crate) struct EndpointSlice;

impl Strategy for EndpointSlice {
    fn validate(&self, slice: &Value) -> FieldErrors {
        let (root, mut errors) = (At::root(slice), Errors::new());
        at_most(&root, "endpoints", MAX_ENDPOINTS, &mut errors);
        at_most(&root, "ports", MAX_PORTS, &mut errors);
        for endpoint in root.each("endpoints") {
            check_endpoint(&endpoint, slice.text("addressType"), &mut errors);
        }
        check_slice_ports(&root, &mut errors);
        errors.done()
    }

    fn warnings(&self, new: &Value, old: Option<&Value>) -> Vec<String> {
        let root = At::root(new);
        let mut warnings = Vec::new();
        if old.is_none() && new.text("addressType") == "FQDN" {
            warnings.push("spec.addressType: FQDN endpoints are deprecated".to_owned());
        }
        if !is_made_by(new, SLICES_MANAGED_BY, &SLICE_MAKERS) {
            let addresses = root.each("endpoints").flat_map(|endpoint| endpoint.each("addresses"));
            warnings.extend(addresses.filter_map(|one| warnings::address(&one.path(""), one.text(""))));
        }
        warnings
    }
}

/// Whether a label says that an object is made by one of these, who write addresses as they should be.
fn is_made_by(object: &Value, label: &str, makers: &[&str]) -> bool {
    let maker = object.at("metadata.labels").get(label).and_then(Value::as_str);
    maker.is_some_and(|maker| makers.contains(&maker))
}

fn at_most(at: &At, field: &str, max: usize, errors: &mut Errors) {
    let actual = at.items(field).len();
    if actual > max {
        errors.push(FieldError::too_many(&at.path(field), actual, max));
    }
}

fn check_endpoint(endpoint: &At, kind: &str, errors: &mut Errors) {
    if endpoint.is_empty("addresses") {
        errors.push(FieldError::required(&endpoint.path("addresses"), "must contain at least 1 address"));
    }
    at_most(endpoint, "addresses", MAX_ADDRESSES, errors);
    for address in endpoint.each("addresses") {
        let text = address.as_str().unwrap_or_default();
        match kind {
            "FQDN" => errors.obey(&address.path(""), text, object::dns1123_subdomain),
            "IPv4" if text.parse::<Ipv4Addr>().is_err() => {
                errors.push(FieldError::invalid(&address.path(""), text, "must be an IPv4 address"));
            }
            "IPv6" if text.parse::<Ipv6Addr>().is_err() => {
                errors.push(FieldError::invalid(&address.path(""), text, "must be an IPv6 address"));
            }
            _ => {}
        }
    }
    errors.text(endpoint, "hostname", object::dns1123_label);
    errors.text(endpoint, "nodeName", object::dns1123_subdomain);
}

/// Names of ports differ; one may be without.
fn check_slice_ports(slice: &At, errors: &mut Errors) {
    let mut names = Vec::new();
    for port in slice.each("ports") {
        let name = port.text("name").to_owned();
        if names.contains(&name) {
            errors.push(FieldError::duplicate(&port.path("name"), name.as_str()));
        }
        names.push(name);
        errors.text(&port, "name", object::dns1123_label);
    }
}

/// Strategy of endpoints.
pub(crate) struct Endpoints;

impl Strategy for Endpoints {
    fn validate(&self, endpoints: &Value) -> FieldErrors {
        let mut errors = Errors::new();
        for subset in At::root(endpoints).each("subsets") {
            check_subset(&subset, &mut errors);
        }
        errors.done()
    }

    fn warnings(&self, new: &Value, _: Option<&Value>) -> Vec<String> {
        if is_made_by(new, MANAGED_BY, &[MAKER]) {
            return Vec::new();
        }
        let subsets = At::root(new).each("subsets");
        let addresses =
            subsets.flat_map(|subset| subset.each("addresses").chain(subset.each("notReadyAddresses")));
        addresses.filter_map(|one| warnings::address(&one.path("ip"), one.text("ip"))).collect()
    }
}

fn check_subset(subset: &At, errors: &mut Errors) {
    if subset.is_empty("addresses") && subset.is_empty("notReadyAddresses") {
        let detail = "must specify `addresses` or `notReadyAddresses`";
        errors.push(FieldError::required(&subset.path(""), detail));
    }
    for address in subset.each("addresses").chain(subset.each("notReadyAddresses")) {
        errors.obey(&address.path("ip"), address.text("ip"), object::ip);
        errors.text(&address, "hostname", object::dns1123_label);
    }
    for port in subset.each("ports") {
        if subset.items("ports").len() > 1 {
            errors.need(&port, "name");
        }
        errors.text(&port, "name", object::dns1123_label);
    }
}
