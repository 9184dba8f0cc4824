//! The host's own way to names.

use std::net::{IpAddr, SocketAddr};

/// Where the host's is: systemd-resolved keeps the servers it asks apart from the address it answers on.
const FILES: [&str; 2] = ["/run/systemd/resolve/resolv.conf", "/etc/resolv.conf"];
/// Port of name servers.
const PORT: u16 = 53;

/// The host's `resolv.conf`, as pods without the cluster's names get it; empty where it has none.
pub(crate) fn host() -> String {
    FILES.iter().find_map(|file| std::fs::read_to_string(file).ok()).unwrap_or_default()
}

/// The servers that the host asks, but for `own`.
pub(crate) fn name_servers(own: IpAddr) -> Vec<SocketAddr> {
    servers(&host()).filter(|ip| *ip != own).map(|ip| SocketAddr::new(ip, PORT)).collect()
}

fn servers(text: &str) -> impl Iterator<Item = IpAddr> {
    let server = |line: &str| line.trim().strip_prefix("nameserver")?.trim().parse().ok();
    text.lines().filter_map(server)
}

#[cfg(test)]
mod tests {
    #[test]
    fn servers_are_read() {
        let text = "# nameserver 192.0.2.9\nsearch x\nnameserver 192.0.2.1\nnameserver ::1\nnameserver x\n";
        let found: Vec<String> = super::servers(text).map(|ip| ip.to_string()).collect();
        assert_eq!(found, ["192.0.2.1", "::1"]);
    }
}
