//! Where the parts of an expression are in its text.

use cel_core::{BinaryOp, Expr, SpannedExpr, UnaryOp};

/// The name of the function that an operator is.
pub(crate) fn operator(op: BinaryOp) -> (&'static str, &'static str) {
    match op {
        BinaryOp::Add => ("+", "_+_"),
        BinaryOp::Sub => ("-", "_-_"),
        BinaryOp::Mul => ("*", "_*_"),
        BinaryOp::Div => ("/", "_/_"),
        BinaryOp::Mod => ("%", "_%_"),
        BinaryOp::Eq => ("==", "_==_"),
        BinaryOp::Ne => ("!=", "_!=_"),
        BinaryOp::Lt => ("<", "_<_"),
        BinaryOp::Le => ("<=", "_<=_"),
        BinaryOp::Gt => (">", "_>_"),
        BinaryOp::Ge => (">=", "_>=_"),
        BinaryOp::In => ("in", "@in"),
        BinaryOp::And => ("&&", "_&&_"),
        BinaryOp::Or => ("||", "_||_"),
    }
}

pub(crate) fn unary(op: UnaryOp) -> &'static str {
    match op {
        UnaryOp::Neg => "-_",
        UnaryOp::Not => "!_",
    }
}

/// The byte at which a part is said to be: at its operator, dot or parenthesis, where it has one.
pub(crate) fn position(source: &str, part: &SpannedExpr) -> usize {
    let after = |before: &SpannedExpr, mark: &str| {
        let from = before.span.end.min(source.len());
        source.get(from..).and_then(|rest| rest.find(mark)).map_or(part.span.start, |offset| from + offset)
    };
    match &part.node {
        Expr::Binary { op, left, .. } => after(left, operator(*op).0),
        Expr::Ternary { cond, .. } => after(cond, "?"),
        Expr::Member { expr, .. } => after(expr, "."),
        Expr::Index { expr, .. } => after(expr, "["),
        Expr::Call { expr, .. } => after(expr, "("),
        Expr::Struct { type_name, .. } => after(type_name, "{"),
        _ => part.span.start,
    }
}

/// How many names the path of a function, a variable or a type of the library has at most.
pub(crate) const LONGEST_PATH: usize = 4;

/// A path of at most so many names, `a.b.c`, if that is all a part is.
pub(crate) fn path(part: &SpannedExpr, most: usize) -> Option<String> {
    match &part.node {
        Expr::Ident(name) | Expr::RootIdent(name) if most > 0 => Some(name.clone()),
        Expr::Member { expr, field, optional: false } if most > 0 => {
            Some(path(expr, most - 1)? + "." + field)
        }
        _ => None,
    }
}

/// The first name of a path.
pub(crate) fn root(path: &str) -> &str {
    path.split('.').next().unwrap_or_default()
}
