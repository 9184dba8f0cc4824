//! Objects from files, directories and standard input: `-f`.

use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Args;
use object::{Value, parse_yaml_documents};

use crate::Error;
use crate::resource::{Resource, Resources, text};
use crate::session::Session;

/// Where objects are read from.
#[derive(Args, Clone, Debug, Default)]
pub struct Files {
    /// Files or directories that hold the objects; `-` is standard input.
    #[arg(short = 'f', long = "filename", value_delimiter = ',')]
    pub(crate) filename: Vec<String>,
    /// Read directories below the given ones too.
    #[arg(short = 'R', long)]
    pub(crate) recursive: bool,
}

/// An object as a file has it.
#[derive(Clone, Debug)]
pub(crate) struct Manifest {
    pub(crate) resource: Resource,
    pub(crate) namespace: String,
    pub(crate) object: Value,
    /// The file, or `STDIN`.
    pub(crate) source: String,
}

impl Manifest {
    pub(crate) fn name(&self) -> &str {
        text(&self.object["metadata"]["name"])
    }

    pub(crate) fn path(&self) -> String {
        self.resource.object(&self.namespace, self.name())
    }
}

/// Reads all objects and finds their resources and namespaces.
pub(crate) fn load(
    files: &Files,
    verb: &str,
    session: &Session,
    resources: &Resources,
) -> Result<Vec<Manifest>, Error> {
    let mut manifests = Vec::new();
    for (source, bytes) in read(files)? {
        let parsed = parse_yaml_documents(&bytes)
            .map_err(|e| Error::msg(format!("error parsing {source}: error converting YAML to JSON: {e}")))?;
        for object in parsed.into_iter().filter(|document| !document.is_null()).flat_map(flattened) {
            manifests.push(place(object, &source, session, resources)?);
        }
    }
    if manifests.is_empty() { Err(Error::msg(format!("no objects passed to {verb}"))) } else { Ok(manifests) }
}

/// The objects of a list document.
fn flattened(mut document: Value) -> Vec<Value> {
    let is_list = text(&document["kind"]).ends_with("List");
    match document.get_mut("items") {
        Some(Value::Array(items)) if is_list => {
            std::mem::take(items).into_iter().flat_map(flattened).collect()
        }
        _ => vec![document],
    }
}

fn place(
    mut object: Value,
    source: &str,
    session: &Session,
    resources: &Resources,
) -> Result<Manifest, Error> {
    let (version, kind) = (text(&object["apiVersion"]), text(&object["kind"]));
    let missing: Vec<_> = [(version, "apiVersion not set"), (kind, "kind not set")]
        .iter()
        .filter_map(|(value, message)| value.is_empty().then_some(*message))
        .collect();
    if !missing.is_empty() {
        let what =
            if missing.len() == 1 { missing[0].to_owned() } else { format!("[{}]", missing.join(", ")) };
        return Err(Error::msg(format!(
            "error validating {source:?}: error validating data: {what}; if you choose to ignore these errors, \
             turn validation off with --validate=false"
        )));
    }
    let own = text(&object["metadata"]["namespace"]).to_owned();
    let Some(resource) = resources.of_kind(version, kind) else {
        return Err(Error::msg(format!(
            "resource mapping not found for name: {:?} namespace: {own:?} from {source:?}: no matches for kind \
             {kind:?} in version {version:?}\nensure CRDs are installed first",
            text(&object["metadata"]["name"])
        )));
    };
    let resource = resource.clone();
    let namespace = namespace(&resource, own, session)?;
    if !namespace.is_empty() && object["metadata"].is_object() {
        object["metadata"]["namespace"] = namespace.clone().into();
    }
    Ok(Manifest { resource, namespace, object, source: source.to_owned() })
}

fn namespace(resource: &Resource, own: String, session: &Session) -> Result<String, Error> {
    if !resource.namespaced {
        return Ok(String::new());
    }
    match &session.explicit {
        _ if own.is_empty() => Ok(session.namespace.clone()),
        Some(given) if *given != own => Err(Error::msg(format!(
            "the namespace from the provided object {own:?} does not match the namespace {given:?}. You must pass \
             '--namespace={own}' to perform this operation."
        ))),
        _ => Ok(own),
    }
}

/// The files' names and contents.
fn read(files: &Files) -> Result<Vec<(String, Vec<u8>)>, Error> {
    let mut texts = Vec::new();
    for name in &files.filename {
        if name == "-" {
            let mut bytes = Vec::new();
            let read = std::io::stdin().read_to_end(&mut bytes);
            read.map_err(|source| Error::File { path: "STDIN".into(), source })?;
            texts.push(("STDIN".to_owned(), bytes));
            continue;
        }
        let path = Path::new(name);
        if !path.exists() {
            return Err(Error::msg(format!("the path {name:?} does not exist")));
        }
        let mut paths = Vec::new();
        if path.is_dir() {
            walk(path, files.recursive, &mut paths)?
        } else {
            paths.push(path.to_owned())
        }
        if paths.is_empty() {
            return Err(Error::msg(format!(
                "error reading [{name}]: recognized file extensions are [.json .yaml .yml]"
            )));
        }
        for path in paths {
            let bytes = std::fs::read(&path).map_err(|e| failure(&path, e))?;
            texts.push((path.display().to_string(), bytes));
        }
    }
    Ok(texts)
}

fn failure(path: &Path, source: std::io::Error) -> Error {
    Error::File { path: path.display().to_string(), source }
}

/// Files of a directory by name.
fn walk(dir: &Path, recursive: bool, found: &mut Vec<PathBuf>) -> Result<(), Error> {
    let entries = std::fs::read_dir(dir).and_then(|entries| entries.map(|e| e.map(|e| e.path())).collect());
    let mut entries: Vec<PathBuf> = entries.map_err(|e| failure(dir, e))?;
    entries.sort();
    for path in entries {
        if path.is_dir() {
            if recursive {
                walk(&path, true, found)?;
            }
        } else if path.extension().is_some_and(|ext| ext == "json" || ext == "yaml" || ext == "yml") {
            found.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lists_are_their_items() {
        let pod = |name: &str| json!({"kind": "Pod", "metadata": {"name": name}});
        let list = json!({"kind": "List", "items": [pod("a"), {"kind": "PodList", "items": [pod("b")]}]});
        assert_eq!(flattened(list), [pod("a"), pod("b")]);
        assert_eq!(flattened(pod("c")), [pod("c")]);
    }
}
