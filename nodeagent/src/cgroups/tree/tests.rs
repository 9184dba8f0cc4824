use std::os::unix::process::ExitStatusExt;

use super::*;

const UID: &str = "0f3a-1";

/// A root with this mountinfo, and the files of these directories below `sys`.
fn root(mountinfo: &str, files: &[(&str, &str)]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir_all(root.path().join("proc/self")).unwrap();
    fs::write(root.path().join("proc/self/mountinfo"), mountinfo).unwrap();
    for (path, text) in files {
        let path = root.path().join("sys").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    root
}

fn line(point: &str, kind: &str, options: &str) -> String {
    format!("31 23 0:28 / {point} rw,relatime shared:9 - {kind} {kind} {options}\n")
}

fn limited() -> PodResources {
    PodResources {
        cpu_shares: 512,
        cpu_quota: Some(50_000),
        memory_limit: Some(1 << 30),
        pids: Some(99),
        cpu_request: 500,
    }
}

fn read(root: &tempfile::TempDir, path: &str) -> String {
    fs::read_to_string(root.path().join("sys").join(path)).expect(path)
}

#[test]
fn version_1() {
    let mounts = line("/sys/cpu", "cgroup", "rw,cpu,cpuacct")
        + &line("/sys/memory", "cgroup", "rw,memory")
        + &line("/sys/pids", "cgroup", "rw,pids")
        + &line("/sys/systemd", "cgroup", "rw,xattr,name=systemd")
        + &line("/sys/unified", "cgroup2", "rw");
    let roots = ["cpu/x", "memory/x", "pids/x", "systemd/x", "unified/x"].map(|path| (path, ""));
    let root = root(&mounts, &roots);
    let cgroups = Cgroups::new(Hierarchies::find(root.path()).unwrap(), "").unwrap();
    cgroups.set_up(&NodeResources { cpu: Some(4000), memory: Some(7), pids: None }).unwrap();
    cgroups.set_burstable(2500).unwrap();
    cgroups.set_pod(UID, Qos::Burstable, &limited()).unwrap();
    assert_eq!(cgroups.pod_path(UID, Qos::Burstable), "/kubepods/burstable/pod0f3a-1");
    assert_eq!(cgroups.pod_path(UID, Qos::Guaranteed), "/kubepods/pod0f3a-1");
    let rows = [
        ("cpu/kubepods/cpu.shares", "4096"),
        ("memory/kubepods/memory.limit_in_bytes", "7"),
        ("pids/kubepods/pids.max", "max"),
        ("cpu/kubepods/besteffort/cpu.shares", "2"),
        ("cpu/kubepods/burstable/cpu.shares", "2560"),
        ("cpu/kubepods/burstable/pod0f3a-1/cpu.shares", "512"),
        ("cpu/kubepods/burstable/pod0f3a-1/cpu.cfs_period_us", "100000"),
        ("cpu/kubepods/burstable/pod0f3a-1/cpu.cfs_quota_us", "50000"),
        ("memory/kubepods/burstable/pod0f3a-1/memory.limit_in_bytes", "1073741824"),
        ("pids/kubepods/burstable/pod0f3a-1/pids.max", "99"),
    ];
    for (path, value) in rows {
        assert_eq!(read(&root, path), value, "{path}");
    }
    for hierarchy in ["systemd", "unified"] {
        let group = root.path().join("sys").join(hierarchy).join("kubepods/burstable/pod0f3a-1");
        assert_eq!(fs::read_dir(group).unwrap().count(), 0);
    }
    let free = PodResources { cpu_quota: None, memory_limit: None, pids: None, ..limited() };
    cgroups.set_pod(UID, Qos::Burstable, &free).unwrap();
    assert_eq!(read(&root, "cpu/kubepods/burstable/pod0f3a-1/cpu.cfs_quota_us"), "-1");
    assert_eq!(read(&root, "memory/kubepods/burstable/pod0f3a-1/memory.limit_in_bytes"), "-1");
    assert_eq!(cgroups.pods().unwrap(), [(UID.to_owned(), Qos::Burstable)]);
    let group = "memory/kubepods/burstable/pod0f3a-1/c";
    check_oom(&root, &cgroups, UID, Qos::Burstable, &format!("{group}/memory.oom_control"));
}

/// A container's group, which `file` belongs to, tells what the kernel ended in it.
fn check_oom(root: &tempfile::TempDir, cgroups: &Cgroups, uid: &str, qos: Qos, file: &str) {
    let file = root.path().join("sys").join(file);
    assert!(!cgroups.oom_killed(uid, qos, "c").unwrap(), "there is no group");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    for (text, killed) in [("oom_kill 0\n", false), ("under_oom 1\noom_kill 12\noom_group_kill 0\n", true)] {
        fs::write(&file, text).unwrap();
        assert_eq!(cgroups.oom_killed(uid, qos, "c").unwrap(), killed, "{text:?}");
    }
}

#[test]
fn version_2() {
    let groups = ["", "kubepods/", "kubepods/besteffort/", "kubepods/burstable/", "kubepods/podx/"];
    let mut files: Vec<(String, &str)> = Vec::new();
    for group in groups {
        files.push((format!("fs/{group}cgroup.controllers"), "cpu memory pids rdma\n"));
        files.push((format!("fs/{group}cgroup.subtree_control"), ""));
    }
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), *text)).collect();
    let root = root(&line("/sys/fs", "cgroup2", "rw,nsdelegate"), &files);
    let hierarchies = Hierarchies::find(root.path()).unwrap();
    assert_eq!(hierarchies, Hierarchies::V2(root.path().join("sys/fs")));
    let cgroups = Cgroups::new(hierarchies, "").unwrap();
    cgroups.set_up(&NodeResources::default()).unwrap();
    cgroups.set_pod("x", Qos::Guaranteed, &limited()).unwrap();
    let rows = [
        ("cpu.weight", "20"),
        ("cpu.max", "50000 100000"),
        ("memory.max", "1073741824"),
        ("pids.max", "99"),
        // a plain file keeps the last of the writes
        ("cgroup.subtree_control", "+pids"),
    ];
    for (file, value) in rows {
        assert_eq!(read(&root, &format!("fs/kubepods/podx/{file}")), value, "{file}");
    }
    cgroups.set_pod("x", Qos::Guaranteed, &PodResources { cpu_quota: None, ..limited() }).unwrap();
    assert_eq!(read(&root, "fs/kubepods/podx/cpu.max"), "max 100000");
    check_oom(&root, &cgroups, "x", Qos::Guaranteed, "fs/kubepods/podx/c/memory.events");
}

