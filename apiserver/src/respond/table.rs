//! Objects as rows of a Table, and their metadata alone.

use object::{Excerpt, Value};
use serde::Serialize;
use serde_json::json;

use super::Encoder;

impl Encoder {
    /// A Table of these objects; watches send the column definitions only once.
    pub(super) fn write_table(&self, objects: &[Value], meta: &Value, with_columns: bool, out: &mut Vec<u8>) {
        out.extend_from_slice(self.table_head(meta, with_columns).as_bytes());
        for (index, object) in objects.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            self.write_row(object, out);
        }
        out.extend_from_slice(b"]}\n");
    }

    /// What stands before the rows.
    pub(super) fn table_head(&self, meta: &Value, with_columns: bool) -> String {
        let columns = if with_columns { kinds::table_columns(&self.kind) } else { Vec::new() };
        let columns = json!(columns);
        format!(
            r#"{{"kind":"Table","apiVersion":"meta.k8s.io/v1","metadata":{meta},"columnDefinitions":{columns},"rows":["#
        )
    }

    /// What [`Encoder::write_row`] needs of an object.
    pub(super) fn row_excerpt(&self) -> Excerpt {
        match self.include_object.as_str() {
            "Object" => Excerpt::default(),
            _ => kinds::table_excerpt(&self.kind),
        }
    }

    /// One row, with as much of the object as the client asked to include.
    pub(super) fn write_row(&self, object: &Value, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"cells\":");
        write_json(&kinds::table_row(&self.kind, object, self.now), out);
        match self.include_object.as_str() {
            "None" => {}
            "Object" => {
                out.extend_from_slice(b",\"object\":");
                write_json(&self.shown(object.clone()), out);
            }
            _ => {
                out.extend_from_slice(b",\"object\":");
                write_metadata(object, out);
            }
        }
        out.push(b'}');
    }
}

/// The object's metadata as a document of its own.
pub(super) fn write_metadata(object: &Value, out: &mut Vec<u8>) {
    out.extend_from_slice(br#"{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":"#);
    write_json(&object["metadata"], out);
    out.push(b'}');
}

/// Writing to memory does not fail.
pub(super) fn write_json(value: &impl Serialize, out: &mut Vec<u8>) {
    let written = serde_json::to_writer(&mut *out, value);
    debug_assert!(written.is_ok(), "{written:?}");
}
