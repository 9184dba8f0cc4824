//! `set image`.

use clap::{Args, Subcommand};
use object::{PatchType, Value};
use serde_json::{Map, json};

use crate::Error;
use crate::output::report;
use crate::resource::{Resources, items, targets, text};
use crate::session::Session;
use crate::verb::emit;

/// Set specific features on objects.
#[derive(Args, Clone, Debug)]
pub struct Set {
    #[command(subcommand)]
    what: What,
}

#[derive(Clone, Debug, Subcommand)]
enum What {
    /// Update the image of a pod template.
    Image(Image),
}

/// Update the image of a pod template.
#[derive(Args, Clone, Debug)]
struct Image {
    /// `TYPE NAME` or `TYPE/NAME`, and `CONTAINER=IMAGE…`; the container `*` is every one.
    #[arg(required = true)]
    args: Vec<String>,
    /// Output format.
    #[arg(short = 'o', long)]
    output: Option<String>,
}

impl Set {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Error> {
        let What::Image(args) = self.what;
        args.run(session).await
    }
}

impl Image {
    async fn run(self, session: &Session) -> Result<(), Error> {
        let (images, named): (Vec<_>, Vec<_>) = self.args.iter().cloned().partition(|arg| arg.contains('='));
        if images.is_empty() {
            return Err(Error::msg("at least one image update is required"));
        }
        let images: Vec<_> = images.iter().filter_map(|arg| arg.split_once('=')).collect();
        let resources = Resources::discover(session).await?;
        let mut errors = Vec::new();
        for target in targets(&named, &resources)? {
            let Some(name) = &target.name else {
                return Err(Error::msg("resource(s) were provided, but no name was specified"));
            };
            let path = target.resource.object(session.namespace_of(&target.resource), name);
            match self.update(session, &path, &images).await {
                Ok(Some(object)) => emit(&report(self.output.as_deref(), &object, "image updated")?)?,
                Ok(None) => {}
                Err(e) => errors.push(e),
            }
        }
        Error::all(errors)
    }

    async fn update(
        &self,
        session: &Session,
        path: &str,
        images: &[(&str, &str)],
    ) -> Result<Option<Value>, Error> {
        let object = session.get(path).await?;
        let in_template = object["spec"]["template"].is_object();
        let pod = if in_template { &object["spec"]["template"]["spec"] } else { &object["spec"] };
        let Some(patch) = patch(pod, images)? else { return Ok(None) };
        let patch = if in_template { json!({"template": {"spec": patch}}) } else { patch };
        let patch = json!({"spec": patch});
        session.patch(path, &[("fieldManager", "kubectl-set")], PatchType::Strategic, &patch).await.map(Some)
    }
}

/// What changes in a pod's spec, if anything does.
fn patch(pod: &Value, images: &[(&str, &str)]) -> Result<Option<Value>, Error> {
    let mut patch = Map::new();
    for (wanted, _) in images {
        let all = ["containers", "initContainers"].into_iter().flat_map(|list| items(&pod[list]));
        if !all.into_iter().any(|container| *wanted == "*" || text(&container["name"]) == *wanted) {
            return Err(Error::msg(format!("unable to find container named {wanted:?}")));
        }
    }
    for list in ["containers", "initContainers"] {
        let changed = items(&pod[list]).iter().filter_map(|container| {
            let name = text(&container["name"]);
            let (_, image) = images.iter().rev().find(|(wanted, _)| *wanted == "*" || *wanted == name)?;
            (text(&container["image"]) != *image).then(|| json!({"name": name, "image": image}))
        });
        let changed: Vec<_> = changed.collect();
        if !changed.is_empty() {
            patch.insert(list.to_owned(), changed.into());
        }
    }
    Ok(if patch.is_empty() { None } else { Some(patch.into()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patches() {
        let pod = json!({"containers": [{"name": "a", "image": "x:1"}, {"name": "b", "image": "y:1"}]});
        let check = |images: &[(&str, &str)], expect: Option<Value>| {
            assert_eq!(patch(&pod, images).unwrap(), expect);
        };
        check(&[("a", "x:2")], Some(json!({"containers": [{"name": "a", "image": "x:2"}]})));
        check(&[("a", "x:1")], None);
        check(&[("*", "y:1")], Some(json!({"containers": [{"name": "a", "image": "y:1"}]})));
        let error = patch(&pod, &[("c", "x")]).unwrap_err().to_string();
        assert_eq!(error, "error: unable to find container named \"c\"");
    }
}
