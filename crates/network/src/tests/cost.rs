use std::net::{IpAddr, Ipv4Addr};
use std::time::Instant;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;

use super::host::{on_host, run};
use super::services::{nftables, service};
use crate::{Dataplane, Services};

fn many(count: u32) -> Services {
    let mut all = Services::new();
    for number in 0..count {
        let endpoints: Vec<_> =
            (0..3).map(|at| IpAddr::V4(Ipv4Addr::from(0x0a01_0000 + number * 3 + at))).collect();
        let mut one = service(None, &endpoints).into_values().next().unwrap();
        one.cluster_ips = vec![IpAddr::V4(Ipv4Addr::from(0x0a60_0000 + number))];
        all.insert(("default".to_owned(), format!("service-{number}")), one);
    }
    all
}

/// Milliseconds of processor time, of this process and of its children that have ended.
fn used() -> (i64, i64) {
    let of = |who| {
        let usage = getrusage(who).unwrap();
        (usage.user_time() + usage.system_time()).num_microseconds()
    };
    (of(UsageWho::RUSAGE_SELF), of(UsageWho::RUSAGE_CHILDREN))
}

#[test]
fn a_change_costs_little_beside_many_services() {
    on_host(|_host| async move {
        let plane = nftables();
        let mut all = many(5000);
        let started = Instant::now();
        plane.apply(&all).await.unwrap();
        let first = started.elapsed();
        let key = ("default".to_owned(), "service-77".to_owned());
        let (mut worst, before, started) = (first, used(), Instant::now());
        const ROUNDS: u32 = 20;
        for round in 0..ROUNDS {
            all.get_mut(&key).unwrap().endpoints[1].address = IpAddr::V4(Ipv4Addr::from(0x0a02_0000 + round));
            let one = Instant::now();
            plane.apply(&all).await.unwrap();
            worst = if round == 0 { one.elapsed() } else { worst.max(one.elapsed()) };
        }
        let mean = started.elapsed() / ROUNDS;
        let after = used();
        let rounds = i64::from(ROUNDS);
        println!(
            "5000 services: first {first:?}; one changed: mean {mean:?}, worst {worst:?}, processor {} us + nft {} us",
            (after.0 - before.0) / rounds,
            (after.1 - before.1) / rounds
        );
        assert!(run("nft list map ip services endpoints3").contains("10.2.0.19 . 8080"));
        assert!(mean < first, "a change costs as much as everything");
    });
}
