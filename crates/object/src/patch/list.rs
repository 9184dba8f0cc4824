//! Lists in strategic merges: which items meet, and in which order they stand afterwards.

use std::collections::{HashMap, HashSet};

use super::PatchError;
use super::strategic::{
    DIRECTIVE, ListScope, Merge, cleaned, go_list, malformed, no_merge_key, unknown_directive, unmergeable,
};
use crate::{Map, Value};

/// What tells items apart: the JSON text of the merge key, or of the scalar itself.
type Identity = String;
type Identified = Vec<(Identity, Value)>;

/// Merges a list of the patch into one of the object.
pub(super) fn merge<'a>(
    merge: &Merge<'a>,
    original: Vec<Value>,
    patch: Vec<Value>,
    scope: ListScope<'a>,
) -> Result<Vec<Value>, PatchError> {
    if !scope.merges() {
        return Ok(patch);
    }
    match kind_of(&original, &patch)? {
        None => Ok(original),
        Some(Kind::Scalar) => {
            let original = identified(original, None)?;
            let patch = identified(patch, None)?;
            let (server, order) = (positions(&original), positions(&patch));
            Ok(arranged(distinct(original, patch), &order, &server))
        }
        Some(Kind::Object) => objects(merge, original, patch, scope),
    }
}

/// Merges, and then orders by the items of a `$setElementOrder` directive.
pub(super) fn merge_in_order<'a>(
    walk: &Merge<'a>,
    original: Option<Vec<Value>>,
    patch: Option<Vec<Value>>,
    order: &[Value],
    scope: ListScope<'a>,
) -> Result<Vec<Value>, PatchError> {
    check_order(patch.as_deref().unwrap_or_default(), order, scope.key())?;
    let server = positions_of(original.as_deref().unwrap_or_default(), scope.key())?;
    let merged = match (original, patch) {
        (original, None) => original.unwrap_or_default(),
        (None, Some(patch)) => patch.into_iter().filter_map(cleaned).collect(),
        (Some(original), Some(patch)) => merge(walk, original, patch, scope)?,
    };
    let order = positions_of(order, scope.key())?;
    Ok(arranged(identified(merged, scope.key())?, &order, &server))
}

/// Removes scalars from a list.
pub(super) fn delete(items: &mut Vec<Value>, gone: &[Value]) -> Result<(), PatchError> {
    if kind_of(items, gone)? == Some(Kind::Object) {
        return Err(malformed("primitive list"));
    }
    let gone: HashSet<Identity> = gone.iter().map(Value::to_string).collect();
    items.retain(|item| !gone.contains(&item.to_string()));
    Ok(())
}

fn objects<'a>(
    merge: &Merge<'a>,
    original: Vec<Value>,
    patch: Vec<Value>,
    scope: ListScope<'a>,
) -> Result<Vec<Value>, PatchError> {
    let key = scope.key().ok_or_else(|| unmergeable("cannot merge lists without merge key"))?;
    let special = Special::split(patch, key)?;
    let plain = identified(special.plain, Some(key))?;
    if special.replace {
        return Ok(plain.into_iter().filter_map(|(_, item)| cleaned(item)).collect());
    }
    let mut items = identified(original, Some(key))?;
    items.retain(|(identity, _)| !special.delete.contains(identity));
    let (server, order) = (positions(&items), positions(&plain));
    let mut index = server.clone();
    for (identity, patch) in plain {
        match index.get(&identity) {
            Some(&at) => {
                let (old, patch) = (into_map(items[at].1.take()), into_map(patch));
                items[at].1 = Value::Object(merge.objects(old, patch, Merge::scope(scope.item))?);
            }
            None => {
                if let Some(new) = cleaned(patch) {
                    index.insert(identity.clone(), items.len());
                    items.push((identity, new));
                }
            }
        }
    }
    Ok(arranged(items, &order, &server))
}

