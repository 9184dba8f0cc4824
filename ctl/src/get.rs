//! `get`.

use clap::Args;
use futures::TryStreamExt;
use http::Method;
use object::Value;
use serde_json::json;

use crate::Error;
use crate::columns::Columns;
use crate::jsonpath::JsonPath;
use crate::manifest::{self, Files};
use crate::output::{Format, custom_rows, document, without_managed_fields};
use crate::resource::{Resource, Resources, Target, items, targets, text};
use crate::session::{Ask, Session};
use crate::table::{self, Style};
use crate::verb::emit;

const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";

/// Display one or many resources.
#[derive(Args, Clone, Debug)]
pub struct Get {
    /// `TYPE[,TYPE] [NAME…]` or `TYPE/NAME…`.
    targets: Vec<String>,
    #[command(flatten)]
    files: Files,
    /// Output format: json, yaml, name, wide, jsonpath=…, jsonpath-file=…, custom-columns=….
    #[arg(short = 'o', long)]
    output: Option<String>,
    /// After listing, watch for changes.
    #[arg(short = 'w', long)]
    watch: bool,
    /// Watch for changes without listing first.
    #[arg(long)]
    watch_only: bool,
    /// The objects of all namespaces.
    #[arg(short = 'A', long)]
    all_namespaces: bool,
    /// Only objects with such labels.
    #[arg(short = 'l', long)]
    selector: Option<String>,
    /// Only objects with such fields.
    #[arg(long)]
    field_selector: Option<String>,
    /// No line of titles.
    #[arg(long)]
    no_headers: bool,
    /// Sort by the field that this expression finds.
    #[arg(long)]
    sort_by: Option<String>,
    /// Show all labels in a last column.
    #[arg(long)]
    show_labels: bool,
    /// Labels that get a column each.
    #[arg(short = 'L', long, value_delimiter = ',')]
    label_columns: Vec<String>,
    /// Put the kind before the name.
    #[arg(long)]
    show_kind: bool,
    /// Keep managedFields in JSON and YAML.
    #[arg(long)]
    show_managed_fields: bool,
    /// Nothing found is no error.
    #[arg(long)]
    ignore_not_found: bool,
    /// Print the server's answer to this path.
    #[arg(long)]
    raw: Option<String>,
}

/// One request: a collection or an object.
struct Part {
    resource: Resource,
    namespace: String,
    name: Option<String>,
}

impl Part {
    fn path(&self) -> String {
        match &self.name {
            Some(name) => self.resource.object(&self.namespace, name),
            None => self.resource.collection(&self.namespace),
        }
    }
}

impl Get {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Error> {
        if let Some(path) = &self.raw {
            let bytes = session.bytes(Method::GET, path, Ask::default()).await?;
            return emit(&String::from_utf8_lossy(&bytes));
        }
        let format = Format::parse(self.output.as_deref())?;
        let resources = Resources::discover(session).await?;
        let parts = self.parts(session, &resources)?;
        if parts.iter().any(|part| part.name.is_some())
            && (self.selector.is_some() || self.field_selector.is_some())
        {
            return Err(Error::msg("name cannot be provided when a selector is specified"));
        }
        match &format {
            _ if self.watch || self.watch_only => self.follow(session, &parts, &format).await,
            Format::Table { wide } => self.tables(session, &parts, *wide).await,
            format => self.documents(session, &parts, format).await,
        }
    }

    fn parts(&self, session: &Session, resources: &Resources) -> Result<Vec<Part>, Error> {
        if !self.files.filename.is_empty() {
            let manifests = manifest::load(&self.files, "get", session, resources)?;
            let part = |m: manifest::Manifest| Part {
                name: Some(m.name().to_owned()),
                resource: m.resource,
                namespace: m.namespace,
            };
            return Ok(manifests.into_iter().map(part).collect());
        }
        let found = targets(&self.targets, resources)?;
        if self.all_namespaces && found.iter().any(|target| target.name.is_some()) {
            return Err(Error::msg("a resource cannot be retrieved by name across all namespaces"));
        }
        let part = |Target { resource, name }: Target| {
            let namespace = if self.all_namespaces { "" } else { session.namespace_of(&resource) };
            Part { namespace: namespace.to_owned(), resource, name }
        };
        Ok(found.into_iter().map(part).collect())
    }

