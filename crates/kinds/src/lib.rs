//! The table of kinds: every built-in resource is one row of data, and everything else is derived from it.

pub mod admission;

mod columns;
mod conversions;
mod kind;
mod openapi;
mod part;
mod rules;
mod schema;
mod strategies;
mod strategy;
mod table;
mod warnings;

pub use columns::{human_duration, table_columns, table_excerpt, table_row};
pub use kind::{
    Cell, Column, Conversion, Kind, Kinds, NameRule, Policy, Scope, Storage, Subresource, Verb, plain,
};
pub use openapi::{openapi_v2, openapi_v2_proto, openapi_v3};
pub use part::Part;
pub use schema::{schema, schema_by_kind, types};
pub use strategies::{IpFamily, SYSTEM_PRIORITIES, settle_families};
pub use strategy::{Claim, Plain, Strategy};
pub use table::built_in;
pub use warnings::dedup_owners;
