//! Verbs of kubectl that make something out of their flags, or change one thing of an object.

use std::io::{BufRead, BufReader};
use std::process::{Output, Stdio};

use serde_json::{Value, json};

use crate::harness::{Cluster, text};

/// A pod that no node has room for.
const BIG: &str =
    r#"{"spec":{"containers":[{"name":"big","image":"web:1","resources":{"requests":{"cpu":"1000"}}}]}}"#;

fn done(output: &Output) -> String {
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

/// A certificate and its key, as files of the user's.
fn certificate(cluster: &Cluster) -> [String; 2] {
    let made = rcgen::generate_simple_self_signed(["web.example.com".to_owned()]).expect("a certificate");
    [("web.crt", made.cert.pem()), ("web.key", made.signing_key.serialize_pem())].map(|(name, pem)| {
        let file = cluster.dir().join(name);
        std::fs::write(&file, pem).expect("a file");
        file.display().to_string()
    })
}

/// Runs a generator, first as a trial, and compares what it made at a path.
fn generates(cluster: &Cluster, command: &[&str], said: &str, path: &str, expect: &Value) {
    let trial = cluster.kubectl(&[&["create", "--dry-run=server"], command].concat());
    assert_eq!(trial, format!("{said} created (server dry run)\n"));
    assert_eq!(cluster.kubectl(&[&["create"], command].concat()), format!("{said} created\n"));
    let made = cluster.json(&["get", said]);
    assert_eq!(made.pointer(path), Some(expect), "{command:?}: {made}");
}

#[test]
fn what_create_generates_is_made() {
    let cluster = Cluster::start();
    let [cert, key] = certificate(&cluster);
    let (cert, key) = (format!("--cert={cert}"), format!("--key={key}"));
    let check = |command: &str, said: &str, path: &str, expect: Value| {
        let words: Vec<&str> = command.split(' ').collect();
        generates(&cluster, &words, said, path, &expect);
    };
    check("namespace more", "namespace/more", "/status/phase", json!("Active"));
    check("serviceaccount robot", "serviceaccount/robot", "/metadata/namespace", json!("default"));
    check("configmap c --from-literal=a=b", "configmap/c", "/data", json!({"a": "b"}));
    check("secret generic s --from-literal=a=b", "secret/s", "/data", json!({"a": "Yg=="}));
    check(&format!("secret tls t {cert} {key}"), "secret/t", "/type", json!("kubernetes.io/tls"));
    check(
        "secret docker-registry d --docker-server=r.example.com --docker-username=u --docker-password=p",
        "secret/d",
        "/type",
        json!("kubernetes.io/dockerconfigjson"),
    );
    check(
        "deployment web --image=web:1 --replicas=2 --port=80",
        "deployment.apps/web",
        "/spec/replicas",
        json!(2),
    );
    let command = json!(["date"]);
    let of_job = "/spec/template/spec/containers/0/command";
    check("job once --image=web:1 -- date", "job.batch/once", of_job, command.clone());
    check(
        "cronjob often --image=web:1 --schedule=@hourly -- date",
        "cronjob.batch/often",
        "/spec/jobTemplate/spec/template/spec/containers/0/command",
        command.clone(),
    );
    check("job now --from=cronjob/often", "job.batch/now", of_job, command);
    check(
        "ingress i --class=c --rule=web.example.com/path*=web:80,tls=t",
        "ingress.networking.k8s.io/i",
        "/spec/rules/0/http/paths/0/backend/service/port/number",
        json!(80),
    );
    check(
        "poddisruptionbudget p --selector=app=web --min-available=50%",
        "poddisruptionbudget.policy/p",
        "/spec/minAvailable",
        json!("50%"),
    );
    check(
        "priorityclass high --value=1000 --preemption-policy=Never",
        "priorityclass.scheduling.k8s.io/high",
        "/preemptionPolicy",
        json!("Never"),
    );
    check("quota q --hard=pods=2,cpu=1", "resourcequota/q", "/spec/hard", json!({"cpu": "1", "pods": "2"}));
    check(
        "role r --verb=get,list --resource=pods,deployments.apps/scale",
        "role.rbac.authorization.k8s.io/r",
        "/rules/1",
        json!({"apiGroups": ["apps"], "resources": ["deployments/scale"], "verbs": ["get", "list"]}),
    );
    check(
        "clusterrole cr --verb=get --non-resource-url=/metrics",
        "clusterrole.rbac.authorization.k8s.io/cr",
        "/rules/0",
        json!({"nonResourceURLs": ["/metrics"], "verbs": ["get"]}),
    );
    check(
        "rolebinding rb --role=r --serviceaccount=default:robot",
        "rolebinding.rbac.authorization.k8s.io/rb",
        "/subjects/0",
        json!({"kind": "ServiceAccount", "name": "robot", "namespace": "default"}),
    );
    check(
        "clusterrolebinding crb --clusterrole=cr --group=g",
        "clusterrolebinding.rbac.authorization.k8s.io/crb",
        "/roleRef/name",
        json!("cr"),
    );
    check("service clusterip one --tcp=80:8080", "service/one", "/spec/ports/0/targetPort", json!(8080));
    check(
        "service nodeport two --tcp=80 --node-port=30123",
        "service/two",
        "/spec/ports/0/nodePort",
        json!(30123),
    );
    check("service loadbalancer three --tcp=80", "service/three", "/spec/type", json!("LoadBalancer"));
    check(
        "service externalname four --external-name=web.example.com",
        "service/four",
        "/spec/externalName",
        json!("web.example.com"),
    );
    let token = cluster.kubectl(&["create", "token", "robot", "--duration=1h"]);
    let whoami = ["--token", token.trim(), "auth", "whoami", "-o", "jsonpath={.status.userInfo.username}"];
    // a client certificate would count more than the token
    let user = cluster.without_certificate(&whoami);
    assert_eq!(done(&user), "system:serviceaccount:default:robot");
}

#[test]
fn an_object_is_edited() {
    let cluster = Cluster::start();
    cluster.kubectl(&["create", "deployment", "web", "--image=web:1"]);
    let edit = |script: &str, more: &[&str]| {
        let mut command = cluster.client("kubectl", &[&["edit", "deployment/web"], more].concat());
        command.env("KUBE_EDITOR", format!("sed -i '{script}'")).output().expect("kubectl is installed")
    };
    assert_eq!(done(&edit("s/web:1/web:2/", &[])), "deployment.apps/web edited\n");
    let image = "jsonpath={.spec.template.spec.containers[0].image}";
    assert_eq!(cluster.kubectl(&["get", "deployment/web", "-o", image]), "web:2");
    // an edit that changes nothing ends without a request
    let same = edit("s/nothing/else/", &[]);
    assert_eq!(text(&same.stderr), "Edit cancelled, no changes made.\n");
    // an edit that is refused is shown again, with the reason; the same text again ends the command
    let refused = edit("s/replicas: 1/replicas: -1/", &[]);
    let said = text(&refused.stderr);
    assert!(
        !refused.status.success() && said.contains("Edit cancelled, no valid changes were saved"),
        "{said}"
    );
    let why = "deployments.apps \"web\" is invalid";
    assert!(format!("{said}{}", text(&refused.stdout)).contains(why), "{said}");
    let patch = done(&edit("s/replicas: 1/replicas: 3/", &["--output-patch"]));
    assert!(patch.contains(r#"Patch: {"spec":{"replicas":3}}"#), "{patch}");
    let status = edit("s/observedGeneration: .*/observedGeneration: 77/", &["--subresource=status"]);
    assert_eq!(done(&status), "deployment.apps/web edited\n");
}

#[test]
fn what_runs_is_exposed_and_scaled_automatically() {
    let cluster = Cluster::start();
    cluster.kubectl(&["create", "deployment", "web", "--image=web:1", "--port=8080"]);
    cluster.kubectl(&["run", "alone", "--image=web:1", "--port=81", "--labels=app=alone"]);
    cluster.wait("there is a replica set", |c| !c.kubectl(&["get", "rs", "-o", "name"]).is_empty());
    let set = cluster.kubectl(&["get", "rs", "-o", "name"]);
    let selected = |service: &str| cluster.json(&["get", "service", service])["spec"]["selector"].clone();

    let exposed = cluster.kubectl(&["expose", "deployment", "web", "--port=80"]);
    assert_eq!(exposed, "service/web exposed\n");
    let web = cluster.json(&["get", "service", "web"]);
    assert_eq!(web["spec"]["ports"][0]["targetPort"], 80);
    assert_eq!(web["spec"]["selector"], json!({"app": "web"}));
    cluster.kubectl(&["expose", "pod", "alone", "--name=alone-udp", "--protocol=UDP", "--type=NodePort"]);
    assert_eq!(selected("alone-udp"), json!({"app": "alone"}));
    cluster.kubectl(&["expose", set.trim(), "--name=of-set", "--target-port=http", "--port=80"]);
    assert_eq!(selected("of-set")["app"], "web");
    cluster.kubectl(&["expose", "service", "web", "--name=headless", "--port=443", "--cluster-ip=None"]);
    assert_eq!(cluster.json(&["get", "service", "headless"])["spec"]["clusterIPs"], json!(["None"]));
    let again = cluster.try_kubectl(&["expose", "deployment", "web", "--port=80"]);
    assert_eq!(text(&again.stderr), "Error from server (AlreadyExists): services \"web\" already exists\n");

    for target in ["deployment/web", set.trim()] {
        let scaled =
            cluster.kubectl(&["autoscale", target, "--min=2", "--max=5", "--cpu-percent=80", "--name=a"]);
        assert_eq!(scaled, "horizontalpodautoscaler.autoscaling/a autoscaled\n");
        let made = cluster.json(&["get", "hpa", "a"]);
        assert_eq!((&made["spec"]["minReplicas"], &made["spec"]["maxReplicas"]), (&json!(2), &json!(5)));
        assert_eq!(made["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"], 80);
        let old = cluster.json(&["get", "horizontalpodautoscalers.v1.autoscaling", "a"]);
        assert_eq!(old["spec"]["targetCPUUtilizationPercentage"], 80);
        cluster.kubectl(&["delete", "hpa", "a"]);
    }
}

#[test]
fn events_are_told_of_an_object_and_as_they_come() {
    let cluster = Cluster::with_nodes(1);
    cluster.kubectl(&["run", "big", "--image=web:1", "--overrides", BIG]);
    let of_pod = ["events", "--for=pod/big", "--types=Warning", "--no-headers"];
    cluster.wait("the scheduler says why", |c| c.kubectl(&of_pod).contains("FailedScheduling"));
    let told = cluster.kubectl(&of_pod);
    assert!(told.contains("Pod/big") && told.contains("Insufficient cpu"), "{told}");
    let normal = cluster.try_kubectl(&["events", "--for=pod/big", "--types=Normal"]);
    assert_eq!(text(&normal.stderr), "No events found in default namespace.\n");
    let watch = ["events", "--for=pod/other", "--watch", "--no-headers", "--request-timeout=30s"];
    let mut watch = cluster.client("kubectl", &watch);
    let mut watching = watch.stdout(Stdio::piped()).spawn().expect("kubectl is installed");
    cluster.kubectl(&["run", "other", "--image=web:1", "--overrides", BIG]);
    let mut line = String::new();
    BufReader::new(watching.stdout.take().expect("piped")).read_line(&mut line).expect("an event");
    watching.kill().expect("it runs");
    watching.wait().expect("it ends");
    assert!(line.contains("FailedScheduling") && line.contains("Pod/other"), "{line}");
}
