//! What a request is about, read from its method and path alone.

use http::Method;
use object::{FieldSelector, Status, path_segment};
use percent_encoding::percent_decode_str;

/// What a request is about: the input of flow control, authorization, audit and routing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestInfo {
    /// RBAC verb: `get`, `list`, `watch`, `create`, …; for other paths the lower-case HTTP method.
    pub verb: &'static str,
    /// The decoded path.
    pub path: String,
    /// Whether the path names a resource; the fields below are empty otherwise.
    pub is_resource: bool,
    /// API group, empty for core.
    pub group: String,
    /// API version.
    pub version: String,
    /// Plural of the resource.
    pub resource: String,
    /// Namespace, empty for cluster-scoped resources and for all namespaces.
    pub namespace: String,
    /// Name of the object, if one is meant.
    pub name: String,
    /// Subresource, if any.
    pub subresource: String,
    /// What follows the subresource (`/proxy/…`).
    pub rest: String,
    /// Query parameters in order.
    pub query: Vec<(String, String)>,
}

impl RequestInfo {
    /// Reads method, path and query.
    ///
    /// # Errors
    /// 400 for what is not UTF-8 and for names that cannot be (`.`, `..`, with `%`); 404 for resource paths with
    /// empty or dot segments, or with encoded slashes.
    pub fn parse(method: &Method, path: &str, query: Option<&str>) -> Result<Self, Status> {
        let mut info = Self { path: decode(path)?, query: parse_query(query)?, ..Self::default() };
        info.verb = method_verb(method);
        let mut segments = Vec::new();
        for segment in path.trim_matches('/').split('/') {
            segments.push(decode(segment)?);
        }
        let rest = match segments.first().map(String::as_str) {
            Some("api") if segments.len() >= 3 => {
                info.version = segments[1].clone();
                &segments[2..]
            }
            Some("apis") if segments.len() >= 4 => {
                info.group = segments[1].clone();
                info.version = segments[2].clone();
                &segments[3..]
            }
            _ => return Ok(info),
        };
        info.is_resource = true;
        // the paths that watches had before they were a parameter of lists
        let (watched, rest) = match rest {
            [first, rest @ ..] if first == "watch" && !rest.is_empty() => (true, rest),
            rest => (false, rest),
        };
        info.place(rest)?;
        info.verb = match *method {
            Method::GET | Method::HEAD if watched && !info.subresource.is_empty() => {
                return Err(Status::no_such_path());
            }
            Method::GET | Method::HEAD if watched => "watch",
            _ if watched => return Err(Status::method_not_allowed()),
            _ => info.resource_verb(method),
        };
        Ok(info)
    }

    fn place(&mut self, mut segments: &[String]) -> Result<(), Status> {
        let bad = |s: &String| s.is_empty() || s.contains('/');
        // what follows a subresource is for whom it is passed on to
        let ours = if segments[0] == "namespaces" { 5 } else { 3 };
        if segments.iter().take(ours).any(bad) {
            return Err(Status::no_such_path());
        }
        if segments[0] == "namespaces"
            && segments.len() > 2
            && !matches!(segments[2].as_str(), "status" | "finalize")
        {
            self.namespace = segments[1].clone();
            segments = &segments[2..];
        }
        self.resource = segments[0].clone();
        self.name = segments.get(1).cloned().unwrap_or_default();
        self.subresource = segments.get(2).cloned().unwrap_or_default();
        self.rest = segments.get(3..).unwrap_or_default().join("/");
        if [&self.resource, &self.namespace, &self.subresource]
            .iter()
            .any(|part| !path_segment(part).is_empty())
        {
            return Err(Status::no_such_path());
        }
        if !self.rest.is_empty() && self.subresource != "proxy" {
            return Err(Status::no_such_path());
        }
        let complaints = path_segment(&self.name);
        if !complaints.is_empty() {
            let (name, why) = (&self.name, complaints.join(";"));
            return Err(Status::bad_request(format!("Name parameter invalid: {name:?}: {why}")));
        }
        if self.resource == "namespaces" {
            self.namespace = self.name.clone();
        }
        Ok(())
    }

