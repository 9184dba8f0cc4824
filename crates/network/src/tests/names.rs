use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hickory_server::proto::op::{Edns, Message, Metadata, OpCode, Query, ResponseCode};
use hickory_server::proto::rr::{Name, RData, Record, RecordType};
use tokio::sync::watch;

use super::host::{WORLD, on_host};
use super::services::{CLUSTER, service};
use crate::{Dns, DnsOptions, Endpoint, Service, Services, inside};

const PATIENCE: Duration = Duration::from_secs(6);

fn message(name: &str, kind: RecordType) -> Message {
    let mut message = Message::query();
    message.metadata.id = 4711;
    message.metadata.recursion_desired = true;
    message.add_query(Query::query(Name::from_ascii(name).unwrap(), kind));
    message
}

fn by_udp(server: SocketAddr, question: &Message) -> Message {
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.connect(server).unwrap();
    socket.send(&question.to_vec().unwrap()).unwrap();
    let mut answer = [0; 4096];
    let length = socket.recv(&mut answer).unwrap();
    Message::from_vec(&answer[..length]).unwrap()
}

fn by_tcp(server: SocketAddr, question: &Message) -> Message {
    let mut stream = TcpStream::connect(server).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let question = question.to_vec().unwrap();
    stream.write_all(&u16::try_from(question.len()).unwrap().to_be_bytes()).unwrap();
    stream.write_all(&question).unwrap();
    let mut length = [0; 2];
    stream.read_exact(&mut length).unwrap();
    let mut answer = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut answer).unwrap();
    Message::from_vec(&answer).unwrap()
}

fn show(answer: &Message) -> String {
    let records: Vec<_> = answer.answers.iter().map(|r| format!("{} {}", r.record_type(), r.data)).collect();
    format!("{} {}", answer.metadata.response_code, records.join(", "))
}

/// Asks from a namespace and returns code and records.
async fn ask(from: &Path, server: IpAddr, name: &str, kind: RecordType) -> String {
    let (server, question) = (SocketAddr::new(server, 53), message(name, kind));
    inside(from, move || show(&by_udp(server, &question))).await.unwrap()
}

/// A name server in the world outside, which knows example.org.
async fn upstream(netns: &Path) {
    let socket = inside(netns, || UdpSocket::bind((WORLD, 53)).unwrap()).await.unwrap();
    let listener = inside(netns, || TcpListener::bind((WORLD, 53)).unwrap()).await.unwrap();
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok((length, from)) = socket.recv_from(&mut buffer) {
            // what does not belong to the question comes first, as from a forger
            socket.send_to(&known(&message("forged.", RecordType::A).to_vec().unwrap()), from).unwrap();
            socket.send_to(&known(&buffer[..length]), from).unwrap();
        }
    });
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut length = [0; 2];
            stream.read_exact(&mut length).unwrap();
            let mut question = vec![0; usize::from(u16::from_be_bytes(length))];
            stream.read_exact(&mut question).unwrap();
            let answer = known(&question);
            stream.write_all(&u16::try_from(answer.len()).unwrap().to_be_bytes()).unwrap();
            stream.write_all(&answer).unwrap();
        }
    });
}

fn known(question: &[u8]) -> Vec<u8> {
    let question = Message::from_vec(question).unwrap();
    let mut answer = Message::response(question.metadata.id, OpCode::Query);
    answer.metadata = Metadata::response_from_request(&question.metadata);
    let name = question.queries[0].name().clone();
    answer.add_query(question.queries[0].clone());
    if name == Name::from_ascii("example.org.").unwrap() {
        answer.add_answer(Record::from_rdata(name, 60, RData::A("198.51.100.7".parse().unwrap())));
    } else {
        answer.metadata.response_code = ResponseCode::NXDomain;
    }
    answer.to_vec().unwrap()
}

fn world() -> Services {
    let mut all = service(None, &["10.244.0.9".parse().unwrap()]);
    let outside = Service { external_name: Some("example.org".to_owned()), ..Service::default() };
    let endpoint = |number: u8| Endpoint {
        address: IpAddr::from([10, 244, 1, number]),
        hostname: Some(format!("db-{number}")),
        ready: true,
        ports: BTreeMap::new(),
    };
    let large = Service { endpoints: (0..100).map(endpoint).collect(), ..Service::default() };
    for (name, service) in [("out", outside), ("large", large)] {
        all.insert(("default".to_owned(), name.to_owned()), service);
    }
    let mut named = all[&("default".to_owned(), "web".to_owned())].clone();
    named.cluster_ips = vec!["10.96.0.2".parse().unwrap()];
    named.ports[0].name = "http".to_owned();
    all.insert(("default".to_owned(), "named".to_owned()), named);
    all
}

