//! The resources that a server has, as its discovery tells, and what users call them.

use http::Method;
use object::Value;

use crate::Error;
use crate::session::{Ask, Session, segment};

/// Everything in one document of each root (KEP-3352).
const AGGREGATED: &str =
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";

/// A resource of the server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Resource {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) kind: String,
    pub(crate) plural: String,
    pub(crate) singular: String,
    pub(crate) short: Vec<String>,
    pub(crate) categories: Vec<String>,
    pub(crate) namespaced: bool,
    pub(crate) verbs: Vec<String>,
}

impl Resource {
    /// `v1` or `apps/v1`.
    pub(crate) fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    /// `pod` or `deployment.apps`: how messages and `-o name` call the kind.
    pub(crate) fn title(&self) -> String {
        let kind = self.kind.to_lowercase();
        if self.group.is_empty() { kind } else { format!("{kind}.{}", self.group) }
    }

    /// `pods` or `deployments.apps`.
    pub(crate) fn full(&self) -> String {
        if self.group.is_empty() { self.plural.clone() } else { format!("{}.{}", self.plural, self.group) }
    }

    /// The path of the collection; of all namespaces where the namespace is empty.
    pub(crate) fn collection(&self, namespace: &str) -> String {
        let root = match self.group.as_str() {
            "" => format!("/api/{}", self.version),
            group => format!("/apis/{group}/{}", self.version),
        };
        match self.namespaced && !namespace.is_empty() {
            true => format!("{root}/namespaces/{}/{}", segment(namespace), self.plural),
            false => format!("{root}/{}", self.plural),
        }
    }

    /// The path of an object.
    pub(crate) fn object(&self, namespace: &str, name: &str) -> String {
        format!("{}/{}", self.collection(namespace), segment(name))
    }

    pub(crate) fn can(&self, verb: &str) -> bool {
        self.verbs.iter().any(|known| known == verb)
    }

    fn is_called(&self, name: &str) -> bool {
        self.plural == name || self.singular == name || self.kind.to_lowercase() == name
    }
}

/// What a server has: every version, the groups' preferred ones first.
#[derive(Debug, Default)]
pub(crate) struct Resources(pub(crate) Vec<Resource>);

impl Resources {
    /// Asks the server.
    pub(crate) async fn discover(session: &Session) -> Result<Self, Error> {
        let ask = |path| session.json(Method::GET, path, Ask { accept: Some(AGGREGATED), ..Ask::default() });
        let (core, groups) = futures::future::try_join(ask("/api"), ask("/apis")).await?;
        let mut all = Vec::new();
        for group in [&core, &groups].into_iter().flat_map(|list| items(&list["items"])) {
            for version in items(&group["versions"]) {
                let name = text(&group["metadata"]["name"]);
                all.extend(
                    items(&version["resources"]).iter().map(|r| read(name, text(&version["version"]), r)),
                );
            }
        }
        Ok(Self(all))
    }

    /// The resource of a kind as manifests write it.
    pub(crate) fn of_kind(&self, api_version: &str, kind: &str) -> Option<&Resource> {
        self.0.iter().find(|r| r.kind == kind && r.api_version() == api_version)
    }

    /// The resources that a user calls so: one, or those of a category.
    pub(crate) fn named(&self, name: &str) -> Result<Vec<&Resource>, Error> {
        let lower = name.to_lowercase();
        if let Some(found) = self.one(&lower) {
            return Ok(vec![found]);
        }
        let mut listed: Vec<&Resource> = Vec::new();
        for resource in self.0.iter().filter(|r| r.categories.contains(&lower) && r.can("list")) {
            if !listed.iter().any(|seen| seen.group == resource.group && seen.plural == resource.plural) {
                listed.push(resource);
            }
        }
        if listed.is_empty() { Err(unknown(name)) } else { Ok(listed) }
    }

    fn one(&self, name: &str) -> Option<&Resource> {
        let called = |r: &&Resource| r.is_called(name);
        let short = |r: &&Resource| r.short.iter().any(|short| short == name);
        let qualified = |r: &&Resource| {
            let Some((resource, rest)) = name.split_once('.') else { return false };
            let group =
                r.group == rest || rest.split_once('.') == Some((r.version.as_str(), r.group.as_str()));
            (group || (r.group.is_empty() && r.version == rest)) && r.is_called(resource)
        };
        let all = || self.0.iter();
        all().find(called).or_else(|| all().find(short)).or_else(|| all().find(qualified))
    }
}

fn unknown(name: &str) -> Error {
    Error::msg(format!("the server doesn't have a resource type {name:?}"))
}

fn read(group: &str, version: &str, entry: &Value) -> Resource {
    let kind = &entry["responseKind"];
    let or = |text: &str, other: &str| if text.is_empty() { other.to_owned() } else { text.to_owned() };
    let words = |list: &Value| items(list).iter().map(|word| text(word).to_owned()).collect();
    let kind_name = text(&kind["kind"]);
    Resource {
        group: or(text(&kind["group"]), group),
        version: or(text(&kind["version"]), version),
        kind: kind_name.to_owned(),
        plural: text(&entry["resource"]).to_owned(),
        singular: or(text(&entry["singularResource"]), &kind_name.to_lowercase()),
        short: words(&entry["shortNames"]),
        categories: words(&entry["categories"]),
        namespaced: entry["scope"] == "Namespaced",
        verbs: words(&entry["verbs"]),
    }
}

