//! What a runtime reports of a pod.

use object::Time;

/// What there is of a pod, by observation alone.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Observed {
    /// The pod's namespaces and addresses.
    pub sandbox: Option<Sandbox>,
    /// All attempts at all containers that are still kept, in no order.
    pub containers: Vec<ObservedContainer>,
    /// The images that the pod's containers need.
    pub images: Vec<Image>,
    /// Why the last try at a container or the sandbox failed; the agent's memory, which runtimes leave empty.
    pub troubles: Vec<Trouble>,
    /// When something will have changed by itself, where the runtime can tell.
    pub look_again: Option<Time>,
}

/// The pod's namespaces and addresses.
#[derive(Clone, Debug, PartialEq)]
pub struct Sandbox {
    /// State.
    pub state: SandboxState,
    /// Addresses, the first one first.
    pub ips: Vec<String>,
    /// When it was made, by the node's clock.
    pub since: Time,
}

/// The state of a sandbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SandboxState {
    /// Being made; becomes ready by itself.
    Coming,
    /// Containers can be started in it.
    Ready,
    /// Its namespaces are gone (the node restarted): it must be removed and made again.
    Lost,
}

impl Sandbox {
    /// Whether containers can be started in it.
    pub fn is_ready(&self) -> bool {
        self.state == SandboxState::Ready
    }
}

/// One attempt at a container.
#[derive(Clone, Debug, PartialEq)]
pub struct ObservedContainer {
    /// Name of the container.
    pub name: String,
    /// 0 for the first, counting up.
    pub attempt: u32,
    /// Restarts in a row that came soon after a start: what the back-off grows with.
    pub streak: u32,
    /// Id with the runtime's scheme, as in `containerd://…`.
    pub id: String,
    /// Id of the image that it runs.
    pub image_id: String,
    /// State.
    pub state: ContainerState,
}

/// The state of an attempt.
#[derive(Clone, Debug, PartialEq)]
pub enum ContainerState {
    /// Made, not started; left when it starts.
    Created,
    /// Running; left when it exits.
    Running {
        /// Since when.
        since: Time,
        /// Whether it has come up.
        started: bool,
        /// Whether it serves.
        ready: bool,
        /// By when it must have ended, once it was told to stop.
        stopping: Option<Time>,
        /// Set once a liveness or startup probe has failed too often: the attempt is to be ended.
        failing: Option<Failing>,
    },
    /// Ended; stays so.
    Exited {
        /// Exit code.
        code: i32,
        /// When it started.
        since: Option<Time>,
        /// When it ended.
        at: Time,
        /// `Completed`, `Error` or `OOMKilled`.
        reason: String,
        /// A sentence, where there is one.
        message: String,
    },
}

/// A probe's verdict that a container is to be ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failing {
    /// A sentence without its end, as in `Container web failed liveness probe`.
    pub why: String,
    /// Seconds that the container gets to end, where the probe says.
    pub grace: Option<i64>,
}

/// A try that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// The container; none where the sandbox or the volumes could not be made.
    pub container: Option<String>,
    /// `CreateContainerConfigError`, `CreateContainerError`, `RunContainerError`, ….
    pub reason: String,
    /// A sentence.
    pub message: String,
}

/// An image that is needed.
#[derive(Clone, Debug, PartialEq)]
pub struct Image {
    /// As the container names it.
    pub name: String,
    /// State.
    pub state: ImageState,
}

/// The state of an image on the node; one that is not there and that nobody asked for is absent from
/// [`Observed::images`].
#[derive(Clone, Debug, PartialEq)]
pub enum ImageState {
    /// On its way.
    Pulling,
    /// There.
    Present {
        /// Its id.
        id: String,
        /// When the last pull of it succeeded, if only by finding it up to date; none where that is not known.
        pulled: Option<Time>,
    },
    /// The last pull failed, and what may be there of older pulls will not do.
    Failed {
        /// `ErrImagePull`, `InvalidImageName`, ….
        reason: String,
        /// A sentence.
        message: String,
        /// When.
        at: Time,
        /// Failures in a row.
        failures: u32,
    },
}

impl Observed {
    /// The latest attempt at a container.
    pub fn latest(&self, name: &str) -> Option<&ObservedContainer> {
        self.containers.iter().filter(|c| c.name == name).max_by_key(|c| c.attempt)
    }

    /// The attempt before the latest.
    pub fn previous(&self, name: &str) -> Option<&ObservedContainer> {
        let latest = self.latest(name)?.attempt;
        self.containers.iter().filter(|c| c.name == name && c.attempt < latest).max_by_key(|c| c.attempt)
    }

    /// Why the last try at a container failed.
    pub fn trouble(&self, name: &str) -> Option<&Trouble> {
        self.troubles.iter().find(|trouble| trouble.container.as_deref() == Some(name))
    }

    /// The state of an image.
    pub fn image(&self, name: &str) -> Option<&ImageState> {
        self.images.iter().find(|image| image.name == name).map(|image| &image.state)
    }

    /// The latest attempt, unless it ended before the present sandbox was made: what it did there is gone.
    pub fn current(&self, name: &str) -> Option<&ObservedContainer> {
        let since = self.sandbox.as_ref()?.since;
        self.latest(name).filter(|latest| match latest.state {
            ContainerState::Exited { at, .. } => at >= since,
            ContainerState::Created | ContainerState::Running { .. } => true,
        })
    }

    /// Whether no container runs or is about to.
    pub fn is_still(&self) -> bool {
        self.containers.iter().all(|c| matches!(c.state, ContainerState::Exited { .. }))
    }
}

impl ObservedContainer {
    /// The exit code, once it ended.
    pub fn exit_code(&self) -> Option<i32> {
        match self.state {
            ContainerState::Exited { code, .. } => Some(code),
            _ => None,
        }
    }

    /// Whether it runs and has come up.
    pub fn has_started(&self) -> bool {
        matches!(self.state, ContainerState::Running { started: true, .. })
    }
}