    fn resource_verb(&self, method: &Method) -> &'static str {
        let named = !self.name.is_empty();
        match *method {
            Method::GET | Method::HEAD if named => "get",
            Method::GET | Method::HEAD if self.flag("watch") => "watch",
            Method::GET | Method::HEAD => "list",
            Method::POST => "create",
            Method::PUT => "update",
            Method::PATCH => "patch",
            Method::DELETE if named => "delete",
            Method::DELETE => "deletecollection",
            _ => method_verb(method),
        }
    }

    /// The first value of a query parameter; empty where absent.
    pub fn param(&self, name: &str) -> &str {
        self.query.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    /// Whether a boolean query parameter is set: to anything but `0` and `false`, as upstream reads it.
    pub fn flag(&self, name: &str) -> bool {
        self.query
            .iter()
            .any(|(key, value)| key == name && value != "0" && !value.eq_ignore_ascii_case("false"))
    }

    /// The name that rules are asked about: the path's, or of a list or watch the one that its field selector wants.
    pub fn asked_name(&self) -> String {
        if !self.name.is_empty() || !matches!(self.verb, "list" | "watch") {
            return self.name.clone();
        }
        self.selected_name()
    }

    /// The name that the field selector wants; empty where it wants none.
    pub(crate) fn selected_name(&self) -> String {
        let selector: FieldSelector = self.param("fieldSelector").parse().unwrap_or_default();
        let wanted = selector.requirements().iter().find(|r| r.equals && r.field == "metadata.name");
        wanted.map(|r| r.value.clone()).unwrap_or_default()
    }

    /// Whether the request stays open: watches and streams.
    pub fn long_running(&self) -> bool {
        self.verb == "watch"
            || matches!(self.subresource.as_str(), "exec" | "attach" | "portforward" | "proxy" | "log")
    }
}

fn method_verb(method: &Method) -> &'static str {
    match *method {
        Method::GET => "get",
        Method::HEAD => "head",
        Method::POST => "post",
        Method::PUT => "put",
        Method::PATCH => "patch",
        Method::DELETE => "delete",
        Method::OPTIONS => "options",
        _ => "other",
    }
}

fn decode(text: &str) -> Result<String, Status> {
    let bad = |_| Status::bad_request(format!("invalid UTF-8 in the request URI: {text:?}"));
    Ok(percent_decode_str(text).decode_utf8().map_err(bad)?.into_owned())
}