/// A list's items; none of anything else.
pub(crate) fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// A text; the empty one of anything else.
pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Objects that arguments name: all of a resource where there is no name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) resource: Resource,
    pub(crate) name: Option<String>,
}

/// Reads `TYPE[,TYPE] [NAME…]` or `TYPE/NAME…`.
pub(crate) fn targets(args: &[String], resources: &Resources) -> Result<Vec<Target>, Error> {
    let target = |resource: &Resource, name: Option<&String>| Target {
        resource: resource.clone(),
        name: name.cloned(),
    };
    let Some((types, names)) = args.split_first() else {
        return Err(Error::msg(
            "You must specify the type of resource to get. Use \"berth api-resources\" for a complete list of supported resources.",
        ));
    };
    let mut found = Vec::new();
    if args.iter().any(|arg| arg.contains('/')) {
        for arg in args {
            let Some((kind, name)) = arg.split_once('/').filter(|(k, n)| !k.is_empty() && !n.is_empty())
            else {
                return Err(Error::msg(
                    "there is no need to specify a resource type as a separate argument when passing arguments in resource/name form (e.g. 'kubectl get resource/<resource_name>' instead of 'kubectl get resource resource/<resource_name>'",
                ));
            };
            let name = name.to_owned();
            found.extend(resources.named(kind)?.into_iter().map(|r| target(r, Some(&name))));
        }
        return Ok(found);
    }
    for kind in types.split(',').filter(|kind| !kind.is_empty()) {
        for resource in resources.named(kind)? {
            match names {
                [] => found.push(target(resource, None)),
                names => found.extend(names.iter().map(|name| target(resource, Some(name)))),
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::json;

    use super::*;

    pub(crate) fn some() -> Resources {
        let entry = |group: &str, version: &str, kind: &str, plural: &str, short: &[&str], all: &[&str]| {
            let entry = json!({
                "resource": plural, "responseKind": {"group": group, "version": version, "kind": kind},
                "scope": if kind == "Node" { "Cluster" } else { "Namespaced" }, "shortNames": short,
                "singularResource": kind.to_lowercase(), "categories": all, "verbs": ["get", "list"],
            });
            read(group, version, &entry)
        };
        Resources(vec![
            entry("", "v1", "Pod", "pods", &["po"], &["all"]),
            entry("", "v1", "Node", "nodes", &["no"], &[]),
            entry("apps", "v1", "Deployment", "deployments", &["deploy"], &["all"]),
            entry("apps", "v1beta1", "Deployment", "deployments", &["deploy"], &["all"]),
            entry("metrics.k8s.io", "v1beta1", "PodMetrics", "pods", &[], &[]),
        ])
    }

    #[test]
    fn names_of_resources() {
        for (name, expect) in [
            ("po", "/api/v1/pods"),
            ("Pod", "/api/v1/pods"),
            ("pods.metrics.k8s.io", "/apis/metrics.k8s.io/v1beta1/pods"),
            ("deployment.apps", "/apis/apps/v1/deployments"),
            ("deployments.v1beta1.apps", "/apis/apps/v1beta1/deployments"),
            ("pods.v1", "/api/v1/pods"),
            ("all", "/api/v1/pods /apis/apps/v1/deployments"),
            ("x", "error: the server doesn't have a resource type \"x\""),
        ] {
            let resources = some();
            let paths = match resources.named(name) {
                Ok(found) => found.iter().map(|r| r.collection("")).collect::<Vec<_>>().join(" "),
                Err(e) => e.to_string(),
            };
            assert_eq!(paths, expect, "{name}");
        }
    }

    #[test]
    fn arguments() {
        for (args, expect) in [
            ("pods", "pod/*"),
            ("po,deploy", "pod/* deployment.apps/*"),
            ("po a b", "pod/a pod/b"),
            ("po/a deploy/b", "pod/a deployment.apps/b"),
            ("all", "pod/* deployment.apps/*"),
        ] {
            let args: Vec<_> = args.split(' ').map(str::to_owned).collect();
            let found = targets(&args, &some()).unwrap();
            let found: Vec<_> = found
                .iter()
                .map(|t| format!("{}/{}", t.resource.title(), t.name.as_deref().unwrap_or("*")))
                .collect();
            assert_eq!(found.join(" "), expect);
        }
        assert!(targets(&["po".into(), "deploy/x".into()], &some()).is_err());
        assert!(targets(&[], &some()).is_err());
    }

    #[test]
    fn paths() {
        let resources = some();
        let node = resources.of_kind("v1", "Node").unwrap();
        assert_eq!(node.object("ns", "a"), "/api/v1/nodes/a");
        let pod = resources.of_kind("v1", "Pod").unwrap();
        assert_eq!(pod.object("ns", "a/b"), "/api/v1/namespaces/ns/pods/a%2Fb");
    }
}
