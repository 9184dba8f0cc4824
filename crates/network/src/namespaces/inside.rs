//! Work in another network namespace.

use std::fs::File;
use std::path::Path;
use std::thread;

use nix::sched::{CloneFlags, setns};
use tokio::sync::oneshot;

use crate::Error;

/// Runs a function on a thread of its own in the network namespace that is pinned at `netns`.
///
/// Sockets that it makes stay in that namespace wherever they are used afterwards, so a probe may connect
/// here and go on outside. The function may block; it runs to its end even where the caller gives up.
///
/// Fails where the namespace cannot be entered, and where the function panics.
pub async fn inside<T, F>(netns: &Path, work: F) -> Result<T, Error>
where
    T: Send + 'static,
    F: FnOnce() -> T + Send + 'static,
{
    let path = netns.to_owned();
    let entered = move || {
        let namespace = File::open(&path).map_err(Error::file("opening", &path))?;
        setns(namespace, CloneFlags::CLONE_NEWNET).map_err(Error::errno("entering", &path))?;
        Ok(work())
    };
    on_thread(entered).await?.ok_or_else(|| Error::Panicked(netns.to_owned()))?
}

/// Runs a function on a thread that ends with it, so that what it does to its namespaces touches nobody else.
///
/// None where the function panicked.
pub(crate) async fn on_thread<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<Option<T>, Error> {
    let (done, result) = oneshot::channel();
    let run = move || {
        // nobody may be waiting any more
        let _ = done.send(work());
    };
    thread::Builder::new()
        .name("namespace".to_owned())
        .spawn(run)
        .map_err(|source| Error::System { doing: "starting a thread", source })?;
    Ok(result.await.ok())
}
