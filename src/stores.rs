//! Opens the store that the command line names.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, anyhow, bail};
use store::{Embedded, Etcd, EtcdOptions, EtcdTls, Store};

use crate::cli::StoreFlags;

/// The store of a server.
pub(crate) enum Opened {
    /// Files of its own.
    Embedded(Arc<Embedded>),
    /// An etcd, which other servers may use too.
    Etcd {
        /// The store.
        store: Arc<Etcd>,
        /// Who this server is among them: the same at every start.
        server: String,
        /// Held so that no other process is the same server.
        _lock: File,
    },
}

impl Opened {
    /// Opens what the flags name: files in `dir` where they name nothing.
    pub(crate) async fn open(flags: &StoreFlags, dir: &Path) -> anyhow::Result<Opened> {
        let Some(url) = &flags.store else {
            let path = dir.join("store");
            let opened = tokio::task::spawn_blocking(move || Embedded::open(path, store::Options::default()));
            let opened = opened.await?.map_err(|error| crate::store_files::explain(error, dir));
            return Ok(Opened::Embedded(Arc::new(opened.context("cannot open the store")?)));
        };
        if dir.join("store").exists() {
            bail!(
                "{} holds an embedded store: a server with --store needs another --data-dir",
                dir.display()
            );
        }
        let options = options(url, flags)?;
        let etcd = Etcd::open(options).await.context("cannot open the store")?;
        let (server, lock) = server(dir)?;
        Ok(Opened::Etcd { store: Arc::new(etcd), server, _lock: lock })
    }

    pub(crate) fn store(&self) -> Arc<dyn Store> {
        match self {
            Opened::Embedded(store) => store.clone(),
            Opened::Etcd { store, .. } => store.clone(),
        }
    }

    /// Who this server is among those that share the store; none where it is its alone.
    pub(crate) fn shared(&self) -> Option<&str> {
        match self {
            Opened::Embedded(_) => None,
            Opened::Etcd { server, .. } => Some(server),
        }
    }

    pub(crate) async fn close(self) -> anyhow::Result<()> {
        match self {
            Opened::Embedded(store) => store.close().await.context("the store was not closed cleanly"),
            Opened::Etcd { store, .. } => {
                store.close();
                Ok(())
            }
        }
    }
}

fn options(url: &str, flags: &StoreFlags) -> anyhow::Result<EtcdOptions> {
    let mut options = EtcdOptions::parse(url)?;
    let read = |path: &Path| std::fs::read(path).with_context(|| format!("cannot read {}", path.display()));
    if let Some(ca) = &flags.store_cafile {
        let pair = match (&flags.store_certfile, &flags.store_keyfile) {
            (Some(certificate), Some(key)) => Some((read(certificate)?, read(key)?)),
            _ => None,
        };
        options.tls = Some(EtcdTls { ca: read(ca)?, pair });
    }
    if let (Some(user), Some(path)) = (&flags.store_user, &flags.store_password_file) {
        let text = String::from_utf8(read(path)?).map_err(|_| anyhow!("{} is not UTF-8", path.display()))?;
        let password = text.strip_suffix('\n').unwrap_or(&text).to_owned();
        options.user = Some((user.clone(), password));
    }
    Ok(options)
}

/// The server whose data directory this is. Its name stays, so that after a crash it need not wait for its own leases
/// to expire; the lock stays with the process.
fn server(dir: &Path) -> anyhow::Result<(String, File)> {
    let path = dir.join("server");
    let cannot = || format!("cannot use {}", path.display());
    let file = File::options().read(true).write(true).create(true).truncate(false).open(&path);
    let file = file.with_context(cannot)?;
    file.try_lock().map_err(|_| anyhow!("{} is in use by another server", dir.display()))?;
    let mut name = std::fs::read_to_string(&path).with_context(cannot)?;
    if name.trim().is_empty() {
        name = crate::parts::identity()?;
        std::fs::write(&path, &name).with_context(cannot)?;
    }
    Ok((name.trim().to_owned(), file))
}
