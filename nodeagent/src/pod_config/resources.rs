//! Requests and limits in the kernel's terms, of a container and of a pod.

use std::collections::BTreeMap;

use containerd::Resources;
use k8s_openapi::api::core::v1::{Container, Pod, ResourceRequirements};
use object::Quantity;

use super::downward::{amount, parse};
use super::error::ConfigError;
use super::qos::{Qos, qos};
use super::spec_of;

/// Microseconds in which a quota is counted.
const PERIOD: u64 = 100_000;
/// The smallest quota that the kernel takes, in microseconds.
const MIN_QUOTA: i64 = 1000;
const MIN_SHARES: u64 = 2;
const MAX_SHARES: u64 = 262_144;
/// Score of containers that the node must not lose, and of those with guaranteed resources.
const GUARANTEED_SCORE: i64 = -997;
const NODE_CRITICAL: &str = "system-node-critical";

/// Limits of a whole pod, in cgroup v1 terms.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PodResources {
    /// Relative weight.
    pub cpu_shares: u64,
    /// Microseconds per period of 100 ms; none where a container has no limit.
    pub cpu_quota: Option<i64>,
    /// Bytes; none where a container has no limit.
    pub memory_limit: Option<i64>,
    /// Limit of processes.
    pub pids: Option<i64>,
    /// What the pod asks for, in thousandths of a CPU: what its quality of service class sums up.
    pub cpu_request: i64,
}

/// The weight that goes with an amount of CPU in thousandths.
pub fn shares_of(milli: i64) -> u64 {
    let shares = u64::try_from(milli.max(0)).unwrap_or(0).saturating_mul(1024) / 1000;
    shares.clamp(MIN_SHARES, MAX_SHARES)
}

/// The quota in microseconds per 100 ms that goes with an amount of CPU in thousandths; none for none.
pub fn quota_of(milli: i64) -> Option<i64> {
    (milli > 0).then(|| milli.saturating_mul(PERIOD as i64 / 1000).max(MIN_QUOTA))
}

/// What a container may use. `memory` is the host's, in bytes.
pub fn container_resources(
    pod: &Pod,
    container: &Container,
    memory: u64,
    pids: Option<i64>,
) -> Result<Resources, ConfigError> {
    let resources = container.resources.as_ref();
    let cpu_limit = limit(resources, "cpu")?;
    let cpu_request = request(resources, "cpu")?.or(cpu_limit);
    let quota = cpu_limit.and_then(|limit| quota_of(limit.milli_value()));
    Ok(Resources {
        cpu_shares: Some(shares_of(cpu_request.map_or(0, Quantity::milli_value))),
        cpu_quota: quota,
        cpu_period: quota.map(|_| PERIOD),
        memory_limit: limit(resources, "memory")?.map(Quantity::value).filter(|limit| *limit > 0),
        hugepages: hugepages(resources)?,
        oom_score_adj: Some(oom_score(pod, container, memory)?),
        pids,
        ..Resources::default()
    })
}

fn hugepages(resources: Option<&ResourceRequirements>) -> Result<BTreeMap<String, u64>, ConfigError> {
    let limits = resources.and_then(|r| r.limits.as_ref()).into_iter().flatten();
    let mut pages = BTreeMap::new();
    for (name, limit) in limits {
        let Some(size) = name.strip_prefix("hugepages-") else { continue };
        let size: Quantity =
            size.parse().map_err(|e| ConfigError::config(format!("page size {size:?}: {e}")))?;
        let limit = parse(limit).map_err(ConfigError::config)?;
        pages.insert(page_size(size.value()), u64::try_from(limit.value()).unwrap_or(0));
    }
    Ok(pages)
}

/// A page size as the kernel names its limits: `2MB`.
fn page_size(bytes: i64) -> String {
    match bytes {
        b if b >= 1 << 30 && b % (1 << 30) == 0 => format!("{}GB", b >> 30),
        b if b >= 1 << 20 && b % (1 << 20) == 0 => format!("{}MB", b >> 20),
        b => format!("{}KB", b >> 10),
    }
}

/// How soon the kernel ends a container when memory runs out: from -997 (last) to 1000 (first).
fn oom_score(pod: &Pod, container: &Container, memory: u64) -> Result<i32, ConfigError> {
    let score = match qos(pod) {
        _ if spec_of(pod).priority_class_name.as_deref() == Some(NODE_CRITICAL) => GUARANTEED_SCORE,
        Qos::Guaranteed => GUARANTEED_SCORE,
        Qos::BestEffort => 1000,
        Qos::Burstable => burstable_score(pod, container, memory)?,
    };
    Ok(score as i32)
}

