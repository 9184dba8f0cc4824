use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::host::{Host, greeting, on_host, serve};
use super::services::{CLUSTER, nftables, service};
use crate::{Dataplane, PodNetwork, inside};

fn cluster() -> SocketAddr {
    format!("{CLUSTER}:80").parse().unwrap()
}

async fn servers(host: &Host, network: &PodNetwork, names: &[&'static str]) -> Vec<IpAddr> {
    let mut addresses = vec![];
    for name in names {
        let (netns, address) = host.pod(network, name).await;
        serve(&netns, name, 8080).await;
        addresses.push(address);
    }
    addresses
}

#[test]
fn connections_spread_evenly() {
    on_host(|host| async move {
        let network = host.network().await;
        let (client, _) = host.pod(&network, "client").await;
        let endpoints = servers(&host, &network, &["a", "b", "c"]).await;
        nftables().apply(&service(None, &endpoints)).await.unwrap();
        let count = || {
            let mut counts = BTreeMap::<String, usize>::new();
            for _ in 0..3000 {
                *counts.entry(greeting(cluster()).unwrap().0).or_default() += 1;
            }
            counts
        };
        let counts = inside(&client, count).await.unwrap();
        assert_eq!(counts.len(), 3);
        assert!(counts.values().all(|count| (850..=1150).contains(count)), "{counts:?}");
    });
}

#[test]
fn no_connection_fails_while_endpoints_are_replaced() {
    on_host(|host| async move {
        let network = host.network().await;
        let (client, _) = host.pod(&network, "client").await;
        let all = servers(&host, &network, &["a", "b", "c", "d"]).await;
        let plane = nftables();
        plane.apply(&service(None, &all[..3])).await.unwrap();
        let (stop, made) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let (stopped, counter) = (stop.clone(), made.clone());
        let steady = tokio::spawn(async move {
            let connect = move || {
                while !stopped.load(Ordering::Relaxed) {
                    greeting(cluster())?;
                    counter.fetch_add(1, Ordering::Relaxed);
                }
                std::io::Result::Ok(())
            };
            inside(&client, connect).await
        });
        for round in 0..100 {
            let chosen: Vec<_> = (0..=round % 4).map(|at| all[(round + at) % 4]).collect();
            let before = made.load(Ordering::Relaxed);
            plane.apply(&service(None, &chosen)).await.unwrap();
            while made.load(Ordering::Relaxed) < before + 3 && !steady.is_finished() {
                tokio::task::yield_now().await;
            }
        }
        stop.store(true, Ordering::Relaxed);
        steady.await.unwrap().unwrap().unwrap();
        assert!(made.load(Ordering::Relaxed) >= 300);
    });
}
