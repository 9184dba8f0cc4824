//! `run`: a pod made of flags, and a session with it.

use std::process::ExitCode;
use std::time::Duration;

use clap::{ArgAction, Args, ValueEnum};
use http::Method;
use object::{Map, Value};
use serde_json::json;
use tokio::time::Instant;

use crate::apply::DryRun;
use crate::output::report;
use crate::remote;
use crate::resource::{items, text};
use crate::session::{Ask, Session, segment};
use crate::verb::emit;
use crate::wait::{forever, parse_duration, until_gone};
use crate::{Error, exec, pods};

/// How often the pod is looked at.
const PAUSE: Duration = Duration::from_millis(100);

/// Whether containers that end are started again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "PascalCase")]
pub enum Restart {
    /// Always.
    #[default]
    Always,
    /// When they failed.
    OnFailure,
    /// Never.
    Never,
}

/// Create and run a particular image in a pod.
#[derive(Args, Clone, Debug)]
pub struct Run {
    /// The pod's name.
    name: String,
    /// The image for the container to run.
    #[arg(long)]
    image: String,
    /// When to pull the image: Always, IfNotPresent or Never.
    #[arg(long, value_parser = ["Always", "IfNotPresent", "Never"])]
    image_pull_policy: Option<String>,
    /// Environment variables: `name=value`.
    #[arg(long)]
    env: Vec<String>,
    /// Labels of the pod, instead of `run=NAME`: `key=value,…`.
    #[arg(short = 'l', long, value_delimiter = ',')]
    labels: Vec<String>,
    /// Annotations of the pod: `key=value`.
    #[arg(long, value_delimiter = ',')]
    annotations: Vec<String>,
    /// The port that the container exposes.
    #[arg(long)]
    port: Option<u16>,
    /// Create a ClusterIP service for the pod's port too.
    #[arg(long, requires = "port")]
    expose: bool,
    /// Run the container privileged.
    #[arg(long)]
    privileged: bool,
    /// The restart policy of the pod.
    #[arg(long, value_enum, default_value_t)]
    restart: Restart,
    /// Keep the container's standard input open.
    #[arg(short = 'i', long)]
    stdin: bool,
    /// Give the container a terminal.
    #[arg(short = 't', long)]
    tty: bool,
    /// Attach to the container; the default with -i.
    #[arg(long, action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    attach: Option<bool>,
    /// Delete the pod after an attached session.
    #[arg(long)]
    rm: bool,
    /// Keep the input open after the first attached session.
    #[arg(long)]
    leave_stdin_open: bool,
    /// Print only what the container does.
    #[arg(short = 'q', long)]
    quiet: bool,
    /// The words after `--` are the container's command, not its arguments.
    #[arg(long)]
    command: bool,
    /// How long to wait until the pod runs.
    #[arg(long, default_value = "1m", value_parser = parse_duration)]
    pod_running_timeout: Duration,
    /// Output format.
    #[arg(short = 'o', long)]
    output: Option<String>,
    /// Only say what would be done.
    #[arg(long, value_enum, default_value_t, num_args = 0..=1, require_equals = true, default_missing_value = "client")]
    dry_run: DryRun,
    /// Arguments, or with --command the command.
    #[arg(last = true)]
    words: Vec<String>,
}

impl Run {
    pub(crate) async fn run(self, session: &Session) -> Result<ExitCode, Error> {
        let attach = self.attach.unwrap_or(self.stdin);
        self.check(attach)?;
        let pod = self.pod()?;
        let created = self.create(session, "pods", &pod).await?;
        if !attach || self.dry_run != DryRun::None {
            self.tell(&created)?;
        }
        if self.expose {
            let service = self.create(session, "services", &self.service(&pod)).await?;
            self.tell(&service)?;
        }
        if !attach {
            return Ok(ExitCode::SUCCESS);
        }
        let ended = self.session(session).await;
        if self.rm {
            self.remove(session).await?;
        }
        ended
    }

    fn check(&self, attach: bool) -> Result<(), Error> {
        let refuse = |text: &str| Err(Error::msg(text));
        if self.tty && !self.stdin {
            return refuse("-i/--stdin is required for containers with -t/--tty=true");
        }
        if self.rm && !attach {
            return refuse("--rm should only be used for attached containers");
        }
        if attach && self.dry_run != DryRun::None {
            return refuse(
                "--dry-run=[server|client] can't be used with attached containers options (--attach, --stdin, or --tty)",
            );
        }
        Ok(())
    }

