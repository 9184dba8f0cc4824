//! What the types that are open turn out to be: the rules by which a type fits where another is expected.
//!
//! The rules are those of the language's reference implementation in Go, whose verdicts clients know.

use crate::Type;

/// What each open type was found to be.
#[derive(Default)]
pub(crate) struct Bindings {
    found: Vec<Option<Type>>,
    /// What was changed, so that a trial can be taken back.
    trail: Vec<(u32, Option<Type>)>,
}

impl Bindings {
    /// A type that is not known yet.
    pub(crate) fn fresh(&mut self) -> Type {
        self.found.push(None);
        Type::Param(self.found.len() as u32 - 1)
    }

    /// The first of `count` types that are not known yet.
    pub(crate) fn open(&mut self, count: u32) -> u32 {
        let first = self.found.len() as u32;
        self.found.resize(self.found.len() + count as usize, None);
        first
    }

    /// `kind` with what is known by now of its open types.
    pub(crate) fn resolve(&self, kind: &Type) -> Type {
        match kind {
            Type::Param(id) => {
                self.found[*id as usize].as_ref().map_or(kind.clone(), |kind| self.resolve(kind))
            }
            other => other.with(&mut |part| self.resolve(part)),
        }
    }

    /// `kind` where what is still open may be anything.
    pub(crate) fn close(&self, kind: &Type) -> Type {
        match self.resolve(kind) {
            Type::Param(_) => Type::Dyn,
            other => other.with(&mut |part| self.close(part)),
        }
    }

    /// Whether values of `given` may stand where `wanted` are expected, all of them; if not, nothing was learned.
    pub(crate) fn fit<'t>(&mut self, pairs: impl IntoIterator<Item = (&'t Type, &'t Type)>) -> bool {
        let mark = self.trail.len();
        let fits = pairs.into_iter().all(|(wanted, given)| self.fits(wanted, given));
        if !fits {
            for (id, before) in self.trail.drain(mark..).rev() {
                self.found[id as usize] = before;
            }
        }
        fits
    }

    fn fits(&mut self, one: &Type, other: &Type) -> bool {
        if let Type::Param(id) = other {
            match self.substitutes(one, *id) {
                Fit::Yes => return true,
                Fit::No => return false,
                Fit::Unknown => {}
            }
        }
        if let Type::Param(id) = one {
            return self.substitutes(other, *id) == Fit::Yes;
        }
        match (one, other) {
            _ if one.is_open() || other.is_open() => true,
            (Type::Null, kind) | (kind, Type::Null) => kind.is_nullable(),
            (Type::Type(_), Type::Type(_)) => true,
            (Type::List(_), Type::List(_))
            | (Type::Map(_), Type::Map(_))
            | (Type::Optional(_), Type::Optional(_)) => {
                one.parts().into_iter().zip(other.parts()).all(|(one, other)| self.fits(one, other))
            }
            _ => one == other,
        }
    }

    /// Whether the open type `id` may be `kind`; the more general of what it was and what it is to be is kept.
    fn substitutes(&mut self, kind: &Type, id: u32) -> Fit {
        if *kind == Type::Param(id) {
            return Fit::Yes;
        }
        if let Some(known) = self.found[id as usize].clone() {
            if *kind == known {
                return Fit::Yes;
            }
            if !self.fits(kind, &known) {
                return Fit::No;
            }
            let general = most_general(kind, &known);
            if !self.mentions(general, id) {
                self.bind(id, general.clone());
            }
            return Fit::Yes;
        }
        if self.mentions(kind, id) {
            return Fit::Unknown;
        }
        self.bind(id, kind.clone());
        Fit::Yes
    }

    fn bind(&mut self, id: u32, kind: Type) {
        let before = self.found[id as usize].replace(kind);
        self.trail.push((id, before));
    }

    fn mentions(&self, kind: &Type, id: u32) -> bool {
        match kind {
            Type::Param(other) if *other == id => true,
            Type::Param(other) => {
                self.found[*other as usize].as_ref().is_some_and(|kind| self.mentions(kind, id))
            }
            kind => kind.parts().into_iter().any(|part| self.mentions(part, id)),
        }
    }
}

#[derive(PartialEq)]
enum Fit {
    Yes,
    No,
    Unknown,
}

/// The one of two types that says less.
pub(crate) fn most_general<'t>(one: &'t Type, other: &'t Type) -> &'t Type {
    if says_less(one, other) { one } else { other }
}

fn says_less(one: &Type, other: &Type) -> bool {
    match (one, other) {
        (Type::Dyn | Type::Error | Type::Param(_), _) => true,
        (_, Type::Dyn | Type::Error | Type::Param(_)) => false,
        (Type::Type(_), Type::Type(_)) => true,
        (Type::List(_), Type::List(_))
        | (Type::Map(_), Type::Map(_))
        | (Type::Optional(_), Type::Optional(_)) => {
            one.parts().into_iter().zip(other.parts()).all(|(one, other)| says_less(one, other))
        }
        _ => one == other,
    }
}
