//! How to reach etcd.

use std::fmt;
use std::time::Duration;

use crate::Error;

/// How to reach etcd, and where the data lies in it.
#[derive(Clone)]
pub struct EtcdOptions {
    /// Each member's `host:port`.
    pub endpoints: Vec<String>,
    /// All keys begin with this; what lies elsewhere is not looked at.
    pub prefix: String,
    /// TLS, where etcd speaks it.
    pub tls: Option<EtcdTls>,
    /// Name and password, where etcd asks for them.
    pub user: Option<(String, String)>,
    /// How long [`crate::Etcd::open`] waits for an etcd that cannot be reached.
    pub patience: Duration,
    /// How often history is compacted: watches may be cut off for as long as this.
    pub compact_every: Duration,
    /// How long reads may wait for a watch that tells nothing because others write to etcd, until a hidden key is
    /// written for it to tell.
    pub tick: Duration,
}

/// TLS towards etcd: PEM texts.
#[derive(Clone)]
pub struct EtcdTls {
    /// The authority whose certificates etcd has.
    pub ca: Vec<u8>,
    /// Our own certificate and its key, where etcd asks for one.
    pub pair: Option<(Vec<u8>, Vec<u8>)>,
}

impl EtcdOptions {
    /// The options of `etcd://HOST:PORT[,HOST:PORT…][/PREFIX]`; the port is 2379 and the prefix `/berth` unless given.
    ///
    /// [`Error::Denied`] says what is wrong with the text.
    pub fn parse(url: &str) -> Result<EtcdOptions, Error> {
        let wrong = |what: &str| Error::Denied(format!("{url:?} is no address of etcd: {what}"));
        let rest = url.strip_prefix("etcd://").ok_or_else(|| wrong("it does not begin with etcd://"))?;
        let (hosts, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if hosts.contains('@') {
            return Err(wrong("names and passwords are given by flags, not in the address"));
        }
        let prefix = prefix.trim_matches('/');
        let prefix = if prefix.is_empty() { "/berth".to_owned() } else { format!("/{prefix}") };
        let endpoints = hosts
            .split(',')
            .map(|host| endpoint(host).ok_or_else(|| wrong(&format!("{host:?} is not HOST:PORT"))));
        Ok(EtcdOptions {
            endpoints: endpoints.collect::<Result<_, _>>()?,
            prefix,
            tls: None,
            user: None,
            patience: Duration::from_secs(10),
            compact_every: Duration::from_secs(300),
            tick: Duration::from_millis(100),
        })
    }
}

/// `host:port` with the port that etcd has unless another is given.
fn endpoint(host: &str) -> Option<String> {
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, port.parse::<u16>().ok()?),
        _ => (host, 2379),
    };
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let is_v6 = name.strip_prefix('[').and_then(|n| n.strip_suffix(']'));
    let fits = match is_v6 {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !name.is_empty() && name.chars().all(allowed),
    };
    fits.then(|| format!("{name}:{port}"))
}

/// Without the secrets.
impl fmt::Debug for EtcdOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let user = self.user.as_ref().map(|(name, _)| name);
        f.debug_struct("EtcdOptions")
            .field("endpoints", &self.endpoints)
            .field("prefix", &self.prefix)
            .field("tls", &self.tls.is_some())
            .field("user", &user)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for EtcdTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EtcdTls").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(url: &str, expect: &str) {
        let found = match EtcdOptions::parse(url) {
            Ok(options) => format!("{} below {}", options.endpoints.join(" "), options.prefix),
            Err(error) => error.to_string(),
        };
        assert_eq!(found, expect);
    }

    #[test]
    fn addresses() {
        check("etcd://127.0.0.1:2379", "127.0.0.1:2379 below /berth");
        check("etcd://a,b:1,[::1]:2,[::2]", "a:2379 b:1 [::1]:2 [::2]:2379 below /berth");
        check("etcd://a:1/clusters/one/", "a:1 below /clusters/one");
        check("http://a:1", r#""http://a:1" is no address of etcd: it does not begin with etcd://"#);
        check("etcd://", r#""etcd://" is no address of etcd: "" is not HOST:PORT"#);
        check("etcd://a:1,", r#""etcd://a:1," is no address of etcd: "" is not HOST:PORT"#);
        check("etcd://a:99999", r#""etcd://a:99999" is no address of etcd: "a:99999" is not HOST:PORT"#);
        check(
            "etcd://u:p@a:1",
            r#""etcd://u:p@a:1" is no address of etcd: names and passwords are given by flags, not in the address"#,
        );
    }
}
