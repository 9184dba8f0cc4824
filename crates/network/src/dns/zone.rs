//! What there is to say about a name: decided by one snapshot of the services.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use hickory_server::proto::rr::rdata::{CNAME, PTR, SOA, SRV, TXT};
use hickory_server::proto::rr::{Name, RData, Record, RecordType};

use super::query::{Asked, read, spell};
use crate::{Endpoint, Protocol, Service, ServicePort, Services};

/// How long an answer may be kept, in seconds.
const TTL: u32 = 5;

/// The version of the specification that names follow.
const VERSION: &str = "1.1.0";

/// What a question leads to.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Answer {
    /// These records, of which the second may help.
    Records(Vec<Record>, Vec<Record>),
    /// The name stands for this other one, which has to be asked about.
    Alias(Box<Record>, Name),
    /// There is such a name, but nothing of that type.
    NoData,
    /// There is no such name.
    NoName,
    /// It is for others to say.
    Foreign,
}

/// The cluster's domain with what is in it.
#[derive(Debug)]
pub(super) struct Zone {
    domain: Name,
    services: Arc<Services>,
    /// Names by address, made when one is first asked for.
    reverse: OnceLock<BTreeMap<IpAddr, Vec<Name>>>,
}

impl Zone {
    /// A domain in lower case, with these services.
    pub fn new(domain: Name, services: Arc<Services>) -> Self {
        Self { domain, services, reverse: OnceLock::new() }
    }

    /// Whether it still says what these services say.
    pub fn is_of(&self, services: &Arc<Services>) -> bool {
        Arc::ptr_eq(&self.services, services)
    }

    /// The same domain with other services.
    pub fn with(&self, services: Arc<Services>) -> Self {
        Self::new(self.domain.clone(), services)
    }

    /// The record that says how long a negative answer may be kept.
    pub fn authority(&self) -> Record {
        let name = |label: &str| self.domain.prepend_label(label).unwrap_or_else(|_| self.domain.clone());
        let soa = SOA::new(name("ns"), name("hostmaster"), 1, 7200, 1800, 86400, TTL);
        Record::from_rdata(self.domain.clone(), TTL, RData::SOA(soa))
    }

    /// What there is to say about a name.
    pub fn answer(&self, name: &Name, kind: RecordType) -> Answer {
        if !self.domain.zone_of(name) {
            return self.pointer(name, kind);
        }
        let labels: Vec<String> = name.iter().map(|l| String::from_utf8_lossy(l).to_lowercase()).collect();
        let own = labels.len().saturating_sub(usize::from(self.domain.num_labels()));
        let labels: Vec<&str> = labels.iter().take(own).map(String::as_str).collect();
        match read(&labels) {
            Asked::Apex if kind == RecordType::SOA => Answer::Records(vec![self.authority()], vec![]),
            Asked::Apex | Asked::Above => Answer::NoData,
            Asked::Version if kind == RecordType::TXT => {
                records(name, [RData::TXT(TXT::new(vec![VERSION.to_owned()]))])
            }
            Asked::Version => Answer::NoData,
            Asked::Namespace(namespace) => self.namespace(namespace),
            Asked::Pod(address) => addresses(name, kind, [address]),
            Asked::Service(namespace, service) => self.service(namespace, service, name, kind),
            Asked::Protocol(namespace, service) => {
                self.find(namespace, service).map_or(Answer::NoName, |_| Answer::NoData)
            }
            Asked::Endpoint(namespace, service, label) => {
                let found = self.find(namespace, service).into_iter().flat_map(ready);
                let found: Vec<_> = found.filter(|e| own_label(e) == label).map(|e| e.address).collect();
                if found.is_empty() { Answer::NoName } else { addresses(name, kind, found) }
            }
            Asked::Port(namespace, service, protocol, port) => {
                let found =
                    self.find(namespace, service).and_then(|s| Some((s, port_of(s, protocol, port)?)));
                found.map_or(Answer::NoName, |(found, port)| {
                    self.port(namespace, service, found, port, name, kind)
                })
            }
            Asked::Nothing => Answer::NoName,
        }
    }

    fn find(&self, namespace: &str, name: &str) -> Option<&Service> {
        self.services.get(&(namespace.to_owned(), name.to_owned()))
    }

    fn namespace(&self, namespace: &str) -> Answer {
        let from = (namespace.to_owned(), String::new());
        let found = self.services.range(from..).next().is_some_and(|((first, _), _)| first == namespace);
        if found { Answer::NoData } else { Answer::NoName }
    }

    fn service(&self, namespace: &str, service: &str, name: &Name, kind: RecordType) -> Answer {
        let Some(service) = self.find(namespace, service) else { return Answer::NoName };
        if let Some(target) = &service.external_name {
            return alias(name, target);
        }
        if service.cluster_ips.is_empty() {
            addresses(name, kind, ready(service).map(|endpoint| endpoint.address))
        } else {
            addresses(name, kind, service.cluster_ips.iter().copied())
        }
    }

