//! `create`.

use clap::{Args, Subcommand};
use object::Value;

use crate::Error;
use crate::apply::DryRun;
use crate::generate::{self, Generated};
use crate::manifest::{self, Files};
use crate::output::report;
use crate::resource::{Resource, Resources};
use crate::session::Session;
use crate::verb::emit;

/// Create a resource from a file or from stdin.
#[derive(Args, Clone, Debug)]
#[command(subcommand_negates_reqs = true)]
pub struct Create {
    #[command(subcommand)]
    what: Option<What>,
    #[command(flatten)]
    files: Files,
    #[command(flatten)]
    how: How,
}

/// How a creation is made and reported.
#[derive(Args, Clone, Debug)]
pub(crate) struct How {
    /// Output format.
    #[arg(short = 'o', long, global = true)]
    output: Option<String>,
    /// Only say what would be done.
    #[arg(
        long, global = true, value_enum, default_value_t, num_args = 0..=1, require_equals = true,
        default_missing_value = "client"
    )]
    dry_run: DryRun,
}

/// What can be created by flags alone.
#[derive(Clone, Debug, Subcommand)]
enum What {
    /// Create a deployment with the specified name.
    #[command(visible_alias = "deploy")]
    Deployment(generate::Deployment),
    /// Create a config map from literal values or files.
    #[command(visible_alias = "cm", name = "configmap")]
    ConfigMap(generate::ConfigMap),
    /// Create a namespace with the specified name.
    #[command(visible_alias = "ns")]
    Namespace(generate::Namespace),
    /// Create a service.
    #[command(visible_alias = "svc", subcommand)]
    Service(generate::Service),
}

impl Create {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Error> {
        match self.what {
            Some(What::Deployment(args)) => self.how.generated(session, args.generate()?).await,
            Some(What::ConfigMap(args)) => self.how.generated(session, args.generate()?).await,
            Some(What::Namespace(args)) => self.how.generated(session, args.generate()?).await,
            Some(What::Service(args)) => self.how.generated(session, args.generate()?).await,
            None if self.files.filename.is_empty() => Err(Error::msg("must specify one of -f and -k")),
            None => self.how.files(session, &self.files).await,
        }
    }
}

impl How {
    async fn files(&self, session: &Session, files: &Files) -> Result<(), Error> {
        let resources = Resources::discover(session).await?;
        let mut errors = Vec::new();
        for manifest in manifest::load(files, "create", session, &resources)? {
            let created = self.post(session, &manifest.resource, &manifest.namespace, &manifest.object).await;
            match created.map_err(|e| e.while_doing(format!("error when creating {:?}", manifest.source))) {
                Ok(object) => self.report(&object)?,
                Err(e) => errors.push(e),
            }
        }
        Error::all(errors)
    }

    async fn generated(&self, session: &Session, generated: Generated) -> Result<(), Error> {
        let Generated { resource, mut object, printed } = generated;
        let namespace = session.namespace_of(&resource).to_owned();
        if self.dry_run == DryRun::Client {
            let mut printed = printed;
            if let Some(namespace) = session.explicit.as_ref().filter(|_| resource.namespaced) {
                printed["metadata"]["namespace"] = namespace.clone().into();
            }
            return self.report(&printed);
        }
        if resource.namespaced {
            object["metadata"]["namespace"] = namespace.clone().into();
        }
        let created = self.post(session, &resource, &namespace, &object).await;
        let created = created.map_err(|e| match (e, resource.kind.as_str()) {
            (Error::Api(status), "Deployment" | "ConfigMap") => {
                let kind = resource.kind.to_lowercase();
                Error::msg(format!("failed to create {kind}: {status}"))
            }
            (Error::Api(status), "Service") => {
                Error::msg(format!("failed to create ClusterIP service: {status}"))
            }
            (e, _) => e,
        });
        self.report(&created?)
    }

    async fn post(
        &self,
        session: &Session,
        resource: &Resource,
        namespace: &str,
        object: &Value,
    ) -> Result<Value, Error> {
        if self.dry_run == DryRun::Client {
            return Ok(object.clone());
        }
        let query = [("fieldManager", "kubectl-create"), ("fieldValidation", "Strict"), self.dry_run.query()];
        session.post(&resource.collection(namespace), &query, object).await
    }

    fn report(&self, object: &Value) -> Result<(), Error> {
        emit(&report(self.output.as_deref(), object, &format!("created{}", self.dry_run.suffix()))?)
    }
}
