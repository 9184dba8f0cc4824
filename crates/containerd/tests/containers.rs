//! Containers from their making to their end.

use std::time::Instant;

use containerd::{Error, Seccomp, TaskState, User};

use crate::support::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_container_is_made_runs_and_goes() {
    let world = World::new().await;
    let containerd = &world.containerd;
    let mut spec =
        world.script("c1", "echo out; echo err >&2; pwd; echo $IMAGE $MORE; id; printf tail; exit 7");
    spec.env = vec![("MORE".into(), "more".into())];
    spec.user = User { uid: Some(33), ..User::default() };
    spec.security.seccomp = Seccomp::RuntimeDefault;
    containerd.create(&spec).await.unwrap();
    containerd.create(&spec).await.unwrap();
    assert_eq!(world.found("c1").await.unwrap().state, TaskState::Created);
    containerd.start("c1").await.unwrap();
    assert_eq!(world.exit("c1").await, 7);
    containerd.start("c1").await.unwrap();
    let mut log = world.log("c1").await;
    log.sort();
    assert_eq!(
        log,
        [
            "stderr F err",
            "stdout F /tmp",
            "stdout F busybox more",
            "stdout F out",
            "stdout F tail",
            "stdout F uid=33(web) gid=33(web) groups=4(adm),33(web)",
        ]
    );
    let found = containerd.find("pod", "of/c1").await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].id.as_str(), found[0].image.as_str()), ("c1", "box:1"));
    assert!(matches!(found[0].state, TaskState::Exited { code: 7, at: Some(_) }));
    assert_eq!(containerd.list().await.unwrap(), found);
    assert_eq!(containerd.find("pod", "of/c2").await.unwrap(), []);
    containerd.delete("c1").await.unwrap();
    containerd.delete("c1").await.unwrap();
    containerd.kill("c1", 9, true).await.unwrap();
    assert_eq!(containerd.list().await.unwrap(), []);
    assert!(matches!(containerd.start("c1").await, Err(Error::NotFound(_))));
    assert_eq!(std::fs::read_dir(world.rig.options().fifo_dir).unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_ends_it_and_a_running_one_is_not_deleted() {
    let world = World::new().await;
    let containerd = &world.containerd;
    world
        .run(&world.script("c1", "trap 'echo bye; exit 3' TERM; echo up; while :; do sleep 0.05; done"))
        .await;
    world.logged("c1", "stdout F up").await;
    assert_eq!(world.found("c1").await.unwrap().state, TaskState::Running);
    assert!(containerd.delete("c1").await.is_err());
    containerd.kill("c1", 15, false).await.unwrap();
    assert_eq!(world.exit("c1").await, 3);
    assert_eq!(world.log("c1").await, ["stdout F up", "stdout F bye"]);
    containerd.delete("c1").await.unwrap();
    world.run(&world.script("c2", "sleep 1000")).await;
    containerd.kill("c2", 9, true).await.unwrap();
    assert_eq!(world.exit("c2").await, 137);
    containerd.delete("c2").await.unwrap();
    containerd.create(&world.script("c3", "sleep 1000")).await.unwrap();
    containerd.delete("c3").await.unwrap();
    assert_eq!(containerd.list().await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_made_says_why() {
    let world = World::new().await;
    let containerd = &world.containerd;
    let mut spec = world.script("c1", "true");
    spec.image = "absent:1".into();
    assert!(matches!(containerd.create(&spec).await, Err(Error::NotFound(_))));
    spec.image = "box:1".into();
    spec.command = vec!["nothing-here".into()];
    let error = containerd.create(&spec).await.unwrap_err().to_string();
    assert!(error.contains("executable file not found in $PATH"), "{error}");
    assert_eq!(world.found("c1").await.unwrap().state, TaskState::None);
    containerd.delete("c1").await.unwrap();
    spec.id = "../c1".into();
    assert!(matches!(containerd.create(&spec).await, Err(Error::Spec(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replacement_shares_the_shim_of_what_it_replaces() {
    let world = World::new().await;
    let containerd = &world.containerd;
    world.run(&world.script("r0", "exit 0")).await;
    for round in 1..=20 {
        let (old, new) = (format!("r{}", round - 1), format!("r{round}"));
        world.exit(&old).await;
        containerd.create(&world.script(&new, "exit 0")).await.unwrap();
        containerd.delete(&old).await.unwrap();
        containerd.start(&new).await.unwrap();
    }
    world.exit("r20").await;
    containerd.delete("r20").await.unwrap();
    for round in 0..5 {
        let id = format!("s{round}");
        world.run(&world.script(&id, "exit 0")).await;
        world.exit(&id).await;
        containerd.delete(&id).await.unwrap();
    }
    assert_eq!(containerd.list().await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn much_output_arrives_in_order_and_a_terminal_has_one_stream() {
    let world = World::new().await;
    let script = "i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done";
    world.run(&world.script("c1", script)).await;
    assert_eq!(world.exit("c1").await, 0);
    let expected: Vec<String> = (0..20000).map(|line| format!("stdout F line {line}")).collect();
    assert!(world.log("c1").await == expected);
    let mut spec = world.script("c2", "echo $TERM; echo error >&2; test -t 1 && echo terminal");
    spec.tty = true;
    world.run(&spec).await;
    assert_eq!(world.exit("c2").await, 0);
    assert_eq!(world.log("c2").await, ["stdout F xterm\r", "stdout F error\r", "stdout F terminal\r"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_costs_little() {
    let world = World::new().await;
    let mut times = Vec::new();
    world.run(&world.script("first", "sleep 1000")).await;
    for round in 0..10 {
        let spec = world.script(&format!("c{round}"), "sleep 1000");
        let begin = Instant::now();
        world.run(&spec).await;
        times.push(begin.elapsed().as_millis());
    }
    times.sort_unstable();
    println!("create and start: {times:?} ms");
    assert!(times[5] < 2000, "{times:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn privileges_and_limits_hold() {
    let world = World::new().await;
    let mut spec =
        world.script("c1", "busybox mount -t tmpfs none /tmp && grep -c . /proc/sys/kernel/hostname; id -u");
    spec.security.privileged = true;
    spec.resources.oom_score_adj = Some(-998);
    world.run(&spec).await;
    assert_eq!(world.exit("c1").await, 0);
    assert_eq!(world.log("c1").await, ["stdout F 1", "stdout F 0"]);
    let mut spec = world.script("c2", "dd if=/dev/zero of=/dev/null bs=100M count=1");
    spec.resources.memory_limit = Some(20 << 20);
    world.run(&spec).await;
    assert_eq!(world.exit("c2").await, 137);
}
