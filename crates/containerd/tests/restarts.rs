//! Restarts of containerd and of this process's side.

use std::time::Duration;

use containerd::{Containerd, Error, Event, Options, TaskState};
use futures::StreamExt;
use tokio::time::timeout;

use crate::support::World;

const TICKS: &str = "i=0; while :; do echo tick $i; i=$((i+1)); sleep 0.02; done";

#[tokio::test]
async fn a_socket_where_nobody_listens_is_named() {
    let options = Options {
        socket: "/nowhere.sock".into(),
        namespace: "k8s.io".to_owned(),
        snapshotter: "overlayfs".to_owned(),
        fifo_dir: "/nowhere".into(),
    };
    let error = Containerd::new(options).unwrap().images().await.unwrap_err();
    assert!(matches!(error, Error::Unavailable(_)), "{error:?}");
    let expect = "containerd is not reachable: /nowhere.sock: No such file or directory (os error 2)";
    assert_eq!(error.to_string(), expect);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_and_its_log_go_on_while_containerd_restarts() {
    let mut world = World::new().await;
    let mut events = world.containerd.events();
    assert_eq!(next(&mut events).await, Event::Reconnected);
    world.run(&world.script("c1", TICKS)).await;
    assert_eq!(next(&mut events).await, Event::Created { id: "c1".into() });
    assert!(matches!(next(&mut events).await, Event::Started { .. }));
    let pid = world.found("c1").await.unwrap().pid;
    world.rig.kill_containerd().unwrap();
    let down = world.containerd.version().await;
    assert!(matches!(down, Err(Error::Unavailable(_))), "{down:?}");
    let seen = world.log_now("c1").len();
    world.logged("c1", &format!("stdout F tick {}", seen + 10)).await;
    world.rig.start_containerd().await.unwrap();
    assert_eq!(next(&mut events).await, Event::Reconnected);
    world.containerd.resume().await.unwrap();
    let found = world.found("c1").await.unwrap();
    assert_eq!((found.state, found.pid), (TaskState::Running, pid));
    world.containerd.kill("c1", 9, true).await.unwrap();
    loop {
        if let Event::Exited { id, code, .. } = next(&mut events).await {
            assert_eq!((id.as_str(), code), ("c1", 137));
            break;
        }
    }
    let log = world.log("c1").await;
    let expected: Vec<String> = (0..log.len()).map(|tick| format!("stdout F tick {tick}")).collect();
    assert_eq!(log, expected);
}

#[test]
fn another_process_takes_the_logs_over() {
    let first = runtime();
    let world = first.block_on(async {
        let world = World::new().await;
        world.run(&world.script("c1", TICKS)).await;
        world.run(&world.script("c2", "sleep 0.2; echo late")).await;
        world.logged("c1", "stdout F tick 10").await;
        world
    });
    let (rig_options, seen) = (world.rig.options(), world.log_now("c1").len());
    let second = runtime();
    // Ends the tasks that follow.
    first.shutdown_timeout(Duration::from_secs(10));
    second.block_on(async {
        let mut world = world;
        world.containerd = Containerd::new(rig_options).unwrap();
        world.containerd.resume().await.unwrap();
        world.containerd.resume().await.unwrap();
        world.logged("c1", &format!("stdout F tick {}", seen + 20)).await;
        world.containerd.kill("c1", 9, true).await.unwrap();
        world.exit("c1").await;
        let log = world.log("c1").await;
        assert!(log.len() > seen);
        world.exit("c2").await;
        world.log("c2").await;
        world.containerd.resume().await.unwrap();
        world.containerd.delete("c1").await.unwrap();
        world.containerd.delete("c2").await.unwrap();
    });
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

async fn next(events: &mut (impl futures::Stream<Item = Event> + Unpin)) -> Event {
    timeout(Duration::from_secs(30), events.next())
        .await
        .expect("an event in time")
        .expect("a stream without end")
}