#[test]
fn pods_ask_the_node_for_names() {
    on_host(|host| async move {
        let network = host.network().await;
        let (pod, _) = host.pod(&network, "pod").await;
        upstream(&host.world()).await;
        let gateway = network.gateway();
        let listen = vec![SocketAddr::new(gateway, 53)];
        let upstream = vec![listen[0], SocketAddr::new(WORLD.parse().unwrap(), 53)];
        let (change, services) = watch::channel(Arc::new(world()));
        let options = DnsOptions { listen, domain: "cluster.local".to_owned(), upstream };
        let dns = Dns::start(options, services).await.unwrap();

        use RecordType::{A, PTR, SRV};
        let web = "web.default.svc.cluster.local.";
        for (name, kind, expected) in [
            (web, A, format!("No Error A {CLUSTER}")),
            (web, RecordType::AAAA, "No Error ".to_owned()),
            ("1.0.96.10.in-addr.arpa.", PTR, format!("No Error PTR {web}")),
            (
                "_http._tcp.named.default.svc.cluster.local.",
                SRV,
                "No Error SRV 0 100 80 named.default.svc.cluster.local.".to_owned(),
            ),
            ("none.default.svc.cluster.local.", A, "Non-Existent Domain ".to_owned()),
            ("example.org.", A, "No Error A 198.51.100.7".to_owned()),
            ("out.default.svc.cluster.local.", A, "No Error CNAME example.org., A 198.51.100.7".to_owned()),
            ("example.net.", A, "Non-Existent Domain ".to_owned()),
        ] {
            assert_eq!(ask(&pod, gateway, name, kind).await, expected, "{name}");
        }

        let whole = message("example.org.", A);
        let whole = inside(&pod, move || show(&by_tcp((gateway, 53).into(), &whole))).await.unwrap();
        assert_eq!(whole, "No Error A 198.51.100.7");

        change.send(Arc::new(Services::new())).unwrap();
        assert_eq!(ask(&pod, gateway, web, A).await, "Non-Existent Domain ");
        dns.stop().await;
        let refused = inside(&pod, move || TcpStream::connect((gateway, 53)).is_err()).await.unwrap();
        assert!(refused, "still listening");
    });
}

#[test]
fn what_does_not_fit_is_truncated_and_had_by_tcp() {
    on_host(|_host| async move {
        let server: SocketAddr = "127.0.0.1:53".parse().unwrap();
        let (_change, services) = watch::channel(Arc::new(world()));
        let options =
            DnsOptions { listen: vec![server], domain: "cluster.local.".to_owned(), upstream: vec![server] };
        let dns = Dns::start(options, services).await.unwrap();
        let large = message("large.default.svc.cluster.local.", RecordType::A);
        let mut extended = large.clone();
        extended.set_edns(Edns::new());
        extended.edns.as_mut().unwrap().set_max_payload(4096);
        let missing = message("none.default.svc.cluster.local.", RecordType::A);
        let foreign = message("example.org.", RecordType::A);
        let asked = tokio::task::spawn_blocking(move || {
            let (short, longer, whole) =
                (by_udp(server, &large), by_udp(server, &extended), by_tcp(server, &large));
            let missing = by_tcp(server, &missing);
            let started = Instant::now();
            (short, longer, whole, missing, by_udp(server, &foreign), started.elapsed())
        });
        let (short, longer, whole, missing, foreign, took) = asked.await.unwrap();
        assert!(short.metadata.truncation && !short.answers.is_empty() && short.answers.len() < 40);
        assert!(longer.metadata.truncation && longer.answers.len() > short.answers.len());
        assert!(!whole.metadata.truncation);
        assert_eq!(whole.answers.len(), 100);
        assert!(whole.metadata.authoritative && whole.answers.iter().all(|record| record.ttl == 5));
        assert_eq!(missing.metadata.response_code, ResponseCode::NXDomain);
        let soa = &missing.authorities[0];
        assert!(matches!(&soa.data, RData::SOA(soa) if soa.minimum == 5) && soa.ttl == 5, "{soa}");
        // no upstream is left but the server itself, which is not asked
        assert_eq!(foreign.metadata.response_code, ResponseCode::ServFail);
        assert!(took < Duration::from_secs(1));
        dns.stop().await;
    });
}
