//! The table says what `k8s-openapi` says: a document with every field the table knows survives the Rust
//! types, so no name, shape or nesting differs.

use k8s_openapi::api::{
    admissionregistration, apps, authentication, authorization, autoscaling, batch, certificates,
    coordination, core, discovery, events, flowcontrol, networking, node, policy, rbac, resource, scheduling,
    storage, storagemigration,
};
use k8s_openapi::apimachinery::pkg::apis::meta;
use k8s_openapi::kube_aggregator::pkg::apis::apiregistration;
use object::{Map, Schema, Shape, TypeId, Types, Value, decode_proto, encode_proto, unwrap_unknown};
use serde_json::json;

/// A document with every field, down to a depth that ends recursive types.
fn full(types: &Types, shape: &Shape, depth: usize) -> Value {
    match shape {
        Shape::Bool => true.into(),
        Shape::Int { .. } => 7.into(),
        Shape::Number => 1.5.into(),
        Shape::String => "text".into(),
        Shape::Bytes => "Ynl0ZXM=".into(),
        Shape::Time => "2024-01-02T03:04:05Z".into(),
        Shape::MicroTime => "2024-01-02T03:04:05.000006Z".into(),
        Shape::Duration => "1m0s".into(),
        Shape::Quantity => "1500m".into(),
        Shape::IntOrString => "25%".into(),
        Shape::Any => json!({"any": ["thing"]}),
        Shape::Object(id) => full_object(types, *id, depth + 1),
        Shape::List(item, _) => json!([full(types, item, depth)]),
        Shape::Map(value, _) => json!({"key": full(types, value, depth)}),
    }
}

fn full_object(types: &Types, id: TypeId, depth: usize) -> Value {
    let kind = types.get(id);
    assert!(depth < 40, "{} nests too deep", kind.name);
    let mut object: Map =
        kind.fields.iter().map(|f| (f.name.clone(), full(types, &f.shape, depth))).collect();
    if let Some((group, version, kind)) = kind.gvk.first() {
        let version = if group.is_empty() { version.clone() } else { format!("{group}/{version}") };
        object.insert("apiVersion".into(), version.into());
        object.insert("kind".into(), kind.clone().into());
    }
    Value::Object(object)
}

fn check<T: serde::Serialize + serde::de::DeserializeOwned>(name: &str) {
    let Schema { types, root } = super::schema(name);
    let document = full_object(&types, root, 0);
    let typed: T = serde_json::from_value(document.clone()).unwrap_or_else(|e| panic!("{name}: {e}"));
    similar(name, &document, &serde_json::to_value(typed).unwrap());
    let empty = written(name);
    serde_json::from_value::<T>(empty.clone()).unwrap_or_else(|e| panic!("{name}: {e}: {empty}"));
}

/// What is written of an object that holds nothing.
fn written(name: &str) -> Value {
    let mut empty = json!({});
    assert_eq!(object::conform(&super::schema(name), &mut empty), Ok(Vec::new()), "{name}");
    empty
}

/// Compares field by field, so that a failure names the field.
fn similar(path: &str, ours: &Value, theirs: &Value) {
    match (ours, theirs) {
        (Value::Object(a), Value::Object(b)) => {
            for (key, value) in a {
                let other = b.get(key).unwrap_or_else(|| panic!("{path}.{key} is not in the Rust type"));
                similar(&format!("{path}.{key}"), value, other);
            }
            assert_eq!(a.len(), b.len(), "{path}");
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            a.iter().zip(b).for_each(|(a, b)| similar(&format!("{path}[]"), a, b));
        }
        _ => assert_eq!(ours, theirs, "{path}"),
    }
}

macro_rules! check {
    ($($path:path = $name:literal $($kind:ident)*;)*) => {
        $({ use $path as package; $(check::<package::$kind>(concat!($name, ".", stringify!($kind)));)* })*
    };
}

#[test]
fn every_field_survives_the_rust_types() {
    check! {
        core::v1 = "io.k8s.api.core.v1"
            Pod PodTemplate Node Service ConfigMap Secret Namespace Event Endpoints ServiceAccount
            ReplicationController PersistentVolume PersistentVolumeClaim LimitRange ResourceQuota Binding;
        apps::v1 = "io.k8s.api.apps.v1" Deployment ReplicaSet StatefulSet DaemonSet ControllerRevision;
        batch::v1 = "io.k8s.api.batch.v1" CronJob;
        autoscaling::v1 = "io.k8s.api.autoscaling.v1" HorizontalPodAutoscaler Scale;
        autoscaling::v2 = "io.k8s.api.autoscaling.v2" HorizontalPodAutoscaler;
        networking::v1 = "io.k8s.api.networking.v1"
            Ingress IngressClass NetworkPolicy IPAddress ServiceCIDR;
        discovery::v1 = "io.k8s.api.discovery.v1" EndpointSlice;
        policy::v1 = "io.k8s.api.policy.v1" PodDisruptionBudget Eviction;
        rbac::v1 = "io.k8s.api.rbac.v1" Role RoleBinding ClusterRole ClusterRoleBinding;
        authentication::v1 = "io.k8s.api.authentication.v1" TokenReview TokenRequest SelfSubjectReview;
        authorization::v1 = "io.k8s.api.authorization.v1"
            SubjectAccessReview LocalSubjectAccessReview SelfSubjectAccessReview SelfSubjectRulesReview;
        certificates::v1 = "io.k8s.api.certificates.v1"
            CertificateSigningRequest ClusterTrustBundle PodCertificateRequest;
        coordination::v1 = "io.k8s.api.coordination.v1" Lease;
        events::v1 = "io.k8s.api.events.v1" Event;
        scheduling::v1 = "io.k8s.api.scheduling.v1" PriorityClass;
        node::v1 = "io.k8s.api.node.v1" RuntimeClass;
        storage::v1 = "io.k8s.api.storage.v1"
            StorageClass CSIDriver CSINode CSIStorageCapacity VolumeAttachment;
        storagemigration::v1 = "io.k8s.api.storagemigration.v1" StorageVersionMigration;
        resource::v1 = "io.k8s.api.resource.v1"
            DeviceClass ResourceClaim ResourceClaimTemplate ResourceSlice DeviceTaintRule;
        flowcontrol::v1 = "io.k8s.api.flowcontrol.v1" FlowSchema PriorityLevelConfiguration;
        admissionregistration::v1 = "io.k8s.api.admissionregistration.v1"
            MutatingWebhookConfiguration ValidatingWebhookConfiguration
            ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding MutatingAdmissionPolicy;
        apiregistration::v1 = "io.k8s.kube-aggregator.pkg.apis.apiregistration.v1" APIService;
        meta::v1 = "io.k8s.apimachinery.pkg.apis.meta.v1" Status DeleteOptions APIGroup APIResource;
    }
}

