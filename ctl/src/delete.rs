//! `delete`.

use std::time::Duration;

use clap::{Args, ValueEnum};
use http::Method;
use object::Value;
use serde_json::json;

use crate::Error;
use crate::manifest::{self, Files};
use crate::resource::{Resource, Resources, items, targets, text};
use crate::session::{Ask, Session};
use crate::verb::emit;
use crate::wait::{forever, parse_duration, until_gone};

/// What becomes of the objects that a deleted one owns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Cascade {
    /// They go afterwards.
    #[default]
    Background,
    /// They go before.
    Foreground,
    /// They stay.
    Orphan,
}

/// Delete resources.
#[derive(Args, Clone, Debug)]
pub struct Delete {
    /// `TYPE[,TYPE] [NAME…]` or `TYPE/NAME…`.
    targets: Vec<String>,
    #[command(flatten)]
    files: Files,
    /// Only objects with such labels.
    #[arg(short = 'l', long)]
    selector: Option<String>,
    /// Only objects with such fields.
    #[arg(long)]
    field_selector: Option<String>,
    /// All objects of the types.
    #[arg(long)]
    all: bool,
    /// The objects of all namespaces.
    #[arg(short = 'A', long)]
    all_namespaces: bool,
    /// Seconds for a graceful end.
    #[arg(long, default_value_t = -1, allow_negative_numbers = true)]
    grace_period: i64,
    /// Delete at once, without waiting for anyone's confirmation.
    #[arg(long)]
    force: bool,
    /// Give a grace period of one second.
    #[arg(long)]
    now: bool,
    /// What becomes of dependents.
    #[arg(long, value_enum, default_value_t, num_args = 0..=1, require_equals = true, default_missing_value = "background")]
    cascade: Cascade,
    /// Wait until the objects are gone.
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    wait: bool,
    /// How long to wait; zero is for ever.
    #[arg(long, default_value = "0s", value_parser = parse_duration)]
    timeout: Duration,
    /// What is not there is no error.
    #[arg(long)]
    ignore_not_found: bool,
    /// Output format: name.
    #[arg(short = 'o', long, value_parser = ["name"])]
    output: Option<String>,
}

/// An object to delete.
struct Doomed {
    resource: Resource,
    namespace: String,
    name: String,
    /// The file that names it, if one does.
    source: Option<String>,
}

impl Delete {
    pub(crate) async fn run(mut self, session: &Session) -> Result<(), Error> {
        self.settle()?;
        let resources = Resources::discover(session).await?;
        let doomed = self.doomed(session, &resources).await?;
        if doomed.is_empty() {
            eprintln!("No resources found");
            return Ok(());
        }
        let mut errors = Vec::new();
        let mut going = Vec::new();
        for object in doomed {
            match self.delete(session, &object).await {
                Ok(uid) => going.push((object, uid)),
                Err(e) if e.is_not_found() && self.ignore_not_found => {}
                Err(e) => errors.push(match &object.source {
                    Some(source) => e.while_doing(format!("error when deleting {source:?}")),
                    None => e,
                }),
            }
        }
        if self.wait {
            let patience = if self.timeout.is_zero() { forever() } else { self.timeout };
            let deadline = tokio::time::Instant::now() + patience;
            for (object, uid) in &going {
                let path = object.resource.object(&object.namespace, &object.name);
                let what = format!("{}/{}", object.resource.plural, object.name);
                until_gone(session, &path, uid, deadline, &what).await?;
            }
        }
        Error::all(errors)
    }

    /// Brings the flags about grace to one.
    fn settle(&mut self) -> Result<(), Error> {
        if self.now {
            self.grace_period = 1;
        }
        if self.force && self.grace_period < 0 {
            self.grace_period = 0;
        }
        if self.force && self.grace_period > 0 {
            return Err(Error::msg("--force and --grace-period greater than 0 cannot be specified together"));
        }
        if self.grace_period == 0 && !self.force {
            self.grace_period = 1;
        }
        if self.force {
            eprintln!(
                "Warning: Immediate deletion does not wait for confirmation that the running resource has been \
                 terminated. The resource may continue to run on the cluster indefinitely."
            );
        }
        Ok(())
    }

    async fn doomed(&self, session: &Session, resources: &Resources) -> Result<Vec<Doomed>, Error> {
        if !self.files.filename.is_empty() {
            let doomed = |m: manifest::Manifest| Doomed {
                name: m.name().to_owned(),
                source: Some(m.source),
                resource: m.resource,
                namespace: m.namespace,
            };
            let manifests = manifest::load(&self.files, "delete", session, resources)?;
            return Ok(manifests.into_iter().map(doomed).collect());
        }
        if self.targets.is_empty() {
            return Err(Error::msg("You must provide one or more resources by argument or filename."));
        }
        let selects = self.all || self.selector.is_some() || self.field_selector.is_some();
        let mut doomed = Vec::new();
        for target in targets(&self.targets, resources)? {
            let resource = target.resource;
            let namespace = if self.all_namespaces { "" } else { session.namespace_of(&resource) }.to_owned();
            match target.name {
                Some(_) if selects => {
                    return Err(Error::msg("name cannot be provided when a selector is specified"));
                }
                Some(name) => doomed.push(Doomed { resource, namespace, name, source: None }),
                None if selects => doomed.extend(self.selected(session, resource, &namespace).await?),
                None => return Err(Error::msg("resource(s) were provided, but no name was specified")),
            }
        }
        Ok(doomed)
    }

    async fn selected(
        &self,
        session: &Session,
        resource: Resource,
        namespace: &str,
    ) -> Result<Vec<Doomed>, Error> {
        let query = [
            ("labelSelector", self.selector.as_deref().unwrap_or_default()),
            ("fieldSelector", self.field_selector.as_deref().unwrap_or_default()),
        ];
        let list = session.list(&resource.collection(namespace), &query, None).await?;
        let doomed = |item: &Value| Doomed {
            resource: resource.clone(),
            namespace: text(&item["metadata"]["namespace"]).to_owned(),
            name: text(&item["metadata"]["name"]).to_owned(),
            source: None,
        };
        Ok(items(&list["items"]).iter().map(doomed).collect())
    }

    /// Deletes, says so, and returns the uid of what is going.
    async fn delete(&self, session: &Session, object: &Doomed) -> Result<String, Error> {
        let mut options = json!({"propagationPolicy": format!("{:?}", self.cascade)});
        if self.grace_period >= 0 {
            options["gracePeriodSeconds"] = self.grace_period.into();
        }
        let path = object.resource.object(&object.namespace, &object.name);
        let ask = Ask { body: Some(&options), ..Ask::default() };
        let answer = session.json(Method::DELETE, &path, ask).await?;
        let title = object.resource.title();
        emit(&match (&self.output, self.force) {
            (Some(_), _) => format!("{title}/{}\n", object.name),
            (None, true) => format!("{title} {:?} force deleted\n", object.name),
            (None, false) => format!("{title} {:?} deleted\n", object.name),
        })?;
        let uid = [&answer["details"]["uid"], &answer["metadata"]["uid"]].into_iter().find_map(Value::as_str);
        Ok(uid.unwrap_or_default().to_owned())
    }
}
