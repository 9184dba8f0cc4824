//! Answers requests.

use std::sync::Arc;

use async_trait::async_trait;
use hickory_server::net::runtime::Time;
use hickory_server::net::xfer::Protocol;
use hickory_server::proto::op::{Edns, Header, HeaderCounts, Message, Metadata, OpCode, ResponseCode};
use hickory_server::proto::rr::{DNSClass, Name, Record, RecordType};
use hickory_server::server::{Request, RequestHandler, ResponseHandler, ResponseInfo};
use hickory_server::zone_handler::MessageResponseBuilder;
use parking_lot::Mutex;
use tokio::sync::{Semaphore, watch};

use super::forward::Upstreams;
use super::zone::{Answer, Zone};
use crate::Services;

/// How many requests may be in flight; more are refused at once.
const IN_FLIGHT: usize = 1024;

/// The greatest answer by UDP, in bytes, so that it is not cut into fragments on the way.
const DATAGRAM: u16 = 1232;

/// How many names may stand for one another in turn.
const ALIASES: usize = 8;

/// Answers requests by the services of the moment.
pub(super) struct Handler {
    services: watch::Receiver<Arc<Services>>,
    /// The zone of the snapshot that was last asked about.
    zone: Mutex<Arc<Zone>>,
    upstreams: Upstreams,
    in_flight: Semaphore,
}

/// What is sent back.
struct Reply {
    code: ResponseCode,
    /// Whether it is the cluster's to say.
    own: bool,
    truncated: bool,
    answers: Vec<Record>,
    authorities: Vec<Record>,
    additionals: Vec<Record>,
}

impl Handler {
    pub fn new(domain: Name, services: watch::Receiver<Arc<Services>>, upstreams: Upstreams) -> Self {
        let zone = Mutex::new(Arc::new(Zone::new(domain, services.borrow().clone())));
        Self { services, zone, upstreams, in_flight: Semaphore::new(IN_FLIGHT) }
    }

    fn zone(&self) -> Arc<Zone> {
        let services = self.services.borrow().clone();
        let mut zone = self.zone.lock();
        if !zone.is_of(&services) {
            *zone = Arc::new(zone.with(services));
        }
        zone.clone()
    }

    async fn reply(&self, request: &Request) -> Reply {
        let Ok(info) = request.request_info() else { return Reply::code(ResponseCode::FormErr) };
        if info.metadata.op_code != OpCode::Query {
            return Reply::code(ResponseCode::NotImp);
        }
        let Ok(_permit) = self.in_flight.try_acquire() else { return Reply::code(ResponseCode::Refused) };
        let (name, kind) = (info.query.original().name(), info.query.query_type());
        let zone = self.zone();
        match zone.answer(name, kind) {
            _ if info.query.query_class() != DNSClass::IN => Reply::code(ResponseCode::Refused),
            Answer::Foreign => self.passed(self.upstreams.pass(request.as_slice(), info.protocol).await),
            Answer::Alias(record, target) if kind != RecordType::CNAME => {
                self.follow(&zone, request, *record, target, kind).await
            }
            answer => Reply::of(&zone, answer, info.metadata.id),
        }
    }

    /// The reply to a question about a name that stands for another: clients expect both in one.
    async fn follow(
        &self,
        zone: &Zone,
        request: &Request,
        first: Record,
        to: Name,
        kind: RecordType,
    ) -> Reply {
        let (id, protocol) = (request.metadata.id, request.protocol());
        let (mut chain, mut target) = (vec![first], to);
        while chain.len() <= ALIASES {
            match zone.answer(&target, kind) {
                Answer::Alias(record, next) => {
                    chain.push(*record);
                    target = next;
                }
                Answer::Foreign => {
                    let rest = self.passed(self.upstreams.ask(id, &target, kind, protocol).await);
                    return Reply { own: true, ..rest }.after(chain);
                }
                answer => return Reply::of(zone, answer, id).after(chain),
            }
        }
        Reply::code(ResponseCode::ServFail)
    }

    fn passed(&self, answer: Option<Message>) -> Reply {
        let Some(answer) = answer else { return Reply::code(ResponseCode::ServFail) };
        Reply {
            code: answer.metadata.response_code,
            own: false,
            truncated: answer.metadata.truncation,
            answers: answer.answers,
            authorities: answer.authorities,
            additionals: answer.additionals,
        }
    }
}

impl Reply {
    fn code(code: ResponseCode) -> Self {
        let (answers, authorities, additionals) = (vec![], vec![], vec![]);
        Self { code, own: false, truncated: false, answers, authorities, additionals }
    }

    /// `turn` says which of equal records comes first, so that clients spread.
    fn of(zone: &Zone, answer: Answer, turn: u16) -> Self {
        let own = Self { own: true, ..Self::code(ResponseCode::NoError) };
        match answer {
            Answer::Records(mut answers, additionals) => {
                let by = usize::from(turn) % answers.len().max(1);
                answers.rotate_left(by);
                Self { answers, additionals, ..own }
            }
            Answer::Alias(record, _) => Self { answers: vec![*record], ..own },
            Answer::NoData => Self { authorities: vec![zone.authority()], ..own },
            Answer::NoName => {
                Self { authorities: vec![zone.authority()], code: ResponseCode::NXDomain, ..own }
            }
            Answer::Foreign => Self::code(ResponseCode::Refused),
        }
    }

    /// The same with other records before its answers.
    fn after(mut self, mut first: Vec<Record>) -> Self {
        first.append(&mut self.answers);
        self.answers = first;
        self
    }

    fn metadata(&self, request: &Request) -> Metadata {
        let mut metadata = Metadata::response_from_request(&request.metadata);
        metadata.response_code = self.code;
        metadata.authoritative = self.own;
        metadata.recursion_available = true;
        metadata.truncation = self.truncated;
        metadata
    }
}

#[async_trait]
impl RequestHandler for Handler {
    async fn handle_request<R: ResponseHandler, T: Time>(
        &self,
        request: &Request,
        mut to: R,
    ) -> ResponseInfo {
        let reply = self.reply(request).await;
        let metadata = reply.metadata(request);
        let edns = request.edns.as_ref().map(|_| extension(request));
        let response = MessageResponseBuilder::new(&request.queries, edns.as_ref()).build(
            metadata,
            &reply.answers,
            &reply.authorities,
            &[],
            &reply.additionals,
        );
        to.send_response(response).await.unwrap_or_else(|error| {
            tracing::debug!(%error, "client did not take its answer");
            ResponseInfo::from(Header { metadata, counts: HeaderCounts::default() })
        })
    }
}

/// The extension by which an answer may be greater than 512 bytes, for a client that knows it.
fn extension(request: &Request) -> Edns {
    let most = if request.protocol() == Protocol::Udp { DATAGRAM } else { u16::MAX };
    let mut edns = Edns::new();
    edns.set_max_payload(request.max_payload().min(most)).set_version(0);
    edns
}
