use std::fs;

use nix::sched::{CloneFlags, setns};

use super::host::{on_host, run};
use crate::{Error, Sandbox, inside};

fn mounts() -> usize {
    fs::read_to_string("/proc/thread-self/mountinfo").unwrap().lines().count()
}

#[test]
fn a_sandbox_is_pinned_found_and_removed() {
    on_host(|host| async move {
        let (dir, before) = (host.path("pod"), mounts());
        assert_eq!(Sandbox::find(&dir), None);
        let sysctls = [("net.ipv4.ip_unprivileged_port_start", "80"), ("kernel.shmmax", "12345")];
        let sysctls = sysctls.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let made = Sandbox::create(&dir, "web-0", true, true, &sysctls).await.unwrap();
        assert_eq!(Sandbox::find(&dir), Some(made.clone()));
        assert_eq!(mounts(), before + 3);
        assert_eq!(Sandbox::create(&dir, "other", true, true, &[]).await.unwrap(), made);
        assert_eq!(mounts(), before + 3);

        let hostname = dir.clone();
        let seen = std::thread::spawn(move || {
            for kind in ["uts", "ipc", "net"] {
                setns(fs::File::open(hostname.join(kind)).unwrap(), CloneFlags::empty()).unwrap();
            }
            let read = |name: &str| fs::read_to_string(name).unwrap().trim().to_owned();
            let own = ["kernel/hostname", "kernel/shmmax", "net/ipv4/ip_unprivileged_port_start"];
            (own.map(|name| read(&format!("/proc/sys/{name}"))), run("ip -o link show lo"))
        });
        let (own, lo) = seen.join().unwrap();
        assert_eq!(own, ["web-0", "12345", "80"]);
        assert!(lo.contains("LOOPBACK,UP"), "{lo}");
        assert_ne!(fs::read_to_string("/proc/sys/kernel/hostname").unwrap().trim(), "web-0");

        Sandbox::remove(&dir).await.unwrap();
        Sandbox::remove(&dir).await.unwrap();
        assert_eq!(Sandbox::find(&dir), None);
        assert_eq!(mounts(), before);
        assert!(!dir.exists());
    });
}

#[test]
fn what_fails_or_was_half_made_leaves_nothing() {
    on_host(|host| async move {
        let (dir, before) = (host.path("pod"), mounts());
        let sysctl = [("vm.swappiness".to_owned(), "1".to_owned())];
        let refused = Sandbox::create(&dir, "a", true, true, &sysctl).await.unwrap_err();
        assert!(matches!(refused, Error::Sysctl(_)), "{refused}");
        assert!(!dir.exists());

        // a reboot leaves files that are no namespaces any more
        fs::create_dir(&dir).unwrap();
        for kind in ["net", "ipc", "uts"] {
            fs::write(dir.join(kind), "").unwrap();
        }
        assert_eq!(Sandbox::find(&dir), None);
        Sandbox::create(&dir, "a", false, false, &[]).await.unwrap();
        assert!(Sandbox::find(&dir).is_some() && !dir.join("net").exists());
        Sandbox::remove(&dir).await.unwrap();
        assert_eq!(mounts(), before);
    });
}

#[test]
fn work_inside_reports_its_end() {
    on_host(|host| async move {
        let net = host.sandbox("pod").await.dir.join("net");
        let links = inside(&net, || run("ip -o link").lines().count()).await.unwrap();
        assert_eq!(links, 1);
        let panicked = inside(&net, || panic!("on purpose")).await;
        assert!(matches!(panicked, Err(Error::Panicked(_))));
        let missing = inside(&host.path("none"), || ()).await;
        assert!(matches!(missing, Err(Error::File { .. })));
    });
}
