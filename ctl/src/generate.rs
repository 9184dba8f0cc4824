//! Objects made of flags: `create deployment` and its like.

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::{Args, Subcommand};
use object::{Map, Value};
use serde_json::json;

use crate::Error;
use crate::resource::Resource;

/// An object to create.
pub(crate) struct Generated {
    pub(crate) resource: Resource,
    /// What is sent.
    pub(crate) object: Value,
    /// What a dry run prints: the object as a typed client writes it, with the fields that it never leaves out.
    pub(crate) printed: Value,
}

fn resource(group: &str, kind: &str, plural: &str, namespaced: bool) -> Resource {
    Resource {
        group: group.into(),
        version: "v1".into(),
        kind: kind.into(),
        plural: plural.into(),
        namespaced,
        ..Resource::default()
    }
}

/// Create a deployment.
#[derive(Args, Clone, Debug)]
pub struct Deployment {
    /// Its name.
    name: String,
    /// Image name to run; may be given several times.
    #[arg(long, required = true, value_delimiter = ',')]
    image: Vec<String>,
    /// Number of replicas to create.
    #[arg(short = 'r', long, default_value_t = 1, allow_negative_numbers = true)]
    replicas: i32,
    /// The container port that this deployment exposes.
    #[arg(long)]
    port: Option<i32>,
    /// The command that the container runs.
    #[arg(last = true)]
    command: Vec<String>,
}

impl Deployment {
    pub(crate) fn generate(self) -> Result<Generated, Error> {
        if self.image.len() > 1 && !self.command.is_empty() {
            return Err(Error::msg("cannot specify multiple --image options and command"));
        }
        let containers: Vec<_> = self.image.iter().map(|image| self.container(image)).collect();
        let labels = json!({"app": self.name});
        let object = json!({
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": self.name, "labels": labels},
            "spec": {
                "replicas": self.replicas,
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": {"containers": containers}},
            },
        });
        let mut printed = object.clone();
        printed["metadata"]["creationTimestamp"] = Value::Null;
        printed["spec"]["template"]["metadata"]["creationTimestamp"] = Value::Null;
        printed["spec"]["strategy"] = json!({});
        printed["status"] = json!({});
        for container in
            printed["spec"]["template"]["spec"]["containers"].as_array_mut().into_iter().flatten()
        {
            container["resources"] = json!({});
        }
        Ok(Generated { resource: resource("apps", "Deployment", "deployments", true), object, printed })
    }

    fn container(&self, image: &str) -> Value {
        let mut container = json!({"name": container_name(image), "image": image});
        if !self.command.is_empty() {
            container["command"] = self.command.clone().into();
        }
        if let Some(port) = self.port {
            container["ports"] = json!([{"containerPort": port}]);
        }
        container
    }
}

/// An image's last part without tag and digest, as a name may be.
fn container_name(image: &str) -> String {
    let last = image.rsplit('/').next().unwrap_or(image);
    let name = last.split(['@', ':']).next().unwrap_or(last);
    name.to_lowercase().replace(['_', '.'], "-")
}

/// Create a config map.
#[derive(Args, Clone, Debug)]
pub struct ConfigMap {
    /// Its name.
    name: String,
    /// A key and its value: `key=value`.
    #[arg(long)]
    from_literal: Vec<String>,
    /// A file, a directory of files, or `key=file`.
    #[arg(long)]
    from_file: Vec<String>,
}

impl ConfigMap {
    pub(crate) fn generate(self) -> Result<Generated, Error> {
        let mut object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": self.name}});
        let (mut data, mut binary) = (Map::new(), Map::new());
        for (key, path) in self.files()? {
            let read = std::fs::read(&path);
            let bytes = read.map_err(|source| Error::File { path: path.display().to_string(), source })?;
            match String::from_utf8(bytes) {
                Ok(text) => once(&mut data, key, text)?,
                Err(e) => once(&mut binary, key, STANDARD.encode(e.as_bytes()))?,
            }
        }
        for literal in &self.from_literal {
            let Some((key, value)) = literal.split_once('=').filter(|(key, _)| !key.is_empty()) else {
                return Err(Error::msg(format!("invalid literal source {literal}, expected key=value")));
            };
            once(&mut data, key.to_owned(), value.to_owned())?;
        }
        if !data.is_empty() {
            object["data"] = data.into();
        }
        if !binary.is_empty() {
            object["binaryData"] = binary.into();
        }
        let mut printed = object.clone();
        printed["metadata"]["creationTimestamp"] = Value::Null;
        Ok(Generated { resource: resource("", "ConfigMap", "configmaps", true), object, printed })
    }