    fn query(&self) -> Vec<(&str, &str)> {
        vec![
            ("labelSelector", self.selector.as_deref().unwrap_or_default()),
            ("fieldSelector", self.field_selector.as_deref().unwrap_or_default()),
        ]
    }

    async fn fetch(
        &self,
        session: &Session,
        part: &Part,
        accept: Option<&'static str>,
    ) -> Result<Value, Error> {
        let mut query = self.query();
        if accept.is_some() && self.sort_by.is_some() {
            query.push(("includeObject", "Object"));
        }
        match part.name {
            None => session.list(&part.path(), &query, accept).await,
            Some(_) => session.json(Method::GET, &part.path(), Ask { accept, ..Ask::default() }).await,
        }
    }

    fn style(&self, resource: &Resource, many: bool, wide: bool) -> Style {
        Style {
            wide,
            namespace: self.all_namespaces && resource.namespaced,
            labels: self.show_labels,
            label_columns: self.label_columns.clone(),
            prefix: if many || self.show_kind { format!("{}/", resource.title()) } else { String::new() },
        }
    }

    async fn tables(&self, session: &Session, parts: &[Part], wide: bool) -> Result<(), Error> {
        let many = parts.iter().any(|part| part.resource != parts[0].resource);
        let sort = self.sort_by.as_deref().map(JsonPath::parse_expression).transpose()?;
        let mut errors = Vec::new();
        let mut printed = false;
        for group in parts.chunk_by(|a, b| a.resource == b.resource) {
            let mut rows = Vec::new();
            let style = self.style(&group[0].resource, many, wide);
            for part in group {
                let mut table = match self.fetch(session, part, Some(TABLE)).await {
                    Ok(table) => table,
                    Err(e) if self.ignore_not_found && e.is_not_found() => continue,
                    Err(e) => {
                        errors.push(e);
                        continue;
                    }
                };
                if let (Some(path), Some(list)) = (&sort, table.get_mut("rows").and_then(Value::as_array_mut))
                {
                    table::sort(list, |row| &row["object"], path);
                }
                let more = table::rows(&table, &style);
                if rows.is_empty() && !more.is_empty() && !self.no_headers {
                    rows.push(table::titles(&table, &style));
                }
                rows.extend(more);
            }
            if !rows.is_empty() {
                let gap = if printed && !self.no_headers { "\n" } else { "" };
                emit(&format!("{gap}{}", Columns::default().print(&rows)))?;
                printed = true;
            }
        }
        if !printed && errors.is_empty() && !self.ignore_not_found {
            eprintln!("{}", self.nothing(parts));
        }
        Error::all(errors)
    }

    fn nothing(&self, parts: &[Part]) -> String {
        match parts.iter().find(|part| part.resource.namespaced && !part.namespace.is_empty()) {
            Some(part) => format!("No resources found in {} namespace.", part.namespace),
            None => "No resources found".to_owned(),
        }
    }

    async fn documents(&self, session: &Session, parts: &[Part], format: &Format) -> Result<(), Error> {
        let mut objects = Vec::new();
        let mut errors = Vec::new();
        for part in parts {
            match self.fetch(session, part, None).await {
                Ok(mut list) if part.name.is_none() => {
                    let listed = list.get_mut("items").and_then(Value::as_array_mut).map(std::mem::take);
                    objects.extend(
                        listed.unwrap_or_default().into_iter().map(|item| typed(item, &part.resource)),
                    );
                }
                Ok(object) => objects.push(object),
                Err(e) if self.ignore_not_found && e.is_not_found() => {}
                Err(e) => errors.push(e),
            }
        }
        if !self.show_managed_fields {
            objects.iter_mut().for_each(without_managed_fields);
        }
        if let Some(path) = &self.sort_by {
            table::sort(&mut objects, |object| object, &JsonPath::parse_expression(path)?);
        }
        let single = matches!(parts, [Part { name: Some(_), .. }]);
        if !(objects.is_empty() && single) {
            emit(&self.written(format, objects, single))?;
        }
        Error::all(errors)
    }

