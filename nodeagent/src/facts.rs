//! What a node is and how it fares, by observation: facts for its object, measures for its conditions.

mod address;
mod conditions;
mod files;
mod measure;
mod memory;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::PathBuf;

use object::Quantity;

use crate::node::NodeFacts;
use files::Files;

pub use conditions::{Finding, Pressures, conditions};
pub use files::FactsError;
pub use measure::{Disk, Measured, measure};
pub(crate) use measure::{booted, disk};

/// What of a node is not to be found on it.
#[derive(Clone, Debug)]
pub struct FactsOptions {
    /// The root of the file system that is looked at; `/`.
    pub root: PathBuf,
    /// The file system whose space pods share; below `root` or anywhere.
    pub data: PathBuf,
    /// The node's name; the host name in lower case where absent.
    pub name: Option<String>,
    /// The node's addresses inside the cluster; found where empty.
    pub ips: Vec<String>,
    /// The most pods.
    pub pods: u32,
    /// Version of the agent, as `kubelet` reports its own.
    pub version: String,
    /// Runtime and its version, `containerd://1.6.20`.
    pub runtime: String,
}

/// Kubernetes keeps a node's last tenth of ephemeral storage from pods.
const DISK_KEPT: u64 = 10;

/// Looks at the node. What it cannot be without must be readable; what else is missing is left empty.
pub fn observe(options: &FactsOptions) -> Result<NodeFacts, FactsError> {
    let files = Files::new(&options.root);
    let host = files.line("proc/sys/kernel/hostname")?;
    let machine = files.optional("etc/machine-id");
    let system = Some(files.optional("sys/class/dmi/id/product_uuid")).filter(|id| !id.is_empty());
    let (capacity, allocatable) = resources(options, &files)?;
    Ok(NodeFacts {
        name: options.name.clone().unwrap_or_else(|| host.to_lowercase()),
        ips: if options.ips.is_empty() { vec![address::find(&files)] } else { options.ips.clone() },
        capacity,
        allocatable,
        os: "linux".to_owned(),
        arch: arch().to_owned(),
        version: options.version.clone(),
        runtime: options.runtime.clone(),
        kernel: files.line("proc/sys/kernel/osrelease")?,
        os_image: os_image(&files),
        ids: [machine.clone(), system.unwrap_or(machine), files.optional("proc/sys/kernel/random/boot_id")],
        labels: BTreeMap::new(),
        annotations: BTreeMap::new(),
        port: 0,
        pod_cidr: None,
        findings: conditions(&Pressures::default(), &[]),
    })
}

type Amounts = BTreeMap<String, String>;

/// What the node has, and what pods can have of it.
fn resources(options: &FactsOptions, files: &Files) -> Result<(Amounts, Amounts), FactsError> {
    let memory = memory::total(files)?;
    let disk = measure::disk(&options.data)?.capacity;
    let pages = memory::huge_pages(files);
    let reserved: u64 = pages.iter().map(|page| page.bytes).sum();
    let usable = memory.saturating_sub(reserved + measure::MEMORY_KEPT);
    let mut capacity: Amounts = [
        ("cpu".to_owned(), cpus(files)?.to_string()),
        ("ephemeral-storage".to_owned(), kibibytes(disk)),
        ("memory".to_owned(), kibibytes(memory)),
        ("pods".to_owned(), options.pods.to_string()),
    ]
    .into();
    for page in pages {
        capacity.insert(page.name, bytes(page.bytes));
    }
    let mut allocatable = capacity.clone();
    allocatable.insert("memory".to_owned(), kibibytes(usable));
    allocatable.insert("ephemeral-storage".to_owned(), (disk - disk / DISK_KEPT).to_string());
    Ok((capacity, allocatable))
}

/// Processors that are online, from a list like `0-3,8`.
fn cpus(files: &Files) -> Result<u32, FactsError> {
    const LIST: &str = "sys/devices/system/cpu/online";
    let list = files.line(LIST)?;
    let count = |range: &str| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (first, last): (u32, u32) = (first.parse().ok()?, last.parse().ok()?);
        last.checked_sub(first).map(|more| more + 1)
    };
    list.split(',').map(count).sum::<Option<u32>>().ok_or_else(|| files.odd(LIST))
}

fn os_image(files: &Files) -> String {
    let release = files.optional("etc/os-release");
    let name = release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
    name.unwrap_or_default().trim_matches(['"', '\'']).to_owned()
}

/// Go's name of the architecture.
fn arch() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

fn bytes(amount: u64) -> String {
    Quantity::from_bytes(i64::try_from(amount).unwrap_or(i64::MAX)).to_string()
}

/// An amount of bytes in the unit that Kubernetes' nodes report theirs in.
fn kibibytes(amount: u64) -> String {
    format!("{}Ki", amount / 1024)
}
