//! Kubeconfig files for clients of this server, with all certificates inside.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::certs::{Pair, replace_file};

/// Name of the cluster and of the current context.
const NAME: &str = "berth";

/// The URL under which clients on this host reach a server that listens on `address`.
pub fn server_url(address: SocketAddr) -> String {
    let ip = if address.ip().is_unspecified() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { address.ip() };
    format!("https://{}", SocketAddr::new(ip, address.port()))
}

/// The text of a kubeconfig in which `user` logs in by a certificate.
pub fn render(server: &str, ca: &str, user: &str, pair: &Pair) -> String {
    let encode = |pem: &str| STANDARD.encode(pem);
    format!(
        "apiVersion: v1\n\
         kind: Config\n\
         clusters:\n\
         - name: {NAME}\n  cluster:\n    server: {server}\n    certificate-authority-data: {ca}\n\
         users:\n\
         - name: {user}\n  user:\n    client-certificate-data: {certificate}\n    client-key-data: {key}\n\
         contexts:\n\
         - name: {NAME}\n  context:\n    cluster: {NAME}\n    user: {user}\n\
         current-context: {NAME}\n\
         preferences: {{}}\n",
        ca = encode(ca),
        certificate = encode(&pair.certificate),
        key = encode(&pair.key),
    )
}

/// Writes a kubeconfig that only the owner may read; a file that already says the same is left alone.
pub fn write(path: &Path, text: &str) -> std::io::Result<()> {
    match std::fs::read_to_string(path) {
        Ok(present) if present == text => Ok(()),
        _ => replace_file(path, text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_name_an_address_that_can_be_dialled() {
        let cases = [
            ("0.0.0.0:6443", "https://127.0.0.1:6443"),
            ("[::]:6443", "https://127.0.0.1:6443"),
            ("192.0.2.7:443", "https://192.0.2.7:443"),
            ("[2001:db8::1]:6443", "https://[2001:db8::1]:6443"),
        ];
        for (address, url) in cases {
            assert_eq!(server_url(address.parse().unwrap()), url);
        }
    }

    #[test]
    fn the_text_is_what_clients_read() {
        let pair = Pair { certificate: "C".into(), key: "K".into() };
        let text = render("https://127.0.0.1:6443", "A", "kubernetes-admin", &pair);
        let config: kube::config::Kubeconfig = serde_saphyr::from_str(&text).unwrap();
        assert_eq!(config.current_context.as_deref(), Some("berth"));
        let cluster = config.clusters[0].cluster.as_ref().unwrap();
        assert_eq!(cluster.server.as_deref(), Some("https://127.0.0.1:6443"));
        assert_eq!(cluster.certificate_authority_data.as_deref(), Some("QQ=="));
    }
}
