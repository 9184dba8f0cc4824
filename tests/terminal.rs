//! A terminal, and a program that runs on it as in a person's window.

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Child, Command};
use std::sync::Arc;
use std::time::Instant;

use nix::pty::openpty;
use parking_lot::Mutex;
use rustix::termios::{Winsize, tcsetwinsize};

use crate::harness::PATIENCE;
use crate::user::pause;

/// A window with a program in it. Dropping it ends the program.
pub(crate) struct Terminal {
    keyboard: File,
    child: Child,
    /// All that was shown and not waited for yet.
    shown: Arc<Mutex<String>>,
}

impl Terminal {
    /// Runs a program on a terminal of so many columns and rows.
    pub(crate) fn run(command: Command, columns: u16, rows: u16) -> Self {
        let pty = openpty(None, None).expect("a terminal");
        let (keyboard, device) = (File::from(pty.master), File::from(pty.slave));
        let another = || device.try_clone().expect("a descriptor");
        resize(&keyboard, columns, rows);
        // the terminal is to be the program's own, or it would not hear of new sizes
        let mut program = Command::new("setsid");
        program.arg("--ctty").arg("--wait").arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => program.env(name, value),
                None => program.env_remove(name),
            };
        }
        let program = program.stdin(another()).stdout(another()).stderr(another());
        let child = program.spawn().expect("the program starts");
        let shown = Arc::new(Mutex::new(String::new()));
        let (mut screen, text) = (keyboard.try_clone().expect("a descriptor"), shown.clone());
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            // a terminal that nobody has open any more cannot be read
            while let Ok(read @ 1..) = screen.read(&mut buffer) {
                text.lock().push_str(&String::from_utf8_lossy(&buffer[..read]));
            }
        });
        Self { keyboard, child, shown }
    }

    /// Types something.
    pub(crate) fn types(&mut self, text: &str) {
        self.keyboard.write_all(text.as_bytes()).expect("the terminal is open");
    }

    /// Waits until this is shown, and forgets all up to it.
    pub(crate) fn shows(&mut self, text: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let mut shown = self.shown.lock();
            if let Some(at) = shown.find(text) {
                *shown = shown.split_off(at + text.len());
                return;
            }
            assert!(Instant::now() < deadline, "{text:?} is not shown, but {:?}", *shown);
            drop(shown);
            pause();
        }
    }

    /// Makes the window another size.
    pub(crate) fn resize(&self, columns: u16, rows: u16) {
        resize(&self.keyboard, columns, rows);
    }

    /// Waits until the program ends; returns its exit code.
    pub(crate) fn ended(&mut self) -> Option<i32> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("wait") {
                return status.code();
            }
            assert!(Instant::now() < deadline, "the program does not end: {:?}", *self.shown.lock());
            pause();
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn resize(terminal: &File, columns: u16, rows: u16) {
    let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(terminal, size).expect("a terminal's size can be set");
}