/// The more memory a container asks for, the later it goes. A sidecar does not go before the containers that it
/// serves.
fn burstable_score(pod: &Pod, container: &Container, memory: u64) -> Result<i64, ConfigError> {
    let asked = |c: &Container| memory_request(c).map(|asked| i128::from(asked.unwrap_or(0)));
    let score = |asked: i128| 1000 - 1000 * asked / i128::from(memory.max(1));
    let mut own = score(asked(container)?);
    let spec = spec_of(pod);
    if spec.init_containers.iter().flatten().any(|c| c.name == container.name && is_sidecar(c)) {
        for served in &spec.containers {
            own = own.min(score(asked(served)?));
        }
    }
    Ok(own.clamp(i128::from(1000 + GUARANTEED_SCORE), 999) as i64)
}

fn memory_request(container: &Container) -> Result<Option<i64>, ConfigError> {
    let resources = container.resources.as_ref();
    Ok(request(resources, "memory")?.or(limit(resources, "memory")?).map(Quantity::value))
}

fn is_sidecar(container: &Container) -> bool {
    container.restart_policy.as_deref() == Some("Always")
}

/// What a pod's containers may use together. The quota is only set where every container has a limit of CPU, the
/// memory limit where every one has a limit of memory.
pub fn pod_resources(pod: &Pod, pids: Option<i64>) -> Result<PodResources, ConfigError> {
    let request = total(pod, "cpu", Ask::Request)?.unwrap_or(Quantity::ZERO).milli_value();
    let class = qos(pod);
    let limited = class != Qos::BestEffort;
    let cpu = total(pod, "cpu", Ask::Limit)?.filter(|_| limited);
    let memory = total(pod, "memory", Ask::Limit)?.filter(|_| limited);
    Ok(PodResources {
        cpu_shares: if limited { shares_of(request) } else { MIN_SHARES },
        cpu_quota: cpu.and_then(|cpu| quota_of(cpu.milli_value())),
        memory_limit: memory.map(Quantity::value).filter(|memory| *memory > 0),
        pids,
        cpu_request: request,
    })
}

/// The memory that a pod may use; none where a container has no limit.
pub(crate) fn pod_memory_limit(pod: &Pod) -> Result<Option<i64>, ConfigError> {
    Ok(total(pod, "memory", Ask::Limit)?.map(Quantity::value))
}

#[derive(Clone, Copy)]
enum Ask {
    Request,
    Limit,
}

/// The most that a pod's containers ask for at one time: all containers and sidecars, or one init container with
/// the sidecars before it; or what the pod itself says. A limit is none where one has none.
fn total(pod: &Pod, name: &str, ask: Ask) -> Result<Option<Quantity>, ConfigError> {
    let spec = spec_of(pod);
    let of_pod = spec.resources.as_ref();
    if request(of_pod, name)?.or(limit(of_pod, name)?).is_some() {
        return asked(of_pod, name, ask);
    }
    let (mut sidecars, mut most) = (Quantity::ZERO, Quantity::ZERO);
    for container in spec.init_containers.iter().flatten() {
        let Some(own) = asked(container.resources.as_ref(), name, ask)? else { return Ok(None) };
        if is_sidecar(container) {
            sidecars += own;
        }
        most = most.max(if is_sidecar(container) { sidecars } else { sidecars + own });
    }
    let mut running = sidecars;
    for container in &spec.containers {
        let Some(own) = asked(container.resources.as_ref(), name, ask)? else { return Ok(None) };
        running += own;
    }
    let overhead = amount(spec.overhead.as_ref(), name).map_err(ConfigError::config)?;
    Ok(Some(most.max(running) + overhead.unwrap_or(Quantity::ZERO)))
}

/// A missing request is the limit, else nothing; a missing limit is none.
fn asked(
    resources: Option<&ResourceRequirements>,
    name: &str,
    ask: Ask,
) -> Result<Option<Quantity>, ConfigError> {
    let limit = limit(resources, name)?;
    Ok(match ask {
        Ask::Limit => limit.filter(|limit| !limit.is_zero()),
        Ask::Request => Some(request(resources, name)?.or(limit).unwrap_or(Quantity::ZERO)),
    })
}

fn limit(resources: Option<&ResourceRequirements>, name: &str) -> Result<Option<Quantity>, ConfigError> {
    amount(resources.and_then(|r| r.limits.as_ref()), name).map_err(ConfigError::config)
}

fn request(resources: Option<&ResourceRequirements>, name: &str) -> Result<Option<Quantity>, ConfigError> {
    amount(resources.and_then(|r| r.requests.as_ref()), name).map_err(ConfigError::config)
}

#[cfg(test)]
mod tests;