    fn files(&self) -> Result<Vec<(String, PathBuf)>, Error> {
        let mut found = Vec::new();
        for source in &self.from_file {
            if let Some((key, path)) = source.split_once('=') {
                found.push((key.to_owned(), PathBuf::from(path)));
                continue;
            }
            let path = Path::new(source);
            let failed = |e| Error::File { path: source.clone(), source: e };
            if path.is_dir() {
                let mut entries = Vec::new();
                for entry in std::fs::read_dir(path).map_err(failed)? {
                    entries.push(entry.map_err(failed)?.path());
                }
                entries.sort();
                found.extend(entries.into_iter().filter(|p| p.is_file()).map(|p| (file_name(&p), p)));
            } else {
                found.push((file_name(path), path.to_owned()));
            }
        }
        Ok(found)
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn once(map: &mut Map, key: String, value: String) -> Result<(), Error> {
    match map.insert(key.clone(), value.into()) {
        None => Ok(()),
        Some(_) => Err(Error::msg(format!(
            "cannot add key {key:?}, another key by that name already exists in Data"
        ))),
    }
}

/// Create a namespace.
#[derive(Args, Clone, Debug)]
pub struct Namespace {
    /// Its name.
    name: String,
}

impl Namespace {
    pub(crate) fn generate(self) -> Result<Generated, Error> {
        let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.name}});
        let mut printed = object.clone();
        printed["metadata"]["creationTimestamp"] = Value::Null;
        printed["spec"] = json!({});
        printed["status"] = json!({});
        Ok(Generated { resource: resource("", "Namespace", "namespaces", false), object, printed })
    }
}

/// Create a service.
#[derive(Clone, Debug, Subcommand)]
pub enum Service {
    /// Create a ClusterIP service.
    #[command(name = "clusterip")]
    ClusterIp(ClusterIp),
}

/// Create a ClusterIP service.
#[derive(Args, Clone, Debug)]
pub struct ClusterIp {
    /// Its name.
    name: String,
    /// Port pairs: `port:targetPort` or `port`.
    #[arg(long, value_delimiter = ',')]
    tcp: Vec<String>,
    /// The cluster IP; `None` for a headless service.
    #[arg(long)]
    clusterip: Option<String>,
}

impl Service {
    pub(crate) fn generate(self) -> Result<Generated, Error> {
        let Self::ClusterIp(args) = self;
        let headless = args.clusterip.as_deref() == Some("None");
        if args.tcp.is_empty() && !headless {
            return Err(Error::msg("at least one tcp port specifier must be provided"));
        }
        let ports = args.tcp.iter().map(|tcp| port(tcp)).collect::<Result<Vec<_>, _>>()?;
        let labels = json!({"app": args.name});
        let mut spec = json!({"type": "ClusterIP", "selector": labels});
        if !ports.is_empty() {
            spec["ports"] = ports.into();
        }
        if let Some(ip) = args.clusterip {
            spec["clusterIP"] = ip.into();
        }
        let object = json!({
            "apiVersion": "v1", "kind": "Service",
            "metadata": {"name": args.name, "labels": labels}, "spec": spec,
        });
        let mut printed = object.clone();
        printed["metadata"]["creationTimestamp"] = Value::Null;
        printed["status"] = json!({"loadBalancer": {}});
        Ok(Generated { resource: resource("", "Service", "services", true), object, printed })
    }
}

fn port(text: &str) -> Result<Value, Error> {
    let (port, target) = text.split_once(':').unwrap_or((text, text));
    let number = port.parse::<u16>().ok().filter(|port| *port > 0);
    let number = number.ok_or_else(|| Error::msg(format!("invalid port {text}")))?;
    let target = target.parse::<u16>().map_or_else(|_| Value::from(target), Value::from);
    let name = text.replace(':', "-");
    Ok(json!({"name": name, "port": number, "protocol": "TCP", "targetPort": target}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn container_names() {
        for (image, expect) in
            [("nginx", "nginx"), ("r.io:5000/a/My_app.x:1.2", "my-app-x"), ("a/b@sha256:00", "b")]
        {
            assert_eq!(container_name(image), expect);
        }
    }

    #[test]
    fn ports() {
        let expect = json!({"name": "80-8080", "port": 80, "protocol": "TCP", "targetPort": 8080});
        assert_eq!(port("80:8080").unwrap(), expect);
        assert_eq!(port("80:http").unwrap()["targetPort"], json!("http"));
        assert!(port("x").is_err() && port("0").is_err());
    }

    #[test]
    fn config_maps_of_literals() {
        let args = |literals: &[&str]| ConfigMap {
            name: "c".into(),
            from_literal: literals.iter().map(|l| (*l).to_owned()).collect(),
            from_file: Vec::new(),
        };
        assert_eq!(args(&["a=b=c"]).generate().unwrap().object["data"], json!({"a": "b=c"}));
        assert!(args(&["a"]).generate().is_err() && args(&["a=1", "a=2"]).generate().is_err());
    }
}
