//! Protobuf bodies: a transcoder between JSON documents and Kubernetes' protobuf encoding, driven by the
//! same schema as everything else ([`Pb`](crate::Pb)).
//!
//! Clients write every scalar that is not a pointer in their own types, also zeros; what such a zero means in
//! JSON follows from the field: absence, unless the field is always written ([`Field::written`](crate::Field::written))
//! or [`Pb::explicit`](crate::Pb::explicit).

mod decode;
mod duration;
mod encode;
mod envelope;
mod wire;

pub use decode::decode_proto;
pub(crate) use duration::{format as format_duration, parse as parse_duration};
pub use encode::encode_proto;
pub use envelope::{Unknown, unwrap_unknown, wrap_unknown, write_watch_event};

/// Messages may nest this deep.
const MAX_DEPTH: usize = 100;
/// A message may have this many bytes.
const MAX_BYTES: usize = 64 << 20;

/// Why a protobuf body cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProtoError {
    /// The input ends inside a field.
    #[error("protobuf: unexpected end of input")]
    Truncated,
    /// A variable-length number has more than 64 bits.
    #[error("protobuf: integer overflow")]
    Overflow,
    /// A tag is zero, or its wire type is none in use.
    #[error("protobuf: illegal tag {0}")]
    Tag(u64),
    /// A field has another wire type than its schema says.
    #[error("protobuf: wrong wire type for field {0}")]
    WireType(String),
    /// A value is outside of what its field can hold: text that is not UTF-8, a time out of range, bad JSON.
    #[error("protobuf: illegal value of field {0}")]
    Value(String),
    /// Messages nest too deep.
    #[error("protobuf: messages nest too deep")]
    TooDeep,
    /// The document has too many objects and lists.
    #[error("protobuf: {}", crate::json::TOO_MANY_PARTS)]
    TooMany,
    /// The message is too long.
    #[error("protobuf: message is longer than {MAX_BYTES} bytes")]
    TooLong,
    /// The body does not begin as an API object's protobuf encoding does.
    #[error("provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]")]
    NoEnvelope,
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
