//! Making and removing what the containers of a pod share: volumes, namespaces, addresses, control group.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use k8s_openapi::api::core::v1::Pod as Document;
use network::Sandbox;
use object::Time;

use super::fetch::has_sources;
use super::{ContainerRuntime, blocking};
use crate::pod::Pod;
use crate::pod_config::{Fetched, Qos};
use crate::runtime::RuntimeError;
use crate::{pod_config, volumes};

/// Upstream's word for a sandbox that cannot be made.
const REASON: &str = "FailedCreatePodSandBox";

impl ContainerRuntime {
    pub(super) async fn make_sandbox(&self, pod: &Pod) -> Result<(), RuntimeError> {
        if self.dirs.made(&pod.uid).is_some() {
            return Ok(());
        }
        let document = Arc::new(self.document(pod)?);
        pod_config::check_namespaces(&document).map_err(failed)?;
        self.dirs.hold(&pod.uid, &pod.key).map_err(sandbox)?;
        let fetched = self.fetch(pod, &document, true).await?;
        self.make_cgroup(pod, &document).await?;
        // Both run to their end: what one leaves half-made must not go on beside the next try.
        let (ips, volumes) =
            futures::join!(self.make_namespaces(pod, &document), self.make_volumes(pod, &document, fetched));
        let (ips, ()) = (ips?, volumes?);
        let (dirs, node, dns) = (self.dirs.pod(&pod.uid)?, self.census.node(), self.dns());
        blocking(move || {
            pod_config::prepare_pod(&document, &dirs, &node, &dns, &ips, Path::new("/etc/hosts"))
                .map_err(failed)
        })
        .await?;
        self.dirs.set_made(&pod.uid).map_err(sandbox)
    }

    async fn make_namespaces(&self, pod: &Pod, document: &Document) -> Result<Vec<IpAddr>, RuntimeError> {
        let own = !pod.spec.host_network;
        let name = pod_config::hostname(document, &self.census.node(), &self.domain).map_err(failed)?;
        let settings: BTreeMap<String, String> = pod_config::sysctls(document).map_err(failed)?;
        let settings: Vec<(String, String)> = settings.into_iter().collect();
        let ipc = document.spec.as_ref().and_then(|spec| spec.host_ipc) != Some(true);
        let dir = self.dirs.sandbox(&pod.uid);
        Sandbox::create(&dir, &name.kernel, own, ipc, &settings).await.map_err(sandbox)?;
        if !own {
            return Ok(self.census.ips());
        }
        self.network.attach(&pod.uid, &dir.join("net")).await.map_err(sandbox)
    }

    async fn make_volumes(
        &self,
        pod: &Pod,
        document: &Arc<Document>,
        fetched: Fetched,
    ) -> Result<(), RuntimeError> {
        let (dirs, node, document) = (self.dirs.pod(&pod.uid)?, self.census.node(), document.clone());
        blocking(move || {
            volumes::prepare(&dirs, &document, &fetched, &node, Time::now())
                .map_err(|e| RuntimeError::new(e.reason().as_str(), e))
        })
        .await
    }

    /// Shows in a pod's volumes what changed in their sources, when it is time to.
    pub(super) async fn refresh_if_due(&self, pod: &Pod) {
        let mirror = self.pods.mirror(&pod.uid);
        if mirror.has_sources.is_none() {
            let has = self.document(pod).is_ok_and(|document| has_sources(&document));
            self.pods.update(&pod.uid, |mirror| mirror.has_sources = Some(has));
        }
        if mirror.is_due && pod.deletion.is_none() && !pod.status.phase.is_terminal() {
            self.pods.update(&pod.uid, |mirror| mirror.is_due = false);
            if let Err(error) = self.refresh(pod).await {
                tracing::warn!(pod = %pod.key, %error, "volumes are not brought up to date");
            }
        }
    }

    async fn refresh(&self, pod: &Pod) -> Result<(), RuntimeError> {
        let document = self.document(pod)?;
        let fetched = self.fetch(pod, &document, true).await?;
        let (dirs, node) = (self.dirs.pod(&pod.uid)?, self.census.node());
        blocking(move || {
            volumes::refresh(&dirs, &document, &fetched, &node, Time::now())
                .map(drop)
                .map_err(|e| RuntimeError::new(e.reason().as_str(), e))
        })
        .await
    }

    async fn make_cgroup(&self, pod: &Pod, document: &Document) -> Result<(), RuntimeError> {
        let wanted = pod_config::pod_resources(document, None).map_err(failed)?;
        let (cgroups, uid, class) = (self.cgroups.clone(), pod.uid.clone(), pod_config::qos(document));
        blocking(move || cgroups.set_pod(&uid, class, &wanted).map_err(sandbox)).await?;
        self.weigh(pod).await
    }

    /// Counts a pod for the weight of its class, once.
    pub(super) async fn weigh(&self, pod: &Pod) -> Result<(), RuntimeError> {
        if self.burstable.lock().contains_key(&pod.uid) {
            return Ok(());
        }
        let document = self.document(pod)?;
        let asked = match pod_config::qos(&document) {
            Qos::Burstable => pod_config::pod_resources(&document, None).map_err(failed)?.cpu_request,
            Qos::Guaranteed | Qos::BestEffort => 0,
        };
        self.burstable.lock().insert(pod.uid.clone(), asked);
        let set = self.set_weight().await;
        if set.is_err() {
            // it is tried again with the next look
            self.burstable.lock().remove(&pod.uid);
        }
        set
    }

    async fn set_weight(&self) -> Result<(), RuntimeError> {
        let (cgroups, burstable) = (self.cgroups.clone(), self.burstable.clone());
        blocking(move || {
            // held meanwhile, so that the last sum is the one that stays
            let burstable = burstable.lock();
            cgroups.set_burstable(burstable.values().sum()).map_err(sandbox)
        })
        .await
    }

    /// Removes namespaces, addresses and control group; the pod's files stay until it is forgotten.
    pub(super) async fn remove_sandbox(&self, uid: &str) -> Result<(), RuntimeError> {
        self.dirs.set_unmade(uid).map_err(kill)?;
        self.network.detach(uid).await.map_err(kill)?;
        Sandbox::remove(&self.dirs.sandbox(uid)).await.map_err(kill)?;
        let (cgroups, owner) = (self.cgroups.clone(), uid.to_owned());
        blocking(move || super::remove_cgroups(&cgroups, &owner).map_err(kill)).await?;
        let weighed = self.burstable.lock().remove(uid);
        if weighed.is_some_and(|asked| asked > 0) { self.set_weight().await } else { Ok(()) }
    }

    /// Removes the pod's files and logs.
    pub(super) async fn remove_files(&self, uid: &str) -> Result<(), RuntimeError> {
        let (dirs, uid) = (self.dirs.clone(), uid.to_owned());
        blocking(move || {
            volumes::remove(&dirs.pod(&uid)?).map_err(kill)?;
            dirs.remove_logs(&uid).map_err(kill)?;
            dirs.release(&uid).map_err(kill)
        })
        .await
    }
}

fn failed(error: pod_config::ConfigError) -> RuntimeError {
    RuntimeError::new(error.reason.as_str(), error.message)
}

fn sandbox(error: impl std::error::Error) -> RuntimeError {
    RuntimeError::new(REASON, format!("Failed to create pod sandbox: {}", super::chain(&error)))
}

fn kill(error: impl std::error::Error) -> RuntimeError {
    RuntimeError::new("FailedKillPod", super::chain(&error))
}
