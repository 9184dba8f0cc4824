//! Probes by an HTTP request.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONNECTION, HOST, LOCATION, USER_AGENT};
use http::uri::{Parts, Uri};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1;
use hyper::rt::{Read, Write};
use hyper_util::rt::TokioIo;
use tokio::time::{Instant, timeout_at};

use super::ask::{MOST, Tried, bounded_text};
use super::dial::{authority, dial};
use super::spec::HttpGet;
use super::tls;

/// What probes call themselves.
const AGENT: &str = "kube-probe/1.37";
/// So many requests are made at most, redirects followed included.
const HOPS: usize = 10;
/// The most bytes of an answer's head.
const HEAD: usize = 64 << 10;

/// How a request went.
enum Got {
    /// The status, the place where a redirect leads, and the beginning of the body.
    Answer(StatusCode, Option<String>, Vec<u8>),
    /// No answer, and why.
    Nothing(String),
    /// The head came, the body did not, and why.
    Broken(String),
}

/// Asks `ip` unless the probe names a host. Redirects are followed while they stay on that host.
pub(crate) async fn ask(get: &HttpGet, ip: &str, timeout: Duration) -> Tried {
    let deadline = Instant::now() + timeout;
    let host = get.host.as_deref().unwrap_or(ip);
    let mut place = Place { tls: get.tls, host: host.to_owned(), port: get.port, path: get.path.clone() };
    for _ in 0..HOPS {
        let (status, location, body) = match place.get(&get.headers, deadline).await {
            Got::Answer(status, location, body) => (status, location, body),
            Got::Nothing(why) => return Tried::Failure(format!("Get {:?}: {why}", place.to_string())),
            Got::Broken(why) => return Tried::Error(why),
        };
        match location {
            Some(location) => match place.follow(&location) {
                Ok(Some(next)) => place = next,
                Ok(None) => {
                    let body = bounded_text(&body);
                    return Tried::Warning(format!("Probe terminated redirects, Response body: {body}"));
                }
                Err(why) => return Tried::Failure(format!("Get {:?}: {why}", place.to_string())),
            },
            None if status.is_success() || status.is_redirection() => return Tried::Success,
            None => return Tried::Failure(format!("HTTP probe failed with statuscode: {}", status.as_u16())),
        }
    }
    Tried::Failure(format!("Get {:?}: stopped after {HOPS} redirects", place.to_string()))
}

/// Where a request goes.
struct Place {
    tls: bool,
    host: String,
    port: u16,
    /// With the query.
    path: String,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let scheme = if self.tls { "https" } else { "http" };
        write!(f, "{scheme}://{}{}", authority(&self.host, self.port), self.path)
    }
}

impl Place {
    /// Where a redirect leads; none where that is another host.
    fn follow(&self, location: &str) -> Result<Option<Self>, String> {
        let bad = || format!("failed to parse Location header {location:?}");
        let Parts { scheme, authority, path_and_query, .. } =
            location.parse::<Uri>().map_err(|_| bad())?.into_parts();
        let path = path_and_query.map_or("/".to_owned(), |path| path.to_string());
        if !path.starts_with('/') {
            return Err(bad());
        }
        let Some(authority) = authority else {
            return Ok(Some(Self { tls: self.tls, host: self.host.clone(), port: self.port, path }));
        };
        let tls = scheme.map_or(self.tls, |scheme| scheme.as_str() == "https");
        let host = authority.host().trim_matches(['[', ']']);
        let port = authority.port_u16().unwrap_or(if tls { 443 } else { 80 });
        Ok((host == self.host).then(|| Self { tls, host: host.to_owned(), port, path }))
    }

    async fn get(&self, headers: &[(String, String)], deadline: Instant) -> Got {
        let stream = match dial(&self.host, self.port, deadline).await {
            Ok(stream) => stream,
            Err(why) => return Got::Nothing(why),
        };
        let request = match self.request(headers) {
            Ok(request) => request,
            Err(why) => return Got::Nothing(why),
        };
        if !self.tls {
            return exchange(TokioIo::new(stream), request, deadline).await;
        }
        match timeout_at(deadline, tls::connect(&self.host, stream)).await {
            Ok(Ok(stream)) => exchange(TokioIo::new(stream), request, deadline).await,
            Ok(Err(error)) => Got::Nothing(error.to_string()),
            Err(_) => Got::Nothing("net/http: TLS handshake timeout".to_owned()),
        }
    }

