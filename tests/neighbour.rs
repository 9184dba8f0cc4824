//! A second machine on a host's network, with a containerd of its own.

use std::path::PathBuf;
use std::process::{Command, Output};

use containerd::testing::Rig;

use crate::harness::{BERTH, Process, text};
use crate::host::{ADDRESS, Host, import};
use crate::user::User;

/// A machine that is a node, or is to be one. Dropping it ends all that runs there and removes its files.
pub(crate) struct Neighbour {
    name: &'static str,
    user: User,
    agent: Option<Process>,
    /// Through this process it is entered.
    _door: Process,
    rig: Rig,
}

impl Neighbour {
    /// A machine of this name with this address, linked to the host's network.
    pub(crate) fn of(host: &Host, name: &'static str, address: &str) -> Self {
        let rig = host.block_on(Rig::start()).expect("containerd");
        let log = rig.directory().join("network.log");
        let mut door = rig.command("sh");
        door.args(["-c", "echo ready && exec cat"]);
        let mut door = Process::start(door, &log);
        door.says("ready", &log);
        let user = User::new(rig.directory(), Some(door.id()));
        let cable = format!("to-{name}");
        let there = door.id().to_string();
        host.run("ip", &["link", "add", &cable, "type", "veth", "peer", "name", "eth0", "netns", &there]);
        host.run("ip", &["link", "set", &cable, "master", "eth0", "up"]);
        let neighbour = Self { name, user, agent: None, _door: door, rig };
        neighbour.run("ip", &["address", "add", &format!("{address}/24"), "dev", "eth0"]);
        neighbour.run("ip", &["link", "set", "eth0", "up"]);
        neighbour.run("ip", &["route", "add", "default", "via", "192.0.2.1"]);
        import(&neighbour.user, &neighbour.rig, "web:1", "one");
        neighbour
    }

    fn at(&self, name: &str) -> String {
        self.rig.directory().join(name).display().to_string()
    }

    fn socket(&self) -> String {
        self.rig.options().socket.display().to_string()
    }

    /// Runs a program there and returns its output; it must succeed.
    pub(crate) fn run(&self, program: &str, args: &[&str]) -> String {
        let output = self.user.program(program).args(args).output().expect("the program runs");
        assert!(output.status.success(), "{program} {args:?}: {}", text(&output.stderr));
        text(&output.stdout)
    }

    /// The agent's command line, with these flags too.
    fn command(&self, flags: &[&str]) -> Command {
        let mut command = self.user.program(BERTH);
        command.args(["agent", "--server", &format!("https://{ADDRESS}:6443")]).args(flags);
        command.args(["--node-name", self.name, "--cgroup-root", &self.rig.cgroup()]);
        command.args(["--containerd", &self.socket(), "--node-dir", &self.at("node")]);
        command.args(["--run-dir", &self.at("run"), "--log-dir", &self.at("logs")]);
        command
    }

    /// Begins to be a node, by this token where it was none before.
    pub(crate) fn start(&mut self, token: Option<&str>) {
        let flags: Vec<&str> = token.iter().flat_map(|token| ["--token", token]).collect();
        self.agent = Some(Process::start(self.command(&flags), &self.log()));
    }

    /// Tries to join with this token, which must be refused.
    pub(crate) fn refused(&self, token: &str) -> Output {
        let command = self.command(&["--token", token]);
        let mut bounded = Command::new("timeout");
        bounded.arg("60").arg(command.get_program()).args(command.get_args()).output().expect("berth runs")
    }

    /// Ends the agent as a crash does.
    pub(crate) fn crash(&mut self) {
        self.agent.as_mut().expect("it runs").kill();
    }

    /// Where the agent logs to.
    pub(crate) fn log(&self) -> PathBuf {
        self.rig.directory().join("agent.log")
    }

    /// What of the node's directory a join leaves.
    pub(crate) fn left(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.rig.directory().join("node")).into_iter().flatten().flatten();
        let mut names: Vec<String> =
            entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}