    fn written(&self, format: &Format, mut objects: Vec<Value>, single: bool) -> String {
        match format {
            Format::Name => objects.iter().map(|object| document(format, object)).collect(),
            Format::CustomColumns(columns) => {
                let objects: Vec<&Value> = objects.iter().collect();
                Columns::default().print(&custom_rows(columns, &objects, !self.no_headers))
            }
            _ => match objects.pop() {
                Some(object) if single => document(format, &object),
                last => {
                    objects.extend(last);
                    let list = json!({"apiVersion": "v1", "kind": "List", "items": objects,
                        "metadata": {"resourceVersion": ""}});
                    document(format, &list)
                }
            },
        }
    }

    /// Lists and then prints every change, until the server ends the watch.
    async fn follow(&self, session: &Session, parts: &[Part], format: &Format) -> Result<(), Error> {
        let [part] = parts else {
            return Err(Error::msg("you may only specify a single resource type"));
        };
        let by_name = part.name.as_ref().map(|name| format!("metadata.name={name}"));
        let mut query = self.query();
        if let Some(by_name) = &by_name {
            query[1].1 = by_name;
        }
        let wide = *format == Format::Table { wide: true };
        let accept = format.is_table().then_some(TABLE);
        let mut printer = Follow {
            get: self,
            format,
            style: self.style(&part.resource, false, wide),
            columns: Columns::default(),
            definitions: Value::Null,
            begun: false,
        };
        if part.name.is_some() {
            self.fetch(session, part, None).await?;
        }
        let path = part.resource.collection(&part.namespace);
        let mut list = session.list(&path, &query, accept).await?;
        let revision = text(&list["metadata"]["resourceVersion"]).to_owned();
        if !self.watch_only {
            match list.get_mut("items").and_then(Value::as_array_mut).map(std::mem::take) {
                None => printer.table(&list)?,
                Some(objects) => {
                    for object in objects {
                        printer.object(typed(object, &part.resource))?;
                    }
                }
            }
        }
        query.push(("resourceVersion", &revision));
        let mut frames = session.watch(&path, &query, accept).await?;
        while let Some(mut frame) = frames.try_next().await? {
            let object = frame["object"].take();
            match text(&frame["type"]) {
                "BOOKMARK" => {}
                "ERROR" => return Err(Error::msg(text(&object["message"]))),
                _ if format.is_table() => printer.table(&object)?,
                _ => printer.object(object)?,
            }
        }
        Ok(())
    }
}

/// What a watch printed so far decides how it goes on.
struct Follow<'a> {
    get: &'a Get,
    format: &'a Format,
    style: Style,
    columns: Columns,
    definitions: Value,
    begun: bool,
}

impl Follow<'_> {
    fn table(&mut self, table: &Value) -> Result<(), Error> {
        let mut table = table.clone();
        // Only the first table of a watch must define its columns.
        if items(&table["columnDefinitions"]).is_empty() {
            table["columnDefinitions"] = self.definitions.clone();
        } else {
            self.definitions = table["columnDefinitions"].clone();
        }
        let rows = table::rows(&table, &self.style);
        if rows.is_empty() {
            return Ok(());
        }
        let titles = (!self.begun && !self.get.no_headers).then(|| table::titles(&table, &self.style));
        self.begun = true;
        let lines: Vec<_> = titles.into_iter().chain(rows).collect();
        emit(&self.columns.print(&lines))
    }

    fn object(&mut self, mut object: Value) -> Result<(), Error> {
        if !self.get.show_managed_fields {
            without_managed_fields(&mut object);
        }
        let text = match self.format {
            Format::CustomColumns(columns) => {
                let headers = !self.begun && !self.get.no_headers;
                self.columns.print(&custom_rows(columns, &[&object], headers))
            }
            Format::Yaml if self.begun => format!("---\n{}", document(self.format, &object)),
            format => document(format, &object),
        };
        self.begun = true;
        emit(&text)
    }
}

/// An item of a list with the type that only the list states.
fn typed(mut item: Value, resource: &Resource) -> Value {
    if let Some(map) = item.as_object_mut() {
        map.entry("apiVersion").or_insert_with(|| resource.api_version().into());
        map.entry("kind").or_insert_with(|| resource.kind.clone().into());
    }
    item
}