    fn request(&self, headers: &[(String, String)]) -> Result<Request<Empty<Bytes>>, String> {
        let mut request = Request::get(&self.path).body(Empty::new()).map_err(|error| error.to_string())?;
        *request.headers_mut() = self.headers(headers)?;
        Ok(request)
    }

    /// The usual headers, but for those that the probe names: an empty value leaves one out.
    fn headers(&self, own: &[(String, String)]) -> Result<HeaderMap, String> {
        let mut headers = HeaderMap::new();
        for (name, value) in own {
            let name = HeaderName::try_from(name).map_err(|_| format!("invalid header name {name:?}"))?;
            let value =
                HeaderValue::try_from(value).map_err(|_| format!("invalid value of header {name}"))?;
            headers.append(name, value);
        }
        for (name, value) in [(USER_AGENT, AGENT), (ACCEPT, "*/*")] {
            match headers.get(&name) {
                Some(value) if value.is_empty() => drop(headers.remove(&name)),
                Some(_) => {}
                None => drop(headers.insert(name, HeaderValue::from_static(value))),
            }
        }
        if headers.get(HOST).is_none_or(HeaderValue::is_empty) {
            let host = HeaderValue::try_from(authority(&self.host, self.port));
            headers.insert(HOST, host.map_err(|error| error.to_string())?);
        }
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
        Ok(headers)
    }
}

/// Sends a request over a fresh connection and reads the answer.
async fn exchange<T: Read + Write + Unpin + Send>(
    io: T,
    request: Request<Empty<Bytes>>,
    deadline: Instant,
) -> Got {
    let handshake = http1::Builder::new().max_buf_size(HEAD).handshake(io).await;
    let (mut sender, connection) = match handshake {
        Ok(parts) => parts,
        Err(error) => return Got::Nothing(words(&error)),
    };
    let answer = async {
        match timeout_at(deadline, sender.send_request(request)).await {
            Ok(Ok(response)) => read(response, deadline).await,
            Ok(Err(error)) => Got::Nothing(words(&error)),
            Err(_) => Got::Nothing(
                "context deadline exceeded (Client.Timeout exceeded while awaiting headers)".to_owned(),
            ),
        }
    };
    // Bytes move as long as the connection is polled; once it has ended the answer is all there.
    let driven = async {
        let _ = connection.await;
        std::future::pending::<Infallible>().await
    };
    tokio::select! {
        got = answer => got,
        never = driven => match never {},
    }
}

async fn read(response: Response<Incoming>, deadline: Instant) -> Got {
    let status = response.status();
    let location = response.headers().get(LOCATION).filter(|_| redirects(status));
    let location = location.map(|to| String::from_utf8_lossy(to.as_bytes()).into_owned());
    match timeout_at(deadline, beginning(response.into_body())).await {
        Ok(Ok(body)) => Got::Answer(status, location, body),
        Ok(Err(error)) => Got::Broken(words(&error)),
        Err(_) => Got::Broken(
            "context deadline exceeded (Client.Timeout or context cancellation while reading body)"
                .to_owned(),
        ),
    }
}

fn redirects(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// As much of a body as is read.
pub(crate) async fn beginning<B: Body<Data = Bytes> + Unpin>(mut body: B) -> Result<Vec<u8>, B::Error> {
    let mut bytes = Vec::new();
    while bytes.len() < MOST {
        let Some(frame) = body.frame().await else { break };
        if let Some(data) = frame?.data_ref() {
            bytes.extend_from_slice(&data[..data.len().min(MOST - bytes.len())]);
        }
    }
    Ok(bytes)
}

fn words(error: &hyper::Error) -> String {
    if error.is_incomplete_message() {
        return "EOF".to_owned();
    }
    match std::error::Error::source(error) {
        Some(source) => source.to_string(),
        None => error.to_string(),
    }
}
