//! What names, keys and values may look like. Each check returns upstream's messages, none where all is well
//! (k8s.io/apimachinery, `pkg/util/validation` and `pkg/api/validate/content`).

mod format;

pub use format::{
    absolute_path, check_format, cidr, http_header_name, http_path, ip, ipv4, ipv6, percent, uuid,
};

const LABEL: &str = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const LABEL_MESSAGE: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', \
     and must start and end with an alphanumeric character";
const SUBDOMAIN: &str = "[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*";
const SUBDOMAIN_MESSAGE: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, \
     '-' or '.', and must start and end with an alphanumeric character";
const UNDERSCORED: &str = "_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?(\\._?[a-z0-9]([-_a-z0-9]*[a-z0-9])?)*";
const UNDERSCORED_MESSAGE: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, \
     '_', '-' or '.', and must start and end with an alphanumeric character";
const LABEL_1035: &str = "[a-z]([-a-z0-9]*[a-z0-9])?";
const LABEL_1035_MESSAGE: &str = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start \
     with an alphabetic character, and end with an alphanumeric character";
const WILDCARD_MESSAGE: &str = "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS \
     subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric \
     character";
const KEY: &str = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const KEY_MESSAGE: &str = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an \
     alphanumeric character";
const LABEL_VALUE_MESSAGE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', \
     '_' or '.', and must start and end with an alphanumeric character";
const CONFIG_KEY_MESSAGE: &str =
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.'";
const C_IDENTIFIER_MESSAGE: &str = "a valid C identifier must start with alphabetic character or '_', followed by a \
     string of alphanumeric characters or '_'";
const ENV_MESSAGE: &str =
    "a valid environment variable name must consist only of printable ASCII characters other than '='";

/// Messages about a value; the conditions are those of one upstream function.
#[derive(Default)]
struct Complaints(Vec<String>);

impl Complaints {
    fn unless(mut self, fine: bool, message: impl FnOnce() -> String) -> Self {
        if !fine {
            self.0.push(message());
        }
        self
    }

    fn longest(self, value: &str, bytes: usize) -> Self {
        self.unless(value.len() <= bytes, || format!("must be no more than {bytes} bytes"))
    }
}

fn by_pattern(message: &str, pattern: &str, examples: &[&str]) -> String {
    if examples.is_empty() {
        return format!("{message} (regex used for validation is '{pattern}')");
    }
    let examples: Vec<String> = examples.iter().map(|example| format!("'{example}', ")).collect();
    format!("{message} (e.g. {}regex used for validation is '{pattern}')", examples.join(" or "))
}

fn is_lower_or_digit(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit()
}

fn is_label(value: &str) -> bool {
    value.starts_with(is_lower_or_digit)
        && value.ends_with(is_lower_or_digit)
        && value.chars().all(|c| is_lower_or_digit(c) || c == '-')
}

fn is_subdomain(value: &str) -> bool {
    value.split('.').all(is_label)
}

fn is_key(value: &str) -> bool {
    let edge = |c: char| c.is_ascii_alphanumeric();
    value.starts_with(edge) && value.ends_with(edge) && value.chars().all(is_key_char)
}

fn is_key_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-_.".contains(c)
}

/// RFC 1123 label, at most 63 bytes.
pub fn dns1123_label(value: &str) -> Vec<String> {
    let message = || match is_subdomain(value) {
        true => "must not contain dots".to_owned(),
        false => by_pattern(LABEL_MESSAGE, LABEL, &["my-name", "123-abc"]),
    };
    Complaints::default().longest(value, 63).unless(is_label(value), message).0
}

/// RFC 1123 subdomain, at most 253 bytes.
pub fn dns1123_subdomain(value: &str) -> Vec<String> {
    let message = || by_pattern(SUBDOMAIN_MESSAGE, SUBDOMAIN, &["example.com"]);
    Complaints::default().longest(value, 253).unless(is_subdomain(value), message).0
}

/// RFC 1123 subdomain, at most 253 bytes, whose labels may have underscores but at their end.
pub fn dns1123_subdomain_with_underscore(value: &str) -> Vec<String> {
    let message = || by_pattern(UNDERSCORED_MESSAGE, UNDERSCORED, &["example.com"]);
    let is_fine = |label: &str| {
        let rest = label.strip_prefix('_').unwrap_or(label);
        !rest.starts_with('_') && is_label(&rest.replace('_', "-"))
    };
    Complaints::default().longest(value, 253).unless(value.split('.').all(is_fine), message).0
}

