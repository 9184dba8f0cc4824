//! Macros: calls whose arguments are not values but names and expressions about them.

use cel_core::{Expr, SpannedExpr};

use super::Checker;
use crate::Type;

/// What is done with each value of a range.
#[derive(Clone, Copy, PartialEq)]
enum Loop {
    /// Asks something of each: `all`, `exists`.
    Ask(&'static str),
    /// Counts those of which something is true.
    Count,
    /// Keeps those of which something is true.
    Keep,
    /// Makes a list of what becomes of each.
    Collect,
    /// Makes a map of what becomes of each.
    Map,
    /// Makes a map of the entries that become of each.
    Entries,
}

/// Each loop by its name, with how many names it gives, and how many arguments follow them.
const LOOPS: [(&str, usize, usize, Loop); 17] = [
    ("all", 1, 1, Loop::Ask("_&&_")),
    ("all", 2, 1, Loop::Ask("_&&_")),
    ("exists", 1, 1, Loop::Ask("_||_")),
    ("exists", 2, 1, Loop::Ask("_||_")),
    ("exists_one", 1, 1, Loop::Count),
    ("exists_one", 2, 1, Loop::Count),
    ("existsOne", 1, 1, Loop::Count),
    ("existsOne", 2, 1, Loop::Count),
    ("filter", 1, 1, Loop::Keep),
    ("map", 1, 1, Loop::Collect),
    ("map", 1, 2, Loop::Collect),
    ("transformList", 2, 1, Loop::Collect),
    ("transformList", 2, 2, Loop::Collect),
    ("transformMap", 2, 1, Loop::Map),
    ("transformMap", 2, 2, Loop::Map),
    ("transformMapEntry", 2, 1, Loop::Entries),
    ("transformMapEntry", 2, 2, Loop::Entries),
];

impl Checker<'_> {
    /// The type of a call if it is a macro's.
    pub(super) fn check_macro(
        &mut self,
        part: &SpannedExpr,
        callee: &SpannedExpr,
        args: &[SpannedExpr],
    ) -> Option<Type> {
        match (&callee.node, args) {
            (Expr::Ident(name), [of]) if name == "has" => Some(self.check_has(part, of)),
            (Expr::Member { expr, field, .. }, [name, value, then])
                if field == "bind" && self.scope.binds() =>
            {
                matches!(&expr.node, Expr::Ident(cel) if cel == "cel")
                    .then(|| self.check_bind(name, value, then))
            }
            (Expr::Member { expr, field, .. }, [name, then])
                if matches!(field.as_str(), "optMap" | "optFlatMap") =>
            {
                Some(self.check_optional(part, expr, name, then, field == "optMap"))
            }
            (Expr::Member { expr, field, .. }, args) => {
                // `exists_one` and `map` have an argument for each name; one more stands for another form.
                let (_, names, _, what) = LOOPS.into_iter().find(|(known, names, rest, _)| {
                    known == field && names + rest == args.len() && fits(*names, args)
                })?;
                Some(self.check_loop(part, expr, &args[..names], &args[names..], what))
            }
            _ => None,
        }
    }

    /// `has(a.b)`: whether there is a field.
    fn check_has(&mut self, part: &SpannedExpr, of: &SpannedExpr) -> Type {
        match &of.node {
            Expr::Member { expr, field, optional: false } => {
                let kind = self.check(expr);
                self.select(of, kind, field, false);
                Type::Bool
            }
            _ => self.fault(part, "invalid argument to has() macro".to_owned()),
        }
    }

    /// `cel.bind(name, value, then)`: a value with a name.
    fn check_bind(&mut self, name: &SpannedExpr, value: &SpannedExpr, then: &SpannedExpr) -> Type {
        let kind = self.check(value);
        match self.name(name) {
            Some(name) => self.with_locals(&[(name, kind)], |checker| checker.check(then)),
            None => Type::Error,
        }
    }

    /// `optMap` and `optFlatMap`: what becomes of a value if it is there.
    fn check_optional(
        &mut self,
        part: &SpannedExpr,
        on: &SpannedExpr,
        name: &SpannedExpr,
        then: &SpannedExpr,
        wrap: bool,
    ) -> Type {
        let kind = self.check(on);
        let value = self.resolve(part, "value", true, &[kind]);
        let Some(name) = self.name(name) else {
            return Type::Error;
        };
        let result = self.with_locals(&[(name, value)], |checker| checker.check(then));
        let result = if wrap { Type::optional(result) } else { result };
        let none = Type::optional(self.bindings.fresh());
        self.resolve(part, "_?_:_", false, &[Type::Bool, result, none])
    }

