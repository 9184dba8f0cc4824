//! A file system of a rig's own, so that how full the machine's disk is decides nothing, and a disk can be filled.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::mount::{MntFlags, umount2};

/// A mounted file system. Dropping it unmounts it; with the last process that saw it, it is gone.
#[derive(Debug)]
pub(super) struct Disk {
    at: PathBuf,
}

impl Disk {
    /// Makes a file system of this many bytes at a directory that is made too. It takes from the machine's disk what is
    /// written to it.
    ///
    /// # Errors
    /// When `mkfs.ext4` or `mount` is missing or fails, as without root.
    pub(super) fn make(at: &Path, bytes: u64) -> io::Result<Self> {
        fs::create_dir_all(at)?;
        let image = at.with_extension("disk");
        File::create(&image)?.set_len(bytes)?;
        // No test pulls the plug, so nothing need be written twice or flushed.
        let mounted = run(Command::new("mkfs.ext4").args(["-q", "-F", "-O", "^has_journal"]).arg(&image))
            .and_then(|()| run(Command::new("mount").args(["-o", "loop,nobarrier"]).arg(&image).arg(at)));
        // Once mounted, the file lives on without its name.
        fs::remove_file(&image)?;
        match mounted {
            Ok(()) => Ok(Self { at: at.to_owned() }),
            Err(error) => {
                fs::remove_dir(at)?;
                Err(error)
            }
        }
    }
}

fn run(command: &mut Command) -> io::Result<()> {
    let name = command.get_program().to_owned();
    let named = |said: &dyn std::fmt::Display| io::Error::other(format!("{}: {said}", name.display()));
    let output = command.output().map_err(|error| named(&error))?;
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.success() { Ok(()) } else { Err(named(&said.trim())) }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Others' mount namespaces may hold copies; these go with them.
        let gone = umount2(&self.at, MntFlags::MNT_DETACH).map_err(io::Error::from);
        if let Err(error) = gone.and_then(|()| fs::remove_dir(&self.at)) {
            tracing::warn!(%error, directory = %self.at.display(), "a rig's files stay");
        }
    }
}
