//! kubectl's verbs on every built-in kind.

use std::process::Output;

use kinds::{Kind, Verb};
use serde_json::Value;

use crate::fixtures;
use crate::harness::{Cluster, items, text};

/// Kinds with lists that are replaced as a whole, and get defaults: as kubectl sees it, what it applies is always
/// something else than what is there. It is so with Kubernetes.
const CHANGED_BY_ANY_APPLY: [&str; 7] = [
    "limitrange",
    "resourceclaim",
    "resourceclaimtemplate",
    "validatingwebhookconfiguration",
    "mutatingwebhookconfiguration",
    "validatingadmissionpolicy",
    "mutatingadmissionpolicy",
];

/// Kinds that kubectl 1.32 asks for in a beta version when it describes them, which is not served any more.
const DESCRIBED_AS_BETA: [&str; 3] = ["IPAddress", "ServiceCIDR", "VolumeAttributesClass"];

/// The kinds whose objects clients make and keep, in each version that is served.
fn kinds() -> Vec<std::sync::Arc<Kind>> {
    let written = |kind: &&std::sync::Arc<Kind>| kind.has(Verb::Create) && !kind.policy.talk;
    kinds::built_in().served().filter(written).cloned().collect()
}

/// An object of each kind, as one file.
fn objects(label: &str) -> String {
    let object = |kind: &std::sync::Arc<Kind>| {
        let mut object = fixtures::object(kind, "every");
        object["metadata"]["labels"]["every"] = label.into();
        // of the same objects in another version one is enough
        let version = if kind.storage.is_some() { "-other" } else { "" };
        let name = format!("{}{version}", object["metadata"]["name"].as_str().expect("a name"));
        object["metadata"]["name"] = name.into();
        object
    };
    let list: Vec<Value> = kinds().iter().map(object).collect();
    serde_json::json!({"apiVersion": "v1", "kind": "List", "items": list}).to_string()
}

fn done(what: &str, output: Output) -> String {
    assert!(output.status.success(), "{what}: {}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

#[test]
fn every_verb_of_kubectl_works_on_every_kind() {
    let cluster = Cluster::start();
    let all = kinds().len();
    let on_all = |args: &[&str]| done(&args.join(" "), cluster.kubectl_with(args, &objects("one")));
    let lines = |output: &str| output.lines().filter(|line| !line.is_empty()).count();

    assert_eq!(lines(&on_all(&["create", "--validate=strict", "-f", "-"])), all);
    let applied = on_all(&["apply", "-f", "-"]);
    assert_eq!((lines(&applied), applied.matches(" configured").count()), (all, all), "{applied}");
    let again = on_all(&["apply", "-f", "-"]);
    let changed = |line: &&str| !line.ends_with(" unchanged");
    let again: Vec<&str> =
        again.lines().filter(changed).filter_map(|line| line.split(['.', '/']).next()).collect();
    assert_eq!(again, CHANGED_BY_ANY_APPLY);
    assert_eq!(on_all(&["diff", "-f", "-"]), "", "nothing is different from what was applied");
    let diff = cluster.kubectl_with(&["diff", "-f", "-"], &objects("two"));
    assert_eq!((diff.status.code(), text(&diff.stdout).matches("+    every: two").count()), (Some(1), all));
    let applied = done("apply", cluster.kubectl_with(&["apply", "-f", "-"], &objects("two")));
    assert_eq!(applied.matches(" configured").count(), all, "{applied}");

    for form in
        ["name", "wide", "yaml", "json", "jsonpath={.items[*].kind}", "custom-columns=N:.metadata.name"]
    {
        assert!(!on_all(&["get", "-f", "-", "-o", form]).is_empty(), "{form}");
    }
    let got: Value = serde_json::from_str(&on_all(&["get", "-f", "-", "-o", "json"])).expect("JSON");
    assert_eq!(items(&got).len(), all);
    for kind in kinds().iter().filter(|kind| !DESCRIBED_AS_BETA.contains(&kind.kind.as_str())) {
        let name = fixtures::name(kind, "every");
        let resource = match kind.group.as_str() {
            "" => kind.plural.clone(),
            group => format!("{}.{}.{group}", kind.plural, kind.version),
        };
        let described = cluster.kubectl(&["describe", &resource, &name]);
        assert!(lines(&described) > 3 && described.contains(&name), "{described}");
    }
    assert_eq!(lines(&on_all(&["label", "-f", "-", "more=yes"])), all);
    assert_eq!(lines(&on_all(&["annotate", "-f", "-", "note=this"])), all);
    for (kind, patch) in [
        ("merge", r#"{"metadata":{"labels":{"merge":"1"}}}"#),
        ("strategic", r#"{"metadata":{"labels":{"strategic":"1"}}}"#),
        ("json", r#"[{"op":"add","path":"/metadata/labels/json","value":"1"}]"#),
    ] {
        assert_eq!(lines(&on_all(&["patch", "-f", "-", "--type", kind, "-p", patch])), all, "{kind}");
    }
    let file = cluster.dir().join("objects.json");
    std::fs::write(&file, objects("one")).expect("a file");
    let mut edit = cluster.client("kubectl", &["edit", "-f", &file.display().to_string()]);
    let edited = edit.env("KUBE_EDITOR", "sed -i 's/every: two/every: edited/'").output().expect("kubectl");
    assert_eq!(done("edit", edited).matches(" edited").count(), all);
    assert_eq!(lines(&on_all(&["replace", "--force", "--grace-period=0", "-f", "-"])), 2 * all);
    assert_eq!(lines(&on_all(&["wait", "--for=jsonpath={.metadata.labels.every}=one", "-f", "-"])), all);
    assert_eq!(lines(&on_all(&["delete", "--wait=false", "-f", "-"])), all);
}

#[test]
fn every_kind_is_explained() {
    let cluster = Cluster::start();
    for kind in kinds() {
        let args = ["explain", &kind.plural, "--recursive", "--api-version", &kind.api_version()];
        let explained = cluster.kubectl(&args);
        assert!(explained.contains(&format!("KIND:       {}", kind.kind)), "{explained}");
        assert!(explained.contains("metadata"), "{explained}");
    }
}
