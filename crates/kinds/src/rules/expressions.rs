//! Fields that hold an expression.

use expressions::{Compiled, Scope, Type};
use object::FieldError;

use super::{At, Errors, Read};

/// Words of the language, which names cannot be.
#[rustfmt::skip]
pub(crate) const KEYWORDS: [&str; 21] = [
    "as", "break", "const", "continue", "else", "false", "for", "function", "if", "import", "in", "let", "loop",
    "namespace", "null", "package", "return", "true", "var", "void", "while",
];

/// The text at `field` must be an expression.
pub(crate) fn compile(at: &At, field: &str, scope: &Scope, errors: &mut Errors) -> Option<Compiled> {
    let source = at.text(field).trim();
    let compiled = expressions::compile(source, scope);
    let wrong =
        |faults| FieldError::invalid(&at.path(field), source, format!("compilation failed: {faults}"));
    compiled.map_err(|faults| errors.push(wrong(faults))).ok()
}

/// The text at `field` must be an expression of one of these types; of none, it may be of any. Gives its type.
pub(crate) fn check(
    at: &At,
    field: &str,
    scope: &Scope,
    wanted: &[Type],
    errors: &mut Errors,
) -> Option<Type> {
    let kind = compile(at, field, scope, errors)?.kind;
    if !wanted.is_empty() && !wanted.contains(&kind) {
        let names: Vec<String> = wanted.iter().map(Type::declared).collect();
        let wanted = match &names[..] {
            [one] => one.clone(),
            many => format!("one of [{}]", many.join(" ")),
        };
        let detail = format!("must evaluate to {wanted} but got {}", kind.declared());
        errors.push(FieldError::invalid(&at.path(field), at.text(field).trim(), detail));
    }
    Some(kind)
}
