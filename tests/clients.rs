//! Other clients than kubectl and our own, unmodified.

mod kube_rs;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::harness::{Cluster, text};

/// The version of the Python client; it is for the API line that is served.
const PYTHON_CLIENT: &str = "kubernetes==37.0.2";

fn done(command: &mut Command) -> Output {
    let output = command.output().expect("it runs");
    assert!(output.status.success(), "{command:?}: {}{}", text(&output.stdout), text(&output.stderr));
    output
}

/// An interpreter that has the client; made once, beside what is built.
fn python() -> PathBuf {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("python");
    let (interpreter, mark) = (place.join("bin/python"), place.join(PYTHON_CLIENT));
    if !mark.exists() {
        done(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&place));
        done(Command::new(&interpreter).args(["-m", "pip", "install", "--quiet", PYTHON_CLIENT]));
        std::fs::write(mark, "").expect("a mark");
    }
    interpreter
}

#[test]
fn the_python_client_works_as_with_kubernetes() {
    let cluster = Cluster::start();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients/everyday.py");
    let output = done(Command::new(python()).arg(script).arg(cluster.kubeconfig()));
    assert_eq!(text(&output.stdout).lines().filter(|line| line.starts_with("ok ")).count(), 5);
}
