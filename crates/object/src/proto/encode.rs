//! From JSON to protobuf.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::duration;
use super::wire::{put_bytes, put_fixed32, put_fixed64, put_number};
use crate::{Field, Map, Pb, PbKind, Schema, Shape, TypeId, Types, Value, parse_time};

/// A tag, and the field that has it; none for the tag of an inlined message.
type Found<'v> = (u32, Option<(&'v Field, &'v Pb, &'v Value)>);

/// Writes one message: fields by tag, map entries by key. What protobuf cannot carry (fields without a tag,
/// values of another shape than the schema's) is left out.
pub fn encode_proto(schema: &Schema, value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    if let Value::Object(object) = value {
        Encoder { types: &schema.types }.level(schema.root, &mut Vec::new(), object, &mut out);
    }
    out
}

struct Encoder<'t> {
    types: &'t Types,
}

/// The field being written.
#[derive(Clone, Copy)]
struct At<'t> {
    owner: TypeId,
    pb: &'t Pb,
}

impl Encoder<'_> {
    /// Writes a message, or the part of it below the tags `outer` that JSON inlines.
    fn level(&self, id: TypeId, outer: &mut Vec<u32>, object: &Map, out: &mut Vec<u8>) {
        for (tag, field) in self.fields(id, outer, object) {
            match field {
                Some((field, pb, value)) => self.field(At { owner: id, pb }, field, value, out),
                None => {
                    let mut inner = Vec::new();
                    outer.push(tag);
                    self.level(id, outer, object, &mut inner);
                    outer.pop();
                    put_bytes(out, tag, &inner);
                }
            }
        }
    }

    /// What the object has at this level, by tag: fields, and tags of inlined messages (`None`).
    fn fields<'v>(&'v self, id: TypeId, outer: &[u32], object: &'v Map) -> Vec<Found<'v>> {
        let mut found: Vec<Found> = Vec::new();
        for field in &self.types.get(id).fields {
            let Some(pb) = &field.pb else { continue };
            let Some(inner) = pb.outer.strip_prefix(outer) else { continue };
            let Some(value) = object.get(&field.name).filter(|v| !v.is_null()) else { continue };
            match inner.first() {
                None => found.push((pb.tag, Some((field, pb, value)))),
                Some(&tag) if found.iter().all(|(t, _)| *t != tag) => found.push((tag, None)),
                Some(_) => {}
            }
        }
        found.sort_by_key(|(tag, _)| *tag);
        found
    }

    fn field(&self, at: At<'_>, field: &Field, value: &Value, out: &mut Vec<u8>) {
        match (&field.shape, value) {
            (Shape::List(item, _), Value::Array(list)) => {
                if at.pb.kind == PbKind::Message && pb_scalar(item) {
                    put_bytes(out, at.pb.tag, &self.wrapped_list(at, item, list));
                } else {
                    list.iter().for_each(|v| self.value(at, item, at.pb.tag, v, out));
                }
            }
            (Shape::Map(shape, _), Value::Object(map)) => {
                let mut entries: Vec<_> = map.iter().collect();
                entries.sort_by_key(|(key, _)| *key);
                for (key, value) in entries {
                    put_bytes(out, at.pb.tag, &self.entry(at, shape, key, value));
                }
            }
            (shape, value) => self.value(at, shape, at.pb.tag, value, out),
        }
    }

    /// A map's entry: {1 key, 2 value}.
    fn entry(&self, at: At<'_>, shape: &Shape, key: &str, value: &Value) -> Vec<u8> {
        let mut entry = Vec::new();
        put_bytes(&mut entry, 1, key.as_bytes());
        match (shape, value) {
            (Shape::List(item, _), Value::Array(list)) => {
                put_bytes(&mut entry, 2, &self.wrapped_list(at, item, list));
            }
            _ => self.value(at, shape, 2, value, &mut entry),
        }
        entry
    }

    /// A message whose field 1 is the list.
    fn wrapped_list(&self, at: At<'_>, item: &Shape, list: &[Value]) -> Vec<u8> {
        let mut inner = Vec::new();
        list.iter().for_each(|v| self.value(at, item, 1, v, &mut inner));
        inner
    }

    fn value(&self, at: At<'_>, shape: &Shape, tag: u32, value: &Value, out: &mut Vec<u8>) {
        match (shape, value) {
            (Shape::Bool, Value::Bool(value)) => put_number(out, tag, u64::from(*value)),
            (Shape::Int { .. }, Value::Number(_)) => {
                if let Some(number) = integer(value) {
                    put_number(out, tag, number);
                }
            }
            (Shape::Number, Value::Number(number)) => match (at.pb.kind, number.as_f64()) {
                (PbKind::Float, Some(value)) => put_fixed32(out, tag, (value as f32).to_bits()),
                (_, Some(value)) => put_fixed64(out, tag, value.to_bits()),
                _ => {}
            },
            (Shape::String, Value::String(text)) => put_bytes(out, tag, text.as_bytes()),
            (Shape::Bytes, Value::String(text)) => {
                if let Ok(bytes) = STANDARD.decode(text) {
                    put_bytes(out, tag, &bytes);
                }
            }
            _ => {
                if let Some(message) = self.message(at, shape, value) {
                    put_bytes(out, tag, &message);
                }
            }
        }
    }

    /// The message that stands for a value.
    fn message(&self, at: At<'_>, shape: &Shape, value: &Value) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        match (shape, value) {
            (Shape::Object(id), Value::Object(object)) => self.level(*id, &mut Vec::new(), object, &mut out),
            (Shape::Time, Value::String(text)) => time(text, false, &mut out)?,
            (Shape::MicroTime, Value::String(text)) => time(text, true, &mut out)?,
            (Shape::Duration, Value::String(text)) => put_number(&mut out, 1, duration::parse(text)? as u64),
            (Shape::Quantity, Value::String(text)) => put_bytes(&mut out, 1, text.as_bytes()),
            (Shape::Quantity, Value::Number(number)) => put_bytes(&mut out, 1, number.to_string().as_bytes()),
            (Shape::IntOrString, Value::String(text)) => int_or_string(1, 0, text, &mut out),
            (Shape::IntOrString, Value::Number(_)) => int_or_string(0, integer(value)?, "", &mut out),
            (Shape::Any, value) => self.any(at, value, &mut out),
            _ => return None,
        }
        Some(out)
    }

    fn any(&self, at: At<'_>, value: &Value, out: &mut Vec<u8>) {
        let schema = Shape::Object(at.owner);
        match (at.pb.kind, value) {
            (PbKind::SchemaOrBool, Value::Bool(allows)) => put_number(out, 1, u64::from(*allows)),
            (PbKind::SchemaOrBool, value) => {
                // its own decoder sets `allows` beside a schema
                put_number(out, 1, 1);
                self.value(at, &schema, 2, value, out);
            }
            (PbKind::SchemaOrArray, Value::Array(list)) => {
                list.iter().for_each(|v| self.value(at, &schema, 2, v, out));
            }
            (PbKind::SchemaOrStrings, Value::Array(list)) => {
                list.iter().for_each(|v| self.value(at, &Shape::String, 2, v, out));
            }
            (PbKind::SchemaOrArray | PbKind::SchemaOrStrings, value) => {
                self.value(at, &schema, 1, value, out)
            }
            _ => put_bytes(out, 1, value.to_string().as_bytes()),
        }
    }
}

/// Whether protobuf carries a value of this shape without a message around it.
fn pb_scalar(shape: &Shape) -> bool {
    matches!(shape, Shape::Bool | Shape::Int { .. } | Shape::Number | Shape::String | Shape::Bytes)
}

/// A whole number as protobuf's sign-extended 64 bits.
fn integer(value: &Value) -> Option<u64> {
    value.as_i64().map(|n| n as u64).or_else(|| value.as_u64())
}

/// {1 seconds, 2 nanoseconds}
fn time(text: &str, micros: bool, out: &mut Vec<u8>) -> Option<()> {
    let time = parse_time(text)?;
    let nanos = i64::from(time.subsec_nanosecond());
    let (seconds, nanos) =
        if nanos < 0 { (time.as_second() - 1, nanos + 1_000_000_000) } else { (time.as_second(), nanos) };
    put_number(out, 1, seconds as u64);
    put_number(out, 2, if micros { (nanos / 1000 * 1000) as u64 } else { 0 });
    Some(())
}

/// {1 type, 2 number, 3 text}
fn int_or_string(kind: u64, number: u64, text: &str, out: &mut Vec<u8>) {
    put_number(out, 1, kind);
    put_number(out, 2, number);
    put_bytes(out, 3, text.as_bytes());
}
