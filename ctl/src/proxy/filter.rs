//! Which requests are let through.

use regex::Regex;

use super::Flags;

/// Decides by method, path and host. The host keeps pages of other sites out, which know this one by another name.
pub(super) struct Filter(Flags);

impl Filter {
    pub(super) fn new(flags: Flags) -> Self {
        Self(flags)
    }

    /// Whether a request is let through; `host` is its header, port and all.
    pub(super) fn accepts(&self, method: &str, path: &str, host: &str) -> bool {
        let flags = &self.0;
        let any = |expressions: &[Regex], text: &str| expressions.iter().any(|one| one.is_match(text));
        flags.disable_filter
            || !any(&flags.reject_paths, path)
                && !any(&flags.reject_methods, method)
                && any(&flags.accept_paths, path)
                && any(&flags.accept_hosts, without_port(host))
    }
}

/// `localhost:8001` and `[::1]:8001` without their ports.
fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        flags: Flags,
    }

    #[test]
    fn requests_are_filtered() {
        let filter = |words: &[&str]| {
            let line = std::iter::once("proxy").chain(words.iter().copied());
            Filter::new(Line::try_parse_from(line).expect("flags").flags)
        };
        let usual = filter(&[]);
        assert!(usual.accepts("GET", "/api/v1/pods", "localhost:8001"));
        assert!(usual.accepts("GET", "/", "[::1]:8001") && usual.accepts("GET", "/", "127.0.0.1"));
        assert!(!usual.accepts("GET", "/", "evil.example:8001"));
        assert!(!usual.accepts("POST", "/api/v1/namespaces/n/pods/p/exec", "localhost"));
        let narrow = filter(&["--accept-paths=^/version$", "--reject-methods=^POST$,^PUT$"]);
        assert!(narrow.accepts("GET", "/version", "localhost"));
        assert!(
            !narrow.accepts("PUT", "/version", "localhost") && !narrow.accepts("GET", "/api", "localhost")
        );
        assert!(filter(&["--disable-filter"]).accepts("POST", "/api/v1/namespaces/n/pods/p/exec", "x"));
    }
}
