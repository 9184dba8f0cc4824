//! `cp`: files between this machine and containers, by their `tar`.

mod fetch;
mod pack;
mod place;
mod unpack;

use std::path::Path;

use clap::Args;
use object::Value;

use crate::remote::{self, Ends, Streams};
use crate::session::Session;
use crate::{Error, containers, exec, pods};
use place::Place;

/// Copy files and directories to and from containers.
#[derive(Args, Clone, Debug)]
pub struct Cp {
    /// What to copy: `FILE`, or `[NAMESPACE/]POD:FILE`.
    source: String,
    /// Where to: the same.
    target: String,
    /// The container; otherwise the one that the pod's annotation names, or its first one.
    #[arg(short = 'c', long, default_value = "")]
    container: String,
    /// Do not keep the owner and permissions of files.
    #[arg(long)]
    no_preserve: bool,
    /// How often a copy out of a container that breaks off is gone on with; without end where it is negative.
    #[arg(long, default_value_t = 0, allow_negative_numbers = true)]
    retries: i64,
}

/// A container of a pod.
struct Remote<'s> {
    session: &'s Session,
    pod: Value,
    container: String,
}

impl Cp {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Error> {
        match (Place::parse(&self.source)?, Place::parse(&self.target)?) {
            (Place::Local(source), Place::Remote { namespace, pod, path }) => {
                if !Path::new(&source).exists() {
                    return Err(Error::msg(format!("{source} doesn't exist in local filesystem")));
                }
                self.remote(session, &namespace, &pod).await?.upload(&source, &path, self.no_preserve).await
            }
            (Place::Remote { namespace, pod, path }, Place::Local(target)) => {
                let remote = self.remote(session, &namespace, &pod).await?;
                remote.download(&path, &target, self.retries).await
            }
            _ => Err(Error::msg("one of src or dest must be a local file specification")),
        }
    }

    async fn remote<'s>(
        &self,
        session: &'s Session,
        namespace: &str,
        pod: &str,
    ) -> Result<Remote<'s>, Error> {
        let namespace = if namespace.is_empty() { &session.namespace } else { namespace };
        let pod = session.get(&pods::path(namespace, pod)).await?;
        let container = if self.container.is_empty() {
            let chosen = containers::default_of(&pod)?;
            if let Some(notice) = chosen.notice {
                eprintln!("{notice}");
            }
            chosen.name
        } else {
            self.container.clone()
        };
        Ok(Remote { session, pod, container })
    }
}

impl Remote<'_> {
    /// Runs a command to its end.
    async fn run(&self, command: &[&str], ends: Ends) -> Result<i32, Error> {
        let command: Vec<String> = command.iter().map(|word| (*word).to_owned()).collect();
        let streams = Streams { stdin: ends.stdin.is_some(), tty: false };
        let path = exec::path(&self.pod, "exec", &self.container, streams, &command);
        remote::hold(self.session, &path, ends, false).await
    }

    async fn upload(&self, source: &str, target: &str, no_preserve: bool) -> Result<(), Error> {
        if target.is_empty() {
            return Err(Error::msg("filepath can not be empty"));
        }
        let quiet =
            Ends { stdin: None, stdout: Box::new(std::io::sink()), stderr: Box::new(std::io::sink()) };
        let is_directory = self.run(&["test", "-d", target], quiet).await? == 0;
        let (directory, name) = place::target(source, target, is_directory)?;
        let mut command = vec!["tar", "-xmf", "-"];
        if no_preserve {
            command.extend(["--no-same-permissions", "--no-same-owner"]);
        }
        if !directory.is_empty() {
            command.extend(["-C", &directory]);
        }
        let (reader, writer) = pipe()?;
        let packing = std::thread::spawn({
            let source = source.to_owned();
            move || pack::pack(&source, &name, writer)
        });
        let ends = Ends {
            stdin: Some(Box::new(reader)),
            stdout: Box::new(std::io::stdout()),
            stderr: Box::new(std::io::stderr()),
        };
        let ended = self.run(&command, ends).await;
        // where the command ended early it is what went wrong, and the pipe broke because of it
        match (ended?, packing.join()) {
            (0, Ok(packed)) => packed.map_err(|e| Error::File { path: source.to_owned(), source: e }),
            (0, Err(_)) => Err(Error::msg("files cannot be read")),
            (code, _) => Err(Error::msg(format!("command terminated with exit code {code}"))),
        }
    }

    async fn download(&self, source: &str, target: &str, retries: i64) -> Result<(), Error> {
        if source.is_empty() {
            return Err(Error::msg("filepath can not be empty"));
        }
        let (reader, writer) = pipe()?;
        let unpacking = std::thread::spawn({
            let (source, target) = (source.to_owned(), target.to_owned());
            move || unpack::unpack(reader, &source, Path::new(&target))
        });
        let ended = self.fetch(source, writer, retries).await;
        let unpacked = match unpacking.join() {
            Ok(unpacked) => unpacked.map_err(|source| Error::File { path: target.to_owned(), source }),
            Err(_) => Err(Error::msg("files cannot be written")),
        };
        match (ended, unpacked) {
            // what could not be written closed the pipe
            (Err(Error::File { .. }), Err(why)) => Err(why),
            (Err(why), _) => Err(why),
            (Ok(0), unpacked) => unpacked,
            (Ok(code), _) => Err(Error::msg(format!("command terminated with exit code {code}"))),
        }
    }
}

fn pipe() -> Result<(std::io::PipeReader, std::io::PipeWriter), Error> {
    std::io::pipe().map_err(|source| Error::File { path: "a pipe".into(), source })
}
