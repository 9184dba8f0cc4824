"""What programs do with the Python client, against the server that the kubeconfig names."""

import sys
import threading
from datetime import datetime, timezone

from kubernetes import client, config, dynamic, watch
from kubernetes.client.rest import ApiException

config.load_kube_config(sys.argv[1])
core, apps, batch = client.CoreV1Api(), client.AppsV1Api(), client.BatchV1Api()
labels = {"app": "web"}


def refused(code, reason, call, *args, **kwargs):
    try:
        call(*args, **kwargs)
    except ApiException as error:
        assert (error.status, reason in error.body) == (code, True), (error.status, error.body)
        return
    raise AssertionError(f"{call} was not refused")


def meta(name, **more):
    return client.V1ObjectMeta(name=name, labels=labels, **more)


def template(**more):
    container = client.V1Container(name="main", image="web:1", resources=client.V1ResourceRequirements(requests={"cpu": "100m"}))
    return client.V1PodTemplateSpec(metadata=client.V1ObjectMeta(labels=labels), spec=client.V1PodSpec(containers=[container], **more))


def writes_and_reads():
    selector = client.V1LabelSelector(match_labels=labels)
    deployment = client.V1Deployment(metadata=meta("web"), spec=client.V1DeploymentSpec(replicas=1, selector=selector, template=template()))
    made = apps.create_namespaced_deployment("default", deployment)
    assert made.spec.strategy.rolling_update.max_surge == "25%" and made.metadata.generation == 1, made
    refused(409, "AlreadyExists", apps.create_namespaced_deployment, "default", deployment)
    patched = apps.patch_namespaced_deployment("web", "default", {"spec": {"paused": True}})
    assert patched.spec.paused and patched.metadata.generation > made.metadata.generation
    scaled = apps.patch_namespaced_deployment_scale("web", "default", {"spec": {"replicas": 0}})
    # a scale to zero leaves the number out, as Go does
    assert scaled.spec.replicas is None and scaled.status.selector == "app=web", scaled
    made.spec.replicas = 5
    refused(409, "Conflict", apps.replace_namespaced_deployment, "web", "default", made)
    dry = apps.delete_namespaced_deployment("web", "default", dry_run="All")
    assert dry["status"] == "Success" and apps.read_namespaced_deployment("web", "default")
    status = apps.read_namespaced_deployment_status("web", "default")
    status.status.replicas = 7
    status.spec.replicas = 9
    written = apps.replace_namespaced_deployment_status("web", "default", status)
    assert (written.status.replicas, written.spec.replicas) == (7, 0), written
    job = client.V1Job(metadata=meta("once"), spec=client.V1JobSpec(suspend=True, template=template(restart_policy="Never")))
    job = batch.create_namespaced_job("default", job)
    assert job.spec.selector.match_labels["batch.kubernetes.io/controller-uid"] == job.metadata.uid, job


def nonsense():
    refused(422, "Invalid", core.create_namespaced_config_map, "default", client.V1ConfigMap(metadata=meta("Not_A_Name")))
    refused(400, "BadRequest", core.list_namespaced_pod, "default", field_selector="spec.nonsense=a")
    refused(400, "BadRequest", core.list_namespaced_pod, "default", label_selector="a==b==c")
    refused(404, "NotFound", core.create_namespaced_config_map, "nowhere", client.V1ConfigMap(metadata=meta("m")))
    refused(422, "dryRun", core.create_namespaced_config_map, "default", client.V1ConfigMap(metadata=meta("m")), dry_run="Some")


def pages_and_watches():
    for number in range(5):
        core.create_namespaced_config_map("default", client.V1ConfigMap(metadata=meta(f"page-{number}")))
    first = core.list_namespaced_config_map("default", label_selector="app=web", limit=2)
    rest = core.list_namespaced_config_map("default", label_selector="app=web", limit=9, _continue=first.metadata._continue)
    assert [item.metadata.name for item in first.items + rest.items] == [f"page-{n}" for n in range(5)]
    assert first.metadata.remaining_item_count in (None, 3) and rest.metadata.resource_version == first.metadata.resource_version
    told = []

    def follow():
        stream = watch.Watch().stream(
            core.list_namespaced_config_map, "default", label_selector="app=web",
            resource_version=first.metadata.resource_version, timeout_seconds=20,
        )
        for event in stream:
            told.append((event["type"], event["object"].metadata.name))
            if event["type"] == "DELETED":
                return

    follower = threading.Thread(target=follow)
    follower.start()
    core.patch_namespaced_config_map("page-0", "default", {"data": {"a": "b"}})
    core.patch_namespaced_config_map("page-1", "default", {"metadata": {"labels": {"app": None}}})
    follower.join(30)
    assert told == [("MODIFIED", "page-0"), ("DELETED", "page-1")], told
    core.delete_collection_namespaced_config_map("default", label_selector="app=web")
    assert not core.list_namespaced_config_map("default", label_selector="app=web").items
    refused(404, "NotFound", core.read_namespaced_config_map, "page-0", "default")


def two_versions():
    target = client.V1CrossVersionObjectReference(api_version="apps/v1", kind="Deployment", name="web")
    spec = client.V1HorizontalPodAutoscalerSpec(max_replicas=3, scale_target_ref=target, target_cpu_utilization_percentage=60)
    one = client.AutoscalingV1Api().create_namespaced_horizontal_pod_autoscaler(
        "default", client.V1HorizontalPodAutoscaler(metadata=meta("web"), spec=spec))
    two = client.AutoscalingV2Api().read_namespaced_horizontal_pod_autoscaler("web", "default")
    assert one.metadata.uid == two.metadata.uid
    assert two.spec.metrics[0].resource.target.average_utilization == 60, two
    event = client.EventsV1Api().create_namespaced_event("default", client.EventsV1Event(
        metadata=client.V1ObjectMeta(name="e"), reason="Made", action="Making", note="it was made", type="Normal",
        event_time=datetime.now(timezone.utc), reporting_controller="example.com/maker", reporting_instance="maker-1",
        regarding=client.V1ObjectReference(kind="ConfigMap", name="c", namespace="default")))
    seen = core.list_namespaced_event("default", field_selector="involvedObject.name=c")
    assert [(item.metadata.uid, item.message) for item in seen.items] == [(event.metadata.uid, "it was made")], seen


def by_discovery():
    found = dynamic.DynamicClient(client.ApiClient())
    ingresses = found.resources.get(api_version="networking.k8s.io/v1", kind="Ingress")
    backend = {"service": {"name": "web", "port": {"number": 80}}}
    ingresses.create(namespace="default", body={"apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
                     "metadata": {"name": "web"}, "spec": {"defaultBackend": backend}})
    got = ingresses.get(name="web", namespace="default")
    assert got.spec.defaultBackend.service.name == "web"
    ingresses.patch(name="web", namespace="default", content_type="application/merge-patch+json",
                    body={"metadata": {"annotations": {"a": "b"}}})
    ingresses.delete(name="web", namespace="default")
    review = client.AuthorizationV1Api().create_self_subject_access_review(client.V1SelfSubjectAccessReview(
        spec=client.V1SelfSubjectAccessReviewSpec(resource_attributes=client.V1ResourceAttributes(verb="list", resource="pods"))))
    assert review.status.allowed
    assert client.VersionApi().get_code().git_version.startswith("v1.37")


for step in (writes_and_reads, nonsense, pages_and_watches, two_versions, by_discovery):
    step()
    print("ok", step.__name__)
