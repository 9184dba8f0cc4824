//! Acting as someone else: the `Impersonate-*` headers, as upstream's `WithImpersonation` reads them.

use std::collections::BTreeMap;

use http::HeaderMap;
use object::Status;
use percent_encoding::percent_decode_str;

use crate::identity::{
    AUTHENTICATED, Identity, UNAUTHENTICATED, service_account_groups, split_service_account,
};
use crate::rbac::Attributes;

const USER: &str = "impersonate-user";
const GROUP: &str = "impersonate-group";
const UID: &str = "impersonate-uid";
const EXTRA: &str = "impersonate-extra-";
const GROUP_AUTHENTICATION: &str = "authentication.k8s.io";

/// One `impersonate` permission that the requester must have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Check {
    group: &'static str,
    resource: &'static str,
    subresource: String,
    namespace: String,
    name: String,
}

impl Check {
    /// What to authorize, for this requester.
    pub fn attributes<'a>(&'a self, requester: &'a Identity) -> Attributes<'a> {
        Attributes {
            user: requester,
            verb: "impersonate",
            group: self.group,
            resource: self.resource,
            subresource: &self.subresource,
            namespace: &self.namespace,
            name: &self.name,
            path: "",
        }
    }
}

/// Whom a request acts as, once all checks are allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Impersonation {
    /// The identity to go on with.
    pub identity: Identity,
    /// Every one must be allowed to the requester.
    pub checks: Vec<Check>,
}

/// What the headers ask for; none if they ask for nothing.
pub fn impersonation(headers: &HeaderMap) -> Result<Option<Impersonation>, Status> {
    let user = texts(headers, USER)?.into_iter().next().unwrap_or_default();
    let groups = texts(headers, GROUP)?;
    let uid = texts(headers, UID)?.into_iter().next().unwrap_or_default();
    let extra = extra(headers)?;
    if user.is_empty() {
        return if groups.is_empty() && uid.is_empty() && extra.is_empty() {
            Ok(None)
        } else {
            Err(Status::bad_request("requesting uid, groups or user-extra without impersonating a user"))
        };
    }
    let checks = checks(user, &groups, uid, &extra);
    let identity = identity(user, &groups, uid, extra);
    Ok(Some(Impersonation { identity, checks }))
}

fn texts<'a>(headers: &'a HeaderMap, name: &str) -> Result<Vec<&'a str>, Status> {
    headers
        .get_all(name)
        .iter()
        .map(|value| {
            value.to_str().map_err(|_| Status::bad_request(format!("the header {name} is not text")))
        })
        .collect()
}

/// `Impersonate-Extra-KEY: VALUE`; the key is lower case, percent-encoded where HTTP demands it.
fn extra(headers: &HeaderMap) -> Result<BTreeMap<String, Vec<String>>, Status> {
    let mut extra = BTreeMap::new();
    for name in headers.keys() {
        let Some(key) = name.as_str().strip_prefix(EXTRA) else { continue };
        let key = percent_decode_str(key).decode_utf8_lossy().into_owned();
        let values = texts(headers, name.as_str())?.into_iter().map(str::to_owned).collect();
        extra.insert(key, values);
    }
    Ok(extra)
}

fn checks(user: &str, groups: &[&str], uid: &str, extra: &BTreeMap<String, Vec<String>>) -> Vec<Check> {
    let who = match split_service_account(user) {
        Some((namespace, name)) => Check {
            resource: "serviceaccounts",
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            ..Check::default()
        },
        None => Check { resource: "users", name: user.to_owned(), ..Check::default() },
    };
    let mut checks = vec![who];
    checks.extend(groups.iter().map(|&name| Check {
        resource: "groups",
        name: name.to_owned(),
        ..Check::default()
    }));
    for (key, values) in extra {
        checks.extend(values.iter().map(|value| Check {
            group: GROUP_AUTHENTICATION,
            resource: "userextras",
            subresource: key.clone(),
            name: value.clone(),
            ..Check::default()
        }));
    }
    if !uid.is_empty() {
        let name = uid.to_owned();
        checks.push(Check { group: GROUP_AUTHENTICATION, resource: "uids", name, ..Check::default() });
    }
    checks
}

fn identity(user: &str, groups: &[&str], uid: &str, extra: BTreeMap<String, Vec<String>>) -> Identity {
    let mut identity = Identity::new(user, groups);
    identity.extra = extra;
    uid.clone_into(&mut identity.uid);
    if let (Some((namespace, _)), true) = (split_service_account(user), groups.is_empty()) {
        identity.groups.extend(service_account_groups(namespace));
    }
    if identity.is_anonymous() {
        if !identity.is_in(UNAUTHENTICATED) {
            identity.groups.push(UNAUTHENTICATED.to_owned());
        }
    } else if !identity.is_in(AUTHENTICATED) && !identity.is_in(UNAUTHENTICATED) {
        identity.groups.push(AUTHENTICATED.to_owned());
    }
    identity
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    fn ask(headers: &[(&str, &str)]) -> Result<Option<Impersonation>, Status> {
        let pairs = headers
            .iter()
            .map(|(k, v)| (k.parse::<HeaderName>().unwrap(), v.parse::<HeaderValue>().unwrap()));
        impersonation(&pairs.collect())
    }

    fn shown(check: &Check) -> String {
        let Check { group, resource, subresource, namespace, name } = check;
        format!("{group}/{resource}/{subresource} {namespace}/{name}")
    }

    #[test]
    fn every_claim_is_a_check() {
        type Case<'a> = (&'a [(&'a str, &'a str)], &'a [&'a str], &'a [&'a str]);
        let cases: [Case<'_>; 5] = [
            (&[("impersonate-user", "jane")], &["/users/ /jane"], &["system:authenticated"]),
            (
                &[("impersonate-user", "jane"), ("impersonate-group", "a"), ("impersonate-group", "b")],
                &["/users/ /jane", "/groups/ /a", "/groups/ /b"],
                &["a", "b", "system:authenticated"],
            ),
            (
                &[("impersonate-user", "system:serviceaccount:ns:sa")],
                &["/serviceaccounts/ ns/sa"],
                &["system:serviceaccounts", "system:serviceaccounts:ns", "system:authenticated"],
            ),
            (
                &[("impersonate-user", "system:anonymous")],
                &["/users/ /system:anonymous"],
                &["system:unauthenticated"],
            ),
            (
                &[
                    ("impersonate-user", "jane"),
                    ("impersonate-uid", "7"),
                    ("impersonate-extra-acme.com%2fteam", "x"),
                ],
                &[
                    "/users/ /jane",
                    "authentication.k8s.io/userextras/acme.com/team /x",
                    "authentication.k8s.io/uids/ /7",
                ],
                &["system:authenticated"],
            ),
        ];
        for (headers, checks, groups) in cases {
            let asked = ask(headers).unwrap().unwrap();
            assert_eq!(asked.checks.iter().map(shown).collect::<Vec<_>>(), checks, "{headers:?}");
            assert_eq!(asked.identity.groups, groups, "{headers:?}");
        }
    }

    #[test]
    fn a_user_must_be_named() {
        assert_eq!(ask(&[("accept", "*/*")]).unwrap(), None);
        assert_eq!(ask(&[("impersonate-group", "system:masters")]).unwrap_err().code, 400);
    }
}
