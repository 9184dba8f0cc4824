//! Objects as rows of a Table, and their metadata alone.

use object::{Excerpt, FieldError, Map, Path, Status, Value};
use serde_json::json;

use super::Encoder;
use super::list::List;
use crate::accept::{Meta, Shape};

impl Encoder {
    /// The version of the documents that stand for others.
    fn meta(&self) -> Meta {
        match self.form.shape {
            Shape::Table(meta) | Shape::Metadata(meta) | Shape::MetadataList(meta) => meta,
            Shape::Whole | Shape::Discovery => Meta::V1,
        }
    }

    /// A Table without rows; watches send the column definitions only once.
    pub(super) fn table(&self, meta: Value, with_columns: bool) -> List {
        let columns = if with_columns { kinds::table_columns(&self.kind) } else { Vec::new() };
        let mut table = List::new("Table", self.meta().api_version(), meta, "rows");
        table.set("columnDefinitions", columns.into());
        table
    }

    /// What [`Encoder::row`] needs of an object.
    pub(super) fn row_excerpt(&self) -> Excerpt {
        match self.include_object.as_str() {
            "Object" => Excerpt::default(),
            _ => kinds::table_excerpt(&self.kind),
        }
    }

    /// One row, with as much of the object as the client asked to include.
    pub(super) fn row(&self, object: Value) -> Value {
        let mut row = Map::new();
        row.insert("cells".to_owned(), kinds::table_row(&self.kind, &object, self.now).into());
        let object = match self.include_object.as_str() {
            "None" => return row.into(),
            "Object" => self.shown(object),
            _ => self.metadata(object),
        };
        row.insert("object".to_owned(), object);
        row.into()
    }

    /// The object's metadata as a document of its own.
    pub(super) fn metadata(&self, mut object: Value) -> Value {
        let mut document = json!({"kind": "PartialObjectMetadata", "apiVersion": self.meta().api_version()});
        // moved, where the macro would copy
        document["metadata"] = object["metadata"].take();
        document
    }
}

/// Refuses an `includeObject` that is none of those that there are.
pub(super) fn check_included(text: &str) -> Result<(), Status> {
    if matches!(text, "" | "None" | "Metadata" | "Object") {
        return Ok(());
    }
    let why = "must be 'Metadata', 'Object', 'None', or empty";
    let error = FieldError::invalid(&Path::new("includeObject"), text, why);
    Err(Status::bad_request(format!("Unable to convert to Table as requested: {error}")))
}