/// RFC 1123 subdomain whose first label is `*`, at most 253 bytes.
pub fn wildcard_dns1123_subdomain(value: &str) -> Vec<String> {
    let message = || by_pattern(WILDCARD_MESSAGE, &format!("\\*\\.{SUBDOMAIN}"), &["*.example.com"]);
    let fine = value.strip_prefix("*.").is_some_and(is_subdomain);
    Complaints::default().longest(value, 253).unless(fine, message).0
}

/// RFC 1035 label, at most 63 bytes.
pub fn dns1035_label(value: &str) -> Vec<String> {
    let message = || by_pattern(LABEL_1035_MESSAGE, LABEL_1035, &["my-name", "abc-123"]);
    let fine = is_label(value) && value.starts_with(|c: char| c.is_ascii_lowercase());
    Complaints::default().longest(value, 63).unless(fine, message).0
}

/// A name of at most 63 bytes, optionally behind a subdomain and `/`: label keys, annotation keys, finalizers.
pub fn qualified_name(value: &str) -> Vec<String> {
    let pattern = || by_pattern(KEY_MESSAGE, KEY, &["MyName", "my.name", "123-abc"]);
    let (prefix, name) = match value.split_once('/') {
        None => (None, value),
        Some((prefix, name)) if !name.contains('/') => (Some(prefix), name),
        Some(_) => {
            let hint = "with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')";
            return vec![format!("a valid label key {} {hint}", pattern())];
        }
    };
    let about_prefix = match prefix {
        None => Vec::new(),
        Some("") => vec!["prefix part must be non-empty".to_owned()],
        Some(prefix) => {
            dns1123_subdomain(prefix).into_iter().map(|message| format!("prefix part {message}")).collect()
        }
    };
    Complaints(about_prefix)
        .unless(!name.is_empty(), || "name part must be non-empty".to_owned())
        .unless(name.len() <= 63, || "name part must be no more than 63 bytes".to_owned())
        .unless(is_key(name), || format!("name part {}", pattern()))
        .0
}

/// A qualified name that has a prefix.
pub fn prefixed_name(value: &str) -> Vec<String> {
    let complaints = qualified_name(value);
    let fine = !complaints.is_empty() || value.contains('/');
    Complaints(complaints).unless(fine, || "must include a prefix (e.g. 'example.com/key')".to_owned()).0
}

/// A label's value: empty or a key, at most 63 bytes.
pub fn label_value(value: &str) -> Vec<String> {
    let message = || by_pattern(LABEL_VALUE_MESSAGE, &format!("({KEY})?"), &["MyValue", "my_value", "12345"]);
    Complaints::default().longest(value, 63).unless(value.is_empty() || is_key(value), message).0
}

/// A name that can stand between slashes in a URL (RBAC); may be empty, of any length.
pub fn path_segment(value: &str) -> Vec<String> {
    if value == "." || value == ".." {
        return vec![format!("may not be '{value}'")];
    }
    ['/', '%'].into_iter().filter(|&c| value.contains(c)).map(|c| format!("may not contain '{c}'")).collect()
}

/// A key of a ConfigMap or Secret, at most 253 bytes.
pub fn config_map_key(value: &str) -> Vec<String> {
    let message = || by_pattern(CONFIG_KEY_MESSAGE, "[-._a-zA-Z0-9]+", &["key.name", "KEY_NAME", "key-name"]);
    let fine = !value.is_empty() && value.chars().all(is_key_char);
    Complaints::default()
        .longest(value, 253)
        .unless(fine, message)
        .unless(value != ".", || "must not be '.'".to_owned())
        .unless(value != "..", || "must not be '..'".to_owned())
        .unless(value == ".." || !value.starts_with(".."), || "must not start with '..'".to_owned())
        .0
}

/// The name of an environment variable in its relaxed form: printable ASCII without `=`.
pub fn env_var_name(value: &str) -> Vec<String> {
    let fine = value.chars().all(|c| matches!(c, ' '..='~') && c != '=');
    Complaints::default()
        .unless(!value.is_empty(), || "environment variable name must be non-empty".to_owned())
        .unless(fine, || ENV_MESSAGE.to_owned())
        .0
}

/// An identifier of C, of any length.
pub fn c_identifier(value: &str) -> Vec<String> {
    let message =
        || by_pattern(C_IDENTIFIER_MESSAGE, "[A-Za-z_][A-Za-z0-9_]*", &["my_name", "MY_NAME", "MyName"]);
    let fine = value.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && value.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    Complaints::default().unless(fine, message).0
}

/// A port number, 1 to 65535.
pub fn port_num(port: i64) -> Vec<String> {
    in_range(port, 1, 65_535)
}

/// A number between `min` and `max`, both included.
pub fn in_range(value: i64, min: i64, max: i64) -> Vec<String> {
    let message = || format!("must be between {min} and {max}, inclusive");
    Complaints::default().unless((min..=max).contains(&value), message).0
}

