//! Recreation: new pods come when no old one is left.

use cache::Snapshot;

use super::sets::{Collision, Work};
use super::{cleanup, status};
use crate::views::Pod;

/// One step of a recreation.
pub(super) fn run(work: &mut Work<'_>, snapshot: &Snapshot) -> Result<(), Collision> {
    work.find_new();
    let old = work.active(work.old());
    if !old.is_empty() {
        for at in old {
            work.scale(at, 0);
        }
        return Ok(());
    }
    if old_pods_run(work, snapshot) {
        return Ok(());
    }
    work.find_or_create_new(snapshot)?;
    if let Some(new) = work.new
        && work.sets[new].replicas != work.deployment.desired()
    {
        work.scale(new, work.deployment.desired());
    }
    if status::is_complete(work.deployment, &work.deployment.status) {
        cleanup::run(work);
    }
    Ok(())
}

/// Whether a pod of an old replica set is not finished; one that is going still runs.
fn old_pods_run(work: &Work<'_>, snapshot: &Snapshot) -> bool {
    let mut old = work.old().into_iter().filter_map(|at| work.sets[at].view);
    old.any(|set| {
        let mut pods = snapshot.table::<Pod>().owned_by(&set.metadata.uid);
        set.status.replicas > 0 || pods.any(|pod| !pod.is_finished())
    })
}
