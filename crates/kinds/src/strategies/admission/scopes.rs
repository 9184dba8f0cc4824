//! What the expressions of webhooks and policies may name. Source: KEP-3488, KEP-3716, KEP-3962.

use std::sync::LazyLock;

use expressions::{Scope, Type};

/// The variables that a policy declares are fields of one.
const VARIABLES: (&str, &str) = ("variables", "kubernetes.variables");
const AUTHORIZER: &str = "authorizer";

/// The scope of the match conditions of webhooks.
pub(super) static WEBHOOK: LazyLock<Scope> = LazyLock::new(|| {
    let mut scope = Scope::new().with("object", Type::Dyn).with("oldObject", Type::Dyn);
    let request = request(&mut scope);
    let namespace = namespace(&mut scope);
    let check = Type::named("kubernetes.authorization.ResourceCheck");
    let authorizer = scope.object("kubernetes.authorization.Authorizer", [("requestResource", check)]);
    scope.with("request", request).with("namespaceObject", namespace).with(AUTHORIZER, authorizer)
});

/// The scope of a policy's match conditions.
pub(super) fn policy(has_parameters: bool) -> Scope {
    let scope = WEBHOOK.clone();
    if has_parameters { scope.with("params", Type::Dyn) } else { scope }
}

/// The same with room for variables.
pub(super) fn with_variables(mut scope: Scope) -> Scope {
    let (name, object) = VARIABLES;
    let variables = scope.object(object, []);
    scope.with(name, variables)
}

/// Adds a variable; of one without a type nothing is known.
pub(super) fn add_variable(scope: &mut Scope, name: &str, kind: Option<Type>) {
    scope.add_field(VARIABLES.1, name, kind.as_ref().map_or(Type::Dyn, plain));
}

/// The same for what is said to who was refused.
pub(super) fn without_authorizer(scope: &Scope) -> Scope {
    let mut scope = scope.clone();
    scope.remove(AUTHORIZER);
    scope
}

/// The type of a variable: what has a name of its own may be anything.
fn plain(kind: &Type) -> Type {
    match kind {
        Type::List(item) => Type::list(plain(item)),
        Type::Map(parts) => Type::map(plain(&parts.0), plain(&parts.1)),
        Type::Named(_) | Type::Optional(_) | Type::Type(_) => Type::Dyn,
        other => other.clone(),
    }
}

fn request(scope: &mut Scope) -> Type {
    let text = |field| (field, Type::String);
    let texts = || Type::list(Type::String);
    let kind = scope.object("kubernetes.GroupVersionKind", ["group", "version", "kind"].map(text));
    let resource =
        scope.object("kubernetes.GroupVersionResource", ["group", "version", "resource"].map(text));
    let lists = [("groups", texts()), ("extra", Type::map(Type::String, texts()))];
    let user = scope.object("kubernetes.UserInfo", ["username", "uid"].map(text).into_iter().chain(lists));
    let fields = ["subResource", "requestSubResource", "name", "namespace", "operation"].map(text);
    scope.object(
        "kubernetes.AdmissionRequest",
        fields.into_iter().chain([
            ("kind", kind.clone()),
            ("requestKind", kind),
            ("resource", resource.clone()),
            ("requestResource", resource),
            ("userInfo", user),
            ("dryRun", Type::Bool),
            ("options", Type::Dyn),
        ]),
    )
}

fn namespace(scope: &mut Scope) -> Type {
    let text = |field| (field, Type::String);
    let texts = || Type::list(Type::String);
    let spec = scope.object("kubernetes.NamespaceSpec", [("finalizers", texts())]);
    let condition = ["status", "type", "message", "reason"].map(text);
    let times = [("lastTransitionTime", Type::Timestamp)];
    let condition = scope.object("kubernetes.NamespaceCondition", condition.into_iter().chain(times));
    let conditions = [("conditions", Type::list(condition)), text("phase")];
    let status = scope.object("kubernetes.NamespaceStatus", conditions);
    let map = || Type::map(Type::String, Type::String);
    let metadata = scope.object(
        "kubernetes.NamespaceMetadata",
        ["name", "generateName", "namespace", "UID", "resourceVersion"].map(text).into_iter().chain([
            ("labels", map()),
            ("annotations", map()),
            ("creationTimestamp", Type::Timestamp),
            ("deletionTimestamp", Type::Timestamp),
            ("deletionGracePeriodSeconds", Type::Int),
            ("generation", Type::Int),
            ("finalizers", texts()),
        ]),
    );
    scope.object("kubernetes.Namespace", [("metadata", metadata), ("spec", spec), ("status", status)])
}
