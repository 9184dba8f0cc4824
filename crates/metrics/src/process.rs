//! The process itself, under the names that all of Prometheus' client libraries use.

use std::fs;

use nix::unistd::{SysconfVar, sysconf};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

/// Looks at `/proc/self` whenever it is asked.
#[derive(Debug)]
pub(crate) struct Process;

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let Some(now) = Now::look() else { return Ok(()) };
        let gauges = [
            ("process_resident_memory_bytes", "Resident memory size in bytes", now.resident),
            ("process_virtual_memory_bytes", "Virtual memory size in bytes", now.virtual_size),
            (
                "process_start_time_seconds",
                "Start time of the process since unix epoch in seconds",
                now.start,
            ),
            ("process_open_fds", "Number of open file descriptors", now.descriptors),
        ];
        let cpu = ConstCounter::new(now.cpu);
        let help = "Total user and system CPU time spent in seconds";
        cpu.encode(encoder.encode_descriptor("process_cpu_seconds", help, None, cpu.metric_type())?)?;
        for (name, help, value) in gauges {
            let gauge = ConstGauge::new(value);
            gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)?;
        }
        Ok(())
    }
}

struct Now {
    resident: f64,
    virtual_size: f64,
    start: f64,
    descriptors: f64,
    cpu: f64,
}

impl Now {
    /// As of now; none where `/proc` is not what it should be.
    fn look() -> Option<Self> {
        let stat = fs::read_to_string("/proc/self/stat").ok()?;
        // the name in the second field may hold anything
        let fields: Vec<f64> =
            stat.rsplit_once(')')?.1.split_whitespace().map(|field| field.parse().unwrap_or(0.0)).collect();
        let ticks = sysconf(SysconfVar::CLK_TCK).ok()?? as f64;
        let page = sysconf(SysconfVar::PAGE_SIZE).ok()?? as f64;
        let boot: f64 = fs::read_to_string("/proc/stat")
            .ok()?
            .lines()
            .find_map(|line| line.strip_prefix("btime "))
            .and_then(|text| text.trim().parse().ok())?;
        // numbers of proc(5), of which the first two are cut off
        let field = |number: usize| fields.get(number - 3).copied();
        Some(Self {
            cpu: (field(14)? + field(15)?) / ticks,
            start: boot + field(22)? / ticks,
            virtual_size: field(23)?,
            resident: field(24)? * page,
            descriptors: fs::read_dir("/proc/self/fd").ok()?.count() as f64,
        })
    }
}
