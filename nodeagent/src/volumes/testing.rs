//! A mount namespace of its own for a test.

use std::panic::resume_unwind;
use std::path::Path;

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};

/// Runs a test on a thread with a mount namespace of its own, with a directory that goes away after it: what is
/// mounted there never reaches the machine's. Needs root.
pub(crate) fn with_own_mounts(test: impl FnOnce(&Path) + Send) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path();
    let run = || {
        unshare(CloneFlags::CLONE_NEWNS).expect("root is needed");
        let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
        mount(None::<&str>, "/", None::<&str>, private, None::<&str>).unwrap();
        test(path);
    };
    // the namespace and its mounts end with the thread, before the directory is deleted
    let ended = std::thread::scope(|scope| scope.spawn(run).join());
    if let Err(panic) = ended {
        resume_unwind(panic);
    }
}
