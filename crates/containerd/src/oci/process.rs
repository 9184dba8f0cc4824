//! The process: arguments, environment, user, privileges.

use serde_json::{Value, json};

use super::capabilities::capabilities;
use super::host::Host;
use crate::error::Error;
use crate::image::ImageConfig;
use crate::rootfs::Identity;
use crate::spec::ContainerSpec;

const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

pub(super) fn build(
    spec: &ContainerSpec,
    image: &ImageConfig,
    user: &Identity,
    host: &Host,
) -> Result<Value, Error> {
    let security = &spec.security;
    let capabilities: Vec<String> =
        capabilities(security, host.capabilities)?.into_iter().map(|name| format!("CAP_{name}")).collect();
    let mut process = json!({
        "terminal": spec.tty,
        "user": { "uid": user.uid, "gid": user.gid, "additionalGids": user.groups },
        "args": args(spec, image)?,
        "env": env(spec, image),
        "cwd": cwd(spec, image),
        "capabilities": { "bounding": capabilities, "effective": capabilities, "permitted": capabilities },
        "noNewPrivileges": !security.allow_escalation && !security.privileged,
    });
    if let Some(score) = spec.resources.oom_score_adj {
        process["oomScoreAdj"] = json!(score.clamp(host.lowest_oom_score_adj, 1000));
    }
    if let (Some(profile), true) = (&security.apparmor, host.apparmor) {
        process["apparmorProfile"] = json!(profile);
    }
    Ok(process)
}

fn args(spec: &ContainerSpec, image: &ImageConfig) -> Result<Vec<String>, Error> {
    let (entry, rest) = match (spec.command.is_empty(), spec.args.is_empty()) {
        (false, _) => (&spec.command, &spec.args),
        (true, false) => (&image.entrypoint, &spec.args),
        (true, true) => (&image.entrypoint, &image.cmd),
    };
    let args: Vec<String> = entry.iter().chain(rest).cloned().collect();
    match args.is_empty() {
        false => Ok(args),
        true => Err(Error::Spec("no command specified".into())),
    }
}

/// The defaults, over them the image's, over them the container's.
fn env(spec: &ContainerSpec, image: &ImageConfig) -> Vec<String> {
    let mut env = vec![("PATH".to_owned(), PATH.to_owned())];
    if spec.tty {
        env.push(("TERM".into(), "xterm".into()));
    }
    if let Some(hostname) = &spec.hostname {
        env.push(("HOSTNAME".into(), hostname.clone()));
    }
    for variable in &image.env {
        let (name, value) = variable.split_once('=').unwrap_or((variable, ""));
        set(&mut env, name, value);
    }
    for (name, value) in &spec.env {
        set(&mut env, name, value);
    }
    env.into_iter().map(|(name, value)| format!("{name}={value}")).collect()
}

fn set(env: &mut Vec<(String, String)>, name: &str, value: &str) {
    match env.iter_mut().find(|(other, _)| other == name) {
        Some((_, old)) => value.clone_into(old),
        None => env.push((name.to_owned(), value.to_owned())),
    }
}

fn cwd<'a>(spec: &'a ContainerSpec, image: &'a ImageConfig) -> &'a str {
    match spec.working_dir.as_deref().unwrap_or(&image.working_dir) {
        "" => "/",
        directory => directory,
    }
}
