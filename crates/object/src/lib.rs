//! The object model: what every part of Berth knows about an API object without knowing its kind.
//!
//! Objects are JSON documents ([`Value`]) with a [`Schema`]. This crate names them ([`Key`], [`Meta`]), reads
//! and writes them (JSON, YAML, protobuf), walks them along their schema (strict decoding, defaulting,
//! validation, patches), selects among them and reports what is wrong with them ([`FieldError`], [`Status`]).
//! No I/O, no async, no clock: time is an argument.

mod decode;
mod defaults;
mod encoded;
mod error;
mod excerpt;
mod frame;
#[cfg(test)]
mod fuzz;
mod json;
mod meta;
mod names;
mod object_meta;
mod patch;
mod path;
mod proto;
mod quantity;
mod schema;
mod selector;
mod status;
#[cfg(test)]
mod testing;
mod texts;
mod validate;
mod yaml;

pub use decode::{TypeError, conform, strict_error};
pub use defaults::apply_defaults;
pub use encoded::{Encoded, encode};
pub use error::{FieldError, FieldErrorType, FieldErrors, Path, is_printable};
pub use excerpt::Excerpt;
pub use json::{MAX_DEPTH, MAX_PARTS, ParseError, Parsed, parse_json};
pub use meta::{Key, Map, Meta, OwnerRef, Time, Value, format_micro_time, format_time, parse_time};
pub use names::{
    absolute_path, c_identifier, check_format, cidr, config_map_key, dns1035_label, dns1123_label,
    dns1123_subdomain, dns1123_subdomain_with_underscore, env_var_name, http_header_name, http_path,
    in_range, ip, ipv4, ipv6, label_value, path_segment, percent, port_name, port_num, prefixed_name,
    qualified_name, uuid, wildcard_dns1123_subdomain,
};
pub use object_meta::{
    validate_annotations, validate_finalizer_names, validate_labels, validate_object_meta,
    validate_object_meta_update,
};
pub use patch::{
    MAX_COPIED, MAX_OPERATIONS, PatchError, PatchType, apply_patch, create_merge_patch, go_kind, go_text,
};
pub use path::{get_path, remove_path, set_path};
pub use proto::{
    ProtoError, Unknown, decode_proto, encode_proto, unwrap_unknown, wrap_unknown, write_watch_event,
};
pub use quantity::{Quantity, QuantityError};
pub use schema::{Field, List, Pb, PbKind, Rule, Schema, Shape, Type, TypeId, Types};
pub use selector::{
    FieldRequirement, FieldSelector, LabelRequirement, LabelSelector, Operator, SelectorError,
};
pub use status::{Cause, Details, Reason, Status};
pub use texts::{Labels, Texts};
pub use validate::{alike, validate, validate_update};
pub use yaml::{parse_yaml, parse_yaml_documents, to_yaml};
