//! The types of an expression and of all its parts.

mod calls;
mod macros;

use std::collections::{BTreeSet, HashMap};

use cel_core::{Expr, MapEntry, SpannedExpr, StructField};

use crate::faults::Fault;
use crate::scope::Made;
use crate::unify::{Bindings, most_general};
use crate::{Compiled, Scope, Type, source};

/// How many types one type may be made of.
const HEAVIEST: usize = 256;

/// What an expression is, or what is wrong with it.
pub(crate) fn check(source: &str, expression: &SpannedExpr, scope: &Scope) -> Result<Compiled, Vec<Fault>> {
    let mut checker = Checker {
        source,
        scope,
        bindings: Bindings::default(),
        locals: HashMap::new(),
        named: BTreeSet::new(),
        faults: Vec::new(),
    };
    let kind = checker.check(expression);
    if checker.faults.is_empty() {
        Ok(Compiled { kind: checker.bindings.close(&kind), variables: checker.named })
    } else {
        Err(checker.faults)
    }
}

struct Checker<'a> {
    source: &'a str,
    scope: &'a Scope,
    bindings: Bindings,
    /// What macros gave names to; the innermost last.
    locals: HashMap<String, Vec<Type>>,
    /// The variables of the scope that were named.
    named: BTreeSet<String>,
    faults: Vec<Fault>,
}

