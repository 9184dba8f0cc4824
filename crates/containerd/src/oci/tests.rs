use oci_spec::runtime::Spec;
use serde_json::{Value, json};

use super::{Host, build};
use crate::image::ImageConfig;
use crate::rootfs::Identity;
use crate::spec::{ContainerSpec, Mount, Namespace, Namespaces, Resources, Seccomp, Security};

fn host() -> Host {
    Host { capabilities: u64::MAX >> 23, lowest_oom_score_adj: -5, ..Host::default() }
}

fn image() -> ImageConfig {
    let words = |words: &str| words.split_whitespace().map(str::to_owned).collect();
    ImageConfig {
        env: words("A=1 B=2"),
        entrypoint: words("/entry"),
        cmd: words("serve"),
        working_dir: "/srv".into(),
        ..ImageConfig::default()
    }
}

fn make(spec: &ContainerSpec) -> Value {
    let document = build(spec, &image(), &Identity::default(), &host()).unwrap();
    serde_json::from_value::<Spec>(document.clone()).expect("a valid specification");
    document
}

#[test]
fn command_and_arguments_replace_the_images() {
    let words = |words: &str| words.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    for (command, args, expected) in
        [("", "", "/entry serve"), ("", "x", "/entry x"), ("/c", "", "/c"), ("/c", "x y", "/c x y")]
    {
        let spec = ContainerSpec { command: words(command), args: words(args), ..ContainerSpec::default() };
        assert_eq!(make(&spec)["process"]["args"], json!(words(expected)));
    }
    let nothing = build(&ContainerSpec::default(), &ImageConfig::default(), &Identity::default(), &host());
    assert_eq!(nothing.unwrap_err().to_string(), "no command specified");
}

#[test]
fn environment_has_defaults_then_the_images_then_its_own() {
    let spec = ContainerSpec {
        env: vec![("B".into(), "3".into()), ("C".into(), String::new())],
        hostname: Some("h".into()),
        tty: true,
        ..ContainerSpec::default()
    };
    let document = make(&spec);
    let env = document["process"]["env"].as_array().unwrap();
    assert!(env[0].as_str().unwrap().starts_with("PATH=/usr/local/sbin:"));
    assert_eq!(env[1..], ["TERM=xterm", "HOSTNAME=h", "A=1", "B=3", "C="]);
    assert_eq!((&document["hostname"], &document["process"]["cwd"]), (&json!("h"), &json!("/srv")));
}

#[test]
fn capabilities_are_dropped_then_added_within_what_the_host_gives() {
    let security = |add: &[&str], drop: &[&str]| {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let security = Security { add: words(add), drop: words(drop), ..Security::default() };
        make(&ContainerSpec { security, ..ContainerSpec::default() })["process"]["capabilities"]["bounding"]
            .clone()
    };
    assert_eq!(security(&[], &[]).as_array().unwrap().len(), 14);
    assert_eq!(security(&["NET_ADMIN"], &["ALL"]), json!(["CAP_NET_ADMIN"]));
    assert_eq!(security(&["ALL"], &[]).as_array().unwrap().len(), 41);
    let unknown = Security { add: vec!["FLY".into()], ..Security::default() };
    let spec = ContainerSpec { security: unknown, ..ContainerSpec::default() };
    assert!(build(&spec, &image(), &Identity::default(), &host()).is_err());
}

#[test]
fn mounts_namespaces_and_limits_are_the_containers() {
    let spec = ContainerSpec {
        group: "pod1".into(),
        mounts: vec![Mount {
            destination: "/dev/shm".into(),
            kind: "bind".into(),
            source: "/run/shm".into(),
            options: vec!["rbind".into(), "rshared".into()],
        }],
        namespaces: Namespaces {
            network: Namespace::At("/run/net".into()),
            uts: Namespace::Host,
            ..Namespaces::default()
        },
        resources: Resources {
            cpu_shares: Some(512),
            memory_limit: Some(1 << 20),
            oom_score_adj: Some(-997),
            ..Resources::default()
        },
        cgroup: "/kubepods/a/b".into(),
        ..ContainerSpec::default()
    };
    let document = make(&spec);
    let shm: Vec<&Value> = document["mounts"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|mount| mount["destination"] == "/dev/shm")
        .collect();
    assert_eq!((shm.len(), &shm[0]["source"]), (1, &json!("/run/shm")));
    let linux = &document["linux"];
    assert_eq!(linux["rootfsPropagation"], "rshared");
    assert_eq!(linux["cgroupsPath"], "/kubepods/a/b");
    assert_eq!(linux["resources"]["cpu"], json!({ "shares": 512 }));
    assert_eq!(linux["resources"]["memory"], json!({ "limit": 1 << 20 }));
    assert_eq!(document["process"]["oomScoreAdj"], -5);
    assert_eq!(document["annotations"]["io.containerd.runc.v2.group"], "pod1");
    let namespaces = json!([
        { "type": "network", "path": "/run/net" }, { "type": "ipc" }, { "type": "pid" }, { "type": "mount" },
    ]);
    assert_eq!(linux["namespaces"], namespaces);
}

#[test]
fn privileges_open_what_is_closed() {
    let confined = Security { seccomp: Seccomp::RuntimeDefault, ..Security::default() };
    let document = make(&ContainerSpec { security: confined.clone(), ..ContainerSpec::default() });
    assert_eq!(document["linux"]["seccomp"]["defaultAction"], "SCMP_ACT_ERRNO");
    assert_eq!(document["linux"]["maskedPaths"][2], "/proc/kcore");
    assert_eq!(document["process"]["noNewPrivileges"], true);
    let privileged = Security { privileged: true, ..confined };
    let document = make(&ContainerSpec { security: privileged, ..ContainerSpec::default() });
    assert_eq!(document["linux"]["seccomp"], Value::Null);
    assert_eq!(document["linux"]["maskedPaths"], Value::Null);
    assert_eq!(document["linux"]["resources"]["devices"][0]["allow"], true);
    assert_eq!(document["process"]["noNewPrivileges"], false);
}
