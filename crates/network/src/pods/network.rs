//! Attaches pods to the node.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

use ipnet::Ipv4Net;
use parking_lot::Mutex;

use super::addresses::{Addresses, gateway_of};
use crate::namespaces::ensure_sysctl;
use crate::netlink::{End, Links, Mac};
use crate::{Error, nft};

/// What the link is called inside a pod.
const INSIDE: &str = "eth0";

/// The hardware address of every pod's link on the node. As each has but one neighbour, they may share it.
const OUTSIDE: Mac = [0xee; 6];

/// The greatest packet where the node itself leads nowhere, in bytes.
const MTU: u32 = 1500;

/// How the pods of a node are attached.
#[derive(Clone, Debug)]
pub struct PodNetworkOptions {
    /// The name of the device that has the node's own address among the pods, such as `berth0`.
    pub device: String,
    /// The addresses of this node's pods; the first is the node's own.
    pub cidr: Ipv4Net,
    /// A directory of its own, where it is recorded who has which address. What it says is of no use after a
    /// reboot.
    pub state_dir: PathBuf,
    /// The name of an nftables table of its own, which must not be that of the services.
    pub table: String,
}

/// The network that a node's pods are attached to.
///
/// Every pod has a pair of veths, and the node routes between them: what a pod sends always passes the node's
/// packet filter, so that services work between pods of one node.
#[derive(Debug)]
pub struct PodNetwork {
    gateway: Ipv4Addr,
    cidr: Ipv4Net,
    table: String,
    mtu: u32,
    links: Links,
    /// Never held across an await.
    addresses: Mutex<Addresses>,
}

impl PodNetwork {
    /// Makes what the node needs, or repairs it: device, forwarding, and a table by which pods reach what is
    /// not a pod under the node's address. Works on the network namespace of the calling thread. Idempotent.
    pub async fn open(options: PodNetworkOptions) -> Result<Self, Error> {
        let gateway = gateway_of(options.cidr)?;
        let addresses = Mutex::new(Addresses::open(&options.state_dir, options.cidr)?);
        let links = Links::here()?;
        let mtu = links.default_mtu().await?.unwrap_or(MTU);
        links.add_bridge(&options.device).await?;
        links.add_address(links.index(&options.device).await?, gateway).await?;
        links.up(&options.device).await?;
        ensure_sysctl(Path::new("/proc/sys/net/ipv4/ip_forward"), "1")?;
        let blocks = links.routes().await?.into_iter().filter(|route| route.block).map(|route| route.to);
        nft::run(&rules(&options.table, options.cidr, blocks)).await?;
        Ok(Self { gateway, cidr: options.cidr, table: options.table, mtu, links, addresses })
    }

    /// Leads to the pods of other nodes, each block of addresses by its node's address, and to no others any more. What
    /// pods of one node send to those of another keeps its sender's address.
    ///
    /// An error says where it does not lead; all else is done then.
    pub async fn lead(&self, blocks: &BTreeMap<Ipv4Net, Ipv4Addr>) -> Result<(), Error> {
        nft::run(&rules(&self.table, self.cidr, blocks.keys().copied())).await?;
        let mut result = Ok(());
        for route in self.links.routes().await? {
            if route.block && !blocks.contains_key(&route.to) {
                result = self.links.delete_block_route(route.to).await.and(result);
            }
        }
        for (block, node) in blocks {
            result = self.links.add_block_route(*block, *node).await.and(result);
        }
        result
    }

    /// A route of the machine to some of these addresses that neither pods nor other nodes account for, in words;
    /// `device` is that of the node's own address among its pods.
    pub async fn overlap(addresses: Ipv4Net, device: &str) -> Result<Option<String>, Error> {
        let links = Links::here()?;
        let names: HashMap<u32, String> =
            links.all().await?.into_iter().map(|link| (link.index, link.name)).collect();
        let foreign = links.routes().await?.into_iter().find_map(|route| {
            let name = names.get(&route.link).map(String::as_str).unwrap_or_default();
            let meets = addresses.contains(&route.to) || route.to.contains(&addresses);
            let own = route.block || name == device || of_pod(name, addresses);
            (meets && !own).then(|| format!("{} dev {name}", route.to))
        });
        Ok(foreign)
    }

