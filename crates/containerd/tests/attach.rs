//! Streams of a container's own process.

use std::time::Duration;

use containerd::{AttachSpec, Error};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use crate::support::World;

#[tokio::test(flavor = "multi_thread")]
async fn input_goes_in_and_output_to_the_log_and_to_who_is_attached() {
    let world = World::new().await;
    let mut spec = world.script("c1", "echo early; cat; echo end >&2; exit 4");
    spec.stdin = true;
    world.run(&spec).await;
    world.logged("c1", "stdout F early").await;
    let wanted = AttachSpec { stdin: true, stdout: true, stderr: true, stdin_once: false };
    let mut first = world.containerd.attach("c1", &wanted).await.unwrap();
    first.stdin.as_mut().unwrap().write_all(b"one\n").await.unwrap();
    let mut line = [0; 4];
    timeout(Duration::from_secs(30), first.stdout.as_mut().unwrap().read_exact(&mut line))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(&line, b"one\n");
    drop(first);
    let once = AttachSpec { stdin_once: true, ..wanted };
    let mut second = world.containerd.attach("c1", &once).await.unwrap();
    let mut stdin = second.stdin.take().unwrap();
    stdin.write_all(b"two\n").await.unwrap();
    stdin.shutdown().await.unwrap();
    let (mut out, mut err) = (String::new(), String::new());
    let (mut stdout, mut stderr) = (second.stdout.take().unwrap(), second.stderr.take().unwrap());
    let ends = async { tokio::try_join!(stdout.read_to_string(&mut out), stderr.read_to_string(&mut err)) };
    timeout(Duration::from_secs(30), ends).await.unwrap().unwrap();
    assert_eq!((out.as_str(), err.as_str()), ("two\n", "end\n"));
    assert_eq!(world.exit("c1").await, 4);
    let mut log = world.log("c1").await;
    log.sort();
    assert_eq!(log, ["stderr F end", "stdout F early", "stdout F one", "stdout F two"]);
    let gone = world.containerd.attach("c1", &AttachSpec { stdout: true, ..AttachSpec::default() }).await;
    assert!(matches!(gone, Err(Error::NotFound(_))));
}
