//! Where the images of a registry are asked for: containerd's `hosts.toml`, as far as a puller needs it.

use std::path::{Path, PathBuf};

use toml::{Table, Value};

/// One place to ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Host {
    /// `host` or `host:port`.
    pub name: String,
    /// Whether it speaks HTTP without TLS.
    pub plain: bool,
    /// Files with the certificates of the authorities to trust beside the system's.
    pub authorities: Vec<PathBuf>,
    /// Whether any certificate will do.
    pub unverified: bool,
    /// Whether it only stands in for the registry: a mirror gets no credentials.
    pub mirror: bool,
}

/// The places to ask for a registry's images, in order: what its file in the directory says, else that for
/// `_default`, else the registry itself.
///
/// # Errors
/// In one line: what is wrong with which file.
pub(crate) fn hosts_of(dir: &Path, registry: &str) -> Result<Vec<Host>, String> {
    let named = match registry.rsplit_once(':') {
        Some((host, port)) => vec![registry.to_owned(), format!("{host}_{port}_")],
        None => vec![registry.to_owned()],
    };
    for name in named.iter().map(String::as_str).chain(["_default"]) {
        let path = dir.join(name).join("hosts.toml");
        match std::fs::read_to_string(&path) {
            Ok(text) => return parse(&text, registry).map_err(|why| format!("{}: {why}", path.display())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(format!("{}: {error}", path.display())),
        }
    }
    Ok(vec![itself(registry)])
}

/// The registry as it is reached where nothing is configured: by TLS, but on this machine without, as containerd does.
fn itself(registry: &str) -> Host {
    let host = registry.rsplit_once(':').map_or(registry, |(host, _)| host);
    let plain = host == "localhost"
        || host.trim_matches(['[', ']']).parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback());
    Host { name: registry.to_owned(), plain, authorities: Vec::new(), unverified: false, mirror: false }
}

fn parse(text: &str, registry: &str) -> Result<Vec<Host>, String> {
    let file: Table = text.parse().map_err(|error: toml::de::Error| error.message().to_owned())?;
    let mut hosts = Vec::new();
    for (url, settings) in file.get("host").and_then(Value::as_table).into_iter().flatten() {
        let settings = settings.as_table().ok_or_else(|| format!("host {url:?} is no table"))?;
        if can_pull(settings) {
            hosts.push(host(url, settings, registry)?);
        }
    }
    let server = match file.get("server").and_then(Value::as_str) {
        Some(url) => Host { mirror: false, ..host(url, &file, registry)? },
        None => itself(registry),
    };
    if !hosts.iter().any(|host| host.name == server.name) {
        hosts.push(server);
    }
    Ok(hosts)
}

/// Both are asked of one host here.
fn can_pull(settings: &Table) -> bool {
    let Some(capabilities) = settings.get("capabilities").and_then(Value::as_array) else { return true };
    ["pull", "resolve"].iter().all(|needed| capabilities.iter().any(|found| found.as_str() == Some(needed)))
}

fn host(url: &str, settings: &Table, registry: &str) -> Result<Host, String> {
    let (plain, rest) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
        (Some(rest), _) => (false, rest),
        (_, Some(rest)) => (true, rest),
        _ => (itself(url).plain, url),
    };
    let name = rest.trim_end_matches('/').trim_end_matches("/v2");
    if name.is_empty() || name.contains('/') {
        return Err(format!("host {url:?}: only HOST[:PORT] is supported, without a path"));
    }
    for unsupported in ["client", "header", "override_path"] {
        if settings.contains_key(unsupported) {
            return Err(format!("host {url:?}: {unsupported} is not supported"));
        }
    }
    let authorities = match settings.get("ca") {
        None => Vec::new(),
        Some(Value::String(path)) => vec![path.into()],
        Some(Value::Array(paths)) if paths.iter().all(Value::is_str) => {
            paths.iter().filter_map(Value::as_str).map(PathBuf::from).collect()
        }
        Some(_) => return Err(format!("host {url:?}: ca is neither a path nor a list of paths")),
    };
    let unverified = settings.get("skip_verify").and_then(Value::as_bool).unwrap_or(false);
    Ok(Host { name: name.to_owned(), plain, authorities, unverified, mirror: name != registry })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(hosts: Result<Vec<Host>, String>) -> String {
        let one = |host: &Host| {
            let Host { name, plain, authorities, unverified, mirror } = host;
            let scheme = if *plain { "http" } else { "https" };
            let mut text = format!("{scheme}://{name}");
            authorities.iter().for_each(|path| text += &format!(" ca {}", path.display()));
            text += if *unverified { " unverified" } else { "" };
            text + if *mirror { " mirror" } else { "" }
        };
        hosts.map_or_else(|why| why, |hosts| hosts.iter().map(one).collect::<Vec<_>>().join(", "))
    }

    #[test]
    fn what_is_said_nowhere() {
        for (registry, expected) in [
            ("docker.io", "https://docker.io"),
            ("registry.example:5000", "https://registry.example:5000"),
            ("localhost:5000", "http://localhost:5000"),
            ("127.0.0.1:5000", "http://127.0.0.1:5000"),
            ("[::1]:5000", "http://[::1]:5000"),
        ] {
            assert_eq!(show(hosts_of(Path::new("/nowhere"), registry)), expected);
        }
    }

    #[test]
    fn mirrors_come_in_their_order_and_the_registry_last() {
        let check = |text: &str, expected: &str| assert_eq!(show(parse(text, "r.example")), expected);
        check("", "https://r.example");
        check("server = \"http://r.example\"", "http://r.example");
        check("server = \"https://other.example\"", "https://other.example");
        check(
            "[host.\"https://z.example\"]\nca = \"/ca\"\n[host.\"http://a.example:5000\"]\nskip_verify = true\n\
             [host.\"https://push.example\"]\ncapabilities = [\"push\"]",
            "https://z.example ca /ca mirror, http://a.example:5000 unverified mirror, https://r.example",
        );
        check("[host.\"https://r.example\"]\nca = [\"/a\", \"/b\"]", "https://r.example ca /a ca /b");
        check(
            "[host.\"https://m.example/v2/x\"]",
            "host \"https://m.example/v2/x\": only HOST[:PORT] is supported, without a path",
        );
        check(
            "[host.\"https://m.example\"]\nclient = \"/c\"",
            "host \"https://m.example\": client is not supported",
        );
        check(
            "[host.\"https://m.example\"]\nca = 1",
            "host \"https://m.example\": ca is neither a path nor a list of paths",
        );
        assert!(parse("server =", "r.example").is_err());
    }
}
