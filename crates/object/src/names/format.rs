//! Formats by name, as the schema's rules call them, and the formats that are not names.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::*;

/// Checks a text (or a number's text) against a named format. An unknown format has no complaints.
///
/// Formats: `dns-label`, `dns-subdomain`, `dns-1035-label`, `wildcard-dns-subdomain`, `qualified-name` (also
/// `label-key`), `prefixed-name`, `label-value`, `path-segment`, `config-map-key`, `env-var-name`, `c-identifier`,
/// `port`, `port-name`, `port-or-name`, `ip`, `ipv4`, `ipv6`, `cidr`, `http-path`, `http-header-name`,
/// `absolute-path`, `percent`, `uuid`.
pub fn check_format(format: &str, value: &str) -> Vec<String> {
    match format {
        "dns-label" => dns1123_label(value),
        "dns-subdomain" => dns1123_subdomain(value),
        "dns-1035-label" => dns1035_label(value),
        "wildcard-dns-subdomain" => wildcard_dns1123_subdomain(value),
        "qualified-name" | "label-key" => qualified_name(value),
        "prefixed-name" => prefixed_name(value),
        "label-value" => label_value(value),
        "path-segment" => path_segment(value),
        "config-map-key" => config_map_key(value),
        "env-var-name" => env_var_name(value),
        "c-identifier" => c_identifier(value),
        "port" => port_num(value.parse().unwrap_or(0)),
        "port-name" => port_name(value),
        "port-or-name" => value.parse().map_or_else(|_| port_name(value), port_num),
        "ip" => ip(value),
        "ipv4" => ipv4(value),
        "ipv6" => ipv6(value),
        "cidr" => cidr(value),
        "http-path" => http_path(value),
        "http-header-name" => http_header_name(value),
        "absolute-path" => absolute_path(value),
        "percent" => percent(value),
        "uuid" => uuid(value),
        _ => Vec::new(),
    }
}

fn one(fine: bool, message: impl FnOnce() -> String) -> Vec<String> {
    Complaints::default().unless(fine, message).0
}

/// An address of IPv4 or IPv6.
pub fn ip(value: &str) -> Vec<String> {
    let message = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
    one(value.parse::<IpAddr>().is_ok(), || message.to_owned())
}

/// An address of IPv4.
pub fn ipv4(value: &str) -> Vec<String> {
    one(value.parse::<Ipv4Addr>().is_ok(), || "must be a valid IPv4 address".to_owned())
}

/// An address of IPv6.
pub fn ipv6(value: &str) -> Vec<String> {
    one(value.parse::<Ipv6Addr>().is_ok(), || "must be a valid IPv6 address".to_owned())
}

/// An address with a prefix length.
pub fn cidr(value: &str) -> Vec<String> {
    let message = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";
    one(is_cidr(value), || message.to_owned())
}

fn is_cidr(value: &str) -> bool {
    let Some((address, length)) = value.split_once('/') else { return false };
    let is_length = !length.is_empty() && length.len() <= 3 && length.bytes().all(|b| b.is_ascii_digit());
    let most = match address.parse() {
        Ok(IpAddr::V4(_)) => 32,
        Ok(IpAddr::V6(_)) => 128,
        Err(_) => return false,
    };
    is_length && length.parse::<u8>().is_ok_and(|length| length <= most)
}

/// The path of a URL: characters of RFC 3986, not empty.
pub fn http_path(value: &str) -> Vec<String> {
    let fine = |c: char| c.is_ascii_alphanumeric() || "/-._~%!$&'()*+,;=:".contains(c);
    let message = || by_pattern("Invalid path", r"[A-Za-z0-9/\-._~%!$&'()*+,;=:]+", &[]);
    one(!value.is_empty() && value.chars().all(fine), message)
}

/// The name of an HTTP header field.
pub fn http_header_name(value: &str) -> Vec<String> {
    let fine = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let message = "a valid HTTP header must consist of alphanumeric characters or '-'";
    one(!value.is_empty() && value.chars().all(fine), || {
        by_pattern(message, "[-A-Za-z0-9]+", &["X-Header-Name"])
    })
}

/// A path that begins with a slash.
pub fn absolute_path(value: &str) -> Vec<String> {
    one(value.starts_with('/'), || "must be an absolute path".to_owned())
}

/// Digits and `%`.
pub fn percent(value: &str) -> Vec<String> {
    let fine =
        value.strip_suffix('%').is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    let message = "a valid percent string must be a numeric string followed by an ending '%'";
    one(fine, || by_pattern(message, "[0-9]+%", &["1%", "93%"]))
}

/// A UUID in lower-case hexadecimal, 8-4-4-4-12.
pub fn uuid(value: &str) -> Vec<String> {
    let hex = |part: &str| part.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    let fine = hex(&value.replace('-', "")) && value.split('-').map(str::len).eq([8, 4, 4, 4, 12]);
    let message = "must be a lowercase UUID in 8-4-4-4-12 format";
    one(fine, || message.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats() {
        let fine = [
            ("dns-label", "a"),
            ("label-key", "a/b"),
            ("port", "80"),
            ("port-or-name", "80"),
            ("port-or-name", "http"),
            ("ip", "10.0.0.1"),
            ("ip", "fd00::1"),
            ("ipv4", "1.2.3.4"),
            ("ipv6", "::"),
            ("cidr", "10.0.0.0/8"),
            ("cidr", "fd00::/64"),
            ("http-path", "/a%20b"),
            ("http-header-name", "X-A"),
            ("absolute-path", "/"),
            ("percent", "25%"),
            ("uuid", "01234567-89ab-cdef-0123-456789abcdef"),
            ("no-such-format", "anything"),
        ];
        for (format, value) in fine {
            assert_eq!(check_format(format, value), Vec::<String>::new(), "{format} {value}");
        }
        let wrong = [
            ("dns-label", "A"),
            ("port", "0"),
            ("port", "70000"),
            ("port", "x"),
            ("port-or-name", "0"),
            ("ip", "010.0.0.1"),
            ("ip", "1.2.3"),
            ("ipv4", "::"),
            ("ipv6", "1.2.3.4"),
            ("cidr", "10.0.0.0/33"),
            ("cidr", "10.0.0.0/+8"),
            ("cidr", "10.0.0.0"),
            ("http-path", "a b"),
            ("http-header-name", ""),
            ("absolute-path", "a"),
            ("percent", "%"),
            ("uuid", "x"),
        ];
        for (format, value) in wrong {
            assert_eq!(check_format(format, value).len(), 1, "{format} {value}");
        }
    }
}
