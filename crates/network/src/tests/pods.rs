use std::collections::BTreeSet;
use std::net::IpAddr;

use futures::future::join_all;

use super::host::{NODE, WORLD, greeted, on_host, pings, run, serve};
use crate::{PodNetwork, Sandbox};

#[test]
fn pods_reach_each_other_the_node_and_the_world() {
    on_host(|host| async move {
        let network = host.network().await;
        let (a, a_ip) = host.pod(&network, "a").await;
        let (b, b_ip) = host.pod(&network, "b").await;
        for to in [a_ip, b_ip, network.gateway(), NODE.parse().unwrap(), WORLD.parse().unwrap()] {
            assert!(pings(&a, to).await, "{to}");
        }
        serve(&b, "b", 8080).await;
        assert_eq!(greeted(&a, &format!("{b_ip}:8080")).await.unwrap(), ("b".to_owned(), a_ip));
        let node = super::host::greeting(format!("{b_ip}:8080").parse().unwrap()).unwrap();
        assert_eq!(node, ("b".to_owned(), network.gateway()));
        serve(&host.world(), "world", 8080).await;
        let masked = ("world".to_owned(), NODE.parse().unwrap());
        assert_eq!(greeted(&a, &format!("{WORLD}:8080")).await.unwrap(), masked);
        let mtu = crate::inside(&a, || run("ip -o link show eth0")).await.unwrap();
        assert!(mtu.contains("mtu 1400"), "{mtu}");
    });
}

#[test]
fn attaching_again_changes_nothing() {
    on_host(|host| async move {
        let network = host.network().await;
        let (a, a_ip) = host.pod(&network, "a").await;
        let (b, b_ip) = host.pod(&network, "b").await;
        serve(&b, "b", 8080).await;
        let to = format!("{b_ip}:8080").parse().unwrap();
        let (stream, ..) = crate::inside(&a, move || super::host::connect(to)).await.unwrap().unwrap();
        let before = (run("ip -o link"), run("ip route"));
        drop(network);
        let network = host.network().await;
        assert_eq!(network.addresses("a"), [a_ip]);
        assert_eq!(network.attach("a", &a).await.unwrap(), [a_ip]);
        assert_eq!((run("ip -o link"), run("ip route")), before);
        still_echoes(stream);
    });
}

/// Whether a connection that was open before still carries data both ways.
pub fn still_echoes(mut stream: std::net::TcpStream) {
    use std::io::{Read, Write};
    stream.write_all(b"ping").unwrap();
    let mut echo = [0; 4];
    stream.read_exact(&mut echo).unwrap();
    assert_eq!(&echo, b"ping");
}

#[test]
fn what_is_half_done_is_completed() {
    on_host(|host| async move {
        let network = host.network().await;
        let (a, a_ip) = host.pod(&network, "a").await;
        crate::inside(&a, || run("ip addr flush dev eth0")).await.unwrap();
        assert!(!pings(&a, network.gateway()).await);
        network.attach("a", &a).await.unwrap();
        assert!(pings(&a, network.gateway()).await);
        // the same pod with another namespace, as after a crash of its first sandbox
        let other = host.sandbox("other").await.dir.join("net");
        assert_eq!(network.attach("a", &other).await.unwrap(), [a_ip]);
        assert!(pings(&other, network.gateway()).await);
    });
}

#[test]
fn detaching_frees_also_where_the_namespace_is_gone() {
    on_host(|host| async move {
        let network = host.network().await;
        host.pod(&network, "a").await;
        let (_, b_ip) = host.pod(&network, "b").await;
        Sandbox::remove(&host.path("a")).await.unwrap();
        network.detach("a").await.unwrap();
        network.detach("a").await.unwrap();
        network.detach("b").await.unwrap();
        assert!(network.attached().is_empty() && network.addresses("a").is_empty());
        assert!(!run("ip route").contains(&b_ip.to_string()));
        assert!(!run("ip -o link").contains(" veth"));
        let (_, c_ip) = host.pod(&network, "c").await;
        assert_eq!(c_ip, "10.244.0.4".parse::<IpAddr>().unwrap());
    });
}

#[test]
fn many_pods_are_attached_at_once() {
    on_host(|host| async move {
        let network = host.network().await;
        let names: Vec<_> = (0..20).map(|number| format!("pod-{number}")).collect();
        let pods = join_all(names.iter().map(|name| host.pod(&network, name))).await;
        let addresses: BTreeSet<_> = pods.iter().map(|(_, address)| *address).collect();
        assert_eq!(addresses.len(), names.len());
        for (netns, _) in &pods {
            assert!(pings(netns, pods[0].1).await, "{}", netns.display());
        }
        join_all(names.iter().map(|name| network.detach(name))).await.into_iter().for_each(Result::unwrap);
        assert!(network.attached().is_empty());
    });
}

#[test]
fn removal_leaves_nothing() {
    on_host(|host| async move {
        let before = (run("ip -o -br addr"), run("ip route show table all"));
        let network = host.network().await;
        host.pod(&network, "a").await;
        host.pod(&network, "b").await;
        drop(network);
        PodNetwork::remove(host.options()).await.unwrap();
        PodNetwork::remove(host.options()).await.unwrap();
        assert_eq!((run("ip -o -br addr"), run("ip route show table all")), before);
        assert_eq!(run("nft list tables"), "");
        assert!(!host.options().state_dir.exists());
    });
}
