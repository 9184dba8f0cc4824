//! Facts of nodes that are directories.

use std::path::Path;

use object::Time;
use tempfile::TempDir;

use super::*;

/// A small node with two networks of which the second has the default route.
const NODE: &[(&str, &str)] = &[
    ("proc/sys/kernel/hostname", "Quay-1\n"),
    ("proc/sys/kernel/osrelease", "6.1.0-42-amd64\n"),
    ("proc/sys/kernel/random/boot_id", "boot\n"),
    ("proc/sys/kernel/pid_max", "4194304\n"),
    ("proc/sys/kernel/threads-max", "30000\n"),
    ("proc/loadavg", "0.00 0.01 0.05 2/345 6789\n"),
    ("proc/meminfo", "MemTotal:        4000000 kB\nMemFree:  1 kB\nMemAvailable:    2000000 kB\n"),
    ("sys/devices/system/cpu/online", "0-2,5\n"),
    ("sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "512\n"),
    ("sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages", "0\n"),
    ("etc/os-release", "NAME=x\nPRETTY_NAME=\"Quay Linux 3\"\n"),
    ("etc/machine-id", "machine\n"),
    (
        "proc/net/route",
        "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n\
         eth1\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n\
         eth0\t0000000A\t00000000\t0001\t0\t0\t0\t000000FF\t0\t0\t0\n\
         eth1\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n",
    ),
    (
        "proc/net/fib_trie",
        "Main:\n  |-- 10.0.0.7\n     /32 host LOCAL\n  |-- 127.0.0.1\n     /32 host LOCAL\n\
         Local:\n  |-- 192.0.2.0\n     /24 link UNICAST\n  |-- 192.0.2.9\n     /32 host LOCAL\n",
    ),
];

fn node(changes: &[(&str, Option<&str>)]) -> (TempDir, FactsOptions) {
    let root = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = root.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    NODE.iter().for_each(|(path, text)| write(path, text));
    for (path, text) in changes {
        match text {
            Some(text) => write(path, text),
            None => std::fs::remove_file(root.path().join(path)).unwrap(),
        }
    }
    let path = root.path().to_owned();
    let (version, runtime) = ("v1".to_owned(), "x://1".to_owned());
    (
        root,
        FactsOptions { data: path.clone(), root: path, name: None, ips: vec![], pods: 110, version, runtime },
    )
}

#[test]
fn facts_are_those_of_the_files() {
    let (_root, options) = node(&[]);
    let facts = observe(&options).unwrap();
    assert_eq!((facts.name.as_str(), facts.ips.as_slice()), ("quay-1", &["192.0.2.9".to_owned()][..]));
    assert_eq!((facts.kernel.as_str(), facts.os_image.as_str()), ("6.1.0-42-amd64", "Quay Linux 3"));
    assert_eq!(facts.ids, ["machine", "machine", "boot"]);
    let amounts = |of: &Amounts, name: &str| of.get(name).cloned().unwrap_or_default();
    let rows = [
        ("cpu", "4", "4"),
        ("memory", "4000000Ki", "2849024Ki"), // less 1 GiB of huge pages and 100 MiB
        ("pods", "110", "110"),
        ("hugepages-2Mi", "1Gi", "1Gi"),
        ("hugepages-1Gi", "0", "0"),
    ];
    for (name, capacity, allocatable) in rows {
        let found = (amounts(&facts.capacity, name), amounts(&facts.allocatable, name));
        assert_eq!(found, (capacity.to_owned(), allocatable.to_owned()), "{name}");
    }
    let disk = measure::disk(&options.data).unwrap().capacity;
    assert_eq!(amounts(&facts.capacity, "ephemeral-storage"), format!("{}Ki", disk / 1024));
    assert_eq!(amounts(&facts.allocatable, "ephemeral-storage"), (disk - disk / 10).to_string());
}

#[test]
fn what_is_said_goes_before_what_is_found() {
    let (_root, options) = node(&[("sys/class/dmi/id/product_uuid", Some("uuid\n"))]);
    let options = FactsOptions { name: Some("n".into()), ips: vec!["192.0.2.1".into()], ..options };
    let facts = observe(&options).unwrap();
    assert_eq!((facts.name.as_str(), facts.ips.as_slice()), ("n", &["192.0.2.1".to_owned()][..]));
    assert_eq!(facts.ids[1], "uuid");
}

#[test]
fn addresses_fall_back() {
    let (route, trie, six) = ("proc/net/route", "proc/net/fib_trie", "proc/net/if_inet6");
    let inet6 = "00000000000000000000000000000001 01 80 10 80 lo\n20010db8000000000000000000000005 02 40 00 80 eth0\n";
    let loopback = Some("  |-- 127.0.0.1\n     /32 host LOCAL\n");
    let cases = [
        (vec![(route, None)], "10.0.0.7"),
        (vec![(trie, loopback), (six, Some(inet6))], "2001:db8::5"),
        (vec![(trie, loopback)], "127.0.0.1"),
        (vec![(trie, None), (route, Some("nonsense\n"))], "127.0.0.1"),
    ];
    for (changes, expected) in cases {
        let (_root, options) = node(&changes);
        assert_eq!(observe(&options).unwrap().ips, [expected], "{changes:?}");
    }
}

#[test]
fn what_is_missing_is_named() {
    for path in ["proc/meminfo", "proc/sys/kernel/hostname", "sys/devices/system/cpu/online"] {
        let (_root, options) = node(&[(path, None)]);
        let error = observe(&options).unwrap_err();
        assert!(error.to_string().contains(path), "{error}");
    }
    let (_root, options) = node(&[("proc/meminfo", Some("MemTotal: many\n"))]);
    assert!(matches!(observe(&options), Err(FactsError::Odd { .. })));
    let (_root, options) = node(&[("sys/devices/system/cpu/online", Some("3-1\n"))]);
    assert!(matches!(observe(&options), Err(FactsError::Odd { .. })));
}

#[test]
fn this_machine_can_be_observed() {
    let (_root, options) = node(&[]);
    let facts = observe(&FactsOptions { root: "/".into(), ..options }).unwrap();
    assert!(!facts.name.is_empty() && facts.ips.len() == 1 && facts.capacity["memory"] != "0Ki", "{facts:?}");
    let measured = measure(Path::new("/"), Path::new("/"));
    assert!(measured.memory > Some(0) && measured.pids > Some(0) && measured.disk.unwrap().capacity > 0);
}

#[test]
fn measures_are_those_of_the_files() {
    let (root, _) = node(&[]);
    let measured = measure(root.path(), root.path());
    assert_eq!((measured.memory, measured.pids), (Some(2_000_000 << 10), Some(30_000 - 345)));
    let (root, _) = node(&[("proc/meminfo", None), ("proc/loadavg", None)]);
    assert_eq!(measure(root.path(), Path::new("/no/such/place")), Measured::default());
}

fn at(second: i64) -> Time {
    Time::from_second(second).unwrap()
}

/// Types of the conditions that are not as they are on a node that is well.
fn ill(pressures: &Pressures) -> Vec<&'static str> {
    let well = |finding: &Finding| finding.holds == (finding.kind == "Ready");
    conditions(pressures, &[]).into_iter().filter(|f| !well(f)).map(|f| f.kind).collect()
}