    /// Attaches the network namespace that is pinned at `netns`, and returns the pod's addresses.
    ///
    /// Idempotent: the same id gets the same address, and what is missing is made. After an error the address
    /// stays the pod's until [`PodNetwork::detach`].
    pub async fn attach(&self, id: &str, netns: &Path) -> Result<Vec<IpAddr>, Error> {
        let address = self.addresses.lock().take(id)?;
        let outside = outside(address);
        let (out, inner) = (End { name: &outside, mac: OUTSIDE }, End { name: INSIDE, mac: mac(address) });
        let pod = Links::of(netns).await?;
        self.tie(&pod, out, inner, netns).await?;
        let index = pod.index(INSIDE).await?;
        pod.add_address(index, address).await?;
        pod.up(INSIDE).await?;
        pod.add_neighbour(index, self.gateway, out.mac).await?;
        pod.add_neighbour_route(index, self.gateway, address).await?;
        pod.add_default_route(index, self.gateway).await?;
        self.links.up(&outside).await?;
        let index = self.links.index(&outside).await?;
        self.links.add_neighbour(index, address, inner.mac).await?;
        self.links.add_neighbour_route(index, address, self.gateway).await?;
        self.links.wait_running(&outside).await?;
        pod.wait_running(INSIDE).await?;
        Ok(vec![IpAddr::V4(address)])
    }

    /// Makes the pair of veths, unless it is there. What is left of another pair is deleted.
    async fn tie(&self, pod: &Links, out: End<'_>, inner: End<'_>, netns: &Path) -> Result<(), Error> {
        if let (Some(one), Some(other)) = (self.links.find(out.name).await?, pod.find(inner.name).await?)
            && one.tied == Some(other.index)
            && other.tied == Some(one.index)
        {
            return Ok(());
        }
        self.links.delete(out.name).await?;
        pod.delete(inner.name).await?;
        let namespace = File::open(netns).map_err(Error::file("opening", netns))?;
        self.links.add_veth(self.mtu, out, inner, namespace.as_raw_fd()).await
    }

    /// Detaches a pod and frees its address, also where its namespace is gone. Idempotent.
    pub async fn detach(&self, id: &str) -> Result<(), Error> {
        let Some(address) = self.addresses.lock().of(id) else { return Ok(()) };
        self.links.delete(&outside(address)).await?;
        self.addresses.lock().free(id)
    }

    /// The addresses recorded for a pod; none for one that was not attached.
    pub fn addresses(&self, id: &str) -> Vec<IpAddr> {
        self.addresses.lock().of(id).map(IpAddr::V4).into_iter().collect()
    }

    /// The pods for which addresses are recorded, which includes those that a reboot has detached.
    pub fn attached(&self) -> Vec<String> {
        self.addresses.lock().owners()
    }

    /// The node's own address among the pods.
    pub fn gateway(&self) -> IpAddr {
        IpAddr::V4(self.gateway)
    }

    /// Undoes everything on the machine but forwarding: links, routes, table and records. Idempotent.
    pub async fn remove(options: PodNetworkOptions) -> Result<(), Error> {
        let links = Links::here()?;
        for link in links.all().await? {
            if of_pod(&link.name, options.cidr) || link.name == options.device {
                links.delete(&link.name).await?;
            }
        }
        for route in links.routes().await? {
            if route.block {
                links.delete_block_route(route.to).await?;
            }
        }
        nft::run(&format!("table ip {0} {{ }}\ndelete table ip {0}\n", options.table)).await?;
        match fs::remove_dir_all(&options.state_dir) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(Error::file("removing", &options.state_dir)(error))
            }
            _ => Ok(()),
        }
    }
}

/// The name of a pod's link on the node: its address in hexadecimal, so that no two pods share one.
fn outside(address: Ipv4Addr) -> String {
    format!("veth{:08x}", u32::from(address))
}

/// The hardware address of a pod: of local use, and its own as its address is.
fn mac(address: Ipv4Addr) -> Mac {
    let [a, b, c, d] = address.octets();
    [0x0a, 0x58, a, b, c, d]
}

/// Whether this is what [`outside`] calls the link of an address of the range.
fn of_pod(name: &str, range: Ipv4Net) -> bool {
    let number = name.strip_prefix("veth").filter(|hex| hex.len() == 8);
    number
        .and_then(|hex| u32::from_str_radix(hex, 16).ok())
        .is_some_and(|number| range.contains(&Ipv4Addr::from(number)))
}

/// A table by which pods reach what is not a pod, of this node or of another, under the node's address.
fn rules(table: &str, pods: Ipv4Net, blocks: impl Iterator<Item = Ipv4Net>) -> String {
    let pods = pods.trunc();
    let all: Vec<String> = [pods].into_iter().chain(blocks).map(|block| block.to_string()).collect();
    let all = all.join(", ");
    format!(
        "table ip {table} {{ }}
delete table ip {table}
table ip {table} {{
    set pods {{
        type ipv4_addr
        flags interval
        auto-merge
        elements = {{ {all} }}
    }}
    chain postrouting {{
        type nat hook postrouting priority srcnat
        ip saddr {pods} ip daddr != @pods masquerade
    }}
}}
"
    )
}
