//! Processes in running containers.

use std::time::{Duration, Instant};

use containerd::{Error, ExecSpec};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use crate::support::{World, eventually};

fn shell(script: &str) -> ExecSpec {
    ExecSpec {
        args: ["sh", "-c", script].map(str::to_owned).to_vec(),
        stdout: true,
        stderr: true,
        ..ExecSpec::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_has_streams_and_an_exit_code() {
    let world = World::new().await;
    let mut spec = world.script("c1", "sleep 1000");
    spec.env = vec![("OWN".into(), "1".into())];
    world.run(&spec).await;
    let mut wanted = shell("echo $OWN $IMAGE $NEW; cat; echo error >&2; exit 5");
    wanted.stdin = true;
    wanted.env = vec![("NEW".into(), "new".into())];
    let mut exec = world.containerd.exec("c1", &wanted).await.unwrap();
    let mut stdin = exec.stdin.take().unwrap();
    let text = "x".repeat(200_000);
    let sent = text.clone();
    tokio::spawn(async move {
        stdin.write_all(sent.as_bytes()).await.unwrap();
        stdin.shutdown().await.unwrap();
    });
    let (mut out, mut err) = (String::new(), String::new());
    let (mut stdout, mut stderr) = (exec.stdout.take().unwrap(), exec.stderr.take().unwrap());
    timeout(Duration::from_secs(30), async {
        tokio::try_join!(stdout.read_to_string(&mut out), stderr.read_to_string(&mut err)).unwrap()
    })
    .await
    .unwrap();
    assert_eq!(exec.process.wait().await.unwrap(), 5);
    assert!(out == format!("1 busybox new\n{text}"), "{} bytes", out.len());
    assert_eq!(err, "error\n");
    drop(exec);
    let directory = world.rig.options().fifo_dir.join("c1");
    eventually("the process's fifos go", || {
        std::fs::read_dir(&directory).unwrap().flatten().all(|entry| !entry.path().is_dir())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn quick_ones_lose_nothing() {
    let world = World::new().await;
    world.run(&world.script("c1", "sleep 1000")).await;
    for round in 0..20 {
        let wanted = ExecSpec { stdin: round % 2 == 0, ..shell(&format!("echo {round}")) };
        let begin = Instant::now();
        let mut exec = world.containerd.exec("c1", &wanted).await.unwrap();
        assert!(begin.elapsed() < Duration::from_secs(4), "it waits for a process that has ended");
        let mut out = String::new();
        let mut stdout = exec.stdout.take().unwrap();
        timeout(Duration::from_secs(30), stdout.read_to_string(&mut out)).await.unwrap().unwrap();
        assert_eq!(out, format!("{round}\n"));
        assert_eq!(exec.process.wait().await.unwrap(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_program_is_told_in_the_runtimes_words() {
    let world = World::new().await;
    world.run(&world.script("c1", "sleep 1000")).await;
    let spec = ExecSpec { args: vec!["nothing-here".into()], ..shell("") };
    let Err(Error::Exec(message)) = world.containerd.exec("c1", &spec).await else { panic!("it started") };
    assert!(message.starts_with("OCI runtime exec failed: "), "{message}");
    assert!(message.contains("executable file not found in $PATH"), "{message}");
    assert!(matches!(world.containerd.exec("c2", &shell("true")).await, Err(Error::NotFound(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_has_a_size_and_a_dropped_process_ends() {
    let world = World::new().await;
    world.run(&world.script("c1", "sleep 1000")).await;
    let mut spec = shell(
        "while [ \"$(stty size 2>/dev/null)\" != '33 111' ]; do sleep 0.02; done; echo sized; sleep 1000",
    );
    spec.tty = true;
    let mut exec = world.containerd.exec("c1", &spec).await.unwrap();
    exec.process.resize(111, 33).await.unwrap();
    let mut stdout = exec.stdout.take().unwrap();
    let mut line = [0; 7];
    timeout(Duration::from_secs(30), stdout.read_exact(&mut line)).await.unwrap().unwrap();
    assert_eq!(&line, b"sized\r\n");
    drop(exec.process);
    let mut rest = Vec::new();
    timeout(Duration::from_secs(30), stdout.read_to_end(&mut rest)).await.unwrap().unwrap();
}
