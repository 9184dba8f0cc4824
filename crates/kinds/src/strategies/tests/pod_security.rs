//! Who the containers of a pod are, and what they may do.

use super::pods::{check_container, pod};
use super::*;

const AT: &str = "spec.containers[0].securityContext";
const SYSCTL: &str = "must have at most 253 characters and match regex \
    ^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$";

/// Checks what is wrong with a container of this security context; `expect` has what follows its path.
fn check_security(security: Value, expect: &[&str]) {
    let expect: Vec<String> = expect.iter().map(|text| format!("{AT}{text}")).collect();
    let expect: Vec<&str> = expect.iter().map(String::as_str).collect();
    check_container(json!({ "securityContext": security }), &expect);
}

/// Checks what is wrong with a pod of this spec.
fn check_pod(spec: Value, expect: &[&str]) {
    check_create("Pod", pod(spec), expect);
}

#[test]
fn containers_say_who_they_are() {
    check_security(
        json!({ "procMount": "X" }),
        &[".procMount: Unsupported value: \"X\": supported values: \"Default\", \"Unmasked\""],
    );
    check_security(
        json!({ "procMount": "Unmasked" }),
        &[".procMount: Invalid value: \"Unmasked\": `hostUsers` must be false to use `Unmasked`"],
    );
    let unmasked = json!([{ "name": "a", "image": "x", "securityContext": { "procMount": "Unmasked" } }]);
    check_pod(json!({ "hostUsers": false, "containers": unmasked }), &[]);
    let bound = |add: &str| json!({ "allowPrivilegeEscalation": false, "capabilities": { "add": [add] } });
    check_security(
        bound("CAP_SYS_ADMIN"),
        &[
            ": Invalid value: {\"allowPrivilegeEscalation\":false,\"capabilities\":{\"add\":[\"CAP_SYS_ADMIN\"]}}: \
           cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN",
        ],
    );
    check_security(bound("SYS_ADMIN"), &[]);
}

#[test]
fn profiles_are_checked() {
    let seccomp =
        |profile: Value, expect: &[&str]| check_security(json!({ "seccompProfile": profile }), expect);
    seccomp(
        json!({}),
        &[".seccompProfile.type: Required value: type is required when seccompProfile is set"],
    );
    seccomp(
        json!({ "type": "X" }),
        &[
            ".seccompProfile.type: Unsupported value: \"X\": supported values: \"Localhost\", \"RuntimeDefault\", \
           \"Unconfined\"",
        ],
    );
    seccomp(
        json!({ "type": "Localhost" }),
        &[".seccompProfile.localhostProfile: Required value: must be set when seccomp type is Localhost"],
    );
    seccomp(json!({ "type": "Localhost", "localhostProfile": "a/b" }), &[]);
    seccomp(
        json!({ "type": "Localhost", "localhostProfile": "../x" }),
        &[".seccompProfile.localhostProfile: Invalid value: \"../x\": must not contain '..'"],
    );
    seccomp(
        json!({ "type": "RuntimeDefault", "localhostProfile": "x" }),
        &[
            ".seccompProfile.localhostProfile: Invalid value: {\"localhostProfile\":\"x\",\"type\":\"RuntimeDefault\"}: \
           can only be set when seccomp type is Localhost",
        ],
    );
    let apparmor =
        |profile: Value, expect: &[&str]| check_security(json!({ "appArmorProfile": profile }), expect);
    apparmor(
        json!({}),
        &[".appArmorProfile.type: Required value: type is required when appArmorProfile is set"],
    );
    let missing =
        ".appArmorProfile.localhostProfile: Required value: must be set when AppArmor type is Localhost";
    apparmor(json!({ "type": "Localhost" }), &[missing]);
    apparmor(json!({ "type": "Localhost", "localhostProfile": "" }), &[missing]);
    apparmor(
        json!({ "type": "Localhost", "localhostProfile": " x" }),
        &[".appArmorProfile.localhostProfile: Invalid value: \" x\": must not be padded with whitespace"],
    );
    apparmor(
        json!({ "type": "Localhost", "localhostProfile": "x".repeat(4096) }),
        &[".appArmorProfile.localhostProfile: Too long: may not be more than 4095 bytes"],
    );
    apparmor(
        json!({ "type": "Unconfined", "localhostProfile": "x" }),
        &[
            ".appArmorProfile.localhostProfile: Invalid value: \"x\": can only be set when AppArmor type is Localhost",
        ],
    );
}

