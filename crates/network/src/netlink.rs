//! Links, addresses and routes of one network namespace.

use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::RawFd;
use std::path::Path;

use futures::TryStreamExt;
use ipnet::Ipv4Net;
use nix::errno::Errno;
use rtnetlink::packet_route::link::{InfoData, InfoKind, InfoVeth, LinkAttribute, LinkMessage, State};
use rtnetlink::packet_route::neighbour::NeighbourState;
use rtnetlink::packet_route::route::{
    RouteAddress, RouteAttribute, RouteHeader, RouteMessage, RouteProtocol, RouteScope, RouteType,
};
use rtnetlink::{Handle, LinkBridge, LinkMessageBuilder, LinkUnspec, LinkVeth, RouteMessageBuilder};
use tokio::runtime;
use tokio::time::{Duration, Instant, sleep};

use crate::Error;
use crate::namespaces::inside;

/// A connection to the kernel about one network namespace: that of the thread which opened it.
#[derive(Clone, Debug)]
pub(crate) struct Links {
    handle: Handle,
}

/// How long a link may take to run.
const RUNNING: Duration = Duration::from_secs(2);

/// By this the routes to other nodes' pods are known, which nobody else makes.
const BLOCKS: RouteProtocol = RouteProtocol::Other(98);

/// A hardware address.
pub(crate) type Mac = [u8; 6];

/// One end of a pair of veths.
#[derive(Clone, Copy, Debug)]
pub(crate) struct End<'a> {
    /// Its name in its namespace.
    pub name: &'a str,
    /// Its hardware address. One that is set is left alone by whatever else on the node sets them by policy.
    pub mac: Mac,
}

/// A link, as observed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    /// Its number in its namespace.
    pub index: u32,
    /// Its name.
    pub name: String,
    /// The number of the link that it is tied to, for a veth that of its peer in the peer's namespace.
    pub tied: Option<u32>,
    /// The greatest packet, in bytes.
    pub mtu: Option<u32>,
    /// Whether it carries packets.
    pub running: bool,
}

impl Links {
    /// Those of the calling thread's namespace. Must be called within a runtime.
    pub fn here() -> Result<Self, Error> {
        let (connection, handle, _) = rtnetlink::new_connection()
            .map_err(|source| Error::System { doing: "opening a netlink socket", source })?;
        // ends when the last handle is gone
        tokio::spawn(connection);
        Ok(Self { handle })
    }

    /// Those of the namespace that is pinned at `netns`.
    pub async fn of(netns: &Path) -> Result<Self, Error> {
        let runtime = runtime::Handle::current();
        let open = move || {
            let _entered = runtime.enter();
            Self::here()
        };
        inside(netns, open).await?
    }

    /// The link of this name, if there is one.
    pub async fn find(&self, name: &str) -> Result<Option<Link>, Error> {
        let mut found = Box::pin(self.handle.link().get().match_name(name).execute());
        match found.try_next().await {
            Ok(link) => Ok(link.map(observed)),
            Err(error) if is(&error, Errno::ENODEV) => Ok(None),
            Err(error) => Err(Error::netlink(format!("looking for link {name}"))(error)),
        }
    }

    /// The number of the link of this name, which must exist.
    pub async fn index(&self, name: &str) -> Result<u32, Error> {
        self.find(name).await?.map(|link| link.index).ok_or_else(|| Error::NoLink(name.to_owned()))
    }

    /// Waits until a link carries packets: the kernel drops what is sent in the moment after it was brought up.
    pub async fn wait_running(&self, name: &str) -> Result<(), Error> {
        let deadline = Instant::now() + RUNNING;
        while !self.find(name).await?.is_some_and(|link| link.running) {
            if Instant::now() > deadline {
                tracing::warn!(link = name, "link does not run yet");
                break;
            }
            sleep(Duration::from_millis(1)).await;
        }
        Ok(())
    }

    /// All links.
    pub async fn all(&self) -> Result<Vec<Link>, Error> {
        let found: Result<Vec<_>, _> =
            self.handle.link().get().execute().map_ok(observed).try_collect().await;
        found.map_err(Error::netlink("listing links"))
    }

