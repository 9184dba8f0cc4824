//! Whether rules together allow what another rule allows: the question behind every grant of permissions.

use super::PolicyRule;
use super::matching::{has, path_matches, resource_matches};

/// The parts of `wanted` that `held` does not cover, joined again where they differ only by verb.
pub(super) fn missing(held: &[&PolicyRule], wanted: &[PolicyRule]) -> Vec<PolicyRule> {
    let uncovered = wanted.iter().flat_map(atoms).filter(|atom| !held.iter().any(|rule| covers(rule, atom)));
    let mut joined: Vec<PolicyRule> = Vec::new();
    for atom in uncovered {
        let alike = joined.iter_mut().find(|rule| {
            atom.non_resource_urls.is_empty()
                && rule.api_groups == atom.api_groups
                && rule.resources == atom.resources
                && rule.resource_names == atom.resource_names
        });
        match alike {
            Some(rule) if rule.verbs.contains(&atom.verbs[0]) => {}
            Some(rule) => rule.verbs.extend(atom.verbs),
            None => joined.push(atom),
        }
    }
    joined
}

/// The rule, split into rules of one verb on one thing each.
fn atoms(rule: &PolicyRule) -> Vec<PolicyRule> {
    let mut atoms = Vec::new();
    let one = |text: &String| vec![text.clone()];
    for group in &rule.api_groups {
        for resource in &rule.resources {
            let atom =
                PolicyRule { api_groups: one(group), resources: one(resource), ..PolicyRule::default() };
            for verb in &rule.verbs {
                let atom = PolicyRule { verbs: one(verb), ..atom.clone() };
                if rule.resource_names.is_empty() {
                    atoms.push(atom);
                } else {
                    let named = |name| PolicyRule { resource_names: one(name), ..atom.clone() };
                    atoms.extend(rule.resource_names.iter().map(named));
                }
            }
        }
    }
    for url in &rule.non_resource_urls {
        let on = |verb| PolicyRule { verbs: one(verb), non_resource_urls: one(url), ..PolicyRule::default() };
        atoms.extend(rule.verbs.iter().map(on));
    }
    atoms
}

fn covers(rule: &PolicyRule, atom: &PolicyRule) -> bool {
    if !has(&rule.verbs, &atom.verbs[0]) {
        return false;
    }
    if let Some(url) = atom.non_resource_urls.first() {
        return rule.non_resource_urls.iter().any(|held| path_matches(held, url));
    }
    let (resource, subresource) = atom.resources[0].split_once('/').unwrap_or((&atom.resources[0], ""));
    let named = match atom.resource_names.first() {
        None => rule.resource_names.is_empty(),
        Some(name) => rule.resource_names.is_empty() || rule.resource_names.contains(name),
    };
    named
        && has(&rule.api_groups, &atom.api_groups[0])
        && rule.resources.iter().any(|held| resource_matches(held, resource, subresource))
}

/// A rule in the one line that error messages show.
pub(super) fn shown(rule: &PolicyRule) -> String {
    let parts = [
        ("APIGroups", &rule.api_groups),
        ("Resources", &rule.resources),
        ("NonResourceURLs", &rule.non_resource_urls),
        ("ResourceNames", &rule.resource_names),
        ("Verbs", &rule.verbs),
    ];
    let parts: Vec<String> = parts
        .iter()
        .filter(|(_, list)| !list.is_empty())
        .map(|(name, list)| format!("{name}:{}", quoted(list)))
        .collect();
    format!("{{{}}}", parts.join(", "))
}

/// A list as Go prints it with `%q`: `["a" "b"]`.
pub(super) fn quoted(list: &[String]) -> String {
    let items: Vec<String> = list.iter().map(|item| format!("{item:?}")).collect();
    format!("[{}]", items.join(" "))
}