#[test]
fn windows_containers_run_as_accounts() {
    let check = |name: &str, expect: &[&str]| {
        let at = format!(".windowsOptions.runAsUserName: Invalid value: {name:?}: ");
        let expect: Vec<String> = expect.iter().map(|text| format!("{at}{text}")).collect();
        let expect: Vec<&str> = expect.iter().map(String::as_str).collect();
        check_security(json!({ "windowsOptions": { "runAsUserName": name } }), &expect);
    };
    let format = "runAsUserName's Domain doesn't match the NetBios nor the DNS format";
    check("ContainerUser", &[]);
    check("NT AUTHORITY\\NETWORK SERVICE", &[]);
    check("a-very-long.example.com\\x", &[]);
    check("", &["runAsUserName cannot be an empty string"]);
    check("a\t", &["runAsUserName cannot contain control characters"]);
    check("a\\b\\c", &["runAsUserName cannot contain more than one backslash"]);
    check("\\x", &[format]);
    check(".a\\x", &[format]);
    check("d\\", &["runAsUserName's User cannot be empty"]);
    check(
        &format!("{}\\x", "d".repeat(256)),
        &["runAsUserName's Domain length must be under 256 characters", format],
    );
    check(&"u".repeat(105), &["runAsUserName's User length must not be longer than 104 characters"]);
    check(". .", &["runAsUserName's User cannot contain only periods or spaces"]);
    check("a@b", &["runAsUserName's User cannot contain the following characters: \"/\\:;|=,+*?<>@[]"]);
}

#[test]
fn windows_options_are_checked() {
    let check =
        |options: Value, expect: &[&str]| check_security(json!({ "windowsOptions": options }), expect);
    check(json!({ "gmsaCredentialSpecName": "web", "gmsaCredentialSpec": "{}" }), &[]);
    check(
        json!({ "gmsaCredentialSpecName": "A" }),
        &[&format!(".windowsOptions.gmsaCredentialSpecName: Invalid value: \"A\": {SUBDOMAIN}")],
    );
    check(
        json!({ "gmsaCredentialSpec": "" }),
        &[
            ".windowsOptions.gmsaCredentialSpec: Invalid value: \"\": gmsaCredentialSpec cannot be an empty string",
        ],
    );
    let long = "x".repeat(64 * 1024 + 1);
    check(
        json!({ "gmsaCredentialSpec": long }),
        &[&format!(
            ".windowsOptions.gmsaCredentialSpec: Invalid value: \"{long}\": gmsaCredentialSpec size must be under 64 KiB"
        )],
    );
    check_container(
        json!({ "securityContext": { "windowsOptions": { "hostProcess": true } } }),
        &[
            "spec.hostNetwork: Invalid value: false: hostNetwork must be true if pod contains any hostProcess containers",
        ],
    );
    let host =
        |own: Value| json!({ "name": "a", "image": "x", "securityContext": { "windowsOptions": own } });
    check_pod(
        json!({ "hostNetwork": true, "securityContext": { "windowsOptions": { "hostProcess": true } },
            "containers": [host(json!({})), changed(host(json!({ "hostProcess": false })), &json!({ "name": "b" }))] }),
        &[
            "spec.containers[1].securityContext.windowsOptions.hostProcess: Invalid value: false: pod hostProcess value \
             must be identical if both are specified, was true",
            "spec: Invalid value: \"\": If pod contains any hostProcess containers then all containers must be \
             HostProcess containers",
        ],
    );
}

