//! Rules of what has a say in every write: webhooks, policies and what binds them.

pub(super) mod client;
mod expressions;
mod policies;
mod rules;
mod scopes;
mod webhooks;

pub(crate) use policies::{
    MutatingAdmissionPolicy, MutatingAdmissionPolicyBinding, ValidatingAdmissionPolicy,
    ValidatingAdmissionPolicyBinding,
};
pub(crate) use webhooks::Webhooks;
