//! What is true of every row.

use std::collections::HashSet;

use object::{Schema, Shape};

use super::built_in;
use crate::schema::types;
use crate::{Cell, Kind, Subresource, Verb};

/// Whether a dotted path leads somewhere in a schema.
fn leads(schema: &Schema, path: &str) -> bool {
    let mut shape = Shape::Object(schema.root);
    for name in path.split('.') {
        shape = match shape {
            Shape::Object(id) => match schema.types.get(id).field(name) {
                Some(field) => field.shape.clone(),
                None => return false,
            },
            Shape::Map(value, _) => *value,
            _ => return false,
        };
    }
    true
}

/// The paths of its schema that a row names.
fn paths(kind: &Kind) -> Vec<String> {
    let selectable = kind.selectable.iter().flat_map(|path| kind.places(path)).map(str::to_owned);
    let mut paths: Vec<String> = selectable.collect();
    paths.extend(kind.columns.iter().filter_map(|column| match column.cell {
        Cell::Path(path) | Cell::Age(path) => Some(path.to_owned()),
        Cell::Of(_) => None,
    }));
    for subresource in &kind.subresources {
        if let Subresource::Scale { spec, status, selector } = subresource {
            paths.extend([spec, status, selector].map(|path| (*path).to_owned()));
        }
    }
    paths.push("metadata.name".to_owned());
    paths
}

#[test]
fn every_path_leads_somewhere() {
    for kind in built_in().iter() {
        for path in paths(kind) {
            assert!(leads(&kind.schema, &path), "{kind:?}: {path}");
        }
    }
}

#[test]
fn schemas_are_those_of_the_kinds() {
    for kind in built_in().iter() {
        let gvk = (kind.group.clone(), kind.version.clone(), kind.kind.clone());
        assert!(kind.schema.root().gvk.contains(&gvk), "{kind:?}: {:?}", kind.schema.root().gvk);
    }
}

/// What a client can name has a row, or is what a call takes.
#[test]
fn every_kind_with_metadata_has_a_row() {
    let table = built_in();
    let meta = types().find("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta").expect("a type");
    let calls: HashSet<(String, &str)> = table
        .served()
        .flat_map(|kind| &kind.subresources)
        .filter_map(|subresource| match subresource {
            Subresource::Call { api_version, kind, .. } => Some(((*api_version).to_owned(), *kind)),
            Subresource::Scale { .. } => Some(("autoscaling/v1".to_owned(), "Scale")),
            Subresource::Part(_) | Subresource::Connect { .. } => None,
        })
        .collect();
    // a form of all objects, and no kind of its own
    let is_form = |t: &object::Type| t.name.ends_with(".PartialObjectMetadata");
    let is_object = |t: &&object::Type| {
        !is_form(t) && t.field("metadata").is_some_and(|m| m.shape == Shape::Object(meta))
    };
    let mut seen = 0;
    for (group, version, kind) in types().types.iter().filter(is_object).flat_map(|t| &t.gvk) {
        let api_version = if group.is_empty() { version.clone() } else { format!("{group}/{version}") };
        let of_row = table.served().any(|row| row.api_version() == api_version && row.kind == *kind);
        assert!(of_row || calls.contains(&(api_version, kind)), "{group}/{version} {kind}");
        seen += 1;
    }
    assert!(seen > 70, "{seen}");
}

#[test]
fn further_versions_are_of_stored_kinds() {
    let table = built_in();
    for kind in table.served().filter(|kind| kind.storage.is_some()) {
        let stored = table.stored(kind);
        assert!(stored.storage.is_none() && stored.kind == kind.kind, "{kind:?}: {stored:?}");
        let same =
            |a: &Kind, b: &Kind| a.scope == b.scope && a.verbs == b.verbs && a.subresources == b.subresources;
        assert!(same(kind, stored) && kind.short == stored.short, "{kind:?}");
    }
}

#[test]
fn names_are_unique() {
    let table = built_in();
    let mut seen = HashSet::new();
    for kind in table.iter() {
        assert!(seen.insert((kind.group.clone(), kind.plural.clone())), "{kind:?}");
        assert_eq!(kind.plural, kind.plural.to_lowercase());
        assert!(
            table.kind(&kind.group, &kind.kind).is_some()
                && table.resource(&kind.group, &kind.plural).is_some()
        );
    }
    let mut short = HashSet::new();
    assert!(table.iter().flat_map(|kind| kind.short.iter()).all(|name| short.insert(name.clone())));
}

#[test]
fn stored_kinds_with_a_status_serve_it() {
    for kind in built_in().iter() {
        let expect = leads(&kind.schema, "status") && !kind.policy.talk;
        assert_eq!(kind.subresource("status").is_some(), expect, "{kind:?}");
    }
}

#[test]
fn talk_is_only_created() {
    for kind in built_in().iter().filter(|kind| kind.policy.talk) {
        assert_eq!(kind.verbs, [Verb::Create], "{kind:?}");
    }
}

#[test]
fn the_table_has_its_columns_in_order() {
    for kind in built_in().iter() {
        assert!(!kind.columns.is_empty(), "{kind:?}");
        assert!(kind.columns.iter().any(|column| column.format == "name"), "{kind:?}");
    }
}

#[test]
fn field_selectors_name_places_in_documents() {
    let table = built_in();
    let check = |group: &str, kind: &str, path: &str, places: &[&str], zero: &str| {
        let kind = table.kind(group, kind).expect("a row");
        assert!(kind.is_selectable(path), "{path}");
        assert!(kind.places(path).eq(places.iter().copied()), "{path}");
        assert_eq!(kind.zero(places[0]), zero, "{path}");
    };
    check("", "Pod", "spec.nodeName", &["spec.nodeName"], "");
    check("", "Pod", "spec.hostNetwork", &["spec.hostNetwork"], "false");
    check("", "Pod", "status.podIPs", &["status.podIP"], "");
    check("", "Event", "source", &["source.component", "reportingComponent"], "");
    check("", "ReplicationController", "status.replicas", &["status.replicas"], "0");
    check("batch", "Job", "status.successful", &["status.succeeded"], "0");
    assert!(!table.kind("", "Pod").expect("a row").is_selectable("spec.hostname"));
}
