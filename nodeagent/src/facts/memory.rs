//! Memory, from `/proc/meminfo` and the pools of huge pages.

use super::files::{FactsError, Files};

const MEMINFO: &str = "proc/meminfo";

/// Bytes of memory.
pub(crate) fn total(files: &Files) -> Result<u64, FactsError> {
    amount(files, "MemTotal")
}

/// Bytes that programs could have without swapping, as the kernel estimates.
pub(crate) fn available(files: &Files) -> Result<u64, FactsError> {
    amount(files, "MemAvailable")
}

fn amount(files: &Files, name: &str) -> Result<u64, FactsError> {
    let text = files.text(MEMINFO)?;
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let number = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    number.and_then(|kib| kib.checked_mul(1024)).ok_or_else(|| files.odd(MEMINFO))
}

/// A pool of huge pages.
pub(crate) struct HugePages {
    /// `hugepages-2Mi`.
    pub(crate) name: String,
    /// The pool's size.
    pub(crate) bytes: u64,
}

/// The pools that the kernel offers, empty ones included.
pub(crate) fn huge_pages(files: &Files) -> Vec<HugePages> {
    const POOLS: &str = "sys/kernel/mm/hugepages";
    let pool = |directory: String| {
        let kib: u64 = directory.strip_prefix("hugepages-")?.strip_suffix("kB")?.parse().ok()?;
        let pages: u64 = files.line(&format!("{POOLS}/{directory}/nr_hugepages")).ok()?.parse().ok()?;
        let size = kib.checked_mul(1024)?;
        let name = format!("hugepages-{}", super::bytes(size));
        Some(HugePages { name, bytes: size.checked_mul(pages)? })
    };
    files.names(POOLS).into_iter().filter_map(pool).collect()
}