/// A port's name (RFC 6335, lower case only): at most 15 bytes, at least one letter.
pub fn port_name(value: &str) -> Vec<String> {
    let fine = !value.is_empty() && value.chars().all(|c| is_lower_or_digit(c) || c == '-');
    Complaints::default()
        .longest(value, 15)
        .unless(fine, || "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)".to_owned())
        .unless(value.contains(|c: char| c.is_ascii_lowercase()), || {
            "must contain at least one letter (a-z)".to_owned()
        })
        .unless(!value.contains("--"), || "must not contain consecutive hyphens".to_owned())
        .unless(!value.starts_with('-') && !value.ends_with('-'), || {
            "must not begin or end with a hyphen".to_owned()
        })
        .0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(found: Vec<String>, expect: &[&str]) {
        assert_eq!(found, expect);
    }

    #[test]
    fn labels_and_subdomains() {
        for value in ["a", "a-b", "0", "123-abc"] {
            check(dns1123_label(value), &[]);
        }
        check(dns1123_label("a.b"), &["must not contain dots"]);
        let message = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must \
             start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is \
             '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
        for value in ["", "A", "a_b", "-a", "a-", "é"] {
            check(dns1123_label(value), &[message]);
        }
        check(dns1123_label(&"a".repeat(64)), &["must be no more than 63 bytes"]);
        for value in ["a", "a.b", "example.com", "0.1-2"] {
            check(dns1123_subdomain(value), &[]);
        }
        let message = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', \
             and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is \
             '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
        for value in ["", "A", "a..b", ".a", "a.", "a.-b"] {
            check(dns1123_subdomain(value), &[message]);
        }
        check(dns1035_label("a1"), &[]);
        assert!(dns1035_label("1a")[0].starts_with("a DNS-1035 label must consist"));
        check(wildcard_dns1123_subdomain("*.a.b"), &[]);
        assert_eq!(wildcard_dns1123_subdomain("*").len(), 1);
    }

    #[test]
    fn qualified_names() {
        for value in ["a", "A_b.c", "example.com/MyName", "1"] {
            check(qualified_name(value), &[]);
        }
        let pattern = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an \
             alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is \
             '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
        check(qualified_name("a b"), &[&format!("name part {pattern}")]);
        check(qualified_name("a/"), &["name part must be non-empty", &format!("name part {pattern}")]);
        check(qualified_name("/a"), &["prefix part must be non-empty"]);
        check(qualified_name(&"a".repeat(64)), &["name part must be no more than 63 bytes"]);
        assert!(qualified_name("A/a")[0].starts_with("prefix part a lowercase RFC 1123 subdomain"));
        let tail = "with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')";
        check(qualified_name("a/b/c"), &[&format!("a valid label key {pattern} {tail}")]);
        check(prefixed_name("a"), &["must include a prefix (e.g. 'example.com/key')"]);
        check(prefixed_name("a/b"), &[]);
    }

    #[test]
    fn label_values() {
        for value in ["", "a", "A_b.c-1"] {
            check(label_value(value), &[]);
        }
        let message = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', \
             and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex \
             used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
        for value in ["a b", "-a", "a/b"] {
            check(label_value(value), &[message]);
        }
    }

    #[test]
    fn keys_and_segments() {
        check(path_segment("system:node"), &[]);
        check(path_segment(".."), &["may not be '..'"]);
        check(path_segment("a/b%"), &["may not contain '/'", "may not contain '%'"]);
        check(config_map_key("ca.crt"), &[]);
        check(config_map_key("."), &["must not be '.'"]);
        check(config_map_key(".."), &["must not be '..'"]);
        check(config_map_key("..a"), &["must not start with '..'"]);
        assert_eq!(config_map_key("a/b").len(), 1);
        check(env_var_name("a b!"), &[]);
        check(env_var_name("a=b"), &[ENV_MESSAGE]);
        check(env_var_name(""), &["environment variable name must be non-empty"]);
        check(c_identifier("_a1"), &[]);
        assert_eq!(c_identifier("1a").len(), 1);
    }

    #[test]
    fn ports() {
        check(port_num(80), &[]);
        check(port_num(0), &["must be between 1 and 65535, inclusive"]);
        check(port_name("http-1"), &[]);
        check(port_name("1"), &["must contain at least one letter (a-z)"]);
        check(port_name("a--b"), &["must not contain consecutive hyphens"]);
        check(port_name("-a"), &["must not begin or end with a hyphen"]);
        check(port_name("abcdefghijklmnop"), &["must be no more than 15 bytes"]);
        check(
            port_name("A"),
            &[
                "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)",
                "must contain at least one letter (a-z)",
            ],
        );
    }
}