/// What is left of a document when protobuf carried it: fields without a tag are gone.
fn tagged(types: &Types, shape: &Shape, value: &mut Value) {
    match (shape, value) {
        (Shape::Object(id), Value::Object(object)) => {
            for field in &types.get(*id).fields {
                match object.get_mut(&field.name) {
                    Some(_) if field.pb.is_none() => drop(object.remove(&field.name)),
                    Some(value) => tagged(types, &field.shape, value),
                    None => {}
                }
            }
        }
        (Shape::List(item, _), Value::Array(list)) => list.iter_mut().for_each(|v| tagged(types, item, v)),
        (Shape::Map(item, _), Value::Object(map)) => map.values_mut().for_each(|v| tagged(types, item, v)),
        _ => {}
    }
}

#[test]
fn every_tagged_field_survives_protobuf() {
    for (name, id) in &super::types().by_name {
        if name.contains("JSONSchemaProps") || name.contains("CustomResource") {
            continue; // recursive
        }
        let schema = super::schema(name);
        let mut document = full_object(&schema.types, *id, 0);
        let bytes = encode_proto(&schema, &document);
        tagged(&schema.types, &Shape::Object(*id), &mut document);
        assert_eq!(decode_proto(&schema, &bytes), Ok(document), "{name}");
    }
}

#[test]
fn what_holds_nothing_is_written_alike_after_protobuf() {
    for name in super::types().by_name.keys() {
        let (schema, empty) = (super::schema(name), written(name));
        let mut again = decode_proto(&schema, &encode_proto(&schema, &empty)).unwrap();
        assert_eq!(object::conform(&schema, &mut again), Ok(Vec::new()), "{name}");
        assert_eq!(again, empty, "{name}");
    }
}

#[test]
fn objects_that_hold_nothing() {
    let check = |name: &str, expect: Value| assert_eq!(written(name), expect, "{name}");
    check("io.k8s.api.core.v1.Pod", json!({"metadata": {}, "spec": {"containers": null}, "status": {}}));
    check(
        "io.k8s.api.core.v1.Event",
        json!({
            "metadata": {}, "involvedObject": {}, "source": {}, "firstTimestamp": null, "lastTimestamp": null,
            "eventTime": null, "reportingComponent": "", "reportingInstance": "",
        }),
    );
    check("io.k8s.api.rbac.v1.ClusterRole", json!({"metadata": {}, "rules": null}));
    check(
        "io.k8s.api.apps.v1.DeploymentSpec",
        json!({"selector": null, "template": {"metadata": {}, "spec": {"containers": null}}, "strategy": {}}),
    );
    check(
        "io.k8s.api.core.v1.PodCondition",
        json!({"type": "", "status": "", "lastProbeTime": null, "lastTransitionTime": null}),
    );
    check("io.k8s.api.core.v1.NodeDaemonEndpoints", json!({"kubeletEndpoint": {"Port": 0}}));
    check("io.k8s.api.core.v1.ResourceFieldSelector", json!({"resource": "", "divisor": "0"}));
    check("io.k8s.api.networking.v1.IPAddressSpec", json!({}));
    check("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta", json!({}));
}

/// The body that a typed client sends for `kubectl create namespace demo`.
#[test]
fn a_namespace_as_clients_send_it() {
    let body = b"k8s\0\n\x0f\n\x02v1\x12\tNamespace\x12\x1c\
        \n\x14\n\x04demo\x12\0\x1a\0\"\0*\x002\08\0B\0\x12\0\x1a\x02\n\0\x1a\0\"\0";
    let unknown = unwrap_unknown(body).unwrap();
    assert_eq!((unknown.api_version.as_str(), unknown.kind.as_str()), ("v1", "Namespace"));
    let document = decode_proto(&super::schema("io.k8s.api.core.v1.Namespace"), unknown.raw).unwrap();
    assert_eq!(document, json!({"metadata": {"name": "demo"}, "spec": {}, "status": {}}));
}