fn into_map(value: Value) -> Map {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// The items of a patch, those with a directive apart.
#[derive(Default)]
struct Special {
    plain: Vec<Value>,
    delete: HashSet<Identity>,
    replace: bool,
}

impl Special {
    fn split(patch: Vec<Value>, key: &str) -> Result<Self, PatchError> {
        let mut split = Self::default();
        for item in patch {
            let Value::Object(map) = &item else { continue };
            let Some(directive) = map.get(DIRECTIVE) else {
                split.plain.push(item);
                continue;
            };
            match directive.as_str() {
                Some("delete") => {
                    split.delete.insert(identity(&item, Some(key))?);
                }
                Some("replace") => split.replace = true,
                Some("merge") => {
                    return Err(unmergeable("merging lists cannot yet be specified in the patch"));
                }
                _ => return Err(unknown_directive(directive, map)),
            }
        }
        Ok(split)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Object,
    Scalar,
}

/// What the items of both lists are; `None` where there are none.
fn kind_of(original: &[Value], patch: &[Value]) -> Result<Option<Kind>, PatchError> {
    let mut all = original.iter().chain(patch);
    let Some(first) = all.next() else { return Ok(None) };
    if first.is_array() {
        return Err(PatchError::Unprocessable("lists of lists are not supported".to_owned()));
    }
    if !all.all(|item| std::mem::discriminant(item) == std::mem::discriminant(first)) {
        let lists = format!("[{} {}]", go_list(original), go_list(patch));
        return Err(PatchError::Unmergeable(format!("list element types are not identical: {lists}")));
    }
    Ok(Some(if first.is_object() { Kind::Object } else { Kind::Scalar }))
}

fn identity(item: &Value, key: Option<&str>) -> Result<Identity, PatchError> {
    match (item, key) {
        (Value::Object(map), Some(key)) => {
            map.get(key).map(Value::to_string).ok_or_else(|| no_merge_key(map, key))
        }
        (item, _) => Ok(item.to_string()),
    }
}

fn identified(items: Vec<Value>, key: Option<&str>) -> Result<Identified, PatchError> {
    items.into_iter().map(|item| identity(&item, key).map(|identity| (identity, item))).collect()
}

/// Where each identity stands first.
fn positions(items: &Identified) -> HashMap<Identity, usize> {
    let mut positions = HashMap::with_capacity(items.len());
    for (at, (identity, _)) in items.iter().enumerate() {
        positions.entry(identity.clone()).or_insert(at);
    }
    positions
}

fn positions_of(items: &[Value], key: Option<&str>) -> Result<HashMap<Identity, usize>, PatchError> {
    let mut positions = HashMap::with_capacity(items.len());
    for (at, item) in items.iter().enumerate() {
        positions.entry(identity(item, key)?).or_insert(at);
    }
    Ok(positions)
}

fn distinct(original: Identified, patch: Identified) -> Identified {
    let mut seen = HashSet::new();
    original.into_iter().chain(patch).filter(|(identity, _)| seen.insert(identity.clone())).collect()
}

/// Items that `order` names stand in that order, the others in the server's; of the next of each the server's goes
/// first only where the server had both and had it first.
fn arranged(
    items: Identified,
    order: &HashMap<Identity, usize>,
    server: &HashMap<Identity, usize>,
) -> Vec<Value> {
    let (mut named, others): (Identified, Identified) =
        items.into_iter().partition(|(identity, _)| order.contains_key(identity));
    named.sort_by_key(|(identity, _)| order.get(identity).copied());
    let mut all = Vec::with_capacity(named.len() + others.len());
    let (mut named, mut others) = (named.into_iter().peekable(), others.into_iter().peekable());
    loop {
        let others_first = match (others.peek(), named.peek()) {
            (Some((other, _)), Some((name, _))) => match (server.get(other), server.get(name)) {
                (Some(other), Some(name)) => other < name,
                _ => false,
            },
            (Some(_), None) => true,
            (None, _) => false,
        };
        match if others_first { others.next() } else { named.next() } {
            Some((_, item)) => all.push(item),
            None => return all,
        }
    }
}

/// The plain items of a patch must occur in the order that the directive states.
fn check_order(patch: &[Value], order: &[Value], key: Option<&str>) -> Result<(), PatchError> {
    if patch.is_empty() || order.is_empty() {
        return Ok(());
    }
    let mut stated = order.iter();
    for item in patch.iter().filter(|item| item.get(DIRECTIVE).is_none()) {
        let wanted = identity(item, key)?;
        loop {
            let Some(next) = stated.next() else {
                return Err(PatchError::Unmergeable(format!(
                    "The order in patch list:\n{}\n doesn't match $setElementOrder list:\n{}\n",
                    go_list(patch),
                    go_list(order)
                )));
            };
            if identity(next, key)? == wanted {
                break;
            }
        }
    }
    Ok(())
}
