//! What a connection is upgraded to, and the handshake: RFC 6455, section 4, and Kubernetes' own for SPDY.

use http::header::{
    CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION,
    UPGRADE,
};
use http::{HeaderMap, HeaderName, HeaderValue, Request};
use object::Status;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::protocol::Protocol;

const SPDY: &str = "SPDY/3.1";
const STREAM_PROTOCOL: HeaderName = HeaderName::from_static("x-stream-protocol-version");

/// SPDY in a WebSocket's messages, as clients ask for it.
const TUNNEL: &str = "SPDY/3.1+portforward.k8s.io";

/// What a connection is wanted for: protocols differ by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A command's session.
    Command,
    /// Forwarded ports.
    Forward,
}

impl Purpose {
    /// What is spoken on SPDY's streams.
    fn on_spdy(self) -> &'static str {
        match self {
            Self::Command => "v4.channel.k8s.io",
            Self::Forward => "portforward.k8s.io",
        }
    }
}

/// What the connection is to become.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Upgrade {
    /// A WebSocket with a sub-protocol, and the proof that the client's key was read.
    WebSocket { protocol: Protocol, accept: String },
    /// A WebSocket that carries SPDY.
    Tunnel { accept: String },
    /// SPDY/3.1, as older clients speak it, with what is spoken on its streams.
    Spdy { protocol: &'static str },
}

impl Upgrade {
    /// What a request asks for; 400 where it is no upgrade, or to nothing known.
    pub(crate) fn of<B>(request: &Request<B>, purpose: Purpose) -> Result<Self, Status> {
        let headers = request.headers();
        if !lists(headers, &CONNECTION, "upgrade") {
            return Err(Status::bad_request("Upgrade request required"));
        }
        if lists(headers, &UPGRADE, "websocket") {
            return web_socket(headers, purpose);
        }
        if !lists(headers, &UPGRADE, SPDY) {
            return Err(Status::bad_request("Upgrade request required"));
        }
        let protocol = purpose.on_spdy();
        if !lists(headers, &STREAM_PROTOCOL, protocol) {
            let text = format!("unable to negotiate protocol: server accepts {protocol}");
            return Err(Status::bad_request(text));
        }
        Ok(Self::Spdy { protocol })
    }

    /// The headers of the answer.
    pub(crate) fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        let (accept, protocol) = match self {
            Self::WebSocket { protocol, accept } => (accept, protocol.name),
            Self::Tunnel { accept } => (accept, TUNNEL),
            Self::Spdy { protocol } => {
                headers.insert(UPGRADE, HeaderValue::from_static(SPDY));
                headers.insert(STREAM_PROTOCOL, HeaderValue::from_static(protocol));
                return headers;
            }
        };
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        headers.extend(HeaderValue::from_str(accept).ok().map(|accept| (SEC_WEBSOCKET_ACCEPT, accept)));
        if !protocol.is_empty() {
            headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(protocol));
        }
        headers
    }
}

fn web_socket(headers: &HeaderMap, purpose: Purpose) -> Result<Upgrade, Status> {
    if !lists(headers, &SEC_WEBSOCKET_VERSION, "13") {
        return Err(Status::bad_request("unsupported WebSocket version: 13 is spoken"));
    }
    let Some(key) = headers.get(SEC_WEBSOCKET_KEY) else {
        return Err(Status::bad_request("missing WebSocket key"));
    };
    let accept = derive_accept_key(key.as_bytes());
    if purpose == Purpose::Forward && lists(headers, &SEC_WEBSOCKET_PROTOCOL, TUNNEL) {
        return Ok(Upgrade::Tunnel { accept });
    }
    let offered = headers.get_all(SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|value| value.to_str().ok());
    let Some(protocol) = Protocol::choose(offered) else {
        return Err(Status::bad_request("none of the WebSocket sub-protocols is supported"));
    };
    Ok(Upgrade::WebSocket { protocol, accept })
}

/// Whether a header, which is a list of words, has this one.
fn lists(headers: &HeaderMap, name: &HeaderName, word: &str) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|part| part.trim().eq_ignore_ascii_case(word))
}
