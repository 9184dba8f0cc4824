//! Where the runtime keeps what.

use std::io;
use std::path::{Path, PathBuf};

use object::{Key, Time};

use crate::pod_config::PodDirs;
use crate::runtime::RuntimeError;

/// The directories of a node.
#[derive(Clone, Debug)]
pub(crate) struct Dirs {
    /// What survives a reboot: volumes and files of pods.
    pub(crate) node: PathBuf,
    /// What does not: namespaces, pipes, addresses.
    pub(crate) run: PathBuf,
    /// Logs.
    pub(crate) logs: PathBuf,
}

impl Dirs {
    /// A pod's files.
    pub(crate) fn pod(&self, uid: &str) -> Result<PodDirs, RuntimeError> {
        let dirs = PodDirs::new(&self.node, uid);
        dirs.ok_or_else(|| RuntimeError::new("FailedCreatePodSandBox", format!("{uid:?} is no UID")))
    }

    /// A pod's pinned namespaces.
    pub(crate) fn sandbox(&self, uid: &str) -> PathBuf {
        self.run.join("sandboxes").join(uid)
    }

    /// Seccomp profiles that pods may name.
    pub(crate) fn seccomp(&self) -> PathBuf {
        self.node.join("seccomp")
    }

    /// One file for each pod of which there is something: its name says the UID, its text namespace and name.
    fn note(&self, uid: &str) -> PathBuf {
        self.node.join("held").join(uid)
    }

    /// Present while the sandbox is wholly made: written last, removed first.
    fn mark(&self, uid: &str) -> PathBuf {
        self.run.join("made").join(uid)
    }

    /// When a pod's sandbox was wholly made; none where it is not, or was removed.
    pub(super) fn made(&self, uid: &str) -> Option<Time> {
        let modified = std::fs::metadata(self.mark(uid)).and_then(|file| file.modified()).ok()?;
        Time::try_from(modified).ok()
    }

    /// Marks a pod's sandbox as wholly made.
    pub(super) fn set_made(&self, uid: &str) -> io::Result<()> {
        write(&self.mark(uid), "")
    }

    /// Marks a pod's sandbox as not whole.
    pub(super) fn set_unmade(&self, uid: &str) -> io::Result<()> {
        gone_is_well(std::fs::remove_file(self.mark(uid)))
    }

    /// Notes that there is something of a pod; before anything of it is made.
    pub(super) fn hold(&self, uid: &str, key: &Key) -> io::Result<()> {
        write(&self.note(uid), &format!("{}/{}", key.namespace, key.name))
    }

    /// The pods of which there is something, and what they are called.
    pub(super) fn held(&self) -> io::Result<Vec<(String, Key)>> {
        let dir = match std::fs::read_dir(self.node.join("held")) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other?,
        };
        let mut held = Vec::new();
        for file in dir {
            let file = file?;
            // A note that a crash left unfinished still names the pod by its file.
            let text = std::fs::read_to_string(file.path()).unwrap_or_default();
            let (namespace, name) = text.split_once('/').unwrap_or_default();
            let uid = file.file_name().to_string_lossy().into_owned();
            if self.pod(&uid).is_ok() {
                held.push((uid, Key::new(namespace, name)));
            }
        }
        Ok(held)
    }

    /// Notes that there is nothing of a pod any more.
    pub(super) fn release(&self, uid: &str) -> io::Result<()> {
        gone_is_well(std::fs::remove_file(self.note(uid)))
    }

    /// The directory of a pod's logs, as upstream names it.
    pub(super) fn pod_logs(&self, key: &Key, uid: &str) -> PathBuf {
        self.logs.join(format!("{}_{}_{uid}", key.namespace, key.name))
    }

    /// Removes an attempt's log, with what was rotated away.
    pub(super) fn remove_log(&self, dir: &Path, attempt: u32) -> io::Result<()> {
        let entries = match std::fs::read_dir(dir) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
            other => other?,
        };
        let prefix = format!("{attempt}.log");
        for entry in entries {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(&prefix) {
                gone_is_well(std::fs::remove_file(entry.path()))?;
            }
        }
        Ok(())
    }

    /// Removes a pod's logs.
    pub(super) fn remove_logs(&self, uid: &str) -> io::Result<()> {
        let suffix = format!("_{uid}");
        let dir = match std::fs::read_dir(&self.logs) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
            other => other?,
        };
        for entry in dir {
            let entry = entry?;
            if entry.file_name().to_string_lossy().ends_with(&suffix) {
                gone_is_well(std::fs::remove_dir_all(entry.path()))?;
            }
        }
        Ok(())
    }
}

fn write(file: &Path, text: &str) -> io::Result<()> {
    if let Some(dir) = file.parent() {
        std::fs::create_dir_all(dir)?;
    }
    std::fs::write(file, text)
}

/// What is to be removed may be gone already.
pub(super) fn gone_is_well(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