    /// Brings a link up.
    pub async fn up(&self, name: &str) -> Result<(), Error> {
        let message = LinkUnspec::new_with_name(name).up().build();
        let done = self.handle.link().set(message).execute().await;
        done.map_err(Error::netlink(format!("bringing up {name}")))
    }

    /// Makes a bridge without ports, if there is no link of this name.
    pub async fn add_bridge(&self, name: &str) -> Result<(), Error> {
        let done = self.handle.link().add(LinkBridge::new(name).build()).execute().await;
        unless(Errno::EEXIST, done).map_err(Error::netlink(format!("adding bridge {name}")))
    }

    /// Makes a pair of veths: one here, the other in the namespace that `netns` is a descriptor of.
    pub async fn add_veth(&self, mtu: u32, here: End<'_>, there: End<'_>, netns: RawFd) -> Result<(), Error> {
        let name = here.name;
        let peer = LinkMessageBuilder::<LinkUnspec>::new()
            .name(there.name)
            .address(there.mac.to_vec())
            .mtu(mtu)
            .setns_by_fd(netns)
            .build();
        let pair = LinkMessageBuilder::<LinkVeth>::new_with_info_kind(InfoKind::Veth)
            .name(name)
            .address(here.mac.to_vec())
            .mtu(mtu)
            .set_info_data(InfoData::Veth(InfoVeth::Peer(peer)))
            .build();
        let done = self.handle.link().add(pair).execute().await;
        done.map_err(Error::netlink(format!("adding veth {name}")))
    }

    /// Deletes a link, and with it its peer and routes, if it exists.
    pub async fn delete(&self, name: &str) -> Result<(), Error> {
        let Some(link) = self.find(name).await? else { return Ok(()) };
        let done = self.handle.link().del(link.index).execute().await;
        unless(Errno::ENODEV, done).map_err(Error::netlink(format!("deleting link {name}")))
    }

    /// Gives a link an address that no other host of its link has.
    pub async fn add_address(&self, index: u32, address: Ipv4Addr) -> Result<(), Error> {
        let done = self.handle.address().add(index, IpAddr::V4(address), 32).replace().execute().await;
        done.map_err(Error::netlink(format!("adding address {address}")))
    }

    /// Says which hardware address a neighbour has, so that nobody has to ask: a strict node would not
    /// answer.
    pub async fn add_neighbour(&self, index: u32, address: Ipv4Addr, mac: Mac) -> Result<(), Error> {
        let neighbours = self.handle.neighbours();
        let permanent = neighbours.add(index, IpAddr::V4(address)).state(NeighbourState::Permanent);
        let done = permanent.link_layer_address(&mac).replace().execute().await;
        done.map_err(Error::netlink(format!("adding neighbour {address}")))
    }

    /// Leads to one address by a link, whose neighbour it is. What has no address yet is sent from `source`.
    pub async fn add_neighbour_route(&self, index: u32, to: Ipv4Addr, source: Ipv4Addr) -> Result<(), Error> {
        let route = RouteMessageBuilder::<Ipv4Addr>::new()
            .destination_prefix(to, 32)
            .output_interface(index)
            .pref_source(source)
            .scope(RouteScope::Link)
            .build();
        let done = self.handle.route().add(route).replace().execute().await;
        done.map_err(Error::netlink(format!("adding route to {to}")))
    }

    /// Leads everywhere by a neighbour.
    pub async fn add_default_route(&self, index: u32, gateway: Ipv4Addr) -> Result<(), Error> {
        let route = RouteMessageBuilder::<Ipv4Addr>::new().gateway(gateway).output_interface(index).build();
        let done = self.handle.route().add(route).replace().execute().await;
        done.map_err(Error::netlink(format!("adding default route by {gateway}")))
    }

    /// Leads to the addresses of a block by another host, in place of what led there before.
    pub async fn add_block_route(&self, to: Ipv4Net, by: Ipv4Addr) -> Result<(), Error> {
        let route = RouteMessageBuilder::<Ipv4Addr>::new()
            .destination_prefix(to.network(), to.prefix_len())
            .gateway(by)
            .protocol(BLOCKS)
            .build();
        let done = self.handle.route().add(route).replace().execute().await;
        done.map_err(Error::netlink(format!("adding route to {to} by {by}")))
    }

