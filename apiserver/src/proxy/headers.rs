//! Headers on their way through the server (RFC 9110 §7.6).

use http::header::{
    AUTHORIZATION, CONNECTION, HOST, LOCATION, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER,
    TRANSFER_ENCODING, UPGRADE,
};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Response};

/// Headers that are about one connection alone.
const HOP: [HeaderName; 7] =
    [CONNECTION, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE];
const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");

/// A request's headers for the backend: without what is for this server (who the client is, above all), and with where
/// the request came in.
pub(super) fn onward(parts: &Parts, upgrade: bool) -> HeaderMap {
    let mut headers = without_hop(&parts.headers, upgrade);
    headers.remove(AUTHORIZATION);
    let ours: Vec<HeaderName> =
        headers.keys().filter(|name| name.as_str().starts_with("impersonate-")).cloned().collect();
    for name in ours {
        headers.remove(name);
    }
    let host = parts.headers.get(HOST).cloned();
    let host = host.or_else(|| HeaderValue::from_str(parts.uri.authority()?.as_str()).ok());
    if let Some(host) = host {
        headers.insert("x-forwarded-host", host.clone());
        headers.insert(HOST, host);
    }
    headers.insert("x-forwarded-proto", HeaderValue::from_static("https"));
    if let Ok(uri) = HeaderValue::from_str(parts.uri.path()) {
        headers.insert("x-forwarded-uri", uri);
    }
    headers
}

/// An answer's headers for the client. A place on the backend becomes one behind this server.
pub(super) fn back<B>(answer: &Response<B>, prefix: &str, asked: &HeaderMap) -> HeaderMap {
    let mut headers = without_hop(answer.headers(), answer.status() == http::StatusCode::SWITCHING_PROTOCOLS);
    let place = headers.get(LOCATION).and_then(|place| place.to_str().ok());
    if let Some(place) = place.and_then(|place| moved(place, prefix, asked))
        && let Ok(place) = HeaderValue::try_from(place)
    {
        headers.insert(LOCATION, place);
    }
    headers
}

/// Where a place on the backend is for the client; none where it is elsewhere, or is right as it is.
fn moved(place: &str, prefix: &str, asked: &HeaderMap) -> Option<String> {
    let path = match place.split_once("://") {
        None => place,
        // the backend knows itself by the name that the client has for this server
        Some((_, rest)) => {
            let (host, path) = rest.find('/').map_or((rest, "/"), |at| rest.split_at(at));
            let same = asked.get(HOST).is_some_and(|known| known.as_bytes() == host.as_bytes());
            same.then_some(path)?
        }
    };
    (path.starts_with('/') && !path.starts_with(prefix)).then(|| format!("{prefix}{path}"))
}

fn without_hop(headers: &HeaderMap, upgrade: bool) -> HeaderMap {
    let values = headers.get_all(CONNECTION).into_iter().filter_map(|value| value.to_str().ok());
    let named: Vec<String> =
        values.flat_map(|value| value.split(',')).map(|name| name.trim().to_lowercase()).collect();
    let hop = |name: &HeaderName| {
        HOP.contains(name) || *name == KEEP_ALIVE || named.iter().any(|other| other == name.as_str())
    };
    let kept = headers.iter().filter(|(name, _)| !hop(name));
    let mut kept: HeaderMap = kept.map(|(name, value)| (name.clone(), value.clone())).collect();
    if upgrade {
        kept.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        kept.extend(headers.get(UPGRADE).map(|value| (UPGRADE, value.clone())));
    }
    kept
}
