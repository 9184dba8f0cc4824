//! The documents that plugins ask for, from the cache: as fresh as upstream's informers have them. What is named and
//! not there is looked for once more in the store's present.

use std::time::Duration;

use cache::{Entry, Filter, ListQuery};
use kinds::Kind;
use kinds::admission::{Needs, Resource};
use object::{Key, Status, Value};
use tokio::time::Instant;

use super::Subject;
use crate::api::Api;

/// How long a creation waits for what its new namespace gets in a moment, as upstream does for the account.
const PATIENCE: Duration = Duration::from_secs(2);

impl Api {
    /// What a plugin needs, as far as it is there.
    pub(super) async fn documents(&self, of: &Subject<'_>, needs: Needs<'_>) -> Result<Vec<Value>, Status> {
        let namespace = of.key.namespace.as_str();
        let wait = matches!(needs, Needs::Awaited(..));
        match needs {
            Needs::Nothing => Ok(Vec::new()),
            Needs::Named(resource, name) | Needs::Awaited(resource, name) => {
                let kind = self.row(resource)?;
                let key = Key::new(if kind.namespaced() { namespace } else { "" }, name);
                let found = match self.cache.get(&kind.resource(), &key) {
                    None => self.late(of, kind, &key, wait).await?,
                    found => found,
                };
                Ok(found.and_then(|entry| decode(&entry)).into_iter().collect())
            }
            Needs::InNamespace(resource) => self.all(resource, namespace, ""),
            Needs::Marked(resource, mark) => self.all(resource, "", mark),
        }
    }

    fn row(&self, (group, plural): Resource) -> Result<&Kind, Status> {
        let row = self.kinds.resource(group, plural);
        row.map(|row| &**row).ok_or_else(|| Status::internal(format!("there are no {plural}")))
    }

    /// Those of a namespace, or of the cluster, whose text holds the mark.
    fn all(&self, resource: Resource, namespace: &str, mark: &str) -> Result<Vec<Value>, Status> {
        let filter = Filter { namespace: namespace.to_owned(), ..Filter::default() };
        let query = ListQuery { filter, ..ListQuery::default() };
        let list = self.cache.list(self.row(resource)?, &query).map_err(Status::internal)?;
        let marked = list.items.iter().filter(|entry| holds(&entry.tail, mark.as_bytes()));
        Ok(marked.filter_map(|entry| decode(entry)).collect())
    }

    /// What the cache did not have: it may lag, and what is awaited comes a moment after its namespace.
    async fn late(
        &self,
        of: &Subject<'_>,
        kind: &Kind,
        key: &Key,
        wait: bool,
    ) -> Result<Option<std::sync::Arc<Entry>>, Status> {
        if wait {
            self.check_open(of).await?;
        }
        self.reach(self.objects.revision().await?).await?;
        let until = Instant::now() + PATIENCE;
        loop {
            let seen = self.cache.revision();
            let left = until.saturating_duration_since(Instant::now());
            match self.cache.get(&kind.resource(), key) {
                None if wait && self.cache.wait(seen + 1, left).await => {}
                found => return Ok(found),
            }
        }
    }
}

fn holds(text: &[u8], mark: &[u8]) -> bool {
    mark.is_empty() || text.windows(mark.len()).any(|part| part == mark)
}

fn decode(entry: &Entry) -> Option<Value> {
    serde_json::from_slice(&entry.document()).ok()
}
