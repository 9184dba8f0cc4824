//! The rules of a schema: expressions about the values that it describes. Source: KEP-2876.

use expressions::{Compiled, Scope, Type};
use object::{FieldError, Path};

use crate::rules::expressions::KEYWORDS;
use crate::rules::{At, Errors, Read};

const RULES: &str = "x-kubernetes-validations";
const EMBEDDED: &str = "x-kubernetes-embedded-resource";
/// How a value is called in its rules, and what it was before.
const SELF: &str = "self";
const OLD: &str = "oldSelf";

/// What cannot be in a name, and what stands for it.
const ESCAPES: [(&str, &str); 4] =
    [("__", "__underscores__"), (".", "__dot__"), ("-", "__dash__"), ("/", "__slash__")];

/// Checks all rules of a structural schema.
pub(super) fn check(schema: &At, errors: &mut Errors) {
    let mut types = Types::default();
    types.add(schema, SELF, true, None);
    let mut scope = types.scope;
    for place in types.places {
        check_place(&place, &mut scope, errors);
    }
}

/// A schema that has rules.
struct Place<'a> {
    schema: At<'a>,
    /// The type of what it describes, if an expression can be about that.
    kind: Option<Type>,
    /// The list above it whose items cannot be found again in a newer object.
    within: Option<Path>,
}

/// The types of all values that a schema describes.
#[derive(Default)]
struct Types<'a> {
    scope: Scope,
    places: Vec<Place<'a>>,
}

impl<'a> Types<'a> {
    /// Adds what a schema describes, under a name of its own. Gives its type, if an expression can be about it.
    fn add(&mut self, schema: &At<'a>, name: &str, is_resource: bool, within: Option<&Path>) -> Option<Type> {
        let kind = self.kind(schema, name, is_resource || schema.flag(EMBEDDED), within);
        if !schema.is_empty(RULES) {
            self.places.push(Place { schema: schema.clone(), kind: kind.clone(), within: within.cloned() });
        }
        kind
    }

    fn kind(
        &mut self,
        schema: &At<'a>,
        name: &str,
        is_resource: bool,
        within: Option<&Path>,
    ) -> Option<Type> {
        if schema.flag("x-kubernetes-int-or-string") {
            return Some(Type::Dyn);
        }
        Some(match (schema.text("type"), schema.text("format")) {
            ("array", _) => return self.list(schema, name, within),
            ("object", _) => return self.object(schema, name, is_resource, within),
            ("string", "byte") => Type::Bytes,
            ("string", "duration") => Type::Duration,
            ("string", "date" | "date-time") => Type::Timestamp,
            ("string", _) => Type::String,
            ("boolean", _) => Type::Bool,
            ("number", _) => Type::Double,
            ("integer", _) => Type::Int,
            _ => return None,
        })
    }

    fn list(&mut self, schema: &At<'a>, name: &str, within: Option<&Path>) -> Option<Type> {
        let this = schema.path("");
        let is_map = schema.text("x-kubernetes-list-type") == "map";
        let within = within.or(if is_map { None } else { Some(&this) });
        let item = self.add(&schema.present("items")?, &format!("{name}.@idx"), false, within)?;
        Some(Type::list(item))
    }

    fn object(
        &mut self,
        schema: &At<'a>,
        name: &str,
        is_resource: bool,
        within: Option<&Path>,
    ) -> Option<Type> {
        let value = schema.present("additionalProperties").filter(|others| others.is_object());
        if let Some(value) = value {
            let kind = self.add(&value, &format!("{name}.@elem"), false, within)?;
            return Some(Type::map(Type::String, kind));
        }
        let mut fields = Vec::new();
        for (field, property) in schema.each_entry("properties") {
            let kind = self.add(&property, &format!("{name}.{field}"), false, within);
            fields.extend(escaped(field).zip(kind));
        }
        let kind = self.scope.object(name, fields.iter().map(|(field, kind)| (field.as_str(), kind.clone())));
        if is_resource {
            self.add_metadata(name);
        }
        Some(kind)
    }

    /// What each resource has, whatever its schema says.
    fn add_metadata(&mut self, name: &str) {
        let names = ["name", "generateName"].map(|field| (field, Type::String));
        let metadata = self.scope.object(&format!("{name}.metadata"), names);
        for field in ["apiVersion", "kind"] {
            self.scope.add_field(name, field, Type::String);
        }
        self.scope.add_field(name, "metadata", metadata);
    }
}

/// How a field is called in an expression, if it can be.
fn escaped(field: &str) -> Option<String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "_.-/".contains(c);
    if field.is_empty() || field.starts_with(|c: char| c.is_ascii_digit()) || !field.chars().all(fits) {
        return None;
    }
    if KEYWORDS.contains(&field) {
        return Some(format!("__{field}__"));
    }
    let (mut name, mut rest) = (String::new(), field);
    while !rest.is_empty() {
        let (mark, text) =
            ESCAPES.into_iter().find(|(mark, _)| rest.starts_with(mark)).unwrap_or((&rest[..1], &rest[..1]));
        name.push_str(text);
        rest = &rest[mark.len()..];
    }
    Some(name)
}

fn check_place(place: &Place, scope: &mut Scope, errors: &mut Errors) {
    let schema = &place.schema;
    let Some(kind) = &place.kind else {
        let detail = format!(
            "rule declared on schema that does not support validation rules type: '{}' \
             x-kubernetes-preserve-unknown-fields: '{}'",
            schema.text("type"),
            schema.flag("x-kubernetes-preserve-unknown-fields")
        );
        return errors.push(FieldError::invalid(&schema.path(RULES), schema.show(RULES), detail));
    };
    scope.set(SELF, kind.clone());
    for rule in schema.each(RULES).filter(|rule| !rule.text("rule").trim().is_empty()) {
        let old = if rule.flag("optionalOldSelf") { Type::optional(kind.clone()) } else { kind.clone() };
        scope.set(OLD, old);
        check_rule(&rule, place, scope, errors);
    }
}

fn check_rule(rule: &At, place: &Place, scope: &Scope, errors: &mut Errors) {
    let mut wrong =
        |field: &str, detail| errors.push(FieldError::invalid(&rule.path(field), rule.show(""), detail));
    let used = match expressions::compile(rule.text("rule"), scope) {
        Err(faults) => return wrong("rule", format!("compilation failed: {faults}")),
        Ok(Compiled { kind: Type::Bool, variables }) => variables,
        Ok(_) => return wrong("rule", "cel expression must evaluate to a bool".to_owned()),
    };
    let message = rule.text("messageExpression");
    if !message.trim().is_empty() {
        match expressions::compile(message, scope) {
            Err(faults) => {
                wrong("messageExpression", format!("messageExpression compilation failed: {faults}"));
            }
            Ok(Compiled { kind: Type::String, .. }) => {}
            Ok(_) => wrong("messageExpression", "messageExpression must evaluate to a string".to_owned()),
        }
    }
    if let Some(list) = place.within.as_ref().filter(|_| used.contains(OLD)) {
        let detail =
            format!("oldSelf cannot be used on the uncorrelatable portion of the schema within {list}");
        errors.push(FieldError::invalid(&rule.path("rule"), rule.show("rule"), detail));
    }
}