impl Checker<'_> {
    fn fault(&mut self, part: &SpannedExpr, message: String) -> Type {
        self.faults.push(Fault { at: source::position(self.source, part), message });
        Type::Error
    }

    fn undeclared(&mut self, part: &SpannedExpr, name: &str) -> Type {
        self.fault(part, format!("undeclared reference to '{name}' (in container '')"))
    }

    fn mismatch(&mut self, part: &SpannedExpr, wanted: &Type, given: &Type) -> Type {
        let (wanted, given) = (self.bindings.close(wanted), self.bindings.close(given));
        self.fault(part, format!("expected type '{wanted}' but found '{given}'"))
    }

    fn check(&mut self, part: &SpannedExpr) -> Type {
        match &part.node {
            Expr::Null => Type::Null,
            Expr::Bool(_) => Type::Bool,
            Expr::Int(_) => Type::Int,
            Expr::UInt(_) => Type::Uint,
            Expr::Float(_) => Type::Double,
            Expr::String(_) => Type::String,
            Expr::Bytes(_) => Type::Bytes,
            Expr::Ident(name) | Expr::RootIdent(name) => {
                self.variable(name).unwrap_or_else(|| self.undeclared(part, name))
            }
            Expr::List(items) => {
                let items: Vec<_> = items.iter().map(|item| (&item.expr, item.optional)).collect();
                self.check_list(part, &items)
            }
            Expr::Map(entries) => self.check_map(part, entries),
            Expr::Unary { op, expr } => self.call(part, source::unary(*op), &[expr]),
            Expr::Binary { op, left, right } => self.call(part, source::operator(*op).1, &[left, right]),
            Expr::Ternary { cond, then_expr, else_expr } => {
                self.call(part, "_?_:_", &[cond, then_expr, else_expr])
            }
            Expr::Index { expr, index, optional: false } => self.call(part, "_[_]", &[expr, index]),
            Expr::Index { expr, index, optional: true } => self.call(part, "_[?_]", &[expr, index]),
            Expr::Member { expr, field, optional } => self.check_member(part, expr, field, *optional),
            Expr::Call { expr, args } => self.check_call(part, expr, args),
            Expr::Struct { type_name, fields } => self.check_struct(part, type_name, fields),
            // The parser makes these only of macros, which it does not know here.
            Expr::Comprehension(_) | Expr::MemberTestOnly { .. } | Expr::Bind { .. } | Expr::Error => {
                Type::Error
            }
        }
    }

    fn variable(&mut self, name: &str) -> Option<Type> {
        if let Some(local) = self.locals.get(name).and_then(|kinds| kinds.last()) {
            return Some(local.clone());
        }
        let kind = self.scope.variable(name);
        if kind.is_some() && !self.named.contains(name) {
            self.named.insert(name.to_owned());
        }
        kind
    }

    /// Whether a name is one that a macro gave.
    fn is_local(&self, name: &str) -> bool {
        self.locals.get(name).is_some_and(|kinds| !kinds.is_empty())
    }

    /// Checks something while names stand for values of certain types.
    fn with_locals<T>(&mut self, names: &[(&str, Type)], check: impl FnOnce(&mut Self) -> T) -> T {
        for (name, kind) in names {
            self.locals.entry((*name).to_owned()).or_default().push(kind.clone());
        }
        let result = check(self);
        for (name, _) in names {
            self.locals.get_mut(*name).and_then(Vec::pop);
        }
        result
    }

    /// The type of all items of a literal; each must fit to those before it.
    fn join(&mut self, part: &SpannedExpr, before: Option<Type>, kind: Type) -> Type {
        let Some(before) = before else {
            return kind;
        };
        if self.bindings.fit([(&before, &kind)]) {
            return most_general(&before, &kind).clone();
        }
        self.mismatch(part, &before, &kind)
    }

    /// The type of a part of a literal that may be missing, if it is marked so.
    fn check_item(&mut self, part: &SpannedExpr, optional: bool) -> Type {
        let kind = self.check(part);
        match self.bindings.resolve(&kind) {
            kind if !optional || kind.is_open() => kind,
            Type::Optional(value) => (*value).clone(),
            kind => self.mismatch(part, &Type::optional(kind.clone()), &kind),
        }
    }

    fn check_list(&mut self, part: &SpannedExpr, items: &[(&SpannedExpr, bool)]) -> Type {
        let mut joined = None;
        for (item, optional) in items {
            let kind = self.check_item(item, *optional);
            joined = Some(self.join(item, joined, kind));
        }
        let item = joined.unwrap_or_else(|| self.bindings.fresh());
        self.bounded(part, Type::list(item))
    }

    fn check_map(&mut self, part: &SpannedExpr, entries: &[MapEntry]) -> Type {
        let (mut keys, mut values) = (None, None);
        for entry in entries {
            let kind = self.check(&entry.key);
            keys = Some(self.join(&entry.key, keys, kind));
            let kind = self.check_item(&entry.value, entry.optional);
            values = Some(self.join(&entry.value, values, kind));
        }
        let key = keys.unwrap_or_else(|| self.bindings.fresh());
        let value = values.unwrap_or_else(|| self.bindings.fresh());
        self.bounded(part, Type::map(key, value))
    }

    /// A type that is not made of too many others: names that stand for maps of maps could double it at each step.
    fn bounded(&mut self, part: &SpannedExpr, kind: Type) -> Type {
        if self.bindings.resolve(&kind).weight() > HEAVIEST {
            return self.fault(part, format!("type is made of more than {HEAVIEST} types"));
        }
        kind
    }

    fn check_member(
        &mut self,
        part: &SpannedExpr,
        object: &SpannedExpr,
        field: &str,
        optional: bool,
    ) -> Type {
        let path = source::path(part, source::LONGEST_PATH).filter(|path| !self.is_local(source::root(path)));
        if let Some(kind) = path.and_then(|path| self.scope.variable(&path)) {
            return kind;
        }
        let kind = self.check(object);
        self.select(part, kind, field, optional)
    }

    /// The type of a field of a value; of a value that may be missing, or where that is asked for, it may be missing.
    fn select(&mut self, part: &SpannedExpr, kind: Type, field: &str, optional: bool) -> Type {
        let (kind, optional) = match self.bindings.resolve(&kind) {
            Type::Optional(value) => ((*value).clone(), true),
            kind => (kind, optional),
        };
        let found = match &kind {
            Type::Map(parts) => parts.1.clone(),
            Type::Named(name) => match self.scope.field(name, field) {
                Some(Some(kind)) => kind,
                Some(None) => self.fault(part, format!("undefined field '{field}'")),
                None => self.fault(part, format!("type '{kind}' does not support field selection")),
            },
            Type::Param(_) => {
                self.bindings.fit([(&Type::Dyn, &kind)]);
                Type::Dyn
            }
            kind if kind.is_open() => Type::Dyn,
            kind => self.fault(part, format!("type '{kind}' does not support field selection")),
        };
        if optional { Type::optional(found) } else { found }
    }

    fn check_struct(&mut self, part: &SpannedExpr, name: &SpannedExpr, fields: &[StructField]) -> Type {
        let name = source::path(name, usize::MAX).unwrap_or_default();
        let Some(made) = self.scope.made(&name) else {
            return self.undeclared(part, &name);
        };
        for field in fields {
            let given = self.check_item(&field.value, field.optional);
            if let Made::Of(object) = &made {
                self.check_field(part, object, field, &given);
            }
        }
        Type::named(&name)
    }

    fn check_field(&mut self, part: &SpannedExpr, object: &str, field: &StructField, given: &Type) {
        let name = &field.name;
        match self.scope.field(object, name).flatten() {
            None => {
                self.fault(part, format!("undefined field '{name}'"));
            }
            Some(wanted) if !self.bindings.fit([(&wanted, given)]) => {
                let given = self.bindings.close(given);
                let detail =
                    format!("expected type of field '{name}' is '{wanted}' but provided type is '{given}'");
                self.fault(&field.value, detail);
            }
            Some(_) => {}
        }
    }
}
