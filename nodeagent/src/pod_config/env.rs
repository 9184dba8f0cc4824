//! A container's environment.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::{Container, EnvFromSource, EnvVar, EnvVarSource, Pod};

use super::context::Context;
use super::downward::{container_field, env_field};
use super::error::ConfigError;
use super::expand::expand;
use super::service_env::service_env;
use super::spec_of;

/// A container's environment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment {
    /// Names and values; names are unique.
    pub variables: Vec<(String, String)>,
    /// What of `envFrom` was skipped because it cannot be a variable's name, in upstream's words for its Event
    /// `InvalidEnvironmentVariableNames`.
    pub skipped: Vec<String>,
}

impl Environment {
    /// The value of a variable.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// A later value takes the place of an earlier one.
    fn set(&mut self, name: String, value: String) {
        match self.variables.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) => *old = value,
            None => self.variables.push((name, value)),
        }
    }
}

/// The environment of a container: `envFrom`, then `env` (each may refer to those before it and to the
/// services' variables), then the services' variables where nothing else has their name.
pub fn environment(
    pod: &Pod,
    container: &Container,
    context: &Context<'_>,
) -> Result<Environment, ConfigError> {
    let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
    let links = spec_of(pod).enable_service_links.unwrap_or(true);
    let services = service_env(context.services, namespace, links);
    let mut environment = Environment::default();
    for from in container.env_from.iter().flatten() {
        add_all(&mut environment, from, namespace, context)?;
    }
    for variable in container.env.iter().flatten() {
        if let Some(value) = value(pod, container, variable, &environment, &services, context)? {
            environment.set(variable.name.clone(), value);
        }
    }
    for (name, value) in services {
        if environment.get(&name).is_none() {
            environment.variables.push((name, value));
        }
    }
    Ok(environment)
}

fn add_all(
    environment: &mut Environment,
    from: &EnvFromSource,
    namespace: &str,
    context: &Context<'_>,
) -> Result<(), ConfigError> {
    if let Some(source) = &from.config_map_ref {
        let found = found(context.fetched.config_map(&source.name), source.optional)?;
        let data = found.and_then(|map| map.data.as_ref()).into_iter().flatten();
        let pairs = data.map(|(key, value)| (key.clone(), value.clone()));
        add_pairs(environment, from, pairs, &format!("configMap {namespace}/{}", source.name));
    }
    if let Some(source) = &from.secret_ref {
        let found = found(context.fetched.secret(&source.name), source.optional)?;
        let data = found.and_then(|secret| secret.data.as_ref()).into_iter().flatten();
        let pairs = data.map(|(key, value)| (key.clone(), text(value)));
        add_pairs(environment, from, pairs, &format!("secret {namespace}/{}", source.name));
    }
    Ok(())
}

fn add_pairs(
    environment: &mut Environment,
    from: &EnvFromSource,
    pairs: impl Iterator<Item = (String, String)>,
    source: &str,
) {
    let prefix = from.prefix.as_deref().unwrap_or_default();
    let mut invalid = Vec::new();
    for (key, value) in pairs {
        let name = format!("{prefix}{key}");
        if is_variable_name(&name) { environment.set(name, value) } else { invalid.push(key) }
    }
    if !invalid.is_empty() {
        environment.skipped.push(format!(
            "Keys [{}] from the EnvFrom {source} were skipped since they are considered invalid environment \
             variable names.",
            invalid.join(", ")
        ));
    }
}

/// Printable ASCII but `=`: what upstream allows since variable names were relaxed.
fn is_variable_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| (0x20..0x7f).contains(&b) && b != b'=')
}

/// The value of one variable; none where it comes from something optional that is missing.
fn value(
    pod: &Pod,
    container: &Container,
    variable: &EnvVar,
    earlier: &Environment,
    services: &BTreeMap<String, String>,
    context: &Context<'_>,
) -> Result<Option<String>, ConfigError> {
    if let Some(value) = variable.value.as_deref().filter(|value| !value.is_empty()) {
        let known = |name: &str| earlier.get(name).or_else(|| services.get(name).map(String::as_str));
        return Ok(Some(expand(value, known)));
    }
    match &variable.value_from {
        None => Ok(Some(String::new())),
        Some(source) => value_from(pod, container, source, context),
    }
}

fn value_from(
    pod: &Pod,
    container: &Container,
    source: &EnvVarSource,
    context: &Context<'_>,
) -> Result<Option<String>, ConfigError> {
    let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
    if let Some(field) = &source.field_ref {
        return env_field(pod, &field.field_path, context).map(Some).map_err(ConfigError::config);
    }
    if let Some(field) = &source.resource_field_ref {
        let amount = container_field(pod, Some(container), field, context.node);
        return amount.map(Some).map_err(ConfigError::config);
    }
    if let Some(key) = &source.config_map_key_ref {
        let map = found(context.fetched.config_map(&key.name), key.optional)?;
        let value = map.and_then(|map| map.data.as_ref()?.get(&key.key).cloned());
        let missing = || format!("couldn't find key {} in ConfigMap {namespace}/{}", key.key, key.name);
        return present(value, key.optional, missing);
    }
    if let Some(key) = &source.secret_key_ref {
        let secret = found(context.fetched.secret(&key.name), key.optional)?;
        let value = secret.and_then(|secret| secret.data.as_ref()?.get(&key.key).map(text));
        let missing = || format!("couldn't find key {} in Secret {namespace}/{}", key.key, key.name);
        return present(value, key.optional, missing);
    }
    if source.file_key_ref.is_some() {
        return Err(ConfigError::config("environment variables from files (fileKeyRef) are not supported"));
    }
    Ok(Some(String::new()))
}

/// Something optional may be missing.
fn found<T>(found: Result<T, String>, optional: Option<bool>) -> Result<Option<T>, ConfigError> {
    match found {
        Ok(object) => Ok(Some(object)),
        Err(_) if optional == Some(true) => Ok(None),
        Err(missing) => Err(ConfigError::config(missing)),
    }
}

fn present(
    value: Option<String>,
    optional: Option<bool>,
    missing: impl FnOnce() -> String,
) -> Result<Option<String>, ConfigError> {
    match value {
        None if optional != Some(true) => Err(ConfigError::config(missing())),
        value => Ok(value),
    }
}

/// A secret's bytes as a variable's value; what is not UTF-8 is replaced.
fn text(bytes: &ByteString) -> String {
    String::from_utf8_lossy(&bytes.0).into_owned()
}

#[cfg(test)]
mod tests;