    /// Leads to a block no more, where [`Links::add_block_route`] did.
    pub async fn delete_block_route(&self, to: Ipv4Net) -> Result<(), Error> {
        let route = RouteMessageBuilder::<Ipv4Addr>::new()
            .destination_prefix(to.network(), to.prefix_len())
            .protocol(BLOCKS)
            .build();
        let done = self.handle.route().del(route).execute().await;
        unless(Errno::ESRCH, done).map_err(Error::netlink(format!("deleting route to {to}")))
    }

    /// All routes of the main table but default ones.
    pub async fn routes(&self) -> Result<Vec<Route>, Error> {
        let query = RouteMessageBuilder::<Ipv4Addr>::new().build();
        let routes: Result<Vec<_>, _> = self.handle.route().get(query).execute().try_collect().await;
        let routes = routes.map_err(Error::netlink("listing routes"))?;
        Ok(routes.iter().filter_map(route).collect())
    }

    /// The greatest packet that the default route's link takes, in bytes, if there is such a route.
    pub async fn default_mtu(&self) -> Result<Option<u32>, Error> {
        let query = RouteMessageBuilder::<Ipv4Addr>::new().build();
        let routes: Result<Vec<_>, _> = self.handle.route().get(query).execute().try_collect().await;
        let routes = routes.map_err(Error::netlink("listing routes"))?;
        let Some(index) = routes.iter().find_map(default_link) else { return Ok(None) };
        Ok(self.all().await?.into_iter().find(|link| link.index == index).and_then(|link| link.mtu))
    }
}

/// A route that leads to something in particular, as observed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    pub to: Ipv4Net,
    /// The number of the link that it leads by.
    pub link: u32,
    /// Whether it leads to the pods of another node.
    pub block: bool,
}

fn route(message: &RouteMessage) -> Option<Route> {
    let header = &message.header;
    if header.table != RouteHeader::RT_TABLE_MAIN || header.kind != RouteType::Unicast {
        return None;
    }
    let (mut to, mut link) = (None, 0);
    for attribute in &message.attributes {
        match attribute {
            RouteAttribute::Destination(RouteAddress::Inet(address)) => to = Some(*address),
            RouteAttribute::Oif(index) => link = *index,
            _ => {}
        }
    }
    let to = Ipv4Net::new(to?, header.destination_prefix_length).ok()?;
    Some(Route { to, link, block: header.protocol == BLOCKS })
}

fn default_link(route: &RouteMessage) -> Option<u32> {
    let to_one =
        route.attributes.iter().any(|a| matches!(a, RouteAttribute::Destination(RouteAddress::Inet(_))));
    let is_default = route.header.destination_prefix_length == 0 && !to_one;
    let link = route.attributes.iter().find_map(|attribute| match attribute {
        RouteAttribute::Oif(index) => Some(*index),
        _ => None,
    });
    link.filter(|_| is_default)
}

fn observed(message: LinkMessage) -> Link {
    let mut link =
        Link { index: message.header.index, name: String::new(), tied: None, mtu: None, running: false };
    for attribute in message.attributes {
        match attribute {
            LinkAttribute::IfName(name) => link.name = name,
            LinkAttribute::Link(index) => link.tied = Some(index),
            LinkAttribute::OperState(State::Up) => link.running = true,
            LinkAttribute::Mtu(mtu) => link.mtu = Some(mtu),
            _ => {}
        }
    }
    link
}

fn unless(expected: Errno, result: Result<(), rtnetlink::Error>) -> Result<(), rtnetlink::Error> {
    match result {
        Err(error) if is(&error, expected) => Ok(()),
        other => other,
    }
}

fn is(error: &rtnetlink::Error, errno: Errno) -> bool {
    matches!(error, rtnetlink::Error::NetlinkError(message) if message.raw_code() == -(errno as i32))
}