#[test]
fn pods_say_who_they_are() {
    let check = |security: Value, expect: &[&str]| check_pod(json!({ "securityContext": security }), expect);
    check(
        json!({ "supplementalGroups": [1, -1] }),
        &[
            "spec.securityContext.supplementalGroups[1]: Invalid value: -1: must be between 0 and 2147483647, inclusive",
        ],
    );
    check(
        json!({ "fsGroupChangePolicy": "X", "supplementalGroupsPolicy": "Z", "seLinuxChangePolicy": "Y" }),
        &[
            "spec.securityContext.fsGroupChangePolicy: Unsupported value: \"X\": supported values: \"Always\", \
             \"OnRootMismatch\"",
            "spec.securityContext.seLinuxChangePolicy: Unsupported value: \"Y\": supported values: \"MountOption\", \
             \"Recursive\"",
            "spec.securityContext.supplementalGroupsPolicy: Unsupported value: \"Z\": supported values: \"Merge\", \
             \"Strict\"",
        ],
    );
    check(
        json!({ "seccompProfile": { "type": "Localhost" } }),
        &[
            "spec.securityContext.seccompProfile.localhostProfile: Required value: must be set when seccomp type is \
           Localhost",
        ],
    );
}

#[test]
fn settings_of_the_kernel_are_checked() {
    let check = |spec: Value, names: &[&str], expect: &[&str]| {
        let sysctls: Vec<Value> = names.iter().map(|name| json!({ "name": name, "value": "1" })).collect();
        check_pod(changed(json!({ "securityContext": { "sysctls": sysctls } }), &spec), expect);
    };
    let at = |index: usize, text: &str| format!("spec.securityContext.sysctls[{index}].name: {text}");
    check(json!({}), &["net.core.somaxconn", "net/ipv4/conf/eth0.1/x", "kernel.shm_rmid_forced"], &[]);
    check(
        json!({}),
        &["a..b", "", "a", "a"],
        &[
            &at(0, &format!("Invalid value: \"a..b\": {SYSCTL}")),
            &at(1, "Required value"),
            &at(3, "Duplicate value: \"a\""),
        ],
    );
    check(
        json!({ "hostNetwork": true }),
        &["net/core/somaxconn", "kernel.sem"],
        &[&at(0, "Invalid value: \"net/core/somaxconn\": may not be specified when 'hostNetwork' is true")],
    );
    check(
        json!({ "hostIPC": true }),
        &["net.core.somaxconn", "kernel.msgmax"],
        &[&at(1, "Invalid value: \"kernel.msgmax\": may not be specified when 'hostIPC' is true")],
    );
}

#[test]
fn an_operating_system_has_what_is_its_own() {
    let no = |path: &str| format!("{path}: Forbidden: cannot be set for a windows pod");
    check_pod(
        json!({ "os": { "name": "foo" } }),
        &["spec.os: Unsupported value: \"foo\": supported values: \"linux\", \"windows\""],
    );
    check_pod(json!({ "os": {} }), &["spec.os.name: Required value"]);
    check_pod(
        json!({ "os": { "name": "windows" }, "hostPID": true, "hostUsers": true, "resources": {},
            "securityContext": { "runAsUser": 1, "sysctls": [], "fsGroup": 2 } }),
        &[
            "spec.resources: Forbidden: may not be set for a windows pod",
            &no("spec.securityContext.fsGroup"),
            &no("spec.securityContext.runAsUser"),
            &no("spec.hostUsers"),
            &no("spec.hostPID"),
        ],
    );
    let security = json!({ "privileged": true, "capabilities": {}, "windowsOptions": {} });
    let containers = json!([{ "name": "a", "image": "x", "securityContext": security }]);
    check_pod(
        json!({ "os": { "name": "windows" }, "containers": containers }),
        &[
            &no("spec.containers[0].securityContext.capabilities"),
            &no("spec.containers[0].securityContext.privileged"),
        ],
    );
    check_pod(
        json!({ "os": { "name": "linux" }, "containers": containers }),
        &[
            "spec.containers[0].securityContext.windowsOptions: Forbidden: windows options cannot be set for a linux pod",
        ],
    );
}

/// A pod with these annotations.
fn noted(notes: Value, spec: Value) -> Value {
    changed(pod(spec), &json!({ "metadata": { "annotations": notes } }))
}

