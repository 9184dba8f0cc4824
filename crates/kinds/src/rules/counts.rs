//! The counts of a status.

use object::{FieldError, FieldErrors, Value};

use super::{At, Errors, Read};

/// What is true of the counts of a status.
pub(crate) struct Counts {
    /// Numbers that are not negative.
    pub(crate) natural: &'static [&'static str],
    /// A part, its whole, and what is said where the part is more than the whole.
    pub(crate) parts: &'static [(&'static str, &'static str, &'static str)],
    /// Numbers that only grow.
    pub(crate) growing: &'static [&'static str],
}

impl Counts {
    /// Checks the counts at `status` of an object.
    pub(crate) fn check(&self, new: &Value, old: &Value) -> FieldErrors {
        let (status, was, mut errors) = (At::root(new).field("status"), old.at("status"), Errors::new());
        for field in self.natural {
            errors.at_least(&status, field, 0);
        }
        for (part, whole, detail) in self.parts {
            let most = status.int(whole).unwrap_or_default();
            errors.number(&status, part, |n| n <= most, detail);
        }
        for field in self.growing {
            let now = status.int(field);
            if was.int(field).is_some_and(|before| now.is_none_or(|now| now < before)) {
                let value = now.unwrap_or_default();
                errors.push(FieldError::invalid(&status.path(field), value, "cannot be decremented"));
            }
        }
        errors.done()
    }
}
