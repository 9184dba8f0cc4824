//! Values held against their schema. What is wrong with one is told in the words of upstream's validator of OpenAPI
//! schemas (kube-openapi), and at its paths.

mod limits;

use std::collections::HashSet;

use object::{FieldError, FieldErrors, Map, Path, Value};
use serde_json::Number;

use self::limits::{bound, is_same, is_whole, shown, too_long, too_many};
use super::schema::{Counts, Others, Schema};
use super::{MAX_ERRORS, formats};

/// What is wrong with a value, which stands at `base`; each error once.
pub(super) fn check(schema: &Schema, value: &Value, base: &Path, work: &mut Work) -> FieldErrors {
    let mut walk = Walk { base, work };
    let mut errors = walk.value(schema, value, &Place::Here).errors;
    let mut seen = HashSet::new();
    errors.retain(|error| seen.insert(error.to_string()));
    errors
}

/// How much may still be done: logic in schemas multiplies what there is to look at.
pub(super) struct Work {
    left: usize,
}

impl Default for Work {
    fn default() -> Self {
        Self { left: 2_000_000 }
    }
}

impl Work {
    /// Takes some. Says whether there was enough.
    fn take(&mut self, steps: usize) -> bool {
        self.left = self.left.saturating_sub(steps);
        !self.is_spent()
    }

    /// Whether nothing is left, and something may not have been looked at.
    pub(super) fn is_spent(&self) -> bool {
        self.left == 0
    }
}

/// Where a value is in the one that is checked.
enum Place<'a> {
    Here,
    Property(&'a Place<'a>, &'a str),
    /// A property that the schema does not list.
    Other(&'a Place<'a>, &'a str),
    Item(&'a Place<'a>, usize),
}

impl Place<'_> {
    /// How the place is called in texts.
    fn name(&self) -> String {
        match self {
            Place::Here => String::new(),
            Place::Property(Place::Here, name) => (*name).to_owned(),
            Place::Property(around, name) | Place::Other(around, name) => format!("{}.{name}", around.name()),
            Place::Item(around, i) => format!("{}[{i}]", around.name()),
        }
    }
}

/// What came of a check.
#[derive(Default)]
struct Outcome {
    errors: FieldErrors,
    /// How much was right: of alternatives that all fail, the errors of the best are told.
    right: usize,
}

impl Outcome {
    fn right() -> Self {
        Self { right: 1, ..Self::default() }
    }

    fn is_right(&self) -> bool {
        self.errors.is_empty()
    }

    fn add(&mut self, other: Self) {
        let free = MAX_ERRORS.saturating_sub(self.errors.len());
        self.errors.extend(other.errors.into_iter().take(free));
        self.right += other.right;
    }

    /// Adds what came of a check of its own.
    fn add_check(&mut self, other: Self) {
        self.add(other);
        self.right += 1;
    }
}

struct Walk<'a> {
    base: &'a Path,
    work: &'a mut Work,
}

