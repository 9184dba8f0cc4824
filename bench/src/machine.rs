//! What the figures were measured on.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Effort, Setup};

/// Prints machine, versions and how to read the table.
pub(crate) fn describe(setup: &Setup) {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let kernel = first_line("/proc/sys/kernel/osrelease");
    let load = first_line("/proc/loadavg").split(' ').take(3).collect::<Vec<_>>().join(" ");
    let data = std::env::temp_dir();
    println!("machine: {cores} cores, {}, {}, Linux {kernel}", model(), memory());
    println!("data in: {} ({}); load average before: {load}", data.display(), filesystem(&data));
    let etcd = setup.etcd.as_deref().map(|path| version(path, "--version"));
    let etcd = etcd.unwrap_or_else(|| "etcd: not installed".to_owned());
    println!("versions: {}; {etcd}", version(&setup.berth, "--version"));
    println!(
        "sizes: {}",
        match setup.effort {
            Effort::Quick => "quick",
            Effort::Normal => "normal",
            Effort::Full => "full",
        }
    );
    println!("Figures are medians over runs. Clients run on the same cores. Ratio is figure / reference.\n");
}

/// Where a program is, by the search path.
pub(crate) fn installed(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(name)).find(|file| file.is_file())
}

/// The first line that a program says of its version.
fn version(program: &Path, argument: &str) -> String {
    let output = Command::new(program).arg(argument).output().map(|o| o.stdout).unwrap_or_default();
    String::from_utf8_lossy(&output)
        .lines()
        .next()
        .map_or_else(|| format!("{}: unknown", program.display()), str::to_owned)
}

fn model() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = info.lines().find(|line| line.starts_with("model name"));
    line.and_then(|line| line.split_once(": ")).map_or("unknown processor", |(_, name)| name).to_owned()
}

fn memory() -> String {
    let info = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kibibytes = info.split_whitespace().nth(1).and_then(|n| n.parse::<u64>().ok()).unwrap_or_default();
    format!("{} GiB", (kibibytes + (1 << 19)) >> 20)
}

/// The type of the file system that holds a directory: durable writes are as fast as it is.
fn filesystem(dir: &Path) -> String {
    let mounts = fs::read_to_string("/proc/mounts").unwrap_or_default();
    let rows = mounts.lines().filter_map(|line| {
        let mut fields = line.split(' ').skip(1);
        Some((fields.next()?, fields.next()?))
    });
    let holding = rows.filter(|(point, _)| dir.starts_with(point)).max_by_key(|(point, _)| point.len());
    holding.map_or("unknown file system", |(_, kind)| kind).to_owned()
}

fn first_line(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default().lines().next().unwrap_or("unknown").to_owned()
}
