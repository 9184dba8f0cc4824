//! `scale`.

use clap::Args;
use object::PatchType;
use serde_json::json;

use crate::Error;
use crate::manifest::{self, Files};
use crate::resource::{Resources, items, targets, text};
use crate::session::Session;
use crate::verb::emit;

/// How often a change is sent that others get in the way of.
const TRIES: usize = 5;

/// Set a new size.
#[derive(Args, Clone, Debug)]
pub struct Scale {
    /// `TYPE NAME…` or `TYPE/NAME…`.
    targets: Vec<String>,
    #[command(flatten)]
    files: Files,
    /// The new desired number of replicas.
    #[arg(long)]
    replicas: u32,
    /// Only where this many are desired now.
    #[arg(long)]
    current_replicas: Option<i64>,
    /// Only objects with such labels.
    #[arg(short = 'l', long)]
    selector: Option<String>,
    /// All objects of the type.
    #[arg(long)]
    all: bool,
}

impl Scale {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Error> {
        let resources = Resources::discover(session).await?;
        let mut errors = Vec::new();
        let objects = self.objects(session, &resources).await?;
        if objects.is_empty() {
            return Err(Error::msg("no objects passed to scale"));
        }
        for (title, path) in objects {
            match self.scale(session, &path).await {
                Ok(()) => emit(&format!("{title} scaled\n"))?,
                Err(e) => errors.push(e),
            }
        }
        Error::all(errors)
    }

    /// What to scale: how it is called, and where it is.
    async fn objects(
        &self,
        session: &Session,
        resources: &Resources,
    ) -> Result<Vec<(String, String)>, Error> {
        if !self.files.filename.is_empty() {
            let manifests = manifest::load(&self.files, "scale", session, resources)?;
            return Ok(manifests
                .iter()
                .map(|m| (format!("{}/{}", m.resource.title(), m.name()), m.path()))
                .collect());
        }
        let mut objects = Vec::new();
        for target in targets(&self.targets, resources)? {
            let resource = &target.resource;
            let namespace = session.namespace_of(resource);
            let at = |name: &str| (format!("{}/{name}", resource.title()), resource.object(namespace, name));
            match &target.name {
                Some(name) => objects.push(at(name)),
                None if self.all || self.selector.is_some() => {
                    let query = [("labelSelector", self.selector.as_deref().unwrap_or_default())];
                    let list = session.list(&resource.collection(namespace), &query, None).await?;
                    objects
                        .extend(items(&list["items"]).iter().map(|item| at(text(&item["metadata"]["name"]))));
                }
                None => return Err(Error::msg("resource(s) were provided, but no name was specified")),
            }
        }
        Ok(objects)
    }

    async fn scale(&self, session: &Session, path: &str) -> Result<(), Error> {
        let path = format!("{path}/scale");
        let mut patch = json!({"spec": {"replicas": self.replicas}});
        if let Some(expected) = self.current_replicas {
            let scale = session.get(&path).await?;
            let actual = scale["spec"]["replicas"].as_i64().unwrap_or_default();
            if actual != expected {
                return Err(Error::msg(format!("Expected replicas to be {expected}, was {actual}")));
            }
            patch["metadata"] = json!({"resourceVersion": scale["metadata"]["resourceVersion"]});
        }
        let mut tries = TRIES;
        loop {
            tries -= 1;
            match session.patch(&path, &[], PatchType::Merge, &patch).await {
                // somebody else was faster, and nothing was asked of what is there now
                Err(Error::Api(status))
                    if status.code == 409 && tries > 0 && self.current_replicas.is_none() => {}
                Err(Error::Api(status)) if status.code == 404 => {
                    return Err(Error::msg(format!("no objects passed to scale {status}")));
                }
                done => return done.map(|_| ()),
            }
        }
    }
}