impl Walk<'_> {
    fn value(&mut self, schema: &Schema, value: &Value, place: &Place) -> Outcome {
        let mut all = Outcome::default();
        if !self.work.take(1) {
            return all;
        }
        if value.is_null() {
            all.add(self.kind(schema, value, place));
            all.add(self.allowed(schema, value, place));
            return all;
        }
        if !schema.kind.is_empty() || !schema.format.is_empty() {
            all.add_check(self.kind(schema, value, place));
        }
        all.add_check(self.logic(schema, value, place));
        match value {
            Value::String(text) => {
                all.add_check(self.text(schema, text, place));
                if let Some(is_right) = formats::is_right(&schema.format, text) {
                    all.add_check(self.format(schema, text, is_right, place));
                }
            }
            Value::Number(number) => all.add_check(self.number(schema, number, place)),
            Value::Array(items) => all.add_check(self.list(schema, items, place)),
            Value::Null | Value::Bool(_) | Value::Object(_) => {}
        }
        all.add_check(self.allowed(schema, value, place));
        if let Value::Object(map) = value {
            all.add_check(self.object(schema, map, place));
        }
        all.right += 1;
        all
    }

    /// An error at a place; its maker gets the path and the name of the place.
    fn fail(&mut self, place: &Place, make: impl FnOnce(&Path, &str) -> FieldError) -> Outcome {
        let name = place.name();
        let path = match name.strip_prefix('.').unwrap_or(&name) {
            "" => self.base.clone(),
            below => self.base.child(below),
        };
        let error = make(&path, &name);
        self.work.take((path.as_str().len() + error.detail.len()) / 16);
        Outcome { errors: vec![error], right: 0 }
    }

    /// An error about logic, which is told of the value as a whole.
    fn fail_logic(&mut self, place: &Place, detail: &str) -> Outcome {
        let base = self.base.clone();
        self.fail(place, |_, name| FieldError::invalid(&base, "", format!("{name:?} {detail}")))
    }

    /// Checks the type.
    fn kind(&mut self, schema: &Schema, value: &Value, place: &Place) -> Outcome {
        let wanted = schema.kind.as_str();
        let mut wrong = |wanted: &str, found: &str| {
            self.fail(place, |path, name| {
                let detail = format!("{name} in body must be of type {wanted}: {found:?}");
                FieldError::type_invalid(path, found, detail)
            })
        };
        let (found, found_format) = match value {
            Value::Null if wanted.is_empty() || schema.is_nullable => return Outcome::right(),
            Value::Null => return wrong(wanted, "null"),
            Value::Bool(_) => ("boolean", ""),
            Value::String(_) => ("string", ""),
            Value::Number(number) if number.is_i64() => ("integer", "int64"),
            Value::Number(_) => ("number", "float64"),
            Value::Array(_) => ("array", ""),
            Value::Object(_) => ("object", ""),
        };
        let fits = match (found, wanted) {
            ("integer", "number") => true,
            ("number", "integer") => value.as_f64().is_some_and(is_whole),
            _ => found == wanted,
        };
        let has_format = !schema.format.is_empty();
        match found {
            // texts of a format are checked by that, whatever they are
            "string" | "array" if has_format && !matches!(wanted, "number" | "integer") => Outcome::right(),
            "string" | "array" if fits => Outcome::right(),
            "string" | "array" => wrong(wanted, found),
            _ if has_format && !fits && found_format != schema.format => wrong(&schema.format, found_format),
            _ if !fits => wrong(wanted, found),
            _ => Outcome::right(),
        }
    }

    fn logic(&mut self, schema: &Schema, value: &Value, place: &Place) -> Outcome {
        let mut all = Outcome::default();
        if !schema.any_of.is_empty() {
            all.add(self.any_of(schema, value, place));
        }
        if !schema.one_of.is_empty() {
            all.add(self.one_of(schema, value, place));
        }
        if !schema.all_of.is_empty() {
            all.add(self.all_of(schema, value, place));
        }
        if let Some(not) = &schema.not
            && self.value(not, value, place).is_right()
        {
            all.add(self.fail_logic(place, "must not validate the schema (not)"));
        }
        all.right += 1;
        all
    }

    fn any_of(&mut self, schema: &Schema, value: &Value, place: &Place) -> Outcome {
        let mut best: Option<Outcome> = None;
        for part in &schema.any_of {
            let outcome = self.value(part, value, place);
            if outcome.is_right() {
                return outcome;
            }
            if best.as_ref().is_none_or(|best| outcome.right > best.right) {
                best = Some(outcome);
            }
        }
        let mut all = self.fail_logic(place, "must validate at least one schema (anyOf)");
        all.add(best.unwrap_or_default());
        all
    }

    fn one_of(&mut self, schema: &Schema, value: &Value, place: &Place) -> Outcome {
        let (mut best, mut first): (Option<Outcome>, Option<Outcome>) = (None, None);
        let mut fitting = 0_usize;
        for part in &schema.one_of {
            let outcome = self.value(part, value, place);
            if outcome.is_right() {
                fitting += 1;
                best = None;
                first.get_or_insert(outcome);
            } else if fitting == 0 && best.as_ref().is_none_or(|best| outcome.right > best.right) {
                best = Some(outcome);
            }
        }
        let found = match fitting {
            0 => "Found none valid".to_owned(),
            1 => return first.unwrap_or_default(),
            many => format!("Found {many} valid alternatives"),
        };
        let mut all =
            self.fail_logic(place, &format!("must validate one and only one schema (oneOf). {found}"));
        all.add(best.unwrap_or_default());
        all
    }

    fn all_of(&mut self, schema: &Schema, value: &Value, place: &Place) -> Outcome {
        let (mut all, mut fitting) = (Outcome::default(), 0);
        for part in &schema.all_of {
            let outcome = self.value(part, value, place);
            fitting += usize::from(outcome.is_right());
            all.add(outcome);
        }
        if fitting < schema.all_of.len() {
            let none = if fitting == 0 { ". None validated" } else { "" };
            all.add(self.fail_logic(place, &format!("must validate all the schemas (allOf){none}")));
        }
        all
    }

    /// Checks the length and the pattern of a text; the first error is told.
    fn text(&mut self, schema: &Schema, text: &str, place: &Place) -> Outcome {
        let Counts { least, most } = schema.length;
        let length = text.chars().count() as i64;
        if let Some(most) = most.filter(|most| length > *most) {
            return self.fail(place, |path, _| too_long(path, most));
        }
        if let Some(least) = least.filter(|least| length < *least) {
            return self.fail(place, |path, name| {
                let detail = format!("{name} in body should be at least {least} chars long");
                FieldError::invalid(path, text, detail)
            });
        }
        let Some((pattern, read)) = &schema.pattern else { return Outcome::default() };
        if !self.work.take(read.work(text)) {
            return Outcome::default();
        }
        match read.is_found(text) {
            Some(true) => Outcome::default(),
            Some(false) => self.fail(place, |path, name| {
                FieldError::invalid(path, text, format!("{name} in body should match '{pattern}'"))
            }),
            // what cannot be judged is not let pass
            None => {
                self.work.left = 0;
                Outcome::default()
            }
        }
    }

    fn format(&mut self, schema: &Schema, text: &str, is_right: bool, place: &Place) -> Outcome {
        if is_right {
            return Outcome::default();
        }
        self.fail(place, |path, name| {
            let detail = format!("{name} in body must be of type {}: {text:?}", schema.format);
            FieldError::type_invalid(path, text, detail)
        })
    }

    fn number(&mut self, schema: &Schema, number: &Number, place: &Place) -> Outcome {
        let limits = &schema.numbers;
        let mut all = Outcome::right();
        if let Some(factor) = limits.factor.filter(|factor| *factor < 0.0) {
            let shown = bound(factor, number);
            all.add(self.fail(place, |path, name| {
                let detail = format!("factor MultipleOf declared for {name} must be positive: {shown}");
                FieldError::invalid(path, serde_json::from_str(&shown).unwrap_or(Value::Null), detail)
            }));
        }
        for wrong in limits.breaches(number) {
            all.add(self.fail(place, |path, name| {
                FieldError::invalid(path, shown(number), format!("{name} in body should be {wrong}"))
            }));
        }
        all
    }

    fn list(&mut self, schema: &Schema, items: &[Value], place: &Place) -> Outcome {
        let mut all = Outcome::default();
        if let Some(of) = &schema.items {
            for (i, item) in items.iter().enumerate() {
                all.add(self.value(of, item, &Place::Item(place, i)));
            }
        }
        let (Counts { least, most }, count) = (&schema.items_count, items.len() as i64);
        if let Some(least) = least.filter(|least| count < *least) {
            all.add(self.fail(place, |path, name| {
                let detail = format!("{name} in body should have at least {least} items");
                FieldError::invalid(path, count, detail)
            }));
        }
        if let Some(most) = most.filter(|most| count > *most) {
            all.add(self.fail(place, |path, _| too_many(path, items.len(), most)));
        }
        all.right += 1;
        all
    }

    fn object(&mut self, schema: &Schema, map: &Map, place: &Place) -> Outcome {
        let (Counts { least, most }, count) = (&schema.properties_count, map.len() as i64);
        if let Some(least) = least.filter(|least| count < *least) {
            return self.fail(place, |path, name| {
                let detail = format!("{name} in body should have at least {least} properties");
                FieldError::invalid(path, count, detail)
            });
        }
        if let Some(most) = most.filter(|most| count > *most) {
            return self.fail(place, |path, _| too_many(path, map.len(), most));
        }
        let mut all = Outcome::default();
        for (name, value) in map {
            match (schema.properties.get(name), &schema.others) {
                (Some(of), _) => all.add(self.value(of, value, &Place::Property(place, name))),
                (None, Others::Of(of)) => all.add(self.value(of, value, &Place::Other(place, name))),
                (None, Others::Never) => all.add(self.fail(place, |path, around| {
                    let detail = format!("{around}.{name} in body is a forbidden property");
                    FieldError::invalid(path, name.as_str(), detail)
                })),
                (None, Others::Unsaid | Others::Any) => {}
            }
        }
        self.work.take(schema.required.len());
        for name in schema.required.iter().filter(|name| !map.contains_key(*name)) {
            all.add(self.fail(&Place::Other(place, name), |path, _| FieldError::required(path, "")));
        }
        all
    }

    /// Checks that a value is one of those that there may be.
    fn allowed(&mut self, schema: &Schema, value: &Value, place: &Place) -> Outcome {
        if schema.allowed.is_empty() || schema.allowed.iter().any(|allowed| is_same(value, allowed)) {
            self.work.take(schema.allowed.len());
            return Outcome::default();
        }
        let text = |value: &Value| match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => shown(number).to_string(),
            value => value.to_string(),
        };
        let texts: Vec<String> = schema.allowed.iter().map(text).collect();
        self.work.take(texts.len());
        let shown = match value {
            Value::Number(number) => shown(number),
            value => value.clone(),
        };
        self.fail(place, |path, _| FieldError::not_supported(path, shown, &texts))
    }
}
