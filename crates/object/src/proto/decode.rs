//! From protobuf to JSON.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::envelope::utf8;
use super::wire::{Reader, Wire};
use super::{MAX_BYTES, MAX_DEPTH, ProtoError, duration};
use crate::json::{nesting, parts};
use crate::{
    Field, Map, Pb, PbKind, Schema, Shape, Time, TypeId, Types, Value, format_micro_time, format_time,
};

/// Reads one message. Unknown tags are skipped; `apiVersion` and `kind` stand in the envelope, not here.
///
/// # Errors
/// See [`ProtoError`]; the document is bounded as one from JSON is ([`crate::MAX_DEPTH`], [`crate::MAX_PARTS`]).
pub fn decode_proto(schema: &Schema, bytes: &[u8]) -> Result<Value, ProtoError> {
    if bytes.len() > MAX_BYTES {
        return Err(ProtoError::TooLong);
    }
    let value = Decoder { types: &schema.types }.object(schema.root, bytes, 0)?;
    // lists, maps and JSON inside messages nest the document deeper than its messages
    match &value {
        value if nesting(value) > crate::MAX_DEPTH => Err(ProtoError::TooDeep),
        value if parts(value) > crate::MAX_PARTS => Err(ProtoError::TooMany),
        _ => Ok(value),
    }
}

struct Decoder<'t> {
    types: &'t Types,
}

type Decoded<T = Value> = Result<T, ProtoError>;

/// The field being read: for messages about it, and its encoding.
#[derive(Clone, Copy)]
struct At<'t> {
    owner: TypeId,
    field: &'t Field,
    pb: &'t Pb,
    depth: usize,
}

impl At<'_> {
    fn wrong_wire(&self) -> ProtoError {
        ProtoError::WireType(self.field.name.clone())
    }

    fn illegal(&self) -> ProtoError {
        ProtoError::Value(self.field.name.clone())
    }

    fn bytes<'a>(&self, wire: Wire<'a>) -> Decoded<&'a [u8]> {
        if let Wire::Bytes(bytes) = wire { Ok(bytes) } else { Err(self.wrong_wire()) }
    }

    fn varint(&self, wire: Wire<'_>) -> Decoded<u64> {
        if let Wire::Varint(value) = wire { Ok(value) } else { Err(self.wrong_wire()) }
    }
}

impl<'t> Decoder<'t> {
    fn object(&self, id: TypeId, bytes: &[u8], depth: usize) -> Decoded {
        let mut object = Map::new();
        self.level(id, &mut Vec::new(), bytes, depth, &mut object)?;
        Ok(Value::Object(object))
    }