    fn check_loop(
        &mut self,
        part: &SpannedExpr,
        range: &SpannedExpr,
        names: &[SpannedExpr],
        rest: &[SpannedExpr],
        what: Loop,
    ) -> Type {
        let kind = self.check(range);
        let kind = self.bindings.resolve(&kind);
        let kinds = self.range(range, &kind, names.len());
        let Some(names) = names.iter().map(|name| self.name(name)).collect::<Option<Vec<_>>>() else {
            return Type::Error;
        };
        let locals: Vec<(&str, Type)> = names.into_iter().zip(kinds.clone()).collect();
        self.with_locals(&locals, |checker| checker.check_body(part, &kinds, rest, what))
    }

    /// The types of the names that a loop over a range gives.
    fn range(&mut self, range: &SpannedExpr, kind: &Type, names: usize) -> Vec<Type> {
        match kind {
            Type::List(item) if names == 1 => vec![(**item).clone()],
            Type::List(item) => vec![Type::Int, (**item).clone()],
            Type::Map(parts) => vec![parts.0.clone(), parts.1.clone()],
            Type::Param(_) | Type::Dyn | Type::Error => {
                self.bindings.fit([(&Type::Dyn, kind)]);
                vec![Type::Dyn, Type::Dyn]
            }
            kind => {
                let detail = "cannot be range of a comprehension (must be list, map, or dynamic)";
                self.fault(range, format!("expression of type '{kind}' {detail}"));
                vec![Type::Error, Type::Error]
            }
        }
    }

    fn check_body(&mut self, part: &SpannedExpr, kinds: &[Type], rest: &[SpannedExpr], what: Loop) -> Type {
        let (condition, last) = match rest {
            [condition, last] => (Some(condition), last),
            _ => (None, &rest[0]),
        };
        let condition = condition.map(|condition| self.check(condition));
        let kind = self.check_last(part, kinds, last, what);
        if let Some(condition) = condition {
            self.resolve(part, "_?_:_", false, &[condition, kind.clone(), kind.clone()]);
        }
        kind
    }

    /// The type of a loop whose last argument this is.
    fn check_last(&mut self, part: &SpannedExpr, kinds: &[Type], last: &SpannedExpr, what: Loop) -> Type {
        match what {
            Loop::Ask(operator) => {
                let kind = self.check(last);
                self.resolve(part, operator, false, &[Type::Bool, kind])
            }
            Loop::Count => {
                let kind = self.check(last);
                self.resolve(part, "_?_:_", false, &[kind, Type::Int, Type::Int]);
                Type::Bool
            }
            Loop::Keep => {
                let (kind, kept) = (self.check(last), Type::list(kinds[0].clone()));
                self.resolve(part, "_?_:_", false, &[kind, kept.clone(), kept.clone()]);
                self.bounded(part, kept)
            }
            Loop::Collect => {
                let kind = self.check(last);
                self.bounded(part, Type::list(kind))
            }
            Loop::Map => {
                let kind = self.check(last);
                self.bounded(part, Type::map(kinds[0].clone(), kind))
            }
            Loop::Entries => {
                let kind = self.check(last);
                let entries = Type::map(self.bindings.fresh(), self.bindings.fresh());
                if self.bindings.fit([(&entries, &kind)]) {
                    kind
                } else {
                    self.mismatch(last, &entries, &kind)
                }
            }
        }
    }

    fn name<'e>(&mut self, part: &'e SpannedExpr) -> Option<&'e str> {
        match &part.node {
            Expr::Ident(name) => Some(name),
            _ => {
                self.fault(part, "argument must be a simple name".to_owned());
                None
            }
        }
    }
}

/// Whether the first arguments of a loop are that many names. A loop with one name takes whatever stands there, so that
/// it is told that this is no name.
fn fits(names: usize, args: &[SpannedExpr]) -> bool {
    names == 1 || args[..names].iter().all(|arg| matches!(arg.node, Expr::Ident(_)))
}