fn parse_query(query: Option<&str>) -> Result<Vec<(String, String)>, Status> {
    let part = |text: &str| decode(&text.replace('+', " "));
    query
        .unwrap_or_default()
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((part(key)?, part(value)?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
    use proptest::prelude::*;

    use super::*;

    fn check(method: Method, uri: &str, expect: &str) {
        let (path, query) = uri.split_once('?').map_or((uri, None), |(p, q)| (p, Some(q)));
        let shown = match RequestInfo::parse(&method, path, query) {
            Ok(i) if !i.is_resource => format!("{} {}", i.verb, i.path),
            Ok(i) => format!(
                "{} group={} version={} resource={} ns={} name={} sub={} rest={}",
                i.verb, i.group, i.version, i.resource, i.namespace, i.name, i.subresource, i.rest
            ),
            Err(status) => format!("{} {}", status.code, status.message),
        };
        assert_eq!(shown, expect, "{method} {uri}");
    }

    #[test]
    fn paths_name_resources() {
        check(Method::GET, "/version", "get /version");
        check(Method::GET, "/api/v1", "get /api/v1");
        check(Method::GET, "/apis/apps/v1", "get /apis/apps/v1");
        check(
            Method::GET,
            "/api/v1/pods?watch=1",
            "watch group= version=v1 resource=pods ns= name= sub= rest=",
        );
        check(
            Method::GET,
            "/api/v1/namespaces/a/pods/p?watch=1",
            "get group= version=v1 resource=pods ns=a name=p sub= rest=",
        );
        check(
            Method::GET,
            "/api/v1/watch/namespaces/a/pods/p",
            "watch group= version=v1 resource=pods ns=a name=p sub= rest=",
        );
        check(
            Method::GET,
            "/apis/apps/v1/watch/deployments",
            "watch group=apps version=v1 resource=deployments ns= name= sub= rest=",
        );
        check(
            Method::GET,
            "/api/v1/watch/namespaces/a/pods/p/log",
            "404 the server could not find the requested resource",
        );
        check(
            Method::DELETE,
            "/api/v1/watch/namespaces/a/pods/p",
            "405 the server does not allow this method on the requested resource",
        );
        check(
            Method::POST,
            "/apis/apps/v1/namespaces/a/deployments",
            "create group=apps version=v1 resource=deployments ns=a name= sub= rest=",
        );
        check(
            Method::PUT,
            "/apis/apps/v1/namespaces/a/deployments/d/scale",
            "update group=apps version=v1 resource=deployments ns=a name=d sub=scale rest=",
        );
        check(
            Method::GET,
            "/api/v1/namespaces/a",
            "get group= version=v1 resource=namespaces ns=a name=a sub= rest=",
        );
        check(
            Method::PUT,
            "/api/v1/namespaces/a/finalize",
            "update group= version=v1 resource=namespaces ns=a name=a sub=finalize rest=",
        );
        check(
            Method::DELETE,
            "/api/v1/namespaces/a/pods",
            "deletecollection group= version=v1 resource=pods ns=a name= sub= rest=",
        );
        check(
            Method::GET,
            "/api/v1/namespaces/a/pods/x%2Fy",
            "404 the server could not find the requested resource",
        );
        for path in [
            "/api/v1/namespaces/a/../pods",
            "/api/v1/namespaces/%2e%2e/pods",
            "/api/v1/namespaces//pods",
            "/api/v1//pods",
            "/api/v1/namespaces/a/pods/p/..",
        ] {
            check(Method::GET, path, "404 the server could not find the requested resource");
        }
        for (path, expect) in [
            ("/api/v1/namespaces/a/pods/..", "400 Name parameter invalid: \"..\": may not be '..'"),
            ("/api/v1/namespaces/a/pods/%2e", "400 Name parameter invalid: \".\": may not be '.'"),
            ("/api/v1/nodes/a%25b", "400 Name parameter invalid: \"a%b\": may not contain '%'"),
            ("/api/v1/nodes/%ff", "400 invalid UTF-8 in the request URI: \"/api/v1/nodes/%ff\""),
            ("/api/v1/nodes?labelSelector=%ff", "400 invalid UTF-8 in the request URI: \"%ff\""),
        ] {
            check(Method::GET, path, expect);
        }
    }

    #[test]
    fn a_selector_can_name_the_object_that_is_meant() {
        let check = |query, expect| {
            let info = RequestInfo::parse(&Method::GET, "/api/v1/namespaces/a/secrets", Some(query)).unwrap();
            assert_eq!(info.asked_name(), expect, "{query}");
        };
        check("watch=1&fieldSelector=metadata.name%3Ds", "s");
        check("fieldSelector=type%3Dx,metadata.name%3Ds", "s");
        check("fieldSelector=metadata.name!%3Ds", "");
        check("", "");
    }

    proptest! {
        #[test]
        fn parts_of_a_path_are_single_segments(
            parts in prop::collection::vec("api|apis|v1|namespaces|pods|status|%2[eEfF5]|%00|%[0-9a-f]|[.a-z%/é]{0,4}", 0..9),
        ) {
            match RequestInfo::parse(&Method::GET, &format!("/{}", parts.join("/")), None) {
                Err(status) => prop_assert!(matches!(status.code, 400 | 404)),
                Ok(info) => {
                    for part in [&info.resource, &info.namespace, &info.name, &info.subresource] {
                        prop_assert!(path_segment(part).is_empty(), "{part:?}");
                    }
                    prop_assert!(!info.is_resource || !info.resource.is_empty());
                }
            }
        }

        #[test]
        fn parameters_are_what_was_encoded(pairs in prop::collection::vec(("[a-z]{1,3}", any::<String>()), 0..4)) {
            let encoded = |text: &String| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
            let query: Vec<String> = pairs.iter().map(|(k, v)| format!("{}={}", encoded(k), encoded(v))).collect();
            let read = parse_query(Some(&query.join("&")));
            prop_assert_eq!(read, Ok(pairs));
        }

        #[test]
        fn any_query_is_read_or_refused(query in "([a-z=&+%;.]|%[0-9a-fA-F]{2}|é){0,40}") {
            if let Err(status) = RequestInfo::parse(&Method::GET, "/api/v1/pods", Some(&query)) {
                prop_assert_eq!(status.code, 400);
            }
        }
    }
}
