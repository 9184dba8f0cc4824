//! `logs`.

mod lines;

use std::time::Duration;

use clap::Args;
use futures::stream::{FuturesUnordered, StreamExt};
use object::Value;

use crate::pods::{self, Purpose};
use crate::resource::text;
use crate::session::Session;
use crate::wait::parse_duration;
use crate::{Error, containers};
use lines::Lines;

/// Lines of each container that are shown of pods chosen by label, unless asked otherwise.
const TAIL_OF_MANY: i64 = 10;

/// Print the logs for a container in a pod or specified resource.
#[derive(Args, Clone, Debug)]
pub struct Logs {
    /// `POD` or `TYPE/NAME`, and optionally a container.
    args: Vec<String>,
    /// Print the logs of this container.
    #[arg(short = 'c', long, default_value = "")]
    container: String,
    /// Print the logs of all containers of the pods.
    #[arg(long)]
    all_containers: bool,
    /// Print the logs of all pods of a workload or service; sets --prefix.
    #[arg(long)]
    all_pods: bool,
    /// Go on as the logs are written.
    #[arg(short = 'f', long)]
    follow: bool,
    /// Print the logs of the container's previous instance.
    #[arg(short = 'p', long)]
    previous: bool,
    /// Lines of the recent log to show; -1 shows all.
    #[arg(long, allow_negative_numbers = true)]
    tail: Option<i64>,
    /// Only return logs newer than a relative duration like 5s, 2m, or 3h.
    #[arg(long, value_parser = parse_duration)]
    since: Option<Duration>,
    /// Only return logs after a specific date (RFC 3339).
    #[arg(long, default_value = "")]
    since_time: String,
    /// Begin each line with its time.
    #[arg(long)]
    timestamps: bool,
    /// The most bytes of logs to return.
    #[arg(long, default_value_t = 0)]
    limit_bytes: i64,
    /// Begin each line with its pod and container.
    #[arg(long)]
    prefix: bool,
    /// The pods with these labels.
    #[arg(short = 'l', long, default_value = "")]
    selector: String,
    /// How many logs may be followed at a time.
    #[arg(long, default_value_t = 5)]
    max_log_requests: usize,
    /// Go on with other logs when one fails.
    #[arg(long)]
    ignore_errors: bool,
    /// Have the API server not verify the node's certificate, which may have expired.
    #[arg(long)]
    insecure_skip_tls_verify_backend: bool,
    /// How long to wait until there is a pod.
    #[arg(long, default_value = "20s", value_parser = parse_duration)]
    pod_running_timeout: Duration,
}

/// The log of one container.
#[derive(Debug, PartialEq)]
struct Source {
    pod: String,
    container: String,
}

impl Logs {
    pub(crate) async fn run(mut self, session: &Session) -> Result<(), Error> {
        self.check()?;
        let pods = self.pods(session).await?;
        let mut sources = Vec::new();
        for pod in &pods {
            let (found, notice) = self.sources(pod)?;
            if let Some(notice) = notice {
                eprintln!("{notice}");
            }
            sources.extend(found);
        }
        if self.follow && sources.len() > 1 {
            if sources.len() > self.max_log_requests {
                return Err(Error::msg(format!(
                    "you are attempting to follow {} log streams, but maximum allowed concurrency is {}, use \
                     --max-log-requests to increase the limit",
                    sources.len(),
                    self.max_log_requests
                )));
            }
            let mut all: FuturesUnordered<_> = sources.iter().map(|s| self.show(session, s)).collect();
            while let Some(shown) = all.next().await {
                shown?;
            }
            return Ok(());
        }
        for source in &sources {
            self.show(session, source).await?;
        }
        Ok(())
    }

