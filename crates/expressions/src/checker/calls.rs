//! Calls of functions, and operators, which are functions too.

use cel_core::{Expr, SpannedExpr};

use super::Checker;
use crate::library::{FUNCTIONS, OPEN, Overload};
use crate::{Type, literals, source};

impl Checker<'_> {
    /// The type of a call: of a macro, of a function with a path for its name, or of a method.
    pub(super) fn check_call(
        &mut self,
        part: &SpannedExpr,
        callee: &SpannedExpr,
        args: &[SpannedExpr],
    ) -> Type {
        if let Some(kind) = self.check_macro(part, callee, args) {
            return kind;
        }
        let arguments: Vec<&SpannedExpr> = args.iter().collect();
        match &callee.node {
            Expr::Ident(name) | Expr::RootIdent(name) => self.call(part, name, &arguments),
            Expr::Member { expr, field, .. } => {
                let path = source::path(callee, source::LONGEST_PATH);
                match path.filter(|path| !self.is_local(source::root(path))) {
                    Some(path) if FUNCTIONS.contains_key(path.as_str()) => self.call(part, &path, &arguments),
                    _ => self.call_method(part, field, expr, &arguments),
                }
            }
            _ => self.fault(part, "Syntax error: only functions can be called".to_owned()),
        }
    }

    /// The type of a call by a name.
    pub(super) fn call(&mut self, part: &SpannedExpr, name: &str, args: &[&SpannedExpr]) -> Type {
        let given: Vec<Type> = args.iter().map(|arg| self.check(arg)).collect();
        if let [argument] | [_, argument] = args {
            self.check_literal(name, argument);
        }
        self.resolve(part, name, false, &given)
    }

    fn call_method(
        &mut self,
        part: &SpannedExpr,
        name: &str,
        on: &SpannedExpr,
        args: &[&SpannedExpr],
    ) -> Type {
        let receiver = self.check(on);
        let given: Vec<Type> = [receiver].into_iter().chain(args.iter().map(|arg| self.check(arg))).collect();
        if let [argument] = args {
            self.check_literal(name, argument);
        }
        self.resolve(part, name, true, &given)
    }

    fn check_literal(&mut self, function: &str, argument: &SpannedExpr) {
        if let Some(message) = literals::refused(function, argument) {
            self.fault(argument, message);
        }
    }

    /// The type of what the overloads give that take arguments of these types.
    pub(super) fn resolve(
        &mut self,
        part: &SpannedExpr,
        name: &str,
        is_method: bool,
        given: &[Type],
    ) -> Type {
        let Some(overloads) = FUNCTIONS.get(name) else {
            return self.undeclared(part, name);
        };
        let mut result: Option<Type> = None;
        for overload in overloads.iter().filter(|overload| overload.is_method == is_method) {
            let Some(kind) = self.apply(overload, given) else {
                continue;
            };
            result = Some(match result {
                None => kind,
                Some(before) if before.is_open() || before == kind => before,
                Some(_) => Type::Dyn,
            });
        }
        result.unwrap_or_else(|| self.no_overload(part, name, is_method, given))
    }

    /// The result of an overload, if it takes arguments of these types.
    fn apply(&mut self, overload: &Overload, given: &[Type]) -> Option<Type> {
        if overload.parameters.len() != given.len() {
            return None;
        }
        let first = self.bindings.open(OPEN);
        let wanted: Vec<Type> = overload.parameters.iter().map(|kind| renamed(kind, first)).collect();
        self.bindings
            .fit(given.iter().zip(&wanted))
            .then(|| self.bindings.resolve(&renamed(&overload.result, first)))
    }

    fn no_overload(&mut self, part: &SpannedExpr, name: &str, is_method: bool, given: &[Type]) -> Type {
        let mut kinds = given.iter().map(|kind| self.bindings.close(kind).to_string());
        let receiver =
            if is_method { kinds.next().map(|kind| kind + ".").unwrap_or_default() } else { String::new() };
        let signature = format!("{receiver}({})", kinds.collect::<Vec<_>>().join(", "));
        self.fault(part, format!("found no matching overload for '{name}' applied to '{signature}'"))
    }
}

/// A type of the library with its open types counted from `first`.
fn renamed(kind: &Type, first: u32) -> Type {
    match kind {
        Type::Param(id) => Type::Param(first + id),
        other => other.with(&mut |part| renamed(part, first)),
    }
}
