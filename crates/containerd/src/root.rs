//! Where containerd keeps what takes room.

use std::path::PathBuf;

use containerd_client::services::v1::PluginsRequest;
use containerd_client::services::v1::introspection_client::IntrospectionClient;

use crate::connection::Containerd;
use crate::error::Error;

impl Containerd {
    /// The directory below which the layers of images are unpacked; none where the snapshotter does not say.
    ///
    /// # Errors
    /// When containerd does not answer.
    pub async fn layers_root(&self) -> Result<Option<PathBuf>, Error> {
        let id = &self.inner.options.snapshotter;
        let filters = vec![format!("type==io.containerd.snapshotter.v1,id=={id}")];
        let request = self.request(PluginsRequest { filters });
        let answer = IntrospectionClient::new(self.channel()).plugins(request).await;
        let plugins = answer.map_err(|status| Error::rpc("plugins", status))?.into_inner().plugins;
        Ok(plugins.into_iter().find_map(|plugin| plugin.exports.get("root").map(PathBuf::from)))
    }
}
