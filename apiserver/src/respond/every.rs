//! What every answer has, whatever it is about.

use http::header::CACHE_CONTROL;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Response, StatusCode};
use uuid::Uuid;

use crate::body::{Body, full};

/// Names a request: as the client does, or as it was drawn.
const AUDIT_ID: HeaderName = HeaderName::from_static("audit-id");

/// Completes an answer: its request's name, and that nobody may keep it unless it says so. Of a HEAD request nothing
/// but the head is answered. What is spoken after a change of protocols is not ours to complete.
pub(crate) fn finish(parts: &Parts, response: &mut Response<Body>) {
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        return;
    }
    let stated = parts.headers.get(AUDIT_ID).filter(|id| !id.is_empty()).cloned();
    let headers = response.headers_mut();
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-cache, private"));
    headers.insert(AUDIT_ID, stated.unwrap_or_else(drawn));
    if parts.method == Method::HEAD {
        *response.body_mut() = full("");
    }
}

fn drawn() -> HeaderValue {
    let mut text = Uuid::encode_buffer();
    // from the thread's generator: the system's costs more than the rest of the header
    let id = uuid::Builder::from_random_bytes(rand::random()).into_uuid();
    let text = id.hyphenated().encode_lower(&mut text);
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use http::Request;
    use http_body::Body as _;

    use super::*;

    fn finished(method: Method, id: Option<&str>, cache: Option<&'static str>) -> Response<Body> {
        let mut request = Request::builder().method(method);
        if let Some(id) = id {
            request = request.header(AUDIT_ID, id);
        }
        let mut response = Response::new(full("text"));
        response.headers_mut().extend(cache.map(|cache| (CACHE_CONTROL, HeaderValue::from_static(cache))));
        finish(&request.body(()).unwrap().into_parts().0, &mut response);
        response
    }

    #[test]
    fn answers_are_named_and_not_kept() {
        let response = finished(Method::GET, Some("mine"), None);
        assert_eq!(response.headers()[AUDIT_ID], "mine");
        assert_eq!(response.headers()[CACHE_CONTROL], "no-cache, private");
        assert!(!response.body().is_end_stream());
        assert_eq!(finished(Method::GET, None, Some("public")).headers()[CACHE_CONTROL], "public");
        assert!(finished(Method::HEAD, None, None).body().is_end_stream());
        let drawn = |id| {
            let response = finished(Method::GET, id, None);
            response.headers()[AUDIT_ID].to_str().unwrap().parse::<Uuid>().unwrap()
        };
        let (one, other) = (drawn(None), drawn(Some("")));
        assert_eq!((one.get_version_num(), one == other), (4, false));
    }
}
