//! The built-in kinds, one row each.

mod access;
mod batch;
mod core;
mod devices;
mod extensions;
mod flow;
mod network;
mod policies;
mod questions;
mod storage;
mod versions;
mod workloads;

use crate::kind::plain;
use crate::schema::schema;
use crate::{
    Column, Conversion, Kind, Kinds, NameRule, Part, Scope, Storage, Strategy, Subresource, Verb, columns,
};

const PROXY: &[(&str, &str)] = &[("path", "string")];
/// What may be asked of what is behind a proxy: anything.
const PROXIED: &[Verb] = &[Verb::Create, Verb::Delete, Verb::Get, Verb::Patch, Verb::Update];

/// The table of the built-in kinds.
pub fn built_in() -> Kinds {
    let families = [
        core::rows(),
        workloads::rows(),
        batch::rows(),
        network::rows(),
        storage::rows(),
        policies::rows(),
        access::rows(),
        devices::rows(),
        flow::rows(),
        extensions::rows(),
        questions::rows(),
        versions::rows(),
    ];
    Kinds::new(families.into_iter().flatten())
}

/// A plain, namespaced, stored kind; the methods below say what is different. Its schema is that of the kind
/// in the package that the first label of its group names.
fn row(group: &str, version: &str, kind: &str, plural: &str) -> Kind {
    let package = match group.split('.').next() {
        Some("") | None => "core",
        Some(package) => package,
    };
    let schema = schema(&format!("io.k8s.api.{package}.{version}.{kind}"));
    let mut row = plain(group, version, kind, plural, schema).columns(columns::PLAIN);
    row.policy.strict_finalizers = true;
    row
}

impl Kind {
    fn short(mut self, names: &[&str]) -> Self {
        self.short = owned(names);
        self
    }

    /// Member of the category `all`.
    fn all(self) -> Self {
        self.category("all")
    }

    fn category(mut self, name: &str) -> Self {
        self.categories.push(name.to_owned());
        self
    }

    fn cluster(mut self) -> Self {
        self.scope = Scope::Cluster;
        self
    }

    fn without(mut self, verb: Verb) -> Self {
        self.verbs.retain(|&v| v != verb);
        self
    }

    /// Only answered, never stored.
    fn talk(mut self) -> Self {
        self.policy.talk = true;
        self.verbs = vec![Verb::Create];
        self
    }

    /// Only observed, never stored.
    fn observed(mut self) -> Self {
        self.policy.observed = true;
        self.verbs = vec![Verb::Get, Verb::List];
        self
    }

    fn claims(mut self) -> Self {
        self.policy.claims = true;
        self
    }

    fn orphans(mut self, warns: bool) -> Self {
        self.policy.orphans = true;
        self.policy.warns_of_orphans = warns;
        self
    }

    fn status(self) -> Self {
        self.part(&Part::STATUS)
    }

    fn part(mut self, part: &'static Part) -> Self {
        self.subresources.push(Subresource::Part(part));
        self
    }

    fn scale(mut self, spec: &'static str, status: &'static str, selector: &'static str) -> Self {
        self.subresources.push(Subresource::Scale { spec, status, selector });
        self
    }

    fn call(mut self, name: &'static str, api_version: &'static str, kind: &'static str) -> Self {
        self.subresources.push(Subresource::Call { name, api_version, kind });
        self
    }

    fn connect(
        mut self,
        name: &'static str,
        kind: &'static str,
        verbs: &'static [Verb],
        options: &'static [(&'static str, &'static str)],
    ) -> Self {
        self.subresources.push(Subresource::Connect { name, kind, verbs, options });
        self
    }

    fn columns(mut self, columns: &[Column]) -> Self {
        self.columns = columns.to_vec();
        self
    }

    fn reads(mut self, paths: &'static [&'static str]) -> Self {
        self.reads = paths;
        self
    }

    fn selectable(mut self, paths: &[&str]) -> Self {
        self.selectable = owned(paths);
        self
    }

    fn renamed(mut self, paths: &'static [(&'static str, &'static str)]) -> Self {
        self.renamed = paths;
        self
    }

    fn named(mut self, rule: NameRule) -> Self {
        self.policy.name = rule;
        self
    }

    fn create_on_update(mut self) -> Self {
        self.policy.create_on_update = true;
        self
    }

    fn needs_resource_version(mut self) -> Self {
        self.policy.needs_resource_version = true;
        self
    }

    /// The objects are those of the row of the same plural in this group.
    fn stored_as(mut self, group: &str, conversion: &'static dyn Conversion) -> Self {
        self.storage = Some(Storage { group: group.to_owned(), plural: self.plural.clone(), conversion });
        self
    }

    fn graceful(mut self) -> Self {
        self.policy.graceful = true;
        self
    }

    fn fixed_first(mut self) -> Self {
        self.policy.fixed_first = true;
        self
    }

    fn returns_deleted(mut self) -> Self {
        self.policy.returns_deleted = true;
        self
    }

    fn generation(mut self) -> Self {
        self.policy.generation = true;
        self
    }

    fn status_on_create(mut self) -> Self {
        self.policy.status_on_create = true;
        self
    }

    fn volatile(mut self) -> Self {
        self.policy.volatile = true;
        self
    }

    fn expires_after(mut self, seconds: u32) -> Self {
        self.policy.ttl_seconds = Some(seconds);
        self
    }

    /// Deprecated since a release; `instead` is what to use, if anything is.
    fn deprecated(mut self, since: &str, instead: &str) -> Self {
        let mut text = format!("{} {} is deprecated in {since}+", self.api_version(), self.kind);
        if !instead.is_empty() {
            text.push_str(&format!("; use {instead}"));
        }
        self.deprecated = Some(text);
        self
    }

    fn strategy(mut self, strategy: &'static dyn Strategy) -> Self {
        self.strategy = strategy;
        self
    }
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

#[cfg(test)]
mod tests;
