use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::net::{IpAddr, UdpSocket};
use std::path::Path;
use std::time::{Duration, Instant};

use super::host::{NODE, connect, greeted, greeting, on_host, run, serve};
use super::pods::still_echoes;
use crate::{Dataplane, Endpoint, Nftables, Protocol, Service, ServicePort, Services, inside};

pub const CLUSTER: &str = "10.96.0.1";

/// One service with these ready endpoints, each at port 8080.
pub fn service(node_port: Option<u16>, endpoints: &[IpAddr]) -> Services {
    let ports = BTreeMap::from([(String::new(), 8080)]);
    let endpoint =
        |address: &IpAddr| Endpoint { address: *address, hostname: None, ready: true, ports: ports.clone() };
    let service = Service {
        cluster_ips: vec![CLUSTER.parse().unwrap()],
        ports: vec![ServicePort { name: String::new(), protocol: Protocol::Tcp, port: 80, node_port }],
        endpoints: endpoints.iter().map(endpoint).collect(),
        ..Service::default()
    };
    Services::from([(("default".to_owned(), "web".to_owned()), service)])
}

pub fn nftables() -> Nftables {
    Nftables::new("services", "10.244.0.0/24".parse().unwrap())
}

async fn refused(from: &Path, to: &str) {
    let asked = Instant::now();
    let error = greeted(from, to).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused, "{to}: {error}");
    assert!(asked.elapsed() < Duration::from_secs(1), "{to}");
}

#[test]
fn a_service_is_reached_from_everywhere() {
    on_host(|host| async move {
        let network = host.network().await;
        let (a, a_ip) = host.pod(&network, "a").await;
        let (b, b_ip) = host.pod(&network, "b").await;
        serve(&b, "b", 8080).await;
        let plane = nftables();
        plane.apply(&service(Some(30080), &[b_ip])).await.unwrap();
        let cluster = format!("{CLUSTER}:80");
        assert_eq!(greeted(&a, &cluster).await.unwrap(), ("b".to_owned(), a_ip));
        assert_eq!(greeting(cluster.parse().unwrap()).unwrap().0, "b", "from the node");
        assert_eq!(greeted(&b, &cluster).await.unwrap(), ("b".to_owned(), network.gateway()), "from itself");
        let node = format!("{NODE}:30080");
        for from in [&a, &b, &host.world()] {
            assert_eq!(greeted(from, &node).await.unwrap().0, "b", "{}", from.display());
        }
        assert_eq!(greeting(node.parse().unwrap()).unwrap().0, "b", "the node by its own port");

        // an endpoint outside answers the node, which alone can translate back
        serve(&host.world(), "world", 8080).await;
        plane.apply(&service(Some(30080), &[super::host::WORLD.parse().unwrap()])).await.unwrap();
        for to in [&cluster, &node] {
            assert_eq!(greeted(&a, to).await.unwrap(), ("world".to_owned(), NODE.parse().unwrap()));
        }
        assert_eq!(greeted(&host.world(), &node).await.unwrap(), ("world".to_owned(), NODE.parse().unwrap()));
    });
}

#[test]
fn without_endpoints_a_service_refuses_at_once() {
    on_host(|host| async move {
        let network = host.network().await;
        let (a, a_ip) = host.pod(&network, "a").await;
        let plane = nftables();
        plane.apply(&service(Some(30080), &[])).await.unwrap();
        let (cluster, node) = (format!("{CLUSTER}:80"), format!("{NODE}:30080"));
        refused(&a, &cluster).await;
        refused(&a, &node).await;
        refused(&host.world(), &node).await;
        assert_eq!(greeting(cluster.parse().unwrap()).unwrap_err().kind(), ErrorKind::ConnectionRefused);
        serve(&a, "a", 8080).await;
        plane.apply(&service(Some(30080), &[a_ip])).await.unwrap();
        assert!(greeted(&host.world(), &node).await.is_ok());
        refused(&a, &format!("{CLUSTER}:81")).await;
        plane.remove().await.unwrap();
        plane.remove().await.unwrap();
        assert_eq!(run("nft list tables").trim(), "table ip pods");
    });
}

#[test]
fn a_restart_or_a_foreign_change_disturbs_nothing() {
    on_host(|host| async move {
        let network = host.network().await;
        let (a, _) = host.pod(&network, "a").await;
        let (b, b_ip) = host.pod(&network, "b").await;
        serve(&b, "b", 8080).await;
        nftables().apply(&service(None, &[b_ip])).await.unwrap();
        let to = format!("{CLUSTER}:80").parse().unwrap();
        let (stream, ..) = inside(&a, move || connect(to)).await.unwrap().unwrap();
        let plane = nftables();
        plane.apply(&service(None, &[b_ip])).await.unwrap();
        still_echoes(stream);
        // a batch that fails, as the table is not what it is thought to be, becomes a rebuild
        run("nft delete table ip services");
        plane.apply(&service(Some(30080), &[b_ip])).await.unwrap();
        assert_eq!(greeted(&a, &format!("{CLUSTER}:80")).await.unwrap().0, "b");
    });
}

#[test]
fn a_udp_client_leaves_an_endpoint_that_is_gone() {
    on_host(|host| async move {
        let network = host.network().await;
        let (a, _) = host.pod(&network, "a").await;
        let mut servers = vec![];
        for name in ["b", "c"] {
            let (netns, address) = host.pod(&network, name).await;
            servers
                .push((inside(&netns, || UdpSocket::bind("0.0.0.0:8080").unwrap()).await.unwrap(), address));
        }
        for (server, _) in &servers {
            server.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
        }
        let client = inside(&a, || UdpSocket::bind("0.0.0.0:0").unwrap()).await.unwrap();
        let plane = nftables();
        let mut buffer = [0; 8];
        // there and back: each time the client's one socket must find the only endpoint
        for (server, address) in [&servers[0], &servers[1], &servers[0]] {
            let mut services = service(None, &[*address]);
            services.values_mut().for_each(|service| service.ports[0].protocol = Protocol::Udp);
            plane.apply(&services).await.unwrap();
            client.send_to(b"hello", format!("{CLUSTER}:80")).unwrap();
            let (length, from) = server.recv_from(&mut buffer).unwrap();
            server.send_to(&buffer[..length], from).unwrap();
            client.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
            assert_eq!(client.recv_from(&mut buffer).unwrap().1.to_string(), format!("{CLUSTER}:80"));
        }
    });
}

#[test]
fn affinity_keeps_a_client_at_one_endpoint() {
    on_host(|host| async move {
        let network = host.network().await;
        let (a, _) = host.pod(&network, "a").await;
        let mut endpoints = vec![];
        for name in ["b", "c", "d"] {
            let (netns, address) = host.pod(&network, name).await;
            serve(&netns, name, 8080).await;
            endpoints.push(address);
        }
        let mut services = service(None, &endpoints);
        services.values_mut().for_each(|service| service.affinity = Some(Duration::from_secs(60)));
        nftables().apply(&services).await.unwrap();
        let to = format!("{CLUSTER}:80").parse().unwrap();
        let names =
            inside(&a, move || (0..30).map(|_| greeting(to).unwrap().0).collect::<Vec<_>>()).await.unwrap();
        assert!(names.iter().all(|name| *name == names[0]), "{names:?}");
    });
}
