//! Content negotiation: which form of an answer a client wants.

use http::HeaderMap;
use http::header::{ACCEPT, USER_AGENT};
use http::request::Parts;
use object::Status;

/// What of an answer is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// The object or list.
    Whole,
    /// Table.
    Table(Meta),
    /// PartialObjectMetadata.
    Metadata(Meta),
    /// PartialObjectMetadataList.
    MetadataList(Meta),
    /// `apidiscovery.k8s.io/v2` APIGroupDiscoveryList.
    Discovery,
}

/// The versions of `meta.k8s.io`, which have the same documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meta {
    V1,
    V1Beta1,
}

impl Meta {
    pub(crate) fn api_version(self) -> &'static str {
        match self {
            Self::V1 => "meta.k8s.io/v1",
            Self::V1Beta1 => "meta.k8s.io/v1beta1",
        }
    }
}

/// How it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Json,
    /// JSON for people.
    Indented,
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

    /// The same without indentation.
    pub(crate) fn unindented(self) -> Self {
        match self.encoding {
            Encoding::Indented => Self { encoding: Encoding::Json, ..self },
            _ => self,
        }
    }
}

pub(crate) const JSON: &str = "application/json";
pub(crate) const YAML: &str = "application/yaml";
pub(crate) const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";

/// What is said to a client that wants none of these.
const SUPPORTED: &str = "application/json, application/yaml, application/vnd.kubernetes.protobuf";

/// The same of a watch.
pub(crate) const STREAMED: &str =
    "application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch";

/// Clients whose answers people look at, by the beginning of their names.
const READ_BY_PEOPLE: [&[u8]; 3] = [b"curl", b"Wget", b"Mozilla/5.0"];

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
        JSON | "*/*" | "application/*" | "" if parameter(range, "pretty") == Some("1") => Encoding::Indented,
        JSON | "*/*" | "application/*" | "" => Encoding::Json,
        YAML => Encoding::Yaml,
        PROTOBUF => Encoding::Protobuf,
        "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"
        | "application/com.github.proto-openapi.spec.v2.v1.0+protobuf" => Encoding::OpenApi,
        _ => return None,
    };
    match parameter(range, "stream") {
        None | Some("") => {}
        Some("watch") if encoding != Encoding::Yaml => {}
        Some(_) => return None,
    }
    let asked = ["as", "g", "v"].map(|name| parameter(range, name));
    let meta = match asked {
        [None, None, None] => return Some(Form { shape: Shape::Whole, encoding }),
        [Some("APIGroupDiscoveryList"), Some("apidiscovery.k8s.io"), Some("v2")] => {
            return Some(Form { shape: Shape::Discovery, encoding });
        }
        [_, Some("meta.k8s.io"), Some("v1")] => Meta::V1,
        [_, Some("meta.k8s.io"), Some("v1beta1")] => Meta::V1Beta1,
        _ => return None,
    };
    let shape = match asked[0]? {
        "Table" => Shape::Table(meta),
        "PartialObjectMetadata" => Shape::Metadata(meta),
        "PartialObjectMetadataList" => Shape::MetadataList(meta),
        _ => return None,
    };
    Some(Form { shape, encoding })
}

/// Picks the form of an answer among those that can be served; what can be served in JSON can be indented. Protobuf
/// gives way to JSON where the client takes both: JSON is what the cache holds.
pub(crate) fn negotiate(parts: &Parts, can: impl Fn(Form) -> bool) -> Result<Form, Status> {
    let mut allowed = allowed(&parts.headers);
    allowed.retain(|form| can(form.unindented()));
    let first = *allowed.first().ok_or_else(|| Status::not_acceptable(SUPPORTED))?;
    let json = Form { encoding: Encoding::Json, ..first };
    let gives_way = first.encoding == Encoding::Protobuf && allowed.contains(&json);
    let form = if gives_way { json } else { first };
    match form.encoding {
        Encoding::Json if is_for_people(parts) => Ok(Form { encoding: Encoding::Indented, ..form }),
        _ => Ok(form),
    }
}

/// Whether JSON should be indented: as the query says, and where that says nothing, by the client's name.
fn is_for_people(parts: &Parts) -> bool {
    let query = parts.uri.query().unwrap_or_default();
    match query.split('&').find_map(|pair| pair.strip_prefix("pretty=")) {
        None | Some("") => {
            let client = parts.headers.get(USER_AGENT).map_or(&b""[..], |value| value.as_bytes());
            READ_BY_PEOPLE.iter().any(|known| client.starts_with(known))
        }
        Some(stated) => matches!(stated, "1" | "t" | "T" | "true" | "TRUE" | "True"),
    }
}

