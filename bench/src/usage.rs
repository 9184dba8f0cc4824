//! What a process uses, as the kernel counts it. Of a process that is not known, on another machine say, every figure
//! is not a number.

use std::fs;
use std::time::Duration;

use anyhow::{Context, anyhow};

/// Seconds of a tick in `/proc/PID/stat`: 100 a second on every architecture that we build for.
const TICK: f64 = 0.01;

/// Memory, in MiB.
#[derive(Clone, Copy)]
pub(crate) struct Memory {
    /// Pages in memory, shared ones in full.
    pub(crate) resident: f64,
    /// Pages in memory, shared ones by share.
    pub(crate) proportional: f64,
}

/// What a process holds now.
pub(crate) fn memory(pid: impl Into<Option<u32>>) -> anyhow::Result<Memory> {
    let Some(pid) = pid.into() else {
        return Ok(Memory { resident: f64::NAN, proportional: f64::NAN });
    };
    let rollup = read(pid, "smaps_rollup")?;
    Ok(Memory { resident: mebibytes(&rollup, "Rss:")?, proportional: mebibytes(&rollup, "Pss:")? })
}

/// The most that a process held since [`forget_peak`], in MiB.
pub(crate) fn peak(pid: impl Into<Option<u32>>) -> anyhow::Result<f64> {
    pid.into().map_or(Ok(f64::NAN), |pid| mebibytes(&read(pid, "status")?, "VmHWM:"))
}

/// Starts the peak anew.
pub(crate) fn forget_peak(pid: impl Into<Option<u32>>) -> anyhow::Result<()> {
    let Some(pid) = pid.into() else { return Ok(()) };
    fs::write(format!("/proc/{pid}/clear_refs"), "5").context("cannot reset the peak of resident memory")
}

/// Seconds of processor time used so far by all threads, for itself and in the kernel; exact to a tick of 10 ms.
pub(crate) fn processor(pid: impl Into<Option<u32>>) -> anyhow::Result<f64> {
    let Some(pid) = pid.into() else { return Ok(f64::NAN) };
    let stat = read(pid, "stat")?;
    // The second field may contain anything; those after it are numbers. utime and stime are fields 14 and 15.
    let (_, rest) = stat.rsplit_once(')').ok_or_else(|| anyhow!("cannot read /proc/{pid}/stat"))?;
    let ticks: u32 = rest.split_whitespace().skip(11).take(2).filter_map(|n| n.parse::<u32>().ok()).sum();
    Ok(TICK * f64::from(ticks))
}

/// What a process had written to disk so far, in MiB.
pub(crate) fn written(pid: impl Into<Option<u32>>) -> anyhow::Result<f64> {
    let Some(pid) = pid.into() else { return Ok(f64::NAN) };
    let io = read(pid, "io")?;
    let bytes =
        io.lines().find_map(|line| line.strip_prefix("write_bytes: ")).and_then(|n| n.parse::<f64>().ok());
    Ok(bytes.ok_or_else(|| anyhow!("the kernel does not tell write_bytes"))? / f64::from(1 << 20))
}

/// Waits until a process does next to nothing: at most 5% of a core for a second. Gives up after a minute; of a
/// process that is not known it hopes so after three seconds.
pub(crate) async fn settled(pid: impl Into<Option<u32>>) -> anyhow::Result<()> {
    let pid = pid.into();
    for _ in 0..if pid.is_some() { 60 } else { 3 } {
        let before = processor(pid)?;
        tokio::time::sleep(Duration::from_secs(1)).await;
        if processor(pid)? - before <= 0.05 {
            break;
        }
    }
    Ok(())
}

fn read(pid: u32, file: &str) -> anyhow::Result<String> {
    let path = format!("/proc/{pid}/{file}");
    fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))
}

/// The value of a line such as `Rss:      1234 kB`.
fn mebibytes(text: &str, key: &str) -> anyhow::Result<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(key));
    let kibibytes = line.and_then(|rest| rest.split_whitespace().next()).and_then(|n| n.parse::<f64>().ok());
    Ok(kibibytes.ok_or_else(|| anyhow!("the kernel does not tell {key}"))? / 1024.0)
}