    /// Reads a message, or one that JSON inlines, into `object`; `outer` are the tags that led to it.
    fn level(
        &self,
        id: TypeId,
        outer: &mut Vec<u32>,
        bytes: &[u8],
        depth: usize,
        object: &mut Map,
    ) -> Decoded<()> {
        if depth >= MAX_DEPTH {
            return Err(ProtoError::TooDeep);
        }
        let fields = &self.types.get(id).fields;
        let mut reader = Reader(bytes);
        while let Some((tag, wire)) = reader.field()? {
            let known = fields.iter().filter_map(|f| f.pb.as_ref().map(|pb| (f, pb)));
            let mut inline = false;
            let mut found = None;
            for (field, pb) in known {
                if pb.tag == tag && pb.outer == *outer {
                    found = Some(At { owner: id, field, pb, depth: depth + 1 });
                    break;
                }
                inline |= pb.outer.len() > outer.len()
                    && pb.outer.starts_with(outer)
                    && pb.outer[outer.len()] == tag;
            }
            match (found, wire) {
                (Some(at), wire) => self.put(at, wire, object)?,
                (None, Wire::Bytes(bytes)) if inline => {
                    outer.push(tag);
                    self.level(id, outer, bytes, depth + 1, object)?;
                    outer.pop();
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Puts a field's value into the object; of lists and maps one entry.
    fn put(&self, at: At<'t>, wire: Wire<'_>, object: &mut Map) -> Decoded<()> {
        let name = &at.field.name;
        match &at.field.shape {
            Shape::List(item, _) => {
                let Value::Array(list) = object.entry(name).or_insert_with(|| Value::Array(Vec::new()))
                else {
                    return Ok(());
                };
                if at.pb.kind == PbKind::Message && !is_message(item) {
                    *list = self.wrapped_list(at, item, at.bytes(wire)?)?;
                } else {
                    self.items(at, item, wire, list)?;
                    // packed numbers may be none: then there is no list
                    if list.is_empty() {
                        object.remove(name);
                    }
                }
            }
            Shape::Map(value, _) => {
                let (key, value) = self.entry(at, value, at.bytes(wire)?)?;
                if let Value::Object(map) = object.entry(name).or_insert_with(|| Value::Object(Map::new())) {
                    map.insert(key, value);
                }
            }
            shape => match self.value(at, shape, wire)? {
                Some(value) if !means_absence(at, &value) => {
                    object.insert(name.clone(), value);
                }
                _ => {
                    object.remove(name);
                }
            },
        }
        Ok(())
    }

    /// One item of a list, or several numbers in one field.
    fn items(&self, at: At<'t>, item: &Shape, wire: Wire<'_>, list: &mut Vec<Value>) -> Decoded<()> {
        match (item, wire) {
            (Shape::Int { .. } | Shape::Bool, Wire::Bytes(packed)) => {
                let mut reader = Reader(packed);
                while !reader.0.is_empty() {
                    let wire = Wire::Varint(reader.varint()?);
                    list.extend(self.value(at, item, wire)?);
                }
            }
            _ => list.push(self.value(at, item, wire)?.unwrap_or(Value::Null)),
        }
        Ok(())
    }

    /// A message whose field 1 is the list.
    fn wrapped_list(&self, at: At<'t>, item: &Shape, bytes: &[u8]) -> Decoded<Vec<Value>> {
        let mut list = Vec::new();
        let mut reader = Reader(bytes);
        while let Some((tag, wire)) = reader.field()? {
            if tag == 1 {
                self.items(at, item, wire, &mut list)?;
            }
        }
        Ok(list)
    }

    /// A map's entry: {1 key, 2 value}.
    fn entry(&self, at: At<'t>, shape: &Shape, bytes: &[u8]) -> Decoded<(String, Value)> {
        let (mut key, mut value) = (String::new(), None);
        let mut reader = Reader(bytes);
        while let Some((tag, wire)) = reader.field()? {
            match tag {
                1 => key = utf8(&at.field.name, at.bytes(wire)?)?,
                2 => {
                    value = match shape {
                        Shape::List(item, _) => Some(self.wrapped_list(at, item, at.bytes(wire)?)?.into()),
                        _ => self.value(at, shape, wire)?,
                    }
                }
                _ => {}
            }
        }
        Ok((key, value.unwrap_or_else(|| empty(shape))))
    }

    /// A single value; `None` where the message says that there is none.
    fn value(&self, at: At<'t>, shape: &Shape, wire: Wire<'_>) -> Decoded<Option<Value>> {
        Ok(Some(match shape {
            Shape::Bool => (at.varint(wire)? != 0).into(),
            Shape::Int { .. } => self.number(at, wire)?,
            Shape::Number => return float(at, wire),
            Shape::String => utf8(&at.field.name, at.bytes(wire)?)?.into(),
            Shape::Bytes => STANDARD.encode(at.bytes(wire)?).into(),
            Shape::Time => return Ok(time(at, at.bytes(wire)?)?.map(|t| format_time(t).into())),
            Shape::MicroTime => return Ok(time(at, at.bytes(wire)?)?.map(|t| format_micro_time(t).into())),
            Shape::Duration => duration::format(number_in(at, at.bytes(wire)?)?).into(),
            Shape::Quantity => quantity(at, at.bytes(wire)?)?,
            Shape::IntOrString => int_or_string(at, at.bytes(wire)?)?,
            Shape::Any => return self.any(at, at.bytes(wire)?),
            Shape::Object(id) => self.object(*id, at.bytes(wire)?, at.depth)?,
            Shape::List(..) | Shape::Map(..) => return Ok(None),
        }))
    }

    fn number(&self, at: At<'_>, wire: Wire<'_>) -> Decoded {
        let value = at.varint(wire)?;
        Ok(match at.pb.kind {
            PbKind::Int32 => (value as i32).into(),
            PbKind::Uint32 => (value as u32).into(),
            PbKind::Uint64 => value.into(),
            _ => (value as i64).into(),
        })
    }

    /// Anything: JSON in field 1, or one of the alternatives of a JSON Schema.
    fn any(&self, at: At<'t>, bytes: &[u8]) -> Decoded<Option<Value>> {
        match at.pb.kind {
            PbKind::SchemaOrArray | PbKind::SchemaOrBool | PbKind::SchemaOrStrings => {
                self.alternative(at, bytes)
            }
            _ => raw_json(at, bytes),
        }
    }

    fn alternative(&self, at: At<'t>, bytes: &[u8]) -> Decoded<Option<Value>> {
        let (mut schema, mut list, mut allows) = (None, Vec::new(), false);
        let mut reader = Reader(bytes);
        while let Some((tag, wire)) = reader.field()? {
            match (at.pb.kind, tag) {
                (PbKind::SchemaOrBool, 1) => allows = at.varint(wire)? != 0,
                (PbKind::SchemaOrBool, 2) | (_, 1) => {
                    schema = Some(self.object(at.owner, at.bytes(wire)?, at.depth)?);
                }
                (PbKind::SchemaOrArray, 2) => list.push(self.object(at.owner, at.bytes(wire)?, at.depth)?),
                (PbKind::SchemaOrStrings, 2) => list.push(utf8(&at.field.name, at.bytes(wire)?)?.into()),
                _ => {}
            }
        }
        Ok(match at.pb.kind {
            PbKind::SchemaOrBool => Some(schema.unwrap_or(allows.into())),
            _ if list.is_empty() => schema,
            _ => Some(list.into()),
        })
    }
}

/// Whether protobuf carries a value of this shape as a message of its own.
fn is_message(shape: &Shape) -> bool {
    matches!(
        shape,
        Shape::Object(_)
            | Shape::Any
            | Shape::Time
            | Shape::MicroTime
            | Shape::Duration
            | Shape::Quantity
            | Shape::IntOrString
    )
}

/// Whether a zero stands for a field that JSON would not have.
fn means_absence(at: At<'_>, value: &Value) -> bool {
    if at.field.written.is_some() || at.pb.explicit || at.field.shape == Shape::Any {
        return false;
    }
    match value {
        Value::Bool(value) => !value,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        _ => false,
    }
}

/// The value of a map's entry that has none.
fn empty(shape: &Shape) -> Value {
    match shape {
        Shape::Bool => false.into(),
        Shape::Int { .. } => 0.into(),
        Shape::Number => 0.0.into(),
        Shape::String | Shape::Bytes => "".into(),
        Shape::Quantity => "0".into(),
        Shape::List(..) => Value::Array(Vec::new()),
        Shape::Object(_) => Value::Object(Map::new()),
        _ => Value::Null,
    }
}

fn float(at: At<'_>, wire: Wire<'_>) -> Decoded<Option<Value>> {
    let value = match wire {
        Wire::Fixed64(bits) => f64::from_bits(bits),
        Wire::Fixed32(bits) => f64::from(f32::from_bits(bits)),
        _ => return Err(at.wrong_wire()),
    };
    Ok(serde_json::Number::from_f64(value).map(Value::Number))
}

/// {1 seconds, 2 nanoseconds}; both zero: no time.
fn time(at: At<'_>, bytes: &[u8]) -> Decoded<Option<Time>> {
    let (mut seconds, mut nanos) = (0i64, 0i32);
    let mut reader = Reader(bytes);
    while let Some((tag, wire)) = reader.field()? {
        match tag {
            1 => seconds = at.varint(wire)? as i64,
            2 => nanos = at.varint(wire)? as i32,
            _ => {}
        }
    }
    if seconds == 0 && nanos == 0 {
        return Ok(None);
    }
    Time::new(seconds, nanos).map(Some).map_err(|_| at.illegal())
}

/// The number in field 1.
fn number_in(at: At<'_>, bytes: &[u8]) -> Decoded<i64> {
    let mut number = 0;
    let mut reader = Reader(bytes);
    while let Some((tag, wire)) = reader.field()? {
        if tag == 1 {
            number = at.varint(wire)? as i64;
        }
    }
    Ok(number)
}

/// The bytes in field 1.
fn bytes_in<'a>(at: At<'_>, bytes: &'a [u8]) -> Decoded<&'a [u8]> {
    let mut found: &[u8] = &[];
    let mut reader = Reader(bytes);
    while let Some((tag, wire)) = reader.field()? {
        if tag == 1 {
            found = at.bytes(wire)?;
        }
    }
    Ok(found)
}

fn quantity(at: At<'_>, bytes: &[u8]) -> Decoded {
    let text = utf8(&at.field.name, bytes_in(at, bytes)?)?;
    Ok(if text.is_empty() { "0".into() } else { text.into() })
}

/// {1 type: 0 number, 1 text; 2 number; 3 text}
fn int_or_string(at: At<'_>, bytes: &[u8]) -> Decoded {
    let (mut is_text, mut number, mut text) = (false, 0, String::new());
    let mut reader = Reader(bytes);
    while let Some((tag, wire)) = reader.field()? {
        match tag {
            1 => is_text = at.varint(wire)? == 1,
            2 => number = at.varint(wire)? as i32,
            3 => text = utf8(&at.field.name, at.bytes(wire)?)?,
            _ => {}
        }
    }
    Ok(if is_text { text.into() } else { number.into() })
}

fn raw_json(at: At<'_>, bytes: &[u8]) -> Decoded<Option<Value>> {
    let raw = bytes_in(at, bytes)?;
    if raw.is_empty() {
        return Ok(None);
    }
    serde_json::from_slice(raw).map(Some).map_err(|_| at.illegal())
}
