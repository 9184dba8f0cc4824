//! `rollout`: deployments.

use std::time::Duration;

use clap::{Args, Subcommand};
use object::{PatchType, Value, to_yaml};
use serde_json::json;
use tokio::time::Instant;

use crate::Error;
use crate::columns::align;
use crate::resource::{Resource, Resources, items, targets, text};
use crate::session::Session;
use crate::verb::emit;
use crate::wait::parse_duration;

const REVISION: &str = "deployment.kubernetes.io/revision";
const CAUSE: &str = "kubernetes.io/change-cause";
const RESTARTED: &str = "kubectl.kubernetes.io/restartedAt";
const HASH: &str = "pod-template-hash";
const PAUSE: Duration = Duration::from_millis(100);

/// Manage the rollout of a resource.
#[derive(Args, Clone, Debug)]
pub struct Rollout {
    #[command(subcommand)]
    what: What,
}

#[derive(Clone, Debug, Subcommand)]
enum What {
    /// Show the status of the rollout.
    Status(Status),
    /// View rollout history.
    History(Numbered),
    /// Undo a previous rollout.
    Undo(Numbered),
    /// Restart a resource.
    Restart(Named),
    /// Mark the provided resource as paused.
    Pause(Named),
    /// Resume a paused resource.
    Resume(Named),
}

#[derive(Args, Clone, Debug)]
struct Named {
    /// `TYPE NAME` or `TYPE/NAME`.
    #[arg(required = true)]
    targets: Vec<String>,
}

#[derive(Args, Clone, Debug)]
struct Status {
    #[command(flatten)]
    named: Named,
    /// Watch the status of the rollout until it is done.
    #[arg(short = 'w', long, default_value_t = true, action = clap::ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    watch: bool,
    /// How long to watch; zero is for ever.
    #[arg(long, default_value = "0s", value_parser = parse_duration)]
    timeout: Duration,
}

#[derive(Args, Clone, Debug)]
struct Numbered {
    #[command(flatten)]
    named: Named,
    /// The revision; 0 for all of a history, and for the last before an undo.
    #[arg(long, visible_alias = "to-revision", default_value_t = 0)]
    revision: i64,
}

/// One deployment.
struct Deployment<'a> {
    session: &'a Session,
    resource: Resource,
    name: String,
}

impl Rollout {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Error> {
        let named = match &self.what {
            What::Status(args) => &args.named,
            What::History(args) | What::Undo(args) => &args.named,
            What::Restart(named) | What::Pause(named) | What::Resume(named) => named,
        };
        let resources = Resources::discover(session).await?;
        let mut errors = Vec::new();
        for target in targets(&named.targets, &resources)? {
            let Some(name) = target.name else {
                return Err(Error::msg("resource(s) were provided, but no name was specified"));
            };
            if (target.resource.group.as_str(), target.resource.kind.as_str()) != ("apps", "Deployment") {
                let kind = target.resource.title();
                return Err(Error::msg(format!("no rollout is known for {kind:?}: only for deployments")));
            }
            let deployment = Deployment { session, resource: target.resource, name };
            errors.extend(deployment.perform(&self.what).await.err());
        }
        Error::all(errors)
    }
}

