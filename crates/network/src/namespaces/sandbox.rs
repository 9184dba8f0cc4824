//! The namespaces that the containers of a pod share.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};
use nix::sys::statfs::{NSFS_MAGIC, statfs};
use nix::unistd::sethostname;
use tokio::runtime::Handle;

use super::inside::on_thread;
use super::sysctl;
use crate::Error;
use crate::netlink::Links;

/// The kinds of namespace, in the order in which they are pinned. The last is always there: a sandbox that
/// has it pinned is whole.
const KINDS: [&str; 3] = ["net", "ipc", "uts"];

/// Pinned namespaces of a pod: the files `net`, `ipc` and `uts` of a directory, of which the first two may be
/// missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sandbox {
    /// The directory of the files.
    pub dir: PathBuf,
}

/// What a sandbox is made of.
struct Plan {
    dir: PathBuf,
    hostname: String,
    net: bool,
    ipc: bool,
    sysctls: Vec<(String, String)>,
}

impl Sandbox {
    /// Makes namespaces and pins them: always `uts`, with that hostname; `net`, with its loopback up, and
    /// `ipc` where asked. The sysctls are set in them; only those of the namespaces that are made are
    /// allowed.
    ///
    /// Idempotent: a whole sandbox is left as it is. What was half made before is made anew, and after an
    /// error nothing is left.
    pub async fn create(
        dir: &Path,
        hostname: &str,
        net: bool,
        ipc: bool,
        sysctls: &[(String, String)],
    ) -> Result<Self, Error> {
        if let Some(found) = Self::find(dir) {
            return Ok(found);
        }
        Self::remove(dir).await?;
        let (plan_dir, hostname) = (dir.to_owned(), hostname.to_owned());
        let plan = Plan { dir: plan_dir, hostname, net, ipc, sysctls: sysctls.to_vec() };
        let runtime = Handle::current();
        let made = on_thread(move || plan.make(&runtime)).await.and_then(|done| match done {
            Some(result) => result,
            None => Err(Error::Panicked(dir.to_owned())),
        });
        if made.is_err() {
            // the first error says more than one of tidying up
            let _ = Self::remove(dir).await;
        }
        made.map(|()| Self { dir: dir.to_owned() })
    }

    /// The sandbox in a directory, if it is whole: nothing after a reboot, nor where it was only half made.
    pub fn find(dir: &Path) -> Option<Self> {
        let whole = pinned(&dir.join("uts"))
            && KINDS.iter().map(|kind| dir.join(kind)).all(|file| !file.exists() || pinned(&file));
        whole.then(|| Self { dir: dir.to_owned() })
    }

    /// Unpins the namespaces and removes their files, and the directory if nothing else is in it. Idempotent.
    ///
    /// A namespace ends when its last process has ended too.
    pub async fn remove(dir: &Path) -> Result<(), Error> {
        // the last that was pinned goes first: what is left of an interrupted removal is not taken for whole
        for kind in KINDS.iter().rev() {
            unpin(&dir.join(kind))?;
        }
        match fs::remove_dir(dir) {
            Err(error)
                if !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::DirectoryNotEmpty) =>
            {
                Err(Error::file("removing", dir)(error))
            }
            _ => Ok(()),
        }
    }
}

impl Plan {
    /// Runs on a thread of its own, which leaves the namespaces of the process for good.
    fn make(&self, runtime: &Handle) -> Result<(), Error> {
        fs::create_dir_all(&self.dir).map_err(Error::file("creating", &self.dir))?;
        unshare(self.flags()).map_err(Error::call("making namespaces"))?;
        sethostname(&self.hostname).map_err(Error::call("setting the hostname"))?;
        if self.net {
            runtime.block_on(async { Links::here()?.up("lo").await })?;
        }
        for (name, value) in &self.sysctls {
            sysctl::set(name, value, self.net, self.ipc)?;
        }
        KINDS.into_iter().filter(|kind| self.has(kind)).try_for_each(|kind| pin(kind, &self.dir.join(kind)))
    }

    fn has(&self, kind: &str) -> bool {
        match kind {
            "net" => self.net,
            "ipc" => self.ipc,
            _ => true,
        }
    }

    fn flags(&self) -> CloneFlags {
        let mut flags = CloneFlags::CLONE_NEWUTS;
        flags.set(CloneFlags::CLONE_NEWNET, self.net);
        flags.set(CloneFlags::CLONE_NEWIPC, self.ipc);
        flags
    }
}

fn pinned(file: &Path) -> bool {
    statfs(file).is_ok_and(|found| found.filesystem_type() == NSFS_MAGIC)
}

/// Binds a namespace of the calling thread to a file, which is made.
fn pin(kind: &str, file: &Path) -> Result<(), Error> {
    File::create(file).map_err(Error::file("creating", file))?;
    let namespace = Path::new("/proc/thread-self/ns").join(kind);
    mount(Some(&namespace), file, None::<&str>, MsFlags::MS_BIND, None::<&str>)
        .map_err(Error::errno("binding a namespace to", file))
}

/// Undoes [`pin`], however often it was done.
fn unpin(file: &Path) -> Result<(), Error> {
    loop {
        match umount2(file, MntFlags::MNT_DETACH) {
            Ok(()) => {}
            Err(Errno::EINVAL | Errno::ENOENT) => break,
            Err(error) => return Err(Error::errno("unmounting", file)(error)),
        }
    }
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::file("removing", file)(error)),
        _ => Ok(()),
    }
}
