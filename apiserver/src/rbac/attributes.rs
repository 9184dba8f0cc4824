//! What is asked, and what is answered.

use object::Status;

use crate::identity::Identity;

/// A request as authorization sees it. Either a resource is named, or `path` is (a non-resource request).
#[derive(Clone, Copy, Debug)]
pub struct Attributes<'a> {
    /// Who asks.
    pub user: &'a Identity,
    /// RBAC verb; for paths the HTTP method in lower case.
    pub verb: &'a str,
    /// API group, empty for core.
    pub group: &'a str,
    /// Plural of the resource; empty for non-resource requests.
    pub resource: &'a str,
    /// Subresource, may be empty.
    pub subresource: &'a str,
    /// Namespace; empty for the whole cluster.
    pub namespace: &'a str,
    /// Name of the object; empty for collections and creations.
    pub name: &'a str,
    /// Path of a non-resource request.
    pub path: &'a str,
}

impl<'a> Attributes<'a> {
    /// A request for a resource.
    pub fn resource(user: &'a Identity, verb: &'a str, group: &'a str, resource: &'a str) -> Self {
        Self { user, verb, group, resource, subresource: "", namespace: "", name: "", path: "" }
    }

    /// A request for a path that is no resource.
    pub fn path(user: &'a Identity, verb: &'a str, path: &'a str) -> Self {
        Self { user, verb, group: "", resource: "", subresource: "", namespace: "", name: "", path }
    }

    /// The same request in a namespace, for a named object; both may be empty.
    pub fn of(self, namespace: &'a str, name: &'a str) -> Self {
        Self { namespace, name, ..self }
    }

    /// Whether it is about a resource.
    pub fn is_resource(&self) -> bool {
        !self.resource.is_empty()
    }

    /// Upstream's sentence for a request that nothing allows.
    pub fn forbidden_message(&self) -> String {
        let Self { user, verb, group, namespace, path, .. } = self;
        let user = &user.user;
        if !self.is_resource() {
            return format!("User {user:?} cannot {verb} path {path:?}");
        }
        let resource = match self.subresource {
            "" => self.resource.to_owned(),
            sub => format!("{}/{sub}", self.resource),
        };
        let head = format!("User {user:?} cannot {verb} resource {resource:?} in API group {group:?}");
        match *namespace {
            "" => format!("{head} at the cluster scope"),
            namespace => format!("{head} in the namespace {namespace:?}"),
        }
    }

    /// The 403 for a request that nothing allows; `errors` are those of the decision.
    pub fn forbidden(&self, errors: &[String]) -> Status {
        let mut why = self.forbidden_message();
        if !errors.is_empty() {
            why = format!("{why}: {}", reason_of(errors));
        }
        Status::forbidden(self.group, self.resource, self.name, &why)
    }
}

/// What the rules say about a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It is allowed.
    Allow {
        /// Which binding allows it, for the audit log and access reviews.
        reason: String,
    },
    /// No rule allows it.
    NoOpinion {
        /// Bindings that could not be read, such as those to a role that is missing.
        errors: Vec<String>,
    },
}

impl Decision {
    /// Whether the request is allowed.
    pub fn is_allowed(&self) -> bool {
        matches!(self, Self::Allow { .. })
    }

    /// The reason as access reviews show it; may be empty.
    pub fn reason(&self) -> String {
        match self {
            Self::Allow { reason } => reason.clone(),
            Self::NoOpinion { errors } if errors.is_empty() => String::new(),
            Self::NoOpinion { errors } => reason_of(errors),
        }
    }
}

fn reason_of(errors: &[String]) -> String {
    match errors {
        [one] => format!("RBAC: {one}"),
        many => format!("RBAC: [{}]", many.join(", ")),
    }
}
