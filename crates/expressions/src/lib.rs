//! Expressions in CEL, the Common Expression Language, as Kubernetes knows it: parsed and checked against what they may
//! name, without evaluating them.
//!
//! A [`Scope`] says which variables there are and of which types; [`compile`] gives the type of an expression, or what
//! is wrong with it in the words of the language's reference implementation, which clients show to their users. The
//! parser is a library's; macros are not expanded by it but checked here, so that an expression costs what its length
//! is. Sources: the language's definition (github.com/google/cel-spec), KEP-2876, KEP-3488.

mod checker;
mod faults;
mod library;
mod literals;
mod scope;
mod source;
mod types;
mod unify;

use std::collections::BTreeSet;

use cel_core::parser::{MacroRegistry, ParseOptions, parse_with_options};

use faults::Fault;
pub use scope::Scope;
pub use types::Type;

/// The longest expression, in bytes.
pub const LONGEST: usize = 16 * 1024;
/// What parsing and checking may need for each byte of an expression when it is nothing but parentheses.
const STACK_PER_BYTE: usize = 4 * 1024;
const STACK: usize = 256 * 1024;

/// An expression that is right.
#[derive(Debug)]
pub struct Compiled {
    /// The type of what it evaluates to.
    pub kind: Type,
    /// The variables of its scope that it names.
    pub variables: BTreeSet<String>,
}

/// What an expression evaluates to in a scope, or what is wrong with it.
pub fn compile(source: &str, scope: &Scope) -> Result<Compiled, String> {
    if source.len() > LONGEST {
        let message =
            format!("expression code point size exceeds limit: size: {}, limit {LONGEST}", source.len());
        return Err(faults::show("", &mut [Fault { at: 0, message }]));
    }
    stacker::grow(STACK + STACK_PER_BYTE * source.len(), || check(source, scope))
}

fn check(source: &str, scope: &Scope) -> Result<Compiled, String> {
    let options = ParseOptions::with_macros(MacroRegistry::new());
    let parsed = parse_with_options(source, options);
    let mut faults: Vec<Fault> = parsed.errors.iter().map(syntax).collect();
    if let Some(expression) = parsed.ast.filter(|_| faults.is_empty()) {
        match checker::check(source, &expression, scope) {
            Ok(compiled) => return Ok(compiled),
            Err(found) => faults = found,
        }
    }
    Err(faults::show(source, &mut faults))
}

fn syntax(error: &cel_core::ParseError) -> Fault {
    Fault { at: error.span.start, message: format!("Syntax error: {}", error.message) }
}