#[test]
fn pressures_have_thresholds() {
    let disk = Disk { capacity: 1000, used: 900, available: 100, inodes: 1000, inodes_free: 50 };
    let fine = Measured { memory: Some(100 << 20), disk: Some(disk), pids: Some(1000) };
    let with_disk = |disk| Measured { disk: Some(disk), ..fine.clone() };
    let cases = [
        (fine.clone(), vec![]),
        (Measured { memory: Some((100 << 20) - 1), ..fine.clone() }, vec!["MemoryPressure"]),
        (with_disk(Disk { available: 99, ..disk }), vec!["DiskPressure"]),
        (with_disk(Disk { inodes_free: 49, ..disk }), vec!["DiskPressure"]),
        (with_disk(Disk { inodes: 0, inodes_free: 0, ..disk }), vec![]),
        (Measured { pids: Some(999), ..fine.clone() }, vec!["PIDPressure"]),
        (Measured::default(), vec![]),
    ];
    for (measured, expected) in cases {
        assert_eq!(ill(&Pressures::default().step(&measured, at(0))), expected, "{measured:?}");
    }
}

#[test]
fn pressures_linger() {
    let (short, fine) = (Some(0), Some(1 << 40));
    let memory = |memory| Measured { memory, ..Measured::default() };
    let mut pressures = Pressures::default().step(&memory(short), at(0));
    for (second, seen, expected) in
        [(200, fine, 1), (299, fine, 1), (299, None, 1), (300, fine, 0), (301, None, 0), (302, short, 1)]
    {
        pressures = pressures.step(&memory(seen), at(second));
        assert_eq!(ill(&pressures).len(), expected, "{second}");
    }
}

#[test]
fn readiness_says_what_is_wrong() {
    let ready = |complaints: &[&str]| {
        let complaints: Vec<String> = complaints.iter().map(|c| (*c).to_owned()).collect();
        conditions(&Pressures::default(), &complaints).pop().unwrap()
    };
    assert!(ready(&[]).holds);
    let down = ready(&["container runtime is down"]);
    assert_eq!((down.reason, down.message.as_str()), ("KubeletNotReady", "container runtime is down"));
    assert_eq!(ready(&["a", "b"]).message, "[a, b]");
}