#[test]
fn annotations_of_pods_are_checked() {
    const APPARMOR: &str = "container.apparmor.security.beta.kubernetes.io";
    const SECCOMP: &str = "container.seccomp.security.alpha.kubernetes.io";
    let check = |key: &str, note: &str, expect: &[&str]| {
        check_create("Pod", noted(json!({ key: note }), json!({})), expect);
    };
    check(
        "kubernetes.io/config.mirror",
        "x",
        &[
            "metadata.annotations[kubernetes.io/config.mirror]: Invalid value: \"x\": must set spec.nodeName if mirror \
           pod annotation is set",
        ],
    );
    let mirror = noted(json!({ "kubernetes.io/config.mirror": "x" }), json!({ "nodeName": "n1" }));
    check_create("Pod", mirror, &[]);
    for cost in ["0", "-10", "2147483647"] {
        check("controller.kubernetes.io/pod-deletion-cost", cost, &[]);
    }
    for cost in ["+1", "01", "2147483648", "x", ""] {
        let wrong = format!(
            "metadata.annotations[controller.kubernetes.io/pod-deletion-cost]: Invalid value: {cost:?}: must be a 32bit \
             integer"
        );
        check("controller.kubernetes.io/pod-deletion-cost", cost, &[&wrong]);
    }
    check(&format!("{APPARMOR}/a"), "localhost/x", &[]);
    check(
        &format!("{APPARMOR}/b"),
        "x",
        &[
            &format!("metadata.annotations[{APPARMOR}/b]: Invalid value: \"b\": container not found"),
            &format!(
                "metadata.annotations[{APPARMOR}/b]: Invalid value: \"x\": invalid AppArmor profile name: \"x\""
            ),
        ],
    );
    check(&format!("{SECCOMP}/a"), "docker/default", &[]);
    check(
        &format!("{SECCOMP}/a"),
        "localhost/../x",
        &[&format!("metadata.annotations.{SECCOMP}/a: Invalid value: \"../x\": must not contain '..'")],
    );
    check(
        "seccomp.security.alpha.kubernetes.io/pod",
        "x",
        &[
            "metadata.annotations.seccomp.security.alpha.kubernetes.io/pod: Invalid value: \"x\": must be a valid \
           seccomp profile",
        ],
    );
}

#[test]
fn a_profile_is_the_same_in_annotation_and_field() {
    let check = |key: &str, note: &str, spec: Value, expect: &[&str]| {
        let notes = json!({ format!("container.{key}.kubernetes.io/a"): note });
        check_create("Pod", noted(notes, spec), expect);
    };
    let (apparmor, seccomp) = ("apparmor.security.beta", "seccomp.security.alpha");
    let whole = |field: &str, profile: Value| json!({ "securityContext": { field: profile } });
    let local = json!({ "type": "Localhost", "localhostProfile": "x" });
    let at = "spec.containers[0].securityContext";
    check(apparmor, "localhost/x", whole("appArmorProfile", local.clone()), &[]);
    check(
        apparmor,
        "localhost/y",
        whole("appArmorProfile", local.clone()),
        &[&format!(
            "{at}.appArmorProfile.localhostProfile: Forbidden: apparmor profile in annotation and field must match"
        )],
    );
    check(
        apparmor,
        "unconfined",
        whole("appArmorProfile", json!({ "type": "RuntimeDefault" })),
        &[&format!("{at}.appArmorProfile.type: Forbidden: apparmor type in annotation and field must match")],
    );
    // what the pod says of seccomp is compared with the pod's own annotation
    check(seccomp, "unconfined", whole("seccompProfile", json!({ "type": "RuntimeDefault" })), &[]);
    let own = |profile: &Value| json!({ "containers": [{ "name": "a", "image": "x", "securityContext": { "seccompProfile": profile } }] });
    check(
        seccomp,
        "unconfined",
        own(&local),
        &[&format!("{at}.seccompProfile.type: Forbidden: seccomp type in annotation and field must match")],
    );
    check(seccomp, "docker/default", own(&json!({ "type": "RuntimeDefault" })), &[]);
}
