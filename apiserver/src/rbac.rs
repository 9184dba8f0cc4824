//! Role-based access control: who may do what (`rbac.authorization.k8s.io/v1`).
//!
//! [`Rules`] is built from the documents of roles and bindings, one put or remove at a time, and indexed by subject:
//! a decision looks up the bindings of the user and of each group, and reads no others. Rules only ever allow; what
//! none allows is [`Decision::NoOpinion`], and then forbidden.

mod attributes;
mod cover;
mod document;
mod escalation;
mod index;
mod matching;

pub use attributes::{Attributes, Decision};
pub use document::PolicyRule;
pub use index::Rules;

/// The API group of roles and bindings.
pub const GROUP: &str = "rbac.authorization.k8s.io";

#[cfg(test)]
mod tests;
