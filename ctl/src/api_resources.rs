//! `api-resources`.

use clap::Args;

use crate::Error;
use crate::columns::Columns;
use crate::resource::{Resource, Resources};
use crate::session::Session;
use crate::verb::emit;

/// Print the supported API resources on the server.
#[derive(Args, Clone, Debug)]
pub struct ApiResources {
    /// Only resources of this group.
    #[arg(long = "api-group")]
    group: Option<String>,
    /// Only resources with, or without, namespaces.
    #[arg(long)]
    namespaced: Option<bool>,
    /// Only resources with all of these verbs.
    #[arg(long, value_delimiter = ',')]
    verbs: Vec<String>,
    /// Only resources of all these categories.
    #[arg(long, value_delimiter = ',')]
    categories: Vec<String>,
    /// No line of titles.
    #[arg(long)]
    no_headers: bool,
    /// Output format: wide or name.
    #[arg(short = 'o', long, value_parser = ["wide", "name"])]
    output: Option<String>,
}

impl ApiResources {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Error> {
        let resources = Resources::discover(session).await?;
        emit(&self.print(&resources.0))
    }

    fn print(&self, resources: &[Resource]) -> String {
        let mut shown: Vec<&Resource> = Vec::new();
        for resource in resources.iter().filter(|resource| self.takes(resource)) {
            if !shown.iter().any(|seen| (&seen.group, &seen.plural) == (&resource.group, &resource.plural)) {
                shown.push(resource);
            }
        }
        shown.sort_by(|a, b| (&a.group, &a.plural).cmp(&(&b.group, &b.plural)));
        let wide = self.output.as_deref() == Some("wide");
        if self.output.as_deref() == Some("name") {
            return shown.iter().map(|resource| resource.full() + "\n").collect();
        }
        let titles = ["NAME", "SHORTNAMES", "APIVERSION", "NAMESPACED", "KIND", "VERBS", "CATEGORIES"];
        let count = if wide { titles.len() } else { 5 };
        let head = titles[..count].iter().map(|&title| title.to_owned()).collect();
        let row = |resource: &&Resource| {
            let mut cells = vec![
                resource.plural.clone(),
                resource.short.join(","),
                resource.api_version(),
                resource.namespaced.to_string(),
                resource.kind.clone(),
                resource.verbs.join(","),
                resource.categories.join(","),
            ];
            cells.truncate(count);
            cells
        };
        let rows: Vec<_> =
            (!self.no_headers).then_some(head).into_iter().chain(shown.iter().map(row)).collect();
        Columns::default().print(&rows)
    }

    fn takes(&self, resource: &Resource) -> bool {
        self.group.as_ref().is_none_or(|group| *group == resource.group)
            && self.namespaced.is_none_or(|namespaced| namespaced == resource.namespaced)
            && self.verbs.iter().all(|verb| resource.can(verb))
            && self.categories.iter().all(|category| resource.categories.contains(category))
    }
}
