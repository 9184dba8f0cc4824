//! What the parts of a process count and measure, for Prometheus.
//!
//! Names and labels are those of Kubernetes' own components where these have them. A part declares its metrics once, as
//! statics, by [`metric`]; whoever serves `/metrics` asks for the text of its [`Scope`].

mod process;

use std::sync::LazyLock;

use parking_lot::Mutex;
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::{Metric, Registry};

pub use prometheus_client::encoding::EncodeLabelSet;
pub use prometheus_client::metrics::counter::Counter;
pub use prometheus_client::metrics::family::Family;
pub use prometheus_client::metrics::gauge::Gauge;
pub use prometheus_client::metrics::histogram::Histogram;

/// The media type of [`text`].
pub const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Seconds of requests and other short work, from half a millisecond to a minute.
pub const SECONDS: [f64; 17] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0];

/// Whose metrics they are: those that the API server shows, or those of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// API server, controllers, scheduler.
    Cluster,
    /// The agent.
    Node,
}

static CLUSTER: LazyLock<Mutex<Registry>> = LazyLock::new(registry);
static NODE: LazyLock<Mutex<Registry>> = LazyLock::new(registry);

fn registry() -> Mutex<Registry> {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(process::Process));
    Mutex::new(registry)
}

impl Scope {
    fn registry(self) -> &'static Mutex<Registry> {
        match self {
            Self::Cluster => &CLUSTER,
            Self::Node => &NODE,
        }
    }
}

/// Declares a metric: to be called once for each, as its static is made. Counters get `_total` behind their name.
pub fn metric<M: Metric + Clone>(scope: Scope, name: &str, help: &str, metric: M) -> M {
    scope.registry().lock().register(name, help, metric.clone());
    metric
}

/// A histogram for each set of labels.
pub type Histograms<L> = Family<L, Histogram, fn() -> Histogram>;

/// A histogram of [`SECONDS`] for each set of labels.
pub fn seconds<L>() -> Histograms<L>
where
    L: Clone + std::hash::Hash + Eq,
{
    Family::new_with_constructor(|| Histogram::new(SECONDS))
}

/// All metrics of a scope, in the OpenMetrics text format. Metrics whose parts have not run are absent.
pub fn text(scope: Scope) -> String {
    let mut text = String::new();
    // writing to a string cannot fail, and metrics of ours have nothing that cannot be written
    let _ = encode(&mut text, &scope.registry().lock());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
    struct Labels {
        verb: String,
    }

    #[test]
    fn scopes_are_apart_and_tell_of_the_process() {
        let counter = metric(Scope::Node, "test_runs", "Runs", Family::<Labels, Counter>::default());
        counter.get_or_create(&Labels { verb: "GET".into() }).inc();
        let latency = metric(Scope::Node, "test_seconds", "Time", seconds::<Labels>());
        latency.get_or_create(&Labels { verb: "GET".into() }).observe(0.002);
        let (node, cluster) = (text(Scope::Node), text(Scope::Cluster));
        assert!(node.contains("test_runs_total{verb=\"GET\"} 1\n"), "{node}");
        assert!(node.contains("test_seconds_bucket{le=\"0.0025\",verb=\"GET\"} 1\n"), "{node}");
        assert!(!cluster.contains("test_runs"));
        for name in ["process_resident_memory_bytes ", "process_cpu_seconds_total ", "process_open_fds "] {
            assert!(node.contains(name) && cluster.contains(name), "{node}");
        }
        assert!(node.ends_with("# EOF\n"));
    }
}
