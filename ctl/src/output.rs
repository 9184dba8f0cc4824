//! How objects are written: `-o`.

use object::{Value, to_yaml};

use crate::Error;
use crate::jsonpath::{JsonPath, shown};
use crate::resource::text;

/// A format that `-o` names.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Format {
    Table { wide: bool },
    Json,
    Yaml,
    Name,
    JsonPath(JsonPath),
    CustomColumns(Vec<(String, JsonPath)>),
}

impl Format {
    /// Reads the flag's value; none is the table.
    pub(crate) fn parse(flag: Option<&str>) -> Result<Self, Error> {
        let Some(flag) = flag.filter(|flag| !flag.is_empty()) else { return Ok(Self::Table { wide: false }) };
        let (name, rest) = flag.split_once('=').map_or((flag, None), |(name, rest)| (name, Some(rest)));
        let file = |path: &str| {
            std::fs::read_to_string(path).map_err(|source| Error::File { path: path.to_owned(), source })
        };
        match (name, rest) {
            ("wide", None) => Ok(Self::Table { wide: true }),
            ("json", None) => Ok(Self::Json),
            ("yaml", None) => Ok(Self::Yaml),
            ("name", None) => Ok(Self::Name),
            ("jsonpath", Some(template)) => Ok(Self::JsonPath(JsonPath::parse(template)?)),
            ("jsonpath-file", Some(path)) => Ok(Self::JsonPath(JsonPath::parse(&file(path)?)?)),
            ("custom-columns", Some(spec)) => custom(spec).map(Self::CustomColumns),
            ("jsonpath", None) => Err(Error::msg("template format specified but no template given")),
            ("custom-columns", None) => {
                Err(Error::msg("custom-columns format specified but no custom columns given"))
            }
            _ => Err(Error::msg(format!(
                "unable to match a printer suitable for the output format {name:?}, allowed formats are: \
                 custom-columns,json,jsonpath,jsonpath-file,name,wide,yaml"
            ))),
        }
    }

    pub(crate) fn is_table(&self) -> bool {
        matches!(self, Self::Table { .. })
    }
}

fn custom(spec: &str) -> Result<Vec<(String, JsonPath)>, Error> {
    let column = |column: &str| {
        let (name, path) = column.split_once(':').ok_or_else(|| {
            Error::msg(format!(
                "unexpected custom-columns spec: {column}, expected <header>:<json-path-expr>"
            ))
        })?;
        Ok((name.to_owned(), JsonPath::parse_expression(path)?))
    };
    spec.split(',').map(column).collect()
}

/// Rows of custom columns, `<none>` where there is no value.
pub(crate) fn custom_rows(
    columns: &[(String, JsonPath)],
    objects: &[&Value],
    headers: bool,
) -> Vec<Vec<String>> {
    let head = columns.iter().map(|(name, _)| name.clone()).collect();
    let row = |object: &&Value| {
        let cell = |(_, path): &(String, JsonPath)| {
            let values: Vec<_> = path.values(object).into_iter().map(shown).collect();
            if values.is_empty() { "<none>".to_owned() } else { values.join(",") }
        };
        columns.iter().map(cell).collect()
    };
    headers.then_some(head).into_iter().chain(objects.iter().map(row)).collect()
}

/// One document in a format that is no table: complete with its line end where the format has one.
pub(crate) fn document(format: &Format, value: &Value) -> String {
    match format {
        Format::Json => format!("{}\n", json(value)),
        Format::Yaml => to_yaml(value),
        Format::Name => format!("{}\n", reference(value)),
        Format::JsonPath(path) => path.render(value),
        Format::CustomColumns(columns) => {
            crate::columns::Columns::default().print(&custom_rows(columns, &[value], true))
        }
        Format::Table { .. } => String::new(),
    }
}

/// `pod/a` or `deployment.apps/web`.
pub(crate) fn reference(object: &Value) -> String {
    let kind = text(&object["kind"]).to_lowercase();
    let name = text(&object["metadata"]["name"]);
    match text(&object["apiVersion"]).split_once('/') {
        Some((group, _)) => format!("{kind}.{group}/{name}"),
        None => format!("{kind}/{name}"),
    }
}

/// A document without what managers of fields noted.
pub(crate) fn without_managed_fields(value: &mut Value) {
    if let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
    }
    for item in value.get_mut("items").and_then(Value::as_array_mut).into_iter().flatten() {
        without_managed_fields(item);
    }
}

/// Indented JSON, with the characters escaped that kubectl escapes.
fn json(value: &Value) -> String {
    let mut out = Vec::new();
    let style = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    let mut writer = serde_json::Serializer::with_formatter(&mut out, style);
    let written = serde::Serialize::serialize(value, &mut writer);
    let text = String::from_utf8(out).unwrap_or_default();
    if written.is_ok() { html_escaped(&text) } else { String::new() }
}

/// JSON text with what HTML would read escaped; such characters only occur inside of texts.
pub(crate) fn html_escaped(json: &str) -> String {
    json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

/// What a verb says it did to an object, or the object itself where `-o` asks for it.
pub(crate) fn report(output: Option<&str>, object: &Value, did: &str) -> Result<String, Error> {
    let format = Format::parse(output)?;
    if format.is_table() {
        return Ok(format!("{} {did}\n", reference(object)));
    }
    let mut object = object.clone();
    without_managed_fields(&mut object);
    Ok(document(&format, &object))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn formats() {
        let object = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a<b", "managedFields": []}});
        for (flag, expect) in [
            ("name", "deployment.apps/a<b\n"),
            ("yaml", "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: a<b\n"),
            ("jsonpath={.kind}", "Deployment"),
            (
                "custom-columns=K:.kind,N:metadata.name,X:.x",
                "K            N     X\nDeployment   a<b   <none>\n",
            ),
            (
                "json",
                "{\n    \"apiVersion\": \"apps/v1\",\n    \"kind\": \"Deployment\",\n    \"metadata\": {\n        \
                 \"name\": \"a\\u003cb\"\n    }\n}\n",
            ),
            ("", "deployment.apps/a<b done\n"),
        ] {
            assert_eq!(report(Some(flag), &object, "done").unwrap(), expect, "{flag}");
        }
        for flag in ["xml", "jsonpath", "json=x", "custom-columns=a"] {
            assert!(Format::parse(Some(flag)).is_err(), "{flag}");
        }
    }
}