#[test]
fn what_is_missing_is_named() {
    let find = |mounts: &str, files: &[(&str, &str)]| {
        let root = root(mounts, files);
        Hierarchies::find(root.path()).unwrap_err().to_string()
    };
    assert_eq!(find("", &[]), "no cgroup hierarchy is mounted");
    let only_cpu = line("/sys/cpu", "cgroup", "rw,cpu");
    assert_eq!(find(&only_cpu, &[]), "the cgroup controller \"memory\" is not available");
    let v2 = line("/sys/fs", "cgroup2", "rw");
    let found = find(&v2, &[("fs/cgroup.controllers", "memory pids")]);
    assert_eq!(found, "the cgroup controller \"cpu\" is not available");
}

#[test]
fn names_cannot_leave_the_tree() {
    let cgroups = Cgroups::new(Hierarchies::V1(Vec::new()), "/a/").unwrap();
    assert_eq!(cgroups.pod_path("u", Qos::BestEffort), "/a/kubepods/besteffort/podu");
    for uid in ["", "../x", "a/b", "."] {
        assert!(cgroups.set_pod(uid, Qos::Guaranteed, &limited()).is_err(), "{uid:?}");
    }
    assert!(Cgroups::new(Hierarchies::V1(Vec::new()), "a/../..").is_err());
}

#[test]
fn weights() {
    for (shares, weight) in [(0, 1), (2, 1), (1024, 39), (262_144, 10_000)] {
        assert_eq!(super::super::weight_of(shares), weight);
    }
}

/// The groups of a test, removed whatever becomes of it.
struct Leave(Cgroups);

impl Leave {
    fn remove(&self, patience: Duration) -> Result<(), CgroupError> {
        self.0.remove_pod(UID, Qos::Burstable, patience)
    }
}

impl Drop for Leave {
    fn drop(&mut self) {
        let gone = self.0.remove_all(PATIENCE);
        assert!(gone.is_ok() || std::thread::panicking(), "{gone:?}");
    }
}

const PATIENCE: Duration = Duration::from_secs(10);

#[test]
fn on_this_host() {
    let hierarchies = Hierarchies::find(Path::new("/")).unwrap();
    let name = format!("berth-test-{}", std::process::id());
    let host = Leave(Cgroups::new(hierarchies, &name).unwrap());
    let cgroups = &host.0;
    cgroups.set_up(&NodeResources::default()).unwrap();
    for _ in 0..2 {
        cgroups.set_pod(UID, Qos::Burstable, &limited()).unwrap();
    }
    assert_eq!(cgroups.pods().unwrap(), [(UID.to_owned(), Qos::Burstable)]);
    let path = cgroups.pod_path(UID, Qos::Burstable);
    let limits = ["memory.limit_in_bytes", "memory.max"].map(|file| {
        let groups = cgroups.mounts().into_iter().map(|mount| mount.join(&path[1..]).join(file));
        groups.filter_map(|file| fs::read_to_string(file).ok()).collect::<String>()
    });
    assert_eq!(limits.concat().trim(), "1073741824");
    // a container's group inside, with a process that nobody else ends
    let inner = cgroups.mounts().into_iter().map(|mount| mount.join(&path[1..]).join("c1"));
    let inner: Vec<PathBuf> = inner.inspect(|group| fs::create_dir(group).unwrap()).collect();
    let mut child = std::process::Command::new("sleep").arg("3600").spawn().unwrap();
    let memory = inner.iter().find(|group| group.join("memory.stat").exists()).unwrap();
    fs::write(memory.join("cgroup.procs"), child.id().to_string()).unwrap();
    let early = host.remove(Duration::ZERO).unwrap_err();
    assert!(early.to_string().contains("busy"), "{early}");
    // its group is free once it was waited for
    let ended = std::thread::spawn(move || child.wait().unwrap());
    host.remove(PATIENCE).unwrap();
    assert_eq!(ended.join().unwrap().signal(), Some(9));
    assert_eq!(cgroups.pods().unwrap(), []);
    host.remove(PATIENCE).unwrap();
}
