//! What the status of a pod may say.

use std::collections::{HashMap, HashSet, VecDeque};
use std::net::IpAddr;

use object::{FieldError, FieldErrors, Path, Value};

use super::annotations;
use crate::rules::{At, Errors, Read, Write};

/// Conditions that every pod has; others have names with a domain.
const OWN_CONDITIONS: [&str; 3] = ["PodScheduled", "Ready", "Initialized"];
/// The states of containers, and where the containers are.
const STATUSES: [(&str, &str); 3] = [
    ("containerStatuses", "containers"),
    ("initContainerStatuses", "initContainers"),
    (EPHEMERAL, "ephemeralContainers"),
];
const EPHEMERAL: &str = "ephemeralContainerStatuses";
/// Where the status of a container tells of its devices.
const DEVICES: &str = "allocatedResourcesStatus";
const HEALTHS: [&str; 3] = ["Healthy", "Unhealthy", "Unknown"];

/// Completes a new status by what it leaves out and cannot change: who reports a pod may not know of these.
pub(super) fn prepare(new: &mut Value, old: &Value) {
    if new.is_empty("status.qosClass") {
        new.keep("status.qosClass", old);
    }
    if new.int("status.observedGeneration").unwrap_or_default() == 0 {
        new.keep("status.observedGeneration", old);
    }
    let mut known: HashMap<&str, VecDeque<&Value>> = HashMap::new();
    for was in old.items("status.conditions") {
        known.entry(was.text("type")).or_default().push_back(was);
    }
    for condition in new.items_mut("status.conditions") {
        let was = known.get_mut(condition.text("type")).and_then(VecDeque::pop_front);
        if let Some(was) = was
            && condition.int("observedGeneration").unwrap_or_default() == 0
        {
            condition.keep("observedGeneration", was);
        }
    }
}

/// Checks a new status.
pub(super) fn check(new: &Value, old: &Value) -> FieldErrors {
    let (root, mut errors) = (At::root(new), Errors::new());
    annotations::check(new, old, &mut errors);
    check_conditions(&root, &mut errors);
    let status = root.field("status");
    if status.at("nominatedNodeName") != old.at("status.nominatedNodeName") {
        errors.text(&status, "nominatedNodeName", object::dns1123_subdomain);
    }
    errors.same(&root, old, "status.qosClass");
    for (statuses, _) in STATUSES {
        check_ends(&status.field(statuses), old, statuses, &mut errors);
    }
    check_claims(&root, &mut errors);
    check_addresses(&status, "podIPs", &mut errors);
    let first = status.items("hostIPs").first();
    if first.is_some_and(|first| first.text("ip") != status.text("hostIP")) {
        let (path, shown) =
            (status.path("hostIPs").index(0).child("ip"), first.map_or("", |ip| ip.text("ip")));
        errors.push(FieldError::invalid(&path, shown, "must be equal to `hostIP`"));
    }
    check_addresses(&status, "hostIPs", &mut errors);
    for (statuses, _) in STATUSES {
        status.each(statuses).for_each(|one| check_user(&one, new, &mut errors));
    }
    for (statuses, containers) in STATUSES {
        let containers = new.at("spec").items(containers).iter();
        let asked: HashMap<&str, &Value> =
            containers.map(|one| (one.text("name"), one.at("resources"))).collect();
        status.each(statuses).for_each(|one| match statuses {
            EPHEMERAL => errors.forbid(&one, DEVICES, "must not be specified in container status"),
            _ => check_devices(&one, asked.get(one.text("name")).copied(), &mut errors),
        });
    }
    errors.done()
}

fn check_conditions(pod: &At, errors: &mut Errors) {
    // upstream tells of them there
    let path = Path::new("metadata.conditions");
    for (index, condition) in pod.items("status.conditions").iter().enumerate() {
        let kind = condition.text("type");
        if !OWN_CONDITIONS.contains(&kind) {
            errors.obey(&path.index(index).child("Type"), kind, object::qualified_name);
        }
    }
}

