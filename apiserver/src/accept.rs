//! Content negotiation: which form of an answer a client wants.

use http::HeaderMap;
use http::header::ACCEPT;
use object::Status;

/// The form of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// The object or list as JSON.
    Json,
    /// The same as YAML.
    Yaml,
    /// The same as protobuf.
    Protobuf,
    /// `meta.k8s.io/v1` Table.
    Table,
    /// `meta.k8s.io/v1` PartialObjectMetadata, or a list of them.
    Metadata,
    /// `apidiscovery.k8s.io/v2` APIGroupDiscoveryList.
    Discovery,
    /// The OpenAPI v2 document as protobuf.
    OpenApi,
}

const SUPPORTED: &str = "application/json, application/yaml, application/vnd.kubernetes.protobuf";

/// The forms that the Accept header allows, best first; nothing stated allows JSON.
fn allowed(headers: &HeaderMap) -> Vec<Form> {
    let texts: Vec<&str> = headers.get_all(ACCEPT).iter().filter_map(|v| v.to_str().ok()).collect();
    if texts.is_empty() {
        return vec![Form::Json];
    }
    texts.iter().flat_map(|text| text.split(',')).filter_map(form).collect()
}

/// The form that one media range stands for, if it can be served.
fn form(range: &str) -> Option<Form> {
    let mut parts = range.split(';').map(str::trim);
    let media = parts.next()?;
    let param = |name: &str| {
        range.split(';').skip(1).find_map(|p| p.trim().strip_prefix(name)?.strip_prefix('=').map(str::trim))
    };
    match (media, param("as")) {
        ("application/json", Some("Table")) => (param("v") == Some("v1")).then_some(Form::Table),
        ("application/json", Some("PartialObjectMetadata" | "PartialObjectMetadataList")) => {
            (param("v") == Some("v1")).then_some(Form::Metadata)
        }
        ("application/json", Some("APIGroupDiscoveryList")) => {
            (param("v") == Some("v2")).then_some(Form::Discovery)
        }
        (_, Some(_)) => None,
        ("application/json" | "*/*" | "application/*" | "text/*" | "", None) => Some(Form::Json),
        ("application/yaml" | "text/yaml", None) => Some(Form::Yaml),
        ("application/vnd.kubernetes.protobuf", None) => Some(Form::Protobuf),
        (
            "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"
            | "application/com.github.proto-openapi.spec.v2.v1.0+protobuf",
            None,
        ) => Some(Form::OpenApi),
        _ => None,
    }
}

/// Picks the form of an answer among those that `can` serve. Protobuf gives way to JSON where both are allowed:
/// JSON is what the cache holds.
pub(crate) fn negotiate(headers: &HeaderMap, can: &[Form]) -> Result<Form, Status> {
    let allowed: Vec<Form> = allowed(headers).into_iter().filter(|form| can.contains(form)).collect();
    match allowed.first() {
        Some(Form::Protobuf) if allowed.contains(&Form::Json) => Ok(Form::Json),
        Some(form) => Ok(*form),
        None => Err(Status::not_acceptable(SUPPORTED)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(accept: &str, expect: Option<Form>) {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, accept.parse().unwrap());
        let can = [Form::Json, Form::Yaml, Form::Protobuf, Form::Table, Form::Metadata];
        assert_eq!(negotiate(&headers, &can).ok(), expect, "{accept}");
    }

    #[test]
    fn forms_follow_the_accept_header() {
        check("application/json", Some(Form::Json));
        check("*/*", Some(Form::Json));
        check("application/json;as=Table;v=v1;g=meta.k8s.io,application/json", Some(Form::Table));
        check("application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json", Some(Form::Json));
        check("application/vnd.kubernetes.protobuf,application/json", Some(Form::Json));
        check("application/vnd.kubernetes.protobuf", Some(Form::Protobuf));
        check("application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1", Some(Form::Metadata));
        check("text/html", None);
    }
}