impl Deployment<'_> {
    async fn perform(&self, what: &What) -> Result<(), Error> {
        match what {
            What::Status(args) => self.status(args).await,
            What::History(args) => self.history(args.revision).await,
            What::Undo(args) => self.undo(args.revision).await,
            What::Restart(_) => self.restart().await,
            What::Pause(_) => self.pause(true).await,
            What::Resume(_) => self.pause(false).await,
        }
    }

    fn path(&self) -> String {
        self.resource.object(&self.session.namespace, &self.name)
    }

    fn say(&self, did: &str) -> Result<(), Error> {
        emit(&format!("{}/{} {did}\n", self.resource.title(), self.name))
    }

    async fn patch(&self, kind: PatchType, patch: &Value) -> Result<(), Error> {
        let query = [("fieldManager", "kubectl-rollout")];
        self.session.patch(&self.path(), &query, kind, patch).await.map(|_| ())
    }

    async fn status(&self, args: &Status) -> Result<(), Error> {
        let deadline = (!args.timeout.is_zero()).then(|| Instant::now() + args.timeout);
        let mut said = String::new();
        loop {
            let progress = progress(&self.session.get(&self.path()).await?, &self.name)?;
            if progress.text != said {
                emit(&progress.text)?;
                said = progress.text;
            }
            if progress.done || !args.watch {
                return Ok(());
            }
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return Err(Error::msg("timed out waiting for the condition"));
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// The replica sets of the deployment with their revisions, oldest first.
    async fn revisions(&self, deployment: &Value) -> Result<Vec<(i64, Value)>, Error> {
        let resource = Resource { plural: "replicasets".into(), ..self.resource.clone() };
        let path = resource.collection(&self.session.namespace);
        let list = self.session.list(&path, &[], None).await?;
        let uid = &deployment["metadata"]["uid"];
        let owned = |set: &&Value| {
            items(&set["metadata"]["ownerReferences"]).iter().any(|owner| owner["uid"] == *uid)
        };
        let mut sets: Vec<_> =
            items(&list["items"]).iter().filter(owned).map(|set| (revision(set), set.clone())).collect();
        sets.sort_by_key(|(revision, _)| *revision);
        Ok(sets)
    }

    async fn history(&self, wanted: i64) -> Result<(), Error> {
        let deployment = self.session.get(&self.path()).await?;
        let sets = self.revisions(&deployment).await?;
        let title = format!("{}/{}", self.resource.title(), self.name);
        if wanted == 0 {
            return emit(&format!("{title} \n{}\n", table(&sets)));
        }
        let Some((_, set)) = sets.iter().find(|(revision, _)| *revision == wanted) else {
            return Err(Error::msg(format!("unable to find the specified revision {wanted}")));
        };
        let template = to_yaml(&set["spec"]["template"]);
        emit(&format!("{title} with revision #{wanted}\n{template}\n"))
    }

    async fn undo(&self, wanted: i64) -> Result<(), Error> {
        let deployment = self.session.get(&self.path()).await?;
        if deployment["spec"]["paused"] == true {
            return Err(Error::msg(format!(
                "you cannot rollback a paused deployment; resume it first with 'kubectl rollout resume \
                 deployment/{}' and try again",
                self.name
            )));
        }
        let sets = self.revisions(&deployment).await?;
        let (revision, set) = target_of_undo(&sets, wanted, &self.name)?;
        let template = plain_template(&set["spec"]["template"]);
        if template == plain_template(&deployment["spec"]["template"]) {
            return self
                .say(&format!("skipped rollback (current template already matches revision {revision})"));
        }
        let patch = json!([{"op": "replace", "path": "/spec/template", "value": template}]);
        self.patch(PatchType::Json, &patch).await?;
        self.say("rolled back")
    }

    async fn restart(&self) -> Result<(), Error> {
        let deployment = self.session.get(&self.path()).await?;
        if deployment["spec"]["paused"] == true {
            return Err(Error::msg(format!(
                "deployments.apps {:?} can't restart paused deployment (run rollout resume first)",
                self.name
            )));
        }
        let now = object::format_time(jiff::Timestamp::now());
        let patch = json!({"spec": {"template": {"metadata": {"annotations": {RESTARTED: now}}}}});
        self.patch(PatchType::Strategic, &patch).await?;
        self.say("restarted")
    }

    async fn pause(&self, paused: bool) -> Result<(), Error> {
        let deployment = self.session.get(&self.path()).await?;
        let is_paused = deployment["spec"]["paused"] == true;
        if is_paused == paused {
            let state = if paused { "already paused" } else { "not paused" };
            return Err(Error::msg(format!("deployments.apps {:?} is {state}", self.name)));
        }
        self.patch(PatchType::Strategic, &json!({"spec": {"paused": paused}})).await?;
        self.say(if paused { "paused" } else { "resumed" })
    }
}

/// How far a rollout is.
#[derive(Debug, PartialEq)]
struct Progress {
    text: String,
    done: bool,
}

fn progress(deployment: &Value, name: &str) -> Result<Progress, Error> {
    let status = &deployment["status"];
    let count = |name: &str| status[name].as_i64().unwrap_or_default();
    let waiting = |what: String| {
        Ok(Progress {
            text: format!("Waiting for deployment {name:?} rollout to finish: {what}...\n"),
            done: false,
        })
    };
    if deployment["metadata"]["generation"].as_i64() > Some(count("observedGeneration")) {
        return Ok(Progress {
            text: "Waiting for deployment spec update to be observed...\n".into(),
            done: false,
        });
    }
    let late = |c: &Value| c["type"] == "Progressing" && c["reason"] == "ProgressDeadlineExceeded";
    if items(&status["conditions"]).iter().any(late) {
        return Err(Error::msg(format!("deployment {name:?} exceeded its progress deadline")));
    }
    let wanted = deployment["spec"]["replicas"].as_i64().unwrap_or(1);
    let (updated, all, available) = (count("updatedReplicas"), count("replicas"), count("availableReplicas"));
    if updated < wanted {
        return waiting(format!("{updated} out of {wanted} new replicas have been updated"));
    }
    if all > updated {
        return waiting(format!("{} old replicas are pending termination", all - updated));
    }
    if available < updated {
        return waiting(format!("{available} of {updated} updated replicas are available"));
    }
    Ok(Progress { text: format!("deployment {name:?} successfully rolled out\n"), done: true })
}

fn revision(set: &Value) -> i64 {
    text(&set["metadata"]["annotations"][REVISION]).parse().unwrap_or_default()
}

fn table(sets: &[(i64, Value)]) -> String {
    let mut rows = "REVISION\tCHANGE-CAUSE\n".to_owned();
    for (revision, set) in sets {
        let cause = set["metadata"]["annotations"][CAUSE].as_str().unwrap_or("<none>");
        rows.push_str(&format!("{revision}\t{cause}\n"));
    }
    align(&rows, 2)
}

/// The replica set to go back to: of the revision, or the last but one.
fn target_of_undo<'a>(sets: &'a [(i64, Value)], wanted: i64, name: &str) -> Result<(i64, &'a Value), Error> {
    let found = match wanted {
        0 => sets.iter().rev().nth(1),
        wanted => sets.iter().find(|(revision, _)| *revision == wanted),
    };
    match found {
        Some((revision, set)) => Ok((*revision, set)),
        None if wanted == 0 => Err(Error::msg(format!("no rollout history found for deployment {name:?}"))),
        None => Err(Error::msg(format!("unable to find specified revision {wanted} in history"))),
    }
}