/// A container that has ended for good does not begin again.
fn check_ends(now: &At, old: &Value, statuses: &str, errors: &mut Errors) {
    let policy = match statuses {
        EPHEMERAL => "Never",
        _ => old.text("spec.restartPolicy"),
    };
    let restarts =
        |one: &&Value| statuses == "initContainerStatuses" && one.text("restartPolicy") == "Always";
    let lasting: HashSet<&str> = names(old.items("spec.initContainers").iter().filter(restarts));
    let going: HashSet<&str> = names(now.items("").iter().filter(|is| !is.has("state.terminated")));
    for (index, was) in old.at("status").items(statuses).iter().enumerate() {
        let (name, code) = (was.text("name"), was.int("state.terminated.exitCode").unwrap_or_default());
        let again = policy == "Always" || code != 0 && policy == "OnFailure" || lasting.contains(name);
        if was.has("state.terminated") && !again && going.contains(name) {
            let path = now.path("").index(index).child("state");
            errors.push(FieldError::forbidden(&path, "may not be transitioned to non-terminated state"));
        }
    }
}

fn names<'a>(items: impl Iterator<Item = &'a Value>) -> HashSet<&'a str> {
    items.map(|item| item.text("name")).collect()
}

fn check_claims(pod: &At, errors: &mut Errors) {
    let (own, mut seen) = (names(pod.items("spec.resourceClaims").iter()), HashSet::new());
    for claim in pod.each("status.resourceClaimStatuses") {
        let (path, name) = (claim.path("name"), claim.value().text("name"));
        if !own.contains(name) {
            let detail = "must match the name of an entry in `spec.resourceClaims`";
            errors.push(FieldError::invalid(&path, name, detail));
        }
        if !seen.insert(name) {
            errors.push(FieldError::duplicate(&path, name));
        }
        let made = claim.text("resourceClaimName");
        if !made.is_empty() {
            errors.obey(&path, made, object::dns1123_subdomain);
        }
    }
}

/// One address of each family, the same twice never.
fn check_addresses(status: &At, list: &str, errors: &mut Errors) {
    let texts: Vec<&str> = status.items(list).iter().map(|one| one.text("ip")).collect();
    for (index, text) in texts.iter().enumerate() {
        errors.obey(&status.path(list).index(index), text, object::ip);
    }
    if texts.len() < 2 {
        return;
    }
    let families: HashSet<_> =
        texts.iter().map(|text| text.parse::<IpAddr>().is_ok_and(|ip| ip.is_ipv4())).collect();
    if families.len() < 2 || texts.len() > 2 {
        let detail = "may specify no more than one IP for each IP family";
        errors.push(FieldError::invalid(&status.path(list), status.show(list), detail));
    }
    let mut seen = HashSet::new();
    for one in status.each(list) {
        if !seen.insert(one.value().text("ip")) {
            errors.push(FieldError::duplicate(&one.path(""), one.show("")));
        }
    }
}

/// Whom a container runs as.
fn check_user(container: &At, pod: &Value, errors: &mut Errors) {
    let Some(user) = container.present("user.linux") else { return };
    let path = container.path("linux");
    if pod.text("spec.os.name") == "windows" {
        return errors.push(FieldError::forbidden(&path, "cannot be set for a windows pod"));
    }
    let user = user.placed(path);
    for id in ["uid", "gid"] {
        errors.between(&user, id, 0, i64::from(i32::MAX));
    }
    for group in user.each("supplementalGroups") {
        errors.between(&group, "", 0, i64::from(i32::MAX));
    }
}

/// The devices of a container, and their health; what it asked for is not known of one that is gone.
fn check_devices(status: &At, asked: Option<&Value>, errors: &mut Errors) {
    for resource in status.each(DEVICES) {
        let name = resource.text("name");
        if let Some(detail) = asked.and_then(|asked| unknown(name, asked)) {
            errors.push(FieldError::invalid(&resource.path("name"), name, detail));
        }
        for device in resource.each("resources") {
            if !HEALTHS.contains(&device.text("health")) {
                let (path, health) = (device.path("health"), device.text("health"));
                errors.push(FieldError::not_supported(&path, health, &HEALTHS));
            }
        }
        errors.unique(resource.each("resources"), "resourceID");
    }
}

/// What is wrong with the name of a resource that a container does not ask for.
fn unknown(name: &str, asked: &Value) -> Option<&'static str> {
    let Some(claim) = name.strip_prefix("claim:") else {
        let known = asked.at("requests").get(name).is_some();
        return (!known).then_some("must match one of the container's resource requests");
    };
    let is_named = |one: &Value| match one.text("request") {
        "" => one.text("name") == claim,
        request => {
            claim.strip_prefix(one.text("name")).and_then(|rest| rest.strip_prefix('/')) == Some(request)
        }
    };
    let known = asked.items("claims").iter().any(is_named);
    (!known).then_some(
        "must match one of the container's resource claims in a format 'claim:<claimName>/<request>' or \
         'claim:<claimName>' if request is empty",
    )
}
