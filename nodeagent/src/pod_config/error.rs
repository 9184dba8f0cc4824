//! Why a pod cannot be configured.

use std::fmt;

/// Upstream's word for a failure, as shown in a container's waiting state or an Event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// What the pod refers to does not allow to make the container; tried again.
    CreateContainerConfigError,
    /// The container could not be made; tried again.
    CreateContainerError,
    /// A volume could not be made; tried again.
    FailedMount,
    /// The pod's namespaces could not be made as it asks.
    FailedCreatePodSandBox,
    /// The pod asks for a kernel setting that is not allowed.
    SysctlForbidden,
}

impl Reason {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CreateContainerConfigError => "CreateContainerConfigError",
            Self::CreateContainerError => "CreateContainerError",
            Self::FailedMount => "FailedMount",
            Self::FailedCreatePodSandBox => "FailedCreatePodSandBox",
            Self::SysctlForbidden => "SysctlForbidden",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a pod or container cannot be configured. Displays its message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ConfigError {
    /// Upstream's word for it.
    pub reason: Reason,
    /// What is wrong, in upstream's words where it has some.
    pub message: String,
}

impl ConfigError {
    /// What the container refers to is missing or contradicts itself.
    pub fn config(message: impl Into<String>) -> Self {
        Self { reason: Reason::CreateContainerConfigError, message: message.into() }
    }

    /// The container could not be made.
    pub fn create(message: impl Into<String>) -> Self {
        Self { reason: Reason::CreateContainerError, message: message.into() }
    }

    /// The pod's namespaces could not be made as it asks.
    pub fn sandbox(message: impl Into<String>) -> Self {
        Self { reason: Reason::FailedCreatePodSandBox, message: message.into() }
    }
}
