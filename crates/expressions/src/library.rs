//! The functions and operators that every expression may call: `library.txt`, read once.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::Type;

/// A function for arguments of certain types.
pub(crate) struct Overload {
    /// Whether it is called on its first argument.
    pub(crate) is_method: bool,
    pub(crate) parameters: Vec<Type>,
    pub(crate) result: Type,
}

/// How many types an overload may leave open: A, B.
pub(crate) const OPEN: u32 = 2;

/// The names that are short in the table.
const NAMES: [(&str, &str); 12] = [
    ("Authorizer", "kubernetes.authorization.Authorizer"),
    ("CIDR", "net.CIDR"),
    ("Decision", "kubernetes.authorization.Decision"),
    ("Format", "kubernetes.NamedFormat"),
    ("GroupCheck", "kubernetes.authorization.GroupCheck"),
    ("IP", "net.IP"),
    ("Image", "kubernetes.Image"),
    ("PathCheck", "kubernetes.authorization.PathCheck"),
    ("Quantity", "kubernetes.Quantity"),
    ("ResourceCheck", "kubernetes.authorization.ResourceCheck"),
    ("Semver", "kubernetes.Semver"),
    ("URL", "kubernetes.URL"),
];

/// All overloads of each name.
pub(crate) static FUNCTIONS: LazyLock<HashMap<&str, Vec<Overload>>> = LazyLock::new(|| {
    let mut functions: HashMap<&str, Vec<Overload>> = HashMap::new();
    for line in include_str!("library.txt").lines().filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        let (name, overloads) = read(line);
        functions.entry(name).or_default().extend(overloads);
    }
    functions
});

fn read(line: &'static str) -> (&'static str, Vec<Overload>) {
    let (signature, kinds) = line.split_once(" | ").unwrap_or((line, "T"));
    let (call, result) = signature.split_once("-> ").expect("each line of the table has a result");
    let (name, parameters) = call.split_once(' ').expect("each line of the table has a name");
    let overload = |kind: &str| Overload {
        is_method: name.starts_with('.'),
        parameters: split(parameters).into_iter().map(|text| of(text, kind)).collect(),
        result: of(result, kind),
    };
    (name.trim_start_matches('.'), split_by(kinds, ' ').into_iter().map(overload).collect())
}

/// The type that the table writes as `text`, where T stands for `kind`.
fn of(text: &str, kind: &str) -> Type {
    let text = if text.trim() == "T" { kind } else { text.trim() };
    if let Some((outer, inner)) = text.strip_suffix(')').and_then(|text| text.split_once('(')) {
        let mut parts = split(inner).into_iter().map(|part| of(part, kind));
        let mut part = || parts.next().expect("a type of the table has its parts");
        return match outer {
            "list" => Type::list(part()),
            "map" => Type::map(part(), part()),
            "optional" => Type::optional(part()),
            _ => Type::Type(part().into()),
        };
    }
    match text {
        "A" => Type::Param(0),
        "B" => Type::Param(1),
        _ => named(text).unwrap_or_else(|| panic!("no type {text} in the table of functions")),
    }
}

/// The type with a name of the language or of the library.
pub(crate) fn named(name: &str) -> Option<Type> {
    Some(match name {
        "dyn" => Type::Dyn,
        "null" | "null_type" => Type::Null,
        "bool" => Type::Bool,
        "int" => Type::Int,
        "uint" => Type::Uint,
        "double" => Type::Double,
        "string" => Type::String,
        "bytes" => Type::Bytes,
        "duration" | "google.protobuf.Duration" => Type::Duration,
        "timestamp" | "google.protobuf.Timestamp" => Type::Timestamp,
        _ => Type::named(NAMES.iter().find(|(short, _)| *short == name)?.1),
    })
}

fn split(list: &str) -> Vec<&str> {
    split_by(list, ',')
}

/// Splits at a separator that is in no parentheses.
fn split_by(list: &str, separator: char) -> Vec<&str> {
    let mut depth = 0;
    let parts = list.split(|c: char| {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        depth == 0 && c == separator
    });
    parts.map(str::trim).filter(|part| !part.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_read() {
        let of = |name: &str| {
            FUNCTIONS[name].iter().map(|o| (o.is_method, o.parameters.len())).collect::<Vec<_>>()
        };
        assert_eq!(of("size").len(), 8);
        assert_eq!(of("optional.none"), [(false, 0)]);
        assert_eq!(of("_?_:_"), [(false, 3)]);
        let size = FUNCTIONS["size"].last().unwrap();
        assert_eq!(size.parameters, [Type::map(Type::Param(0), Type::Param(1))]);
        assert_eq!(FUNCTIONS["getQuery"][0].result.to_string(), "map(string, list(string))");
    }
}