/// The encoding of an error, which has one shape. A client that does not take that is told in JSON.
pub(crate) fn of_error(parts: &Parts) -> Encoding {
    let can = |form: Form| form.shape == Shape::Whole && form.encoding != Encoding::OpenApi;
    negotiate(parts, can).map_or(Encoding::Indented, |form| form.encoding)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parts(uri: &str, headers: &[(&str, &str)]) -> Parts {
        let request = headers
            .iter()
            .fold(http::Request::get(uri), |request, (name, value)| request.header(*name, *value));
        request.body(()).unwrap().into_parts().0
    }

    fn check(accept: &str, expect: Option<(Shape, Encoding)>) {
        let can = |form: Form| !matches!(form.shape, Shape::Discovery) && form.encoding != Encoding::OpenApi;
        let form = negotiate(&parts("/", &[("accept", accept)]), can).ok();
        assert_eq!(form.map(|form| (form.shape, form.encoding)), expect, "{accept}");
    }

    #[test]
    fn forms_follow_the_accept_header() {
        let whole = |encoding| Some((Shape::Whole, encoding));
        check("application/json", whole(Encoding::Json));
        check("*/*", whole(Encoding::Json));
        let table = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
        check(table, Some((Shape::Table(Meta::V1), Encoding::Json)));
        let old = "application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json";
        check(old, Some((Shape::Table(Meta::V1Beta1), Encoding::Json)));
        check("application/vnd.kubernetes.protobuf,application/json", whole(Encoding::Json));
        check("application/vnd.kubernetes.protobuf", whole(Encoding::Protobuf));
        let metadata = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
        check(metadata, Some((Shape::Metadata(Meta::V1), Encoding::Json)));
        let both = "application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
        check(both, Some((Shape::MetadataList(Meta::V1), Encoding::Protobuf)));
        check(&format!("{both},application/json"), Some((Shape::MetadataList(Meta::V1), Encoding::Protobuf)));
        check("application/json;q=0.5,application/yaml", whole(Encoding::Yaml));
        check("text/html", None);
        check("text/*", None);
        check("text/yaml", None);
        check("application/json;q=nan", None);
        check(",;,application/json;as=;v=,", whole(Encoding::Json));
        check("application/json;q=0,application/yaml;q=0.1", whole(Encoding::Yaml));
        check("text/html,application/yaml", whole(Encoding::Yaml));
    }

    #[test]
    fn another_shape_is_named_by_group_version_and_kind() {
        for range in [
            "as=Table",
            "as=Table;v=v1",
            "as=Table;g=foo;v=v1",
            "as=Table;g=meta.k8s.io;v=v2",
            "as=Pod;g=meta.k8s.io;v=v1",
            "g=meta.k8s.io;v=v1",
            "v=v1",
            "stream=other",
        ] {
            check(&format!("application/json;{range}"), None);
            check(
                &format!("application/json;{range},application/yaml"),
                Some((Shape::Whole, Encoding::Yaml)),
            );
        }
        check("application/json;stream=watch", Some((Shape::Whole, Encoding::Json)));
        check("application/yaml;stream=watch", None);
    }

    #[test]
    fn people_get_indented_json() {
        let check = |uri: &str, headers: &[(&str, &str)], expect| {
            let parts = parts(uri, headers);
            let form = negotiate(&parts, |form| form.shape == Shape::Whole).unwrap();
            assert_eq!((form.encoding, of_error(&parts)), (expect, expect), "{uri} {headers:?}");
        };
        for uri in ["/?pretty=true", "/?a=b&pretty=1", "/?pretty=T"] {
            check(uri, &[], Encoding::Indented);
            check(uri, &[("accept", "*/*")], Encoding::Indented);
            check(uri, &[("accept", YAML)], Encoding::Yaml);
            check(uri, &[("accept", PROTOBUF)], Encoding::Protobuf);
        }
        for client in ["curl/8.5.0", "Wget/1.21", "Mozilla/5.0 (X11)"] {
            check("/", &[("user-agent", client)], Encoding::Indented);
            check("/?pretty=", &[("user-agent", client)], Encoding::Indented);
            check("/?pretty=false", &[("user-agent", client)], Encoding::Json);
            check("/?pretty=yes", &[("user-agent", client)], Encoding::Json);
        }
        for client in ["kubectl/v1.37", "my-curl", "Mozilla/4.0"] {
            check("/", &[("user-agent", client)], Encoding::Json);
        }
        check("/", &[("accept", "application/json;pretty=1")], Encoding::Indented);
        check("/?pretty=false", &[("accept", "application/json;pretty=1")], Encoding::Indented);
        check("/", &[("accept", "application/json;pretty=0")], Encoding::Json);
        check("/", &[("accept", "application/yaml;pretty=1")], Encoding::Yaml);
    }

    #[test]
    fn an_error_has_one_shape() {
        let check = |accept: &str, expect| {
            assert_eq!(of_error(&parts("/", &[("accept", accept)])), expect, "{accept}");
        };
        check("application/json;as=Table;v=v1;g=meta.k8s.io,application/json", Encoding::Json);
        check("application/json;as=Table;v=v1;g=meta.k8s.io", Encoding::Indented);
        check("application/yaml", Encoding::Yaml);
        check("text/html", Encoding::Indented);
    }

    proptest! {
        #[test]
        fn an_answer_takes_a_form_that_can_be_served(
            ranges in prop::collection::vec(
                "(application/(json|yaml|vnd[.]kubernetes[.]protobuf|\\*)|\\*/\\*|[a-z*/]{0,6})(;(as|v|g|q|pretty|stream)=(Table|v1|meta[.]k8s[.]io|[0-9.eE-]{0,5}|nan|inf))*",
                0..6,
            ),
        ) {
            let parts = parts("/", &[("accept", &ranges.join(","))]);
            let can = |form: Form| form.encoding != Encoding::OpenApi && form.shape != Shape::Discovery;
            match negotiate(&parts, can) {
                Ok(form) => prop_assert!(can(form)),
                Err(status) => prop_assert_eq!(status.code, 406),
            }
            of_error(&parts);
        }
    }
}
