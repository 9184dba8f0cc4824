//! Commands in containers for probes and hooks, and the hooks of a container's life.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use containerd::{Containerd, Exec, ExecSpec};
use k8s_openapi::api::core::v1::LifecycleHandler;
use tokio::io::{AsyncRead, AsyncReadExt};

use super::{ContainerRuntime, chain};
use crate::pod::Pod;
use crate::pod_config;
use crate::probes::{ExecEnd, ExecProbe, PortDoc, ProbeAction, ProbeDoc, ProbeKind, Tried, act};

/// The most bytes of a command's output that are kept, of each stream.
const MOST: u64 = 16 << 10;
/// The longest that a hook may take where nothing else ends it.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// Runs commands by containerd.
pub(super) struct InContainer(pub(super) Containerd);

#[async_trait]
impl ExecProbe for InContainer {
    async fn exec(&self, id: &str, command: &[String], timeout: Duration) -> Result<ExecEnd, String> {
        let spec = ExecSpec { args: command.to_vec(), stdout: true, stderr: true, ..ExecSpec::default() };
        let run = async {
            let Exec { stdout, stderr, mut process, .. } =
                self.0.exec(id, &spec).await.map_err(|e| chain(&e))?;
            let (out, err) = futures::join!(drained(stdout), drained(stderr));
            let code = process.wait().await.map_err(|e| chain(&e))?;
            let output = [out, err].concat();
            Ok(ExecEnd::Exited { code: code as i32, output })
        };
        tokio::time::timeout(timeout, run).await.unwrap_or(Ok(ExecEnd::TimedOut))
    }
}

/// Reads to the end, and keeps the beginning.
async fn drained(stream: Option<impl AsyncRead + Unpin>) -> Vec<u8> {
    let Some(mut stream) = stream else { return Vec::new() };
    let mut kept = Vec::new();
    let _read = (&mut stream).take(MOST).read_to_end(&mut kept).await;
    let _rest = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
    kept
}

/// A hook of a container.
pub(super) struct Hook {
    what: What,
    ip: String,
    id: String,
    exec: Arc<dyn ExecProbe>,
}

enum What {
    Act(ProbeAction),
    Sleep(Duration),
}

impl Hook {
    /// Runs it; why it failed, if it did.
    pub(super) async fn run(&self) -> Result<(), String> {
        let tried = match &self.what {
            What::Sleep(time) => {
                tokio::time::sleep(*time).await;
                return Ok(());
            }
            What::Act(action) => act(action, &self.ip, &self.id, LONGEST, &*self.exec).await,
        };
        match tried {
            Tried::Success | Tried::Warning(_) => Ok(()),
            Tried::Failure(why) | Tried::Error(why) => Err(why),
        }
    }
}

impl ContainerRuntime {
    /// The hook before a container is told to end.
    pub(super) fn pre_stop(&self, pod: &Pod, name: &str, id: &str) -> Option<Hook> {
        self.hook(pod, name, id, |lifecycle| lifecycle.pre_stop)
    }

    /// The hook after a container was started.
    pub(super) fn post_start(&self, pod: &Pod, name: &str, id: &str) -> Option<Hook> {
        self.hook(pod, name, id, |lifecycle| lifecycle.post_start)
    }

    fn hook(
        &self,
        pod: &Pod,
        name: &str,
        id: &str,
        which: impl Fn(k8s_openapi::api::core::v1::Lifecycle) -> Option<LifecycleHandler>,
    ) -> Option<Hook> {
        let document = self.document(pod).ok()?;
        let container = pod_config::container_named(&document, name)?;
        let handler = which(container.lifecycle.clone()?)?;
        let what = match &handler.sleep {
            Some(sleep) => What::Sleep(Duration::from_secs(sleep.seconds.clamp(0, 1 << 32) as u64)),
            None => What::Act(action(&handler, container)?),
        };
        let ips = if pod.spec.host_network { self.census.ips() } else { self.network.addresses(&pod.uid) };
        Some(Hook {
            what,
            ip: ips.first().map(ToString::to_string).unwrap_or_default(),
            id: id.to_owned(),
            exec: Arc::new(InContainer(self.engine.clone())),
        })
    }
}

/// A handler says what to do in the words of a probe.
fn action(
    handler: &LifecycleHandler,
    container: &k8s_openapi::api::core::v1::Container,
) -> Option<ProbeAction> {
    let document: ProbeDoc = serde_json::from_value(serde_json::to_value(handler).ok()?).ok()?;
    let ports = serde_json::to_value(container.ports.as_deref().unwrap_or_default()).ok()?;
    let ports: Vec<PortDoc> = serde_json::from_value(ports).ok()?;
    Some(document.probe(ProbeKind::Readiness, &ports).action)
}