    fn port(
        &self,
        namespace: &str,
        name: &str,
        service: &Service,
        port: &ServicePort,
        asked: &Name,
        kind: RecordType,
    ) -> Answer {
        if kind != RecordType::SRV {
            return Answer::NoData;
        }
        let Some(own) = self.name(&[name, namespace, "svc"]) else { return Answer::NoName };
        let targets: Vec<(Name, u16, Vec<IpAddr>)> = if service.cluster_ips.is_empty() {
            ready(service)
                .filter_map(|endpoint| {
                    let target = own.prepend_label(own_label(endpoint).as_str()).ok()?;
                    Some((target, *endpoint.ports.get(&port.name)?, vec![endpoint.address]))
                })
                .collect()
        } else {
            vec![(own, port.port, service.cluster_ips.clone())]
        };
        let weight = u16::try_from(100 / targets.len().max(1)).unwrap_or(1).max(1);
        let found =
            targets.iter().map(|(target, port, _)| RData::SRV(SRV::new(0, weight, *port, target.clone())));
        let found = found.map(|data| Record::from_rdata(asked.clone(), TTL, data)).collect();
        let beside = targets
            .iter()
            .flat_map(|(target, _, found)| found.iter().map(|address| record(target, *address)))
            .collect();
        some(found, beside)
    }

    fn pointer(&self, name: &Name, kind: RecordType) -> Answer {
        let Ok(net) = name.parse_arpa_name() else { return Answer::Foreign };
        if net.prefix_len() != net.max_prefix_len() {
            return Answer::Foreign;
        }
        match self.reverse.get_or_init(|| self.names_by_address()).get(&net.addr()) {
            None => Answer::Foreign,
            Some(_) if kind != RecordType::PTR => Answer::NoData,
            Some(found) => records(name, found.iter().map(|found| RData::PTR(PTR(found.clone())))),
        }
    }

    fn names_by_address(&self) -> BTreeMap<IpAddr, Vec<Name>> {
        let mut all: BTreeMap<IpAddr, Vec<Name>> = BTreeMap::new();
        for ((namespace, name), service) in self.services.iter() {
            let Some(own) = self.name(&[name, namespace, "svc"]) else { continue };
            for address in &service.cluster_ips {
                all.entry(*address).or_default().push(own.clone());
            }
            for endpoint in ready(service).filter(|_| service.cluster_ips.is_empty()) {
                let found = endpoint.hostname.as_ref().and_then(|host| own.prepend_label(host.as_str()).ok());
                if let Some(found) = found {
                    all.entry(endpoint.address).or_default().push(found);
                }
            }
        }
        all
    }

    /// A name below the domain; none where the labels are not fit for one.
    fn name(&self, labels: &[&str]) -> Option<Name> {
        labels.iter().rev().try_fold(self.domain.clone(), |name, label| name.prepend_label(*label).ok())
    }
}

fn ready(service: &Service) -> impl Iterator<Item = &Endpoint> {
    service.endpoints.iter().filter(|endpoint| endpoint.ready)
}

/// The name of an endpoint below its service's.
fn own_label(endpoint: &Endpoint) -> String {
    endpoint.hostname.clone().unwrap_or_else(|| spell(endpoint.address))
}

fn port_of<'a>(service: &'a Service, protocol: Protocol, name: &str) -> Option<&'a ServicePort> {
    service.ports.iter().find(|port| port.protocol == protocol && port.name == name && !name.is_empty())
}

fn alias(name: &Name, target: &str) -> Answer {
    let Ok(mut target) = Name::from_ascii(target) else { return Answer::NoData };
    target.set_fqdn(true);
    let record = Record::from_rdata(name.clone(), TTL, RData::CNAME(CNAME(target.clone())));
    Answer::Alias(Box::new(record), target)
}

/// Those of the addresses that are of the type asked for.
fn addresses(name: &Name, kind: RecordType, all: impl IntoIterator<Item = IpAddr>) -> Answer {
    let found = all.into_iter().map(|address| record(name, address)).filter(|r| r.record_type() == kind);
    some(found.collect(), vec![])
}

fn record(name: &Name, address: IpAddr) -> Record {
    let data = match address {
        IpAddr::V4(address) => RData::A(address.into()),
        IpAddr::V6(address) => RData::AAAA(address.into()),
    };
    Record::from_rdata(name.clone(), TTL, data)
}

fn records(name: &Name, data: impl IntoIterator<Item = RData>) -> Answer {
    some(data.into_iter().map(|data| Record::from_rdata(name.clone(), TTL, data)).collect(), vec![])
}

fn some(found: Vec<Record>, beside: Vec<Record>) -> Answer {
    if found.is_empty() { Answer::NoData } else { Answer::Records(found, beside) }
}
