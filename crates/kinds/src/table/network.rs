//! Services, their endpoints and addresses, and the ways to them.

use super::{PROXIED, PROXY, row};
use crate::strategies as rules;
use crate::{Kind, NameRule, columns};

const NETWORKING: &str = "networking.k8s.io";

/// Services, their endpoints and addresses, and the ways to them.
pub(super) fn rows() -> Vec<Kind> {
    vec![
        row("", "v1", "Service", "services")
            .short(&["svc"])
            .all()
            .claims()
            .create_on_update()
            .named(NameRule::Label)
            .status()
            .connect("proxy", "ServiceProxyOptions", PROXIED, PROXY)
            .selectable(&["spec.clusterIP", "spec.type"])
            .returns_deleted()
            .columns(columns::SERVICE)
            .strategy(&rules::Service),
        row("", "v1", "Endpoints", "endpoints")
            .short(&["ep"])
            .create_on_update()
            .deprecated("v1.33", "discovery.k8s.io/v1 EndpointSlice")
            .columns(columns::ENDPOINTS)
            .strategy(&rules::Endpoints),
        row("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices")
            .generation()
            .columns(columns::ENDPOINT_SLICE)
            .strategy(&rules::EndpointSlice),
        row(NETWORKING, "v1", "Ingress", "ingresses")
            .short(&["ing"])
            .generation()
            .status()
            .columns(columns::INGRESS)
            .strategy(&rules::Ingress),
        row(NETWORKING, "v1", "IngressClass", "ingressclasses")
            .cluster()
            .generation()
            .fixed_first()
            .columns(columns::INGRESS_CLASS)
            .strategy(&rules::IngressClass),
        row(NETWORKING, "v1", "NetworkPolicy", "networkpolicies")
            .short(&["netpol"])
            .generation()
            .columns(columns::NETWORK_POLICY)
            .strategy(&rules::NetworkPolicy),
        row(NETWORKING, "v1", "IPAddress", "ipaddresses")
            .short(&["ip"])
            .cluster()
            .claims()
            .named(NameRule::PathSegment)
            .columns(columns::IP_ADDRESS)
            .strategy(&rules::IpAddress),
        row(NETWORKING, "v1", "ServiceCIDR", "servicecidrs")
            .cluster()
            .status()
            .columns(columns::SERVICE_CIDR)
            .strategy(&rules::ServiceCidr),
    ]
}
