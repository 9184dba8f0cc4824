//! Content negotiation: which form of an answer a client wants.

use http::HeaderMap;
use http::header::ACCEPT;
use object::Status;

/// What of an answer is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// The object or list.
    Whole,
    /// `meta.k8s.io/v1` Table.
    Table,
    /// `meta.k8s.io/v1` PartialObjectMetadata, or a list of them.
    Metadata,
    /// `apidiscovery.k8s.io/v2` APIGroupDiscoveryList.
    Discovery,
}

/// How it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Json,
    Yaml,
    Protobuf,
    /// The OpenAPI v2 document as protobuf.
    OpenApi,
}

/// The form of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Form {
    pub(crate) shape: Shape,
    pub(crate) encoding: Encoding,
}

impl Form {
    /// As it is stored.
    pub(crate) const JSON: Self = Self { shape: Shape::Whole, encoding: Encoding::Json };
}

pub(crate) const JSON: &str = "application/json";
pub(crate) const YAML: &str = "application/yaml";
pub(crate) const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";

/// What is said to a client that wants none of these.
const SUPPORTED: &str = "application/json, application/yaml, application/vnd.kubernetes.protobuf";

/// The forms that the Accept header allows, best first; nothing stated allows JSON.
fn allowed(headers: &HeaderMap) -> Vec<Form> {
    let texts: Vec<&str> = headers.get_all(ACCEPT).iter().filter_map(|v| v.to_str().ok()).collect();
    if texts.is_empty() {
        return vec![Form::JSON];
    }
    let ranges = texts.iter().flat_map(|text| text.split(','));
    let mut forms: Vec<(Form, f32)> =
        ranges.filter_map(|range| Some((form(range)?, quality(range)))).collect();
    forms.retain(|(_, quality)| *quality > 0.0);
    forms.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    forms.into_iter().map(|(form, _)| form).collect()
}

/// A parameter of a media range.
fn parameter<'r>(range: &'r str, name: &str) -> Option<&'r str> {
    let mut parameters = range.split(';').skip(1).map(str::trim);
    parameters.find_map(|parameter| parameter.strip_prefix(name)?.strip_prefix('=').map(str::trim))
}

/// How much a media range is wanted (RFC 9110, "Quality Values").
pub(crate) fn quality(range: &str) -> f32 {
    parameter(range, "q").and_then(|text| text.parse().ok()).unwrap_or(1.0)
}

/// The form that one media range stands for, if it can be served.
fn form(range: &str) -> Option<Form> {
    let encoding = match range.split(';').next()?.trim() {
        JSON | "*/*" | "application/*" | "" => Encoding::Json,
        YAML => Encoding::Yaml,
        PROTOBUF => Encoding::Protobuf,
        "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"
        | "application/com.github.proto-openapi.spec.v2.v1.0+protobuf" => Encoding::OpenApi,
        _ => return None,
    };
    let shape = match (parameter(range, "as"), parameter(range, "v")) {
        (None, _) => Shape::Whole,
        (Some("Table"), Some("v1")) => Shape::Table,
        (Some("PartialObjectMetadata" | "PartialObjectMetadataList"), Some("v1")) => Shape::Metadata,
        (Some("APIGroupDiscoveryList"), Some("v2")) => Shape::Discovery,
        _ => return None,
    };
    Some(Form { shape, encoding })
}

/// Picks the form of an answer among those that can be served. Protobuf gives way to JSON where the client takes both:
/// JSON is what the cache holds.
pub(crate) fn negotiate(headers: &HeaderMap, can: impl Fn(Form) -> bool) -> Result<Form, Status> {
    let allowed: Vec<Form> = allowed(headers).into_iter().filter(|form| can(*form)).collect();
    let first = *allowed.first().ok_or_else(|| Status::not_acceptable(SUPPORTED))?;
    let json = Form { encoding: Encoding::Json, ..first };
    let gives_way = first.encoding == Encoding::Protobuf && allowed.contains(&json);
    Ok(if gives_way { json } else { first })
}

/// The encoding of an error: the one that the answer would have had.
pub(crate) fn of_error(headers: &HeaderMap) -> Encoding {
    let plain = |form: Form| form.encoding != Encoding::OpenApi;
    negotiate(headers, plain).map_or(Encoding::Json, |form| form.encoding)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(accept: &str, expect: Option<(Shape, Encoding)>) {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, accept.parse().unwrap());
        let can = |form: Form| !matches!(form.shape, Shape::Discovery) && form.encoding != Encoding::OpenApi;
        let form = negotiate(&headers, can).ok();
        assert_eq!(form.map(|form| (form.shape, form.encoding)), expect, "{accept}");
    }

    #[test]
    fn forms_follow_the_accept_header() {
        check("application/json", Some((Shape::Whole, Encoding::Json)));
        check("*/*", Some((Shape::Whole, Encoding::Json)));
        let table = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
        check(table, Some((Shape::Table, Encoding::Json)));
        let old = "application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json";
        check(old, Some((Shape::Whole, Encoding::Json)));
        check("application/vnd.kubernetes.protobuf,application/json", Some((Shape::Whole, Encoding::Json)));
        check("application/vnd.kubernetes.protobuf", Some((Shape::Whole, Encoding::Protobuf)));
        let metadata = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
        check(metadata, Some((Shape::Metadata, Encoding::Json)));
        let both = "application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
        check(both, Some((Shape::Metadata, Encoding::Protobuf)));
        check(&format!("{both},application/json"), Some((Shape::Metadata, Encoding::Protobuf)));
        check("application/json;q=0.5,application/yaml", Some((Shape::Whole, Encoding::Yaml)));
        check("text/html", None);
        check("text/*", None);
        check("text/yaml", None);
        check("application/json;q=nan", None);
        check(",;,application/json;as=;v=,", Some((Shape::Whole, Encoding::Json)));
        check("application/json;q=0,application/yaml;q=0.1", Some((Shape::Whole, Encoding::Yaml)));
        check("text/html,application/yaml", Some((Shape::Whole, Encoding::Yaml)));
    }

    proptest! {
        #[test]
        fn an_answer_takes_a_form_that_can_be_served(
            ranges in prop::collection::vec(
                "(application/(json|yaml|vnd[.]kubernetes[.]protobuf|\\*)|\\*/\\*|[a-z*/]{0,6})(;(as|v|g|q)=(Table|v1|[0-9.eE-]{0,5}|nan|inf))*",
                0..6,
            ),
        ) {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, ranges.join(",").parse().unwrap());
            let can = |form: Form| form.encoding != Encoding::OpenApi && form.shape != Shape::Discovery;
            match negotiate(&headers, can) {
                Ok(form) => prop_assert!(can(form)),
                Err(status) => prop_assert_eq!(status.code, 406),
            }
            of_error(&headers);
        }
    }
}
