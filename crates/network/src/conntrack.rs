//! Flows that the kernel keeps track of.
//!
//! UDP has no end that the kernel could see: a client that goes on sending keeps its flow, and with it an
//! endpoint that may be gone. Messages are as linux/netfilter/nfnetlink_conntrack.h has them.

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};

use rtnetlink::packet_core::{
    DecodeError, Emitable, NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST, NLMSG_DONE, NLMSG_ERROR, NetlinkBuffer,
    NetlinkHeader, NlaBuffer, NlasIterator,
};
use rtnetlink::sys::Socket;
use rtnetlink::sys::protocols::NETLINK_NETFILTER;

use crate::Error;
use crate::namespaces::on_thread;

const GET: u16 = 0x0101;
const DELETE: u16 = 0x0102;
/// Family IPv4, version 0, no resource.
const IPV4: [u8; 4] = [2, 0, 0, 0];
const UDP: u8 = 17;
/// Attributes: a flow's tuples, and what is in a tuple.
const ORIGINAL: u16 = 1;
const REPLY: u16 = 2;
const ADDRESSES: u16 = 1;
const PORTS: u16 = 2;
/// That a value is made of attributes.
const NESTED: u16 = 0x8000;

/// A UDP flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Flow {
    /// What the client sends to.
    pub to: SocketAddrV4,
    /// Who answers.
    pub endpoint: SocketAddrV4,
    /// What the kernel knows the flow by: the attributes of its original tuple.
    original: Vec<u8>,
}

/// Forgets the UDP flows of the calling thread's network namespace for which `lost` holds, so that their next
/// packet finds its way anew.
pub(crate) async fn forget(lost: impl Fn(&Flow) -> bool + Send + 'static) -> Result<(), Error> {
    let work = move || -> io::Result<()> {
        let mut socket = Socket::new(NETLINK_NETFILTER)?;
        socket.bind_auto()?;
        let mut flows = vec![];
        ask(&socket, GET, NLM_F_DUMP, &[], |message| flows.extend(flow(message).filter(|flow| lost(flow))))?;
        for flow in flows {
            match ask(&socket, DELETE, NLM_F_ACK, &flow.original, |_| {}) {
                // it ended by itself
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                other => other?,
            }
        }
        Ok(())
    };
    let failed = |source| Error::System { doing: "forgetting flows", source };
    on_thread(work).await?.unwrap_or_else(|| Err(io::ErrorKind::Other.into())).map_err(failed)
}

/// Sends one request, whose original tuple may be given, and reads all that comes back.
fn ask(socket: &Socket, kind: u16, flags: u16, tuple: &[u8], mut each: impl FnMut(&[u8])) -> io::Result<()> {
    let mut body = IPV4.to_vec();
    if !tuple.is_empty() {
        let length = u16::try_from(tuple.len() + 4).map_err(|_| io::ErrorKind::InvalidInput)?;
        body.extend(length.to_ne_bytes());
        body.extend((ORIGINAL | NESTED).to_ne_bytes());
        body.extend(tuple);
    }
    let mut header = NetlinkHeader::default();
    header.message_type = kind;
    header.flags = NLM_F_REQUEST | flags;
    header.length =
        u32::try_from(header.buffer_len() + body.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    let mut request = vec![0; header.buffer_len()];
    header.emit(&mut request);
    request.extend(body);
    socket.send(&request, 0)?;
    loop {
        let (datagram, _) = socket.recv_from_full()?;
        if read(&datagram, &mut each)? {
            return Ok(());
        }
    }
}

/// Reads the messages of a datagram; true after the last of an answer.
fn read(mut rest: &[u8], each: &mut impl FnMut(&[u8])) -> io::Result<bool> {
    while !rest.is_empty() {
        let message = NetlinkBuffer::new_checked(rest).map_err(io::Error::other)?;
        match message.message_type() {
            NLMSG_DONE => return Ok(true),
            NLMSG_ERROR => return code(message.payload()).map(|()| true),
            _ => each(message.payload()),
        }
        let length = usize::try_from(message.length()).map_err(io::Error::other)?;
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    Ok(false)
}

fn code(payload: &[u8]) -> io::Result<()> {
    let code =
        payload.first_chunk().map(|bytes| i32::from_ne_bytes(*bytes)).ok_or(io::ErrorKind::InvalidData)?;
    if code == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(-code)) }
}

/// The flow that a message describes, if it is one of UDP.
fn flow(payload: &[u8]) -> Option<Flow> {
    let all = payload.get(IPV4.len()..)?;
    let (original, reply) = (value(all, ORIGINAL)?, value(all, REPLY)?);
    let protocol = value(value(original, PORTS)?, 1)?;
    (protocol == [UDP]).then_some(())?;
    Some(Flow { to: end(original, 2, 3)?, endpoint: end(reply, 1, 2)?, original: original.to_vec() })
}

/// One end of a tuple: the address and port that have these numbers.
fn end(tuple: &[u8], address: u16, port: u16) -> Option<SocketAddrV4> {
    let address: [u8; 4] = value(value(tuple, ADDRESSES)?, address)?.try_into().ok()?;
    let port: [u8; 2] = value(value(tuple, PORTS)?, port)?.try_into().ok()?;
    Some(SocketAddrV4::new(Ipv4Addr::from(address), u16::from_be_bytes(port)))
}

/// The value of an attribute.
fn value(attributes: &[u8], kind: u16) -> Option<&[u8]> {
    let found = NlasIterator::new(attributes).find(|found: &Result<NlaBuffer<&[u8]>, DecodeError>| {
        found.as_ref().is_ok_and(|attribute| attribute.kind() == kind)
    });
    let attribute = found?.ok()?;
    let length = attribute.value_length();
    attribute.into_inner().get(4..4 + length)
}
