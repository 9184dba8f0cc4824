//! Rules of settings of the kernel.

use std::collections::HashSet;

use object::FieldError;

use super::{At, Errors, Read};

const LONGEST: usize = 253;
const PATTERN: &str = r"^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$";

/// Checks the `sysctls` of a pod.
pub(super) fn check(spec: &At, security: &At, errors: &mut Errors) {
    let mut names = HashSet::new();
    for sysctl in security.each("sysctls") {
        let (path, name) = (sysctl.path("name"), sysctl.value().text("name"));
        if name.is_empty() {
            errors.push(FieldError::required(&path, ""));
        } else if !is_name(name) {
            let detail = format!("must have at most {LONGEST} characters and match regex {PATTERN}");
            errors.push(FieldError::invalid(&path, name, detail));
        } else if !names.insert(name) {
            errors.push(FieldError::duplicate(&path, name));
        }
        for (field, is_shared) in [("hostNetwork", is_of_network as fn(&str) -> bool), ("hostIPC", is_of_ipc)]
        {
            if spec.flag(field) && is_shared(&dotted(name)) {
                let detail = format!("may not be specified when '{field}' is true");
                errors.push(FieldError::invalid(&path, name, detail));
            }
        }
    }
}

fn is_name(name: &str) -> bool {
    let edge = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let is_part = |part: &str| {
        part.starts_with(edge) && part.ends_with(edge) && part.chars().all(|c| edge(c) || "-_".contains(c))
    };
    name.len() <= LONGEST && name.split(['.', '/']).all(is_part)
}

/// The name with dots between its parts: the first separator says which kind it has.
fn dotted(name: &str) -> String {
    match name.find(['.', '/']) {
        Some(at) if name.as_bytes()[at] == b'/' => {
            let turned = name.chars().map(|c| match c {
                '/' => '.',
                '.' => '/',
                other => other,
            });
            turned.collect()
        }
        _ => name.to_owned(),
    }
}

fn is_of_network(name: &str) -> bool {
    name.starts_with("net.")
}

fn is_of_ipc(name: &str) -> bool {
    name == "kernel.sem"
        || ["kernel.shm", "kernel.msg", "fs.mqueue."].iter().any(|start| name.starts_with(start))
}