    /// Refuses what does not go together, and takes the container from the arguments.
    fn check(&mut self) -> Result<(), Error> {
        let refuse = |text: &str| Err(Error::msg(text));
        match (self.args.len(), self.selector.is_empty()) {
            (0, true) => {
                return refuse(
                    "expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'.\nPOD or TYPE/NAME is a required \
                     argument for the logs command",
                );
            }
            (1.., false) => return refuse("only a selector (-l) or a POD name is allowed"),
            (3.., true) => return refuse("expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'"),
            _ => {}
        }
        if let Some(container) = self.args.get(1) {
            if !self.container.is_empty() {
                return refuse("only one of -c or an inline [CONTAINER] arg is allowed");
            }
            self.container = container.clone();
        }
        if self.all_containers && !self.container.is_empty() {
            let name = &self.container;
            let text = format!("--all-containers=true should not be specified with container name {name}");
            return Err(Error::Message(text));
        }
        if !self.since_time.is_empty() && self.since.is_some_and(|since| !since.is_zero()) {
            return refuse("at most one of `sinceTime` or `sinceSeconds` may be specified");
        }
        if self.tail.is_some_and(|lines| lines < -1) {
            return refuse("TailLines must be greater than or equal to -1");
        }
        if self.limit_bytes < 0 {
            return refuse("--limit-bytes must be greater than 0");
        }
        Ok(())
    }

    async fn pods(&self, session: &Session) -> Result<Vec<Value>, Error> {
        let Some(arg) = self.args.first() else {
            let pods = pods::selected(session, &self.selector).await?;
            if pods.is_empty() {
                eprintln!("No resources found in {} namespace.", session.namespace);
            }
            return Ok(pods);
        };
        if self.all_pods {
            return pods::all_of(session, arg, Purpose::Log, self.pod_running_timeout).await;
        }
        let found = pods::find(session, arg, Purpose::Log, self.pod_running_timeout).await?;
        if found.among > 1 {
            eprintln!("Found {} pods, using pod/{}", found.among, text(&found.pod["metadata"]["name"]));
        }
        Ok(vec![found.pod])
    }

    /// The containers of a pod that are meant, and what is to be said about that.
    fn sources(&self, pod: &Value) -> Result<(Vec<Source>, Option<String>), Error> {
        let name = text(&pod["metadata"]["name"]);
        let source = |container: String| Source { pod: name.to_owned(), container };
        if self.all_containers {
            return Ok((containers::all(pod).into_iter().map(source).collect(), None));
        }
        if self.container.is_empty() {
            let chosen = containers::default_of(pod)?;
            return Ok((vec![source(chosen.name)], chosen.notice));
        }
        if !containers::has(pod, &self.container) {
            let container = &self.container;
            return Err(Error::msg(format!("container {container} is not valid for pod {name}")));
        }
        Ok((vec![source(self.container.clone())], None))
    }

    /// What the API is asked for.
    fn query(&self, container: &str) -> Vec<(&'static str, String)> {
        let number = |n: i64| n.to_string();
        let set = |flag: bool| if flag { "true".to_owned() } else { String::new() };
        let tail = self.tail.or((!self.selector.is_empty()).then_some(TAIL_OF_MANY)).filter(|n| *n >= 0);
        let since = self.since.filter(|since| !since.is_zero());
        vec![
            ("container", container.to_owned()),
            ("follow", set(self.follow)),
            ("insecureSkipTLSVerifyBackend", set(self.insecure_skip_tls_verify_backend)),
            ("limitBytes", Some(self.limit_bytes).filter(|n| *n > 0).map(number).unwrap_or_default()),
            ("previous", set(self.previous)),
            ("sinceSeconds", since.map(|since| since.as_secs_f64().round().to_string()).unwrap_or_default()),
            ("sinceTime", self.since_time.clone()),
            ("tailLines", tail.map(number).unwrap_or_default()),
            ("timestamps", set(self.timestamps)),
        ]
    }

    /// Prints one log; an error is printed as well where errors are to be passed over.
    async fn show(&self, session: &Session, source: &Source) -> Result<(), Error> {
        match self.print(session, source).await {
            Err(error) if self.ignore_errors => {
                match error {
                    Error::Api(status) => println!("error: {}", status.message),
                    error => println!("{error}"),
                }
                Ok(())
            }
            shown => shown,
        }
    }

    async fn print(&self, session: &Session, source: &Source) -> Result<(), Error> {
        let path = format!("{}/log", pods::path(&session.namespace, &source.pod));
        let query = self.query(&source.container);
        let query: Vec<_> = query.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let prefix = match self.prefix || self.all_pods {
            true => format!("[pod/{}/{}] ", source.pod, source.container),
            false => String::new(),
        };
        let mut lines = Lines::new(prefix);
        let mut chunks = session.stream(&path, &query).await?;
        while let Some(chunk) = chunks.next().await {
            lines.take(&chunk?)?;
        }
        lines.end()
    }
}

#[cfg(test)]
mod tests;
