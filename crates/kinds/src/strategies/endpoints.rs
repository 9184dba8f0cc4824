//! Rules of endpoints and endpoint slices.

mod slices;

use object::{FieldError, FieldErrors, Value};

use crate::rules::{At, Errors, Read, blocks};
use crate::{Strategy, warnings};

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
        slices::check(&root, &mut errors);
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
        check_node(&address, errors);
        errors.obey(&address.path("ip"), address.text("ip"), blocks::endpoint_ip);
    }
    for port in subset.each("ports") {
        if subset.items("ports").len() > 1 {
            errors.need(&port, "name");
        }
        errors.text(&port, "name", object::dns1123_label);
        check_application(&port, errors);
    }
}

/// A node that is named, be it by nothing, is named as nodes are.
fn check_node(endpoint: &At, errors: &mut Errors) {
    if let Some(node) = endpoint.present("nodeName") {
        errors.obey(&node.path(""), node.text(""), object::dns1123_subdomain);
    }
}

/// What speaks at a port is named as labels are.
fn check_application(port: &At, errors: &mut Errors) {
    if let Some(protocol) = port.present("appProtocol") {
        errors.obey(&protocol.path(""), protocol.text(""), object::qualified_name);
    }
}
