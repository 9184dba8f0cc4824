//! The list of verbs.

use std::io::Write;
use std::process::ExitCode;

use clap::Subcommand;

use crate::session::Session;
use crate::{Error, Global};

/// What can be asked of an API server.
#[derive(Clone, Debug, Subcommand)]
pub enum Verb {
    /// Apply a configuration to a resource by file name or stdin.
    Apply(crate::apply::Apply),
    /// Print the supported API resources on the server.
    ApiResources(crate::api_resources::ApiResources),
    /// Attach to a process that is already running inside a container.
    Attach(crate::exec::Attach),
    /// Copy files and directories to and from containers.
    Cp(crate::cp::Cp),
    /// Create a resource from a file or from stdin.
    Create(crate::create::Create),
    /// Delete resources by file names, stdin, resources and names, or by resources and label selector.
    Delete(crate::delete::Delete),
    /// Show details of a specific resource or group of resources.
    Describe(crate::describe::Describe),
    /// Execute a command in a container.
    Exec(crate::exec::Exec),
    /// Display one or many resources.
    Get(crate::get::Get),
    /// Print the logs for a container in a pod or specified resource.
    Logs(crate::logs::Logs),
    /// Forward one or more local ports to a pod.
    PortForward(crate::port_forward::PortForward),
    /// Run a proxy to the Kubernetes API server.
    Proxy(crate::proxy::Proxy),
    /// Manage the rollout of a resource.
    Rollout(crate::rollout::Rollout),
    /// Create and run a particular image in a pod.
    Run(crate::run::Run),
    /// Set a new size for a deployment, replica set, or replication controller.
    Scale(crate::scale::Scale),
    /// Set specific features on objects.
    Set(crate::set::Set),
    /// Print the client and server version information.
    Version(crate::version::Version),
    /// Wait for a specific condition on one or many resources.
    Wait(crate::wait::Wait),
}

/// Does what a verb says.
///
/// # Errors
/// See [`Error`]; its text is for standard error as it is, and the exit code is 1 then. A command that `exec`
/// or `run` ran gives its own exit code instead.
pub async fn run(verb: Verb, global: Global) -> Result<ExitCode, Error> {
    let session = Session::new(&global).await;
    if let Verb::Version(args) = verb {
        return args.run(session).await.map(|()| ExitCode::SUCCESS);
    }
    let session = session?;
    match verb {
        Verb::Attach(args) => return args.run(&session).await,
        Verb::Exec(args) => return args.run(&session).await,
        Verb::Run(args) => return args.run(&session).await,
        Verb::Apply(args) => args.run(&session).await,
        Verb::ApiResources(args) => args.run(&session).await,
        Verb::Cp(args) => args.run(&session).await,
        Verb::PortForward(args) => args.run(&session).await,
        Verb::Proxy(args) => args.run(&session).await,
        Verb::Create(args) => args.run(&session).await,
        Verb::Delete(args) => args.run(&session).await,
        Verb::Describe(args) => args.run(&session).await,
        Verb::Get(args) => args.run(&session).await,
        Verb::Logs(args) => args.run(&session).await,
        Verb::Rollout(args) => args.run(&session).await,
        Verb::Scale(args) => args.run(&session).await,
        Verb::Set(args) => args.run(&session).await,
        Verb::Wait(args) => args.run(&session).await,
        Verb::Version(_) => Ok(()),
    }
    .map(|()| ExitCode::SUCCESS)
}

/// Writes to standard output.
pub(crate) fn emit(text: &str) -> Result<(), Error> {
    let mut out = std::io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    written.map_err(|source| Error::File { path: "standard output".into(), source })
}