    /// The pod that the flags describe.
    fn pod(&self) -> Result<Value, Error> {
        let mut container = json!({"name": self.name, "image": self.image});
        let mut set = |name: &str, value: Value| container[name] = value;
        if !self.words.is_empty() {
            set(if self.command { "command" } else { "args" }, self.words.clone().into());
        }
        if let Some(policy) = &self.image_pull_policy {
            set("imagePullPolicy", policy.clone().into());
        }
        if !self.env.is_empty() {
            let pair = |(name, value): (String, Value)| json!({"name": name, "value": value});
            set("env", pairs(&self.env, "env")?.into_iter().map(pair).collect());
        }
        if let Some(port) = self.port {
            set("ports", json!([{"containerPort": port}]));
        }
        if self.privileged {
            set("securityContext", json!({"privileged": true}));
        }
        for (name, wanted) in
            [("stdin", self.stdin), ("stdinOnce", self.stdin && !self.leave_stdin_open), ("tty", self.tty)]
        {
            if wanted {
                set(name, true.into());
            }
        }
        let labels = match self.labels.is_empty() {
            true => json!({"run": self.name}),
            false => pairs(&self.labels, "labels")?.into(),
        };
        let mut metadata = json!({"name": self.name, "labels": labels});
        if !self.annotations.is_empty() {
            metadata["annotations"] = pairs(&self.annotations, "annotations")?.into();
        }
        Ok(json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": metadata,
            "spec": {"containers": [container], "restartPolicy": format!("{:?}", self.restart)},
        }))
    }

    fn service(&self, pod: &Value) -> Value {
        let ports = json!([{"port": self.port, "protocol": "TCP", "targetPort": self.port}]);
        json!({
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": self.name},
            "spec": {"selector": pod["metadata"]["labels"], "ports": ports},
        })
    }

    async fn create(&self, session: &Session, plural: &str, object: &Value) -> Result<Value, Error> {
        let mut object = object.clone();
        if self.dry_run == DryRun::Client {
            if let Some(namespace) = &session.explicit {
                object["metadata"]["namespace"] = namespace.clone().into();
            }
            return Ok(object);
        }
        object["metadata"]["namespace"] = session.namespace.clone().into();
        let path = format!("/api/v1/namespaces/{}/{plural}", segment(&session.namespace));
        session.post(&path, &[("fieldManager", "kubectl-run"), self.dry_run.query()], &object).await
    }

    fn tell(&self, object: &Value) -> Result<(), Error> {
        emit(&report(self.output.as_deref(), object, &format!("created{}", self.dry_run.suffix()))?)
    }

    /// Attaches to the pod once it runs; what ended before is shown by its log.
    async fn session(&self, session: &Session) -> Result<ExitCode, Error> {
        let patience = self.pod_running_timeout;
        let runs = |phase: &str| matches!(phase, "Running" | "Succeeded" | "Failed");
        let pod = self.until(session, patience, runs).await?;
        if text(&pod["status"]["phase"]) != "Running" {
            self.log(session).await?;
        } else {
            let streams = exec::streams(self.stdin, self.tty);
            if streams.tty && !self.quiet {
                eprintln!("If you don't see a command prompt, try pressing enter.");
            }
            let path = exec::path(&pod, "attach", &self.name, streams, &[]);
            if let Err(error) = remote::run(session, &path, streams).await {
                let name = &self.name;
                eprintln!("warning: couldn't attach to pod/{name}, falling back to streaming logs: {error}");
                self.log(session).await?;
            }
        }
        if self.leave_stdin_open || self.restart == Restart::Always {
            return Ok(ExitCode::SUCCESS);
        }
        let ended = |phase: &str| matches!(phase, "Succeeded" | "Failed");
        let pod = self.until(session, forever(), ended).await?;
        self.verdict(&pod)
    }

    /// The pod once it is in one of these phases.
    async fn until(
        &self,
        session: &Session,
        patience: Duration,
        phase: impl Fn(&str) -> bool,
    ) -> Result<Value, Error> {
        let deadline = Instant::now() + patience;
        loop {
            let pod = session.get(&pods::path(&session.namespace, &self.name)).await?;
            if phase(text(&pod["status"]["phase"])) {
                return Ok(pod);
            }
            if Instant::now() >= deadline {
                return Err(Error::msg("timed out waiting for the condition"));
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn log(&self, session: &Session) -> Result<(), Error> {
        let path = format!("{}/log", pods::path(&session.namespace, &self.name));
        let mut chunks = session.stream(&path, &[("follow", "true")]).await?;
        while let Some(chunk) = futures::StreamExt::next(&mut chunks).await {
            emit(&String::from_utf8_lossy(&chunk?))?;
        }
        Ok(())
    }

    /// The container's exit code as ours.
    fn verdict(&self, pod: &Value) -> Result<ExitCode, Error> {
        if text(&pod["status"]["phase"]) == "Succeeded" {
            return Ok(ExitCode::SUCCESS);
        }
        let meta = &pod["metadata"];
        let name = format!("{}/{}", text(&meta["namespace"]), text(&meta["name"]));
        let statuses = items(&pod["status"]["containerStatuses"]);
        let ended = statuses.first().map(|status| &status["state"]["terminated"]);
        let code = ended.and_then(|ended| ended["exitCode"].as_i64()).filter(|code| *code != 0);
        let (Some(ended), Some(code)) = (ended, code) else {
            return Err(Error::msg(format!("pod {name} failed with unknown exit code")));
        };
        eprintln!("pod {name} terminated ({})\n{}", text(&ended["reason"]), text(&ended["message"]));
        Ok(ExitCode::from((code & 0xff) as u8))
    }

    async fn remove(&self, session: &Session) -> Result<(), Error> {
        let path = pods::path(&session.namespace, &self.name);
        let options = json!({"propagationPolicy": "Background"});
        let answer =
            session.json(Method::DELETE, &path, Ask { body: Some(&options), ..Ask::default() }).await?;
        if !self.quiet {
            emit(&format!("pod {:?} deleted\n", self.name))?;
        }
        let uid = text(&answer["metadata"]["uid"]).to_owned();
        until_gone(session, &path, &uid, Instant::now() + forever(), &self.name).await
    }
}

/// The values of `key=value` texts.
fn pairs(texts: &[String], flag: &str) -> Result<Map, Error> {
    let pair = |text: &String| {
        let invalid = || Error::msg(format!("invalid {flag}: {text} is not key=value"));
        let (key, value) = text.split_once('=').filter(|(key, _)| !key.is_empty()).ok_or_else(invalid)?;
        Ok((key.to_owned(), value.into()))
    };
    texts.iter().map(pair).collect()
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        run: Run,
    }

    fn line(words: &[&str]) -> Run {
        Line::try_parse_from(std::iter::once("run").chain(words.iter().copied())).expect("flags").run
    }

    #[test]
    fn flags_become_a_pod() {
        let run = line(&[
            "web",
            "--image=web:1",
            "-it",
            "--rm",
            "--restart=Never",
            "--env=A=b=c",
            "--port=80",
            "--",
            "sh",
            "-c",
            "x",
        ]);
        let container = json!({
            "name": "web", "image": "web:1", "args": ["sh", "-c", "x"], "env": [{"name": "A", "value": "b=c"}],
            "ports": [{"containerPort": 80}], "stdin": true, "stdinOnce": true, "tty": true,
        });
        let expect = json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "labels": {"run": "web"}},
            "spec": {"containers": [container], "restartPolicy": "Never"},
        });
        assert_eq!(run.pod().unwrap(), expect);
        let run = line(&["web", "--image=x", "-l", "a=b,c=d", "--command", "--", "sh"]);
        let pod = run.pod().unwrap();
        assert_eq!(pod["metadata"]["labels"], json!({"a": "b", "c": "d"}));
        assert_eq!(pod["spec"]["containers"][0]["command"], json!(["sh"]));
        assert!(line(&["web", "--image=x", "-l", "a"]).pod().is_err());
    }

    #[test]
    fn flags_that_do_not_go_together() {
        let check = |words: &[&str], expect: &str| {
            let run = line(words);
            let refused = run.check(run.attach.unwrap_or(run.stdin)).map_err(|e| e.to_string());
            assert_eq!(refused.err().unwrap_or_default(), expect);
        };
        check(&["w", "--image=x", "-i", "--rm"], "");
        check(&["w", "--image=x", "--rm"], "error: --rm should only be used for attached containers");
        check(&["w", "--image=x", "-t"], "error: -i/--stdin is required for containers with -t/--tty=true");
    }
}
