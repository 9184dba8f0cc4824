//! `apply`.

use clap::{Args, ValueEnum};
use http::Method;
use object::{PatchType, Value};
use serde_json::json;

use crate::Error;
use crate::manifest::{self, Files, Manifest};
use crate::merge::three_way;
use crate::output::{html_escaped, report};
use crate::resource::Resources;
use crate::session::{Ask, Session};
use crate::verb::emit;

const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
const MANAGER: &str = "kubectl-client-side-apply";
/// How often a patch is made anew after somebody else was faster.
const TRIES: usize = 5;

/// Whether anything is changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum DryRun {
    /// Everything is.
    #[default]
    None,
    /// Nothing is sent.
    Client,
    /// The server is asked, but stores nothing.
    Server,
}

impl DryRun {
    /// The query parameter.
    pub(crate) fn query(self) -> (&'static str, &'static str) {
        ("dryRun", if self == Self::Server { "All" } else { "" })
    }

    /// What a report ends with.
    pub(crate) fn suffix(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Client => " (dry run)",
            Self::Server => " (server dry run)",
        }
    }
}

/// Apply a configuration to a resource by file name or stdin.
#[derive(Args, Clone, Debug)]
pub struct Apply {
    #[command(flatten)]
    files: Files,
    /// Output format.
    #[arg(short = 'o', long)]
    output: Option<String>,
    /// Only say what would be done.
    #[arg(long, value_enum, default_value_t, num_args = 0..=1, require_equals = true, default_missing_value = "client")]
    dry_run: DryRun,
    /// Let the server merge.
    #[arg(long)]
    server_side: bool,
    /// Take fields that other managers own.
    #[arg(long, requires = "server_side")]
    force_conflicts: bool,
    /// Who owns the fields that are set.
    #[arg(long)]
    field_manager: Option<String>,
}

impl Apply {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Error> {
        if self.files.filename.is_empty() {
            return Err(Error::msg("must specify one of -f and -k"));
        }
        let resources = Resources::discover(session).await?;
        let mut errors = Vec::new();
        for manifest in manifest::load(&self.files, "apply", session, &resources)? {
            let applied = match self.server_side {
                true => self.server_side(session, &manifest).await,
                false => self.client_side(session, &manifest).await,
            };
            match applied {
                Ok((object, did)) => {
                    let did = format!("{did}{}", self.dry_run.suffix());
                    emit(&report(self.output.as_deref(), &object, &did)?)?;
                }
                Err(e) => errors.push(e),
            }
        }
        Error::all(errors)
    }

    async fn server_side(
        &self,
        session: &Session,
        manifest: &Manifest,
    ) -> Result<(Value, &'static str), Error> {
        let query = [
            ("fieldManager", self.field_manager.as_deref().unwrap_or("kubectl")),
            ("force", if self.force_conflicts { "true" } else { "" }),
            ("fieldValidation", "Strict"),
            self.dry_run.query(),
        ];
        let content = Some("application/apply-patch+yaml");
        let ask = Ask { query: &query, content, body: Some(&manifest.object), ..Ask::default() };
        Ok((session.json(Method::PATCH, &manifest.path(), ask).await?, "serverside-applied"))
    }

    async fn client_side(
        &self,
        session: &Session,
        manifest: &Manifest,
    ) -> Result<(Value, &'static str), Error> {
        let wanted = noted(&manifest.object);
        let manager = self.field_manager.as_deref().unwrap_or(MANAGER);
        let query = [("fieldManager", manager), ("fieldValidation", "Strict"), self.dry_run.query()];
        let path = manifest.path();
        for tries in 1.. {
            let current = match session.get(&path).await {
                Ok(current) => current,
                Err(e) if e.is_not_found() && self.dry_run == DryRun::Client => {
                    return Ok((wanted, "created"));
                }
                Err(e) if e.is_not_found() => {
                    let collection = manifest.resource.collection(&manifest.namespace);
                    let created = session.post(&collection, &query, &wanted).await;
                    let doing = || format!("error when creating {:?}", manifest.source);
                    return created.map(|object| (object, "created")).map_err(|e| e.while_doing(doing()));
                }
                Err(e) => return Err(e),
            };
            let Some((kind, patch)) = plan(manifest, &wanted, &current)? else {
                return Ok((current, "unchanged"));
            };
            if self.dry_run == DryRun::Client {
                return Ok((current, "configured"));
            }
            match session.patch(&path, &query, kind, &patch).await {
                Ok(object) => return Ok((object, "configured")),
                Err(Error::Api(status)) if status.code == 409 && tries < TRIES => {}
                Err(e) => {
                    let doing =
                        format!("error when applying patch:\n{patch}\nto:\nfor: {:?}", manifest.source);
                    return Err(e.while_doing(doing));
                }
            }
        }
        Err(Error::msg("the object changes too often"))
    }
}

/// The patch that an object needs, if any.
fn plan(manifest: &Manifest, wanted: &Value, current: &Value) -> Result<Option<(PatchType, Value)>, Error> {
    let noted = current["metadata"]["annotations"][LAST_APPLIED].as_str();
    if noted.is_none() {
        eprintln!(
            "Warning: resource {}/{} is missing the {LAST_APPLIED} annotation which is required by kubectl apply. \
             kubectl apply should only be used on resources created declaratively by either kubectl create \
             --save-config or kubectl apply. The missing annotation will be patched automatically.",
            manifest.resource.plural,
            manifest.name()
        );
    }
    let original = noted.map_or(Ok(Value::Null), serde_json::from_str);
    let original =
        original.map_err(|e| Error::msg(format!("cannot read the annotation {LAST_APPLIED}: {e}")))?;
    let resource = &manifest.resource;
    let schema = kinds::schema_by_kind(&resource.group, &resource.version, &resource.kind);
    let patch = three_way(schema.as_ref(), &original, wanted, current);
    let kind = if schema.is_some() { PatchType::Strategic } else { PatchType::Merge };
    Ok(Some((kind, patch)).filter(|(_, patch)| *patch != json!({})))
}

/// The object with a note of itself.
fn noted(object: &Value) -> Value {
    let mut object = object.clone();
    if !object["metadata"].is_object() {
        object["metadata"] = json!({});
    }
    if !object["metadata"]["annotations"].is_object() {
        object["metadata"]["annotations"] = json!({});
    }
    if let Some(annotations) = object["metadata"]["annotations"].as_object_mut() {
        annotations.remove(LAST_APPLIED);
    }
    let note = html_escaped(&object.to_string()) + "\n";
    object["metadata"]["annotations"][LAST_APPLIED] = note.into();
    object
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::text;

    #[test]
    fn notes_are_what_was_given() {
        let object = json!({"kind": "ConfigMap", "data": {"a": "<b>"}, "metadata": {"name": "c"}});
        let noted = noted(&object);
        let note = text(&noted["metadata"]["annotations"][LAST_APPLIED]);
        let expect = "{\"data\":{\"a\":\"\\u003cb\\u003e\"},\"kind\":\"ConfigMap\",\"metadata\":{\"annotations\":{},\"name\":\"c\"}}\n";
        assert_eq!(note, expect);
        assert_eq!(super::noted(&noted), noted);
    }
}
