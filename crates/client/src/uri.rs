//! Paths and queries of requests.

use kinds::Kind;
use object::Key;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What may not stand in a path segment or a query's value as it is: all but RFC 3986's unreserved characters, and
/// the colon, which names of RBAC objects are full of and every server takes.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b':');

/// The path of an object, or of a subresource of it.
pub(crate) fn object(kind: &Kind, key: &Key, subresource: Option<&str>) -> String {
    let name = utf8_percent_encode(&key.name, ESCAPED);
    let path = kind.path(&key.namespace);
    match subresource {
        None => format!("{path}/{name}"),
        Some(subresource) => format!("{path}/{name}/{subresource}"),
    }
}

/// A path with a query of the parameters that are not empty.
pub(crate) fn with_query(mut path: String, params: &[(&str, &str)]) -> String {
    let given = params.iter().filter(|(_, value)| !value.is_empty());
    for (i, (name, value)) in given.enumerate() {
        path.push(if i == 0 { '?' } else { '&' });
        path.push_str(name);
        path.push('=');
        path.extend(utf8_percent_encode(value, ESCAPED));
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::pods;

    #[test]
    fn escapes_names_and_values() {
        let key = Key::new("ns", "system:node/a b");
        assert_eq!(object(&pods(), &key, None), "/api/v1/namespaces/ns/pods/system:node%2Fa%20b");
        assert_eq!(
            object(&pods(), &Key::new("ns", "a"), Some("status")),
            "/api/v1/namespaces/ns/pods/a/status"
        );
        let params = [("labelSelector", "a in (b,c)"), ("limit", ""), ("x", "1&2")];
        assert_eq!(with_query("/p".into(), &params), "/p?labelSelector=a%20in%20%28b%2Cc%29&x=1%262");
        assert_eq!(with_query("/p".into(), &[("a", "")]), "/p");
    }
}
