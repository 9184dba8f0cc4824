//! `exec` and `attach`.

use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use object::Value;

use crate::pods::{self, Purpose};
use crate::remote::{self, Streams};
use crate::resource::{items, text};
use crate::session::{Session, with_words};
use crate::wait::parse_duration;
use crate::{Error, containers};

/// Flags that both verbs have.
#[derive(Args, Clone, Debug)]
struct Flags {
    /// The container; otherwise the one that the pod's annotation names, or its first one.
    #[arg(short = 'c', long, default_value = "")]
    container: String,
    /// Pass standard input to the container.
    #[arg(short = 'i', long)]
    stdin: bool,
    /// Standard input is a terminal.
    #[arg(short = 't', long)]
    tty: bool,
    /// Only print the output of the remote session.
    #[arg(short = 'q', long)]
    quiet: bool,
    /// How long to wait until there is a pod.
    #[arg(long, default_value = "1m", value_parser = parse_duration)]
    pod_running_timeout: Duration,
}

/// Execute a command in a container.
#[derive(Args, Clone, Debug)]
pub struct Exec {
    /// `POD` or `TYPE/NAME`.
    pod: Option<String>,
    #[command(flatten)]
    flags: Flags,
    /// The command and its arguments.
    #[arg(last = true)]
    command: Vec<String>,
}

/// Attach to a process that is already running inside a container.
#[derive(Args, Clone, Debug)]
pub struct Attach {
    /// `POD` or `TYPE/NAME`.
    pod: Option<String>,
    #[command(flatten)]
    flags: Flags,
}

impl Exec {
    pub(crate) async fn run(self, session: &Session) -> Result<ExitCode, Error> {
        let pod = self.pod.ok_or_else(|| Error::msg("pod, type/name or --filename must be specified"))?;
        if self.command.is_empty() {
            return Err(Error::msg("you must specify at least one command for the container"));
        }
        let pod = self.flags.pod(session, &pod).await?;
        let phase = text(&pod["status"]["phase"]);
        if matches!(phase, "Succeeded" | "Failed") {
            return Err(Error::msg(format!(
                "cannot exec into a container in a completed pod; current phase is {phase}"
            )));
        }
        let container = self.flags.container(&pod)?;
        let streams = self.flags.streams();
        remote::run(session, &path(&pod, "exec", &container, streams, &self.command), streams).await
    }
}

impl Attach {
    pub(crate) async fn run(self, session: &Session) -> Result<ExitCode, Error> {
        let pod = self.pod.ok_or_else(|| Error::msg("at least 1 argument is required for attach"))?;
        let pod = self.flags.pod(session, &pod).await?;
        let phase = text(&pod["status"]["phase"]);
        if matches!(phase, "Succeeded" | "Failed") {
            return Err(Error::msg(format!(
                "cannot attach a container in a completed pod; current phase is {phase}"
            )));
        }
        let container = self.flags.container(&pod)?;
        let mut streams = self.flags.streams();
        if streams.tty && !has_terminal(&pod, &container) {
            eprintln!("error: Unable to use a TTY - container {container} did not allocate one");
            streams.tty = false;
        }
        if streams.tty && streams.stdin && !self.flags.quiet {
            eprintln!("If you don't see a command prompt, try pressing enter.");
        }
        remote::run(session, &path(&pod, "attach", &container, streams, &[]), streams).await
    }
}

impl Flags {
    async fn pod(&self, session: &Session, arg: &str) -> Result<Value, Error> {
        Ok(pods::find(session, arg, Purpose::Exec, self.pod_running_timeout).await?.pod)
    }

    /// The container that is meant; says so where it was not named.
    fn container(&self, pod: &Value) -> Result<String, Error> {
        if self.container.is_empty() {
            let chosen = containers::default_of(pod)?;
            if let Some(notice) = chosen.notice.filter(|_| !self.quiet) {
                eprintln!("{notice}");
            }
            return Ok(chosen.name);
        }
        if !containers::has(pod, &self.container) {
            let (container, pod) = (&self.container, text(&pod["metadata"]["name"]));
            return Err(Error::msg(format!("container {container} not found in pod {pod}")));
        }
        Ok(self.container.clone())
    }

    fn streams(&self) -> Streams {
        streams(self.stdin, self.tty)
    }
}

/// The streams to connect. A terminal needs an input, and one that is a terminal itself.
pub(crate) fn streams(stdin: bool, tty: bool) -> Streams {
    let terminal = stdin && std::io::stdin().is_terminal();
    if tty && stdin && !terminal {
        eprintln!("Unable to use a TTY - input is not a terminal or the right kind of file");
    }
    Streams { stdin, tty: tty && terminal }
}

/// Whether a container has a terminal.
pub(crate) fn has_terminal(pod: &Value, container: &str) -> bool {
    let lists = ["containers", "initContainers", "ephemeralContainers"].into_iter();
    let mut all = lists.flat_map(|list| items(&pod["spec"][list]));
    all.any(|found| text(&found["name"]) == container && found["tty"] == true)
}

/// What the API is asked for.
pub(crate) fn path(pod: &Value, verb: &str, container: &str, streams: Streams, command: &[String]) -> String {
    let meta = &pod["metadata"];
    let path = format!("{}/{verb}", pods::path(text(&meta["namespace"]), text(&meta["name"])));
    let mut query: Vec<_> = command.iter().map(|word| ("command", word.as_str())).collect();
    query.push(("container", container));
    let flags = [("stdin", streams.stdin), ("stdout", true), ("stderr", !streams.tty), ("tty", streams.tty)];
    query.extend(flags.into_iter().filter(|(_, wanted)| *wanted).map(|(name, _)| (name, "true")));
    with_words(&path, &query)
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use serde_json::json;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        exec: Exec,
    }

    #[test]
    fn lines_become_requests() {
        let check = |line: &[&str], tty: bool, expect: &str| {
            let line = std::iter::once("exec").chain(line.iter().copied());
            let exec = Line::try_parse_from(line).expect("flags").exec;
            assert_eq!(exec.pod.as_deref(), Some("web"));
            let pod = json!({"metadata": {"name": "web", "namespace": "n"}});
            let streams = Streams { stdin: exec.flags.stdin, tty };
            let expect = format!("/api/v1/namespaces/n/pods/web/exec?{expect}");
            assert_eq!(path(&pod, "exec", "a", streams, &exec.command), expect);
        };
        check(&["web", "--", "date"], false, "command=date&container=a&stdout=true&stderr=true");
        check(
            &["web", "-it", "--", "sh", "-c", "echo \"$1\" & x", "", "-i"],
            true,
            "command=sh&command=-c&command=echo%20%22%241%22%20%26%20x&command=&command=-i&container=a\
             &stdin=true&stdout=true&tty=true",
        );
    }

    #[test]
    fn terminals_of_containers() {
        let pod = json!({"spec": {"containers": [{"name": "a", "tty": true}, {"name": "b"}]}});
        assert!(has_terminal(&pod, "a") && !has_terminal(&pod, "b"));
    }
}
