//! Making and starting one attempt at a container.

use std::pin::pin;
use std::time::Duration;

use client::events::Severity;
use containerd::Image;
use object::Time;
use tokio::time::timeout;

use super::observe::is_unbegun;
use super::stop::KILL;
use super::{ContainerRuntime, blocking, chain, say};
use crate::cgroups::CgroupError;
use crate::notes::Note;
use crate::pod::Pod;
use crate::pod_config::{self, Context};
use crate::runtime::RuntimeError;

/// How long the start of a container that is made may take.
const STARTING: Duration = Duration::from_secs(if cfg!(test) { 5 } else { 30 });

impl ContainerRuntime {
    pub(super) async fn start(
        &self,
        pod: &Pod,
        name: &str,
        attempt: u32,
        streak: u32,
    ) -> Result<(), RuntimeError> {
        let id = pod_config::container_id(&pod.uid, name, attempt);
        // What exists of an attempt is left alone: it ran, or it runs.
        let found = self.found(pod).await?;
        let mirror = self.pods.mirror(&pod.uid);
        if found.iter().any(|found| found.id == id && !is_unbegun(pod, name, found, &mirror)) {
            return Ok(());
        }
        let image = self.image(pod, name).await?;
        let spec = self.configure(pod, name, attempt, streak, image).await?;
        self.note_start(pod, &id);
        let made = self.engine.create(&spec).await;
        self.pods.stale(&pod.uid);
        if let Err(error) = made {
            let message = chain(&error);
            let cut_off = matches!(error, containerd::Error::Unavailable(_));
            self.pods.update(&pod.uid, |mirror| {
                // A start that was cut off is not an attempt that failed: it is made whole when containerd is back.
                if cut_off {
                    mirror.started.remove(&id);
                } else {
                    mirror.unstarted.insert(id, message.clone());
                }
            });
            return Err(RuntimeError::new("RunContainerError", message));
        }
        if let Err(error) = self.start_in_time(pod, &id).await {
            // What cannot be started is no attempt: the next try makes it anew.
            if let Err(left) = self.engine.delete(&id).await {
                tracing::warn!(pod = %pod.key, error = %chain(&left), "a container that did not start is left");
            }
            self.pods.stale(&pod.uid);
            return Err(RuntimeError::new("RunContainerError", chain(&error)));
        }
        self.note_start(pod, &id);
        self.pods.stale(&pod.uid);
        self.say_present(pod, name);
        self.begin_hook(pod, name, id);
        Ok(())
    }

    /// Starts what was made. Where a start before was cut off at the wrong moment, with containerd, the container's
    /// process runs while runc takes it for one that is to be started, and waits for ever. containerd answers nothing
    /// about it meanwhile, so its processes are ended behind its back.
    async fn start_in_time(&self, pod: &Pod, id: &str) -> Result<(), containerd::Error> {
        let mut start = pin!(self.engine.start(id));
        if let Ok(started) = timeout(STARTING, &mut start).await {
            return started;
        }
        if let Err(error) = self.end_processes(pod, id).await {
            tracing::warn!(pod = %pod.key, error = %chain(&error), "what did not start may run");
        }
        let _gave_up = timeout(STARTING, start).await;
        let message = format!("not done within {} s", STARTING.as_secs());
        Err(containerd::Error::Rpc { what: format!("start container {id}"), message })
    }

    async fn end_processes(&self, pod: &Pod, id: &str) -> Result<(), RuntimeError> {
        let class = pod_config::qos(&self.document(pod)?);
        let (cgroups, uid, id) = (self.cgroups.clone(), pod.uid.clone(), id.to_owned());
        let failed = |error: CgroupError| RuntimeError::new("KillContainerError", chain(&error));
        blocking(move || cgroups.end_processes(&uid, class, &id).map_err(failed)).await
    }

    /// Tells that a container's image was there, unless it has been told that it came.
    fn say_present(&self, pod: &Pod, name: &str) {
        let image = pod.container(name).map(|c| c.image.as_str()).unwrap_or_default();
        if self.pulls.was_fresh(pod, image) {
            return;
        }
        let message = format!("Container image {image:?} already present on machine");
        say(&self.tell, &pod.uid, Note::of(name, Severity::Normal, "Pulled", message));
    }

    fn note_start(&self, pod: &Pod, id: &str) {
        self.pods.update(&pod.uid, |mirror| {
            mirror.started.insert(id.to_owned(), Time::now());
        });
    }

    /// Runs the hook after a start beside the container; one that fails takes the container with it.
    fn begin_hook(&self, pod: &Pod, name: &str, id: String) {
        let Some(hook) = self.post_start(pod, name, &id) else { return };
        let (engine, tell, uid, name) =
            (self.engine.clone(), self.tell.clone(), pod.uid.clone(), name.to_owned());
        tokio::spawn(async move {
            let Err(why) = hook.run().await else { return };
            let note = Note::of(
                &name,
                Severity::Warning,
                "FailedPostStartHook",
                format!("PostStartHook failed: {why}"),
            );
            say(&tell, &uid, note);
            if let Err(error) = engine.kill(&id, KILL, true).await {
                tracing::warn!(container = id, error = %chain(&error), "not ended after its hook failed");
            }
        });
    }

    async fn image(&self, pod: &Pod, name: &str) -> Result<Image, RuntimeError> {
        let reference = pod.container(name).map(|c| c.image.as_str()).unwrap_or_default();
        let found = self.engine.image(reference).await;
        let found = found.map_err(|e| RuntimeError::new("CreateContainerError", chain(&e)))?;
        let missing = || RuntimeError::new("CreateContainerError", format!("image {reference:?} not found"));
        found.ok_or_else(missing)
    }

    async fn configure(
        &self,
        pod: &Pod,
        name: &str,
        attempt: u32,
        streak: u32,
        image: Image,
    ) -> Result<containerd::ContainerSpec, RuntimeError> {
        let document = self.document(pod)?;
        let fetched = self.fetch(pod, &document, false).await?;
        let (dirs, sandbox) = (self.dirs.pod(&pod.uid)?, self.dirs.sandbox(&pod.uid));
        let (node, dns, services) = (self.census.node(), self.dns(), self.services.borrow().clone());
        let host_ips = self.census.ips();
        let pod_ips = if pod.spec.host_network { host_ips.clone() } else { self.network.addresses(&pod.uid) };
        let (logs, seccomp) = (self.dirs.logs.clone(), self.dirs.seccomp());
        let cgroup = self.cgroups.pod_path(&pod.uid, pod_config::qos(&document));
        let name = name.to_owned();
        blocking(move || {
            let context = Context {
                attempt,
                streak,
                pod_ips: &pod_ips,
                host_ips: &host_ips,
                node: &node,
                image_user: &image.config.user,
                dirs: &dirs,
                sandbox: &sandbox,
                log_root: &logs,
                seccomp_root: &seccomp,
                services: &services,
                fetched: &fetched,
                cgroup: &cgroup,
                pids: None,
                dns: &dns,
            };
            let failed = |e: pod_config::ConfigError| RuntimeError::new(e.reason.as_str(), e.message);
            let container = pod_config::container_named(&document, &name);
            let unknown = || RuntimeError::new("CreateContainerError", format!("no container {name:?}"));
            let container = container.ok_or_else(unknown)?;
            let configured = pod_config::container(&document, container, &context).map_err(failed)?;
            pod_config::prepare_container(&document, container, &context).map_err(failed)?;
            Ok(containerd::ContainerSpec { image: image.name, ..configured.spec })
        })
        .await
    }
}
