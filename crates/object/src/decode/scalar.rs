//! Scalars: which values a shape takes, and their canonical form.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::proto::{format_duration, parse_duration};
use crate::{Quantity, Shape, Value, format_micro_time, format_time, parse_time};

/// Why a scalar does not fit.
pub(super) enum Misfit {
    /// Its type is wrong.
    Type,
    /// Its form is wrong; the message stands alone.
    Form(String),
}

/// The canonical form of a scalar where it differs from the scalar as it is.
pub(super) fn normal(shape: &Shape, value: &Value) -> Result<Option<Value>, Misfit> {
    match (shape, value) {
        (Shape::Bool, Value::Bool(_))
        | (Shape::Number, Value::Number(_))
        | (Shape::String, Value::String(_)) => Ok(None),
        (Shape::Int { bits }, Value::Number(number)) => int(number, *bits),
        (Shape::Bytes, Value::String(text)) => bytes(text),
        (Shape::Time | Shape::MicroTime, Value::String(text)) => time(shape, text),
        (Shape::Duration, Value::String(text)) => duration(text),
        (Shape::Time | Shape::MicroTime | Shape::Duration, other) => Err(not_a("string", other)),
        (Shape::Quantity, value) => quantity(value),
        (Shape::IntOrString, Value::String(_)) => Ok(None),
        (Shape::IntOrString, Value::Number(number)) => int(number, 32).map_err(|_| {
            Misfit::Form(format!("json: cannot unmarshal number {number} into Go value of type int32"))
        }),
        (Shape::IntOrString, other) => Err(not_a("int32", other)),
        _ => Err(Misfit::Type),
    }
}

/// Types that decode themselves in Go lose sight of the field they are in.
fn not_a(wanted: &str, value: &Value) -> Misfit {
    let found = super::found(&Shape::Any, value);
    Misfit::Form(format!("json: cannot unmarshal {found} into Go value of type {wanted}"))
}

/// Of floats only the negative zero is whole: `-0` is read as one.
fn int(number: &serde_json::Number, bits: u8) -> Result<Option<Value>, Misfit> {
    let zero =
        number.as_f64().is_some_and(|float| number.is_f64() && float == 0.0 && float.is_sign_negative());
    let value = if zero { 0 } else { number.as_i64().ok_or(Misfit::Type)? };
    if bits == 32 && i32::try_from(value).is_err() {
        return Err(Misfit::Type);
    }
    Ok(zero.then(|| value.into()))
}

/// Standard base64 with padding; Go also takes line breaks.
fn bytes(text: &str) -> Result<Option<Value>, Misfit> {
    const GO: GeneralPurpose = GeneralPurpose::new(
        &STANDARD,
        GeneralPurposeConfig::new()
            .with_decode_allow_trailing_bits(true)
            .with_decode_padding_mode(DecodePaddingMode::RequireCanonical),
    );
    let broken = text.contains(['\n', '\r']);
    let joined = if broken { text.replace(['\n', '\r'], "") } else { String::new() };
    let encoded = if broken { &joined } else { text };
    match GO.decode(encoded) {
        Ok(decoded) if broken => Ok(Some(GO.encode(decoded).into())),
        Ok(_) => Ok(None),
        Err(_) => Err(Misfit::Form(format!("illegal base64 data at input byte {}", base64_fault(encoded)))),
    }
}

/// Where Go sees the fault: the first character that cannot stand there, or the end.
fn base64_fault(text: &str) -> usize {
    let is_digit = |b: u8| b.is_ascii_alphanumeric() || b == b'+' || b == b'/';
    match text.bytes().position(|b| !is_digit(b)) {
        None => text.len() - text.len() % 4,
        Some(at) if text.as_bytes()[at] == b'=' && at % 4 >= 2 => {
            let end = at - at % 4 + 4;
            if text.len() > end { end } else { text.len().min(end) }
        }
        Some(at) => at,
    }
}

fn time(shape: &Shape, text: &str) -> Result<Option<Value>, Misfit> {
    let micro = *shape == Shape::MicroTime;
    let parsed = super::gotime::check(text, micro)
        .and_then(|()| parse_time(text).ok_or_else(|| format!("parsing time {text:?}: day out of range")));
    let time = parsed.map_err(Misfit::Form)?;
    let canonical = if micro { format_micro_time(time) } else { format_time(time) };
    Ok((canonical != text).then(|| canonical.into()))
}

fn duration(text: &str) -> Result<Option<Value>, Misfit> {
    let nanos = parse_duration(text);
    let nanos = nanos.ok_or_else(|| Misfit::Form(format!("time: invalid duration {text:?}")))?;
    let canonical = format_duration(nanos);
    Ok((canonical != text).then(|| canonical.into()))
}

/// The canonical form is what every reader gets to see: `0.5` becomes `500m`.
fn quantity(value: &Value) -> Result<Option<Value>, Misfit> {
    let number;
    let text = match value {
        Value::String(text) => text.trim(),
        other => {
            number = other.to_string();
            &number
        }
    };
    let canonical = text.parse::<Quantity>().map_err(|e| Misfit::Form(e.to_string()))?.to_string();
    Ok((value != canonical.as_str()).then(|| canonical.into()))
}