/// A template without the label that tells replica sets apart.
fn plain_template(template: &Value) -> Value {
    let mut template = template.clone();
    if let Some(labels) = template["metadata"]["labels"].as_object_mut() {
        labels.remove(HASH);
    }
    template
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_told() {
        let check = |generation: i64, (updated, all, available): (i64, i64, i64), expect: &str| {
            let deployment = json!({
                "metadata": {"generation": generation}, "spec": {"replicas": 3},
                "status": {"observedGeneration": 1, "updatedReplicas": updated, "replicas": all,
                    "availableReplicas": available},
            });
            assert_eq!(progress(&deployment, "web").unwrap().text, expect);
        };
        let waiting = |what| format!("Waiting for deployment \"web\" rollout to finish: {what}...\n");
        check(2, (3, 3, 3), "Waiting for deployment spec update to be observed...\n");
        check(1, (1, 3, 3), &waiting("1 out of 3 new replicas have been updated"));
        check(1, (3, 4, 3), &waiting("1 old replicas are pending termination"));
        check(1, (3, 3, 2), &waiting("2 of 3 updated replicas are available"));
        check(1, (3, 3, 3), "deployment \"web\" successfully rolled out\n");
    }

    #[test]
    fn undo_goes_to_the_last_but_one() {
        let sets = vec![(1, json!({"n": 1})), (2, json!({"n": 2})), (4, json!({"n": 4}))];
        assert_eq!(target_of_undo(&sets, 0, "web").unwrap().0, 2);
        assert_eq!(target_of_undo(&sets, 1, "web").unwrap().0, 1);
        assert!(target_of_undo(&sets, 3, "web").is_err());
        assert!(target_of_undo(&sets[..1], 0, "web").is_err());
    }

    #[test]
    fn histories() {
        let cause = json!({"metadata": {"annotations": {CAUSE: "why"}}});
        assert_eq!(
            table(&[(1, json!({})), (2, cause)]),
            "REVISION  CHANGE-CAUSE\n1         <none>\n2         why\n"
        );
    }
}
