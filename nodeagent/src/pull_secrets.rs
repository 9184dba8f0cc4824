//! What secrets say about registries: docker's configuration, matched to an image as upstream's keyring does.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use containerd::Credentials;
use object::Value;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The most credentials that are tried for one image.
const MOST: usize = 16;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Configuration {
    auths: BTreeMap<String, Entry>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Entry {
    auth: String,
    username: String,
    password: String,
}

impl Entry {
    /// `auth` counts more, as upstream has it.
    fn credentials(&self) -> Option<Credentials> {
        let decoded = STANDARD.decode(self.auth.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let (username, password) = match decoded.as_deref().and_then(|text| text.split_once(':')) {
            Some((username, password)) => (username.to_owned(), password.trim_end_matches('\0').to_owned()),
            None => (self.username.clone(), self.password.clone()),
        };
        (!username.is_empty()).then_some(Credentials { username, password })
    }
}

/// The credentials in these Secrets for an image's registry: those for the longest matching place first.
pub(crate) fn credentials(secrets: &[Value], image: &str) -> Vec<Credentials> {
    let Ok((registry, repository)) = containerd::registry_of(image) else { return Vec::new() };
    let entries = secrets.iter().flat_map(entries);
    let mut found: Vec<(String, Credentials)> = entries
        .filter_map(|(place, entry)| {
            let place = normal(&place);
            matches(&place, &registry, &repository).then_some((place, entry.credentials()?))
        })
        .collect();
    found.sort_by(|(a, _), (b, _)| b.cmp(a));
    found.truncate(MOST);
    found.into_iter().map(|(_, credentials)| credentials).collect()
}

/// The places of a Secret. One that cannot be read says nothing.
fn entries(secret: &Value) -> BTreeMap<String, Entry> {
    let data = |key: &str| STANDARD.decode(secret["data"][key].as_str()?).ok();
    if let Some(document) = data(".dockerconfigjson") {
        return serde_json::from_slice::<Configuration>(&document).unwrap_or_default().auths;
    }
    data(".dockercfg").and_then(|document| serde_json::from_slice(&document).ok()).unwrap_or_default()
}

/// `host[:port][/path]`, without scheme and API version.
fn normal(place: &str) -> String {
    let rest = place.trim_start_matches("https://").trim_start_matches("http://").trim_end_matches('/');
    let rest = rest.strip_suffix("/v1").or_else(|| rest.strip_suffix("/v2")).unwrap_or(rest);
    match rest.split_once('/') {
        Some(("index.docker.io", path)) => format!("docker.io/{path}"),
        None if rest == "index.docker.io" => "docker.io".to_owned(),
        _ => rest.to_owned(),
    }
}

fn matches(place: &str, registry: &str, repository: &str) -> bool {
    let (host, path) = place.split_once('/').unwrap_or((place, ""));
    let (pattern, port) = host.split_once(':').unwrap_or((host, ""));
    let (name, actual) = registry.split_once(':').unwrap_or((registry, ""));
    let (patterns, labels): (Vec<&str>, Vec<&str>) =
        (pattern.split('.').collect(), name.split('.').collect());
    port == actual
        && patterns.len() == labels.len()
        && patterns.iter().zip(labels).all(|(pattern, label)| fits(pattern.as_bytes(), label.as_bytes()))
        && repository.starts_with(path)
}

/// `*` stands for any characters, `?` for one.
fn fits(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), _) => {
            fits(rest, text) || text.split_first().is_some_and(|(_, more)| fits(pattern, more))
        }
        (Some((b'?', rest)), Some((_, more))) => fits(rest, more),
        (Some((a, rest)), Some((b, more))) if a == b => fits(rest, more),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn secret(auths: &Value) -> Value {
        json!({"data": {".dockerconfigjson": STANDARD.encode(json!({"auths": auths}).to_string())}})
    }

    #[track_caller]
    fn check(places: &[&str], image: &str, expected: &[&str]) {
        let auths: serde_json::Map<String, Value> = places
            .iter()
            .map(|place| ((*place).to_owned(), json!({"username": place, "password": "p"})))
            .collect();
        let found = credentials(&[secret(&auths.into())], image);
        let found: Vec<&str> = found.iter().map(|one| one.username.as_str()).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn places_match_as_upstream_has_it() {
        check(&["https://index.docker.io/v1/"], "web", &["https://index.docker.io/v1/"]);
        check(&["docker.io"], "team/web:1", &["docker.io"]);
        check(&["r.example"], "r.example/web", &["r.example"]);
        check(&["r.example"], "r.example:5000/web", &[]);
        check(&["http://r.example:5000/v2/"], "r.example:5000/web", &["http://r.example:5000/v2/"]);
        check(&["*.example"], "r.example/web", &["*.example"]);
        check(&["*.example"], "a.r.example/web", &[]);
        check(&["r?.ex*e"], "r1.example/web", &["r?.ex*e"]);
        check(
            &["r.example/team", "r.example", "r.example/other"],
            "r.example/team/web",
            &["r.example/team", "r.example"],
        );
    }

    #[test]
    fn both_kinds_of_secrets_and_both_ways_to_say_it() {
        let auth = json!({"r.example": {"auth": STANDARD.encode("a:b:c")}});
        let found = |secret: &Value| {
            let found = credentials(std::slice::from_ref(secret), "r.example/web");
            found.iter().map(|one| format!("{}/{}", one.username, one.password)).collect::<Vec<_>>()
        };
        assert_eq!(found(&secret(&auth)), ["a/b:c"]);
        let old = json!({"data": {".dockercfg": STANDARD.encode(auth.to_string())}});
        assert_eq!(found(&old), ["a/b:c"]);
        for broken in [
            json!({}),
            json!({"data": {".dockerconfigjson": "%"}}),
            secret(&json!({"r.example": {"auth": "%"}})),
        ] {
            assert!(found(&broken).is_empty());
        }
    }
}
