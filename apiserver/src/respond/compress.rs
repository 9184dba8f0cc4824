//! Large answers are compressed for those who can read them so.

use std::collections::VecDeque;
use std::io::Write;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures::stream;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, VARY};
use http::{HeaderMap, HeaderValue, Response};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};

use crate::accept::quality;
use crate::body::{Body, BodyError};

/// Answers of at least this many bytes are compressed, as upstream has it.
const LARGE: usize = 128 * 1024;

/// How much is compressed between two looks at the connection.
const SLICE: usize = 64 * 1024;

/// Compresses the body if the client takes gzip and it is large.
pub(crate) async fn compress(headers: &HeaderMap, response: Response<Body>) -> Response<Body> {
    if !takes_gzip(headers) || response.headers().contains_key(CONTENT_ENCODING) {
        return response;
    }
    let (mut parts, mut body) = response.into_parts();
    let (mut begun, mut bytes) = (VecDeque::new(), 0);
    while bytes < LARGE {
        let Some(frame) = body.frame().await else { break };
        bytes += frame.as_ref().ok().and_then(Frame::data_ref).map_or(0, Bytes::len);
        begun.push_back(frame);
    }
    let whole = Pieces { begun, rest: body };
    if bytes < LARGE {
        return Response::from_parts(parts, whole.plain());
    }
    parts.headers.remove(CONTENT_LENGTH);
    parts.headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    parts.headers.append(VARY, HeaderValue::from_static("Accept-Encoding"));
    Response::from_parts(parts, whole.gzip())
}

fn takes_gzip(headers: &HeaderMap) -> bool {
    let texts = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let mut codings = texts.flat_map(|text| text.split(',')).map(str::trim);
    let named =
        |coding: &str| coding.split(';').next().is_some_and(|name| name.trim().eq_ignore_ascii_case("gzip"));
    codings.any(|coding| named(coding) && quality(coding) > 0.0)
}

/// A body of which the first frames have been read.
struct Pieces {
    begun: VecDeque<Result<Frame<Bytes>, BodyError>>,
    rest: Body,
}

impl Pieces {
    async fn next(&mut self) -> Option<Result<Frame<Bytes>, BodyError>> {
        match self.begun.pop_front() {
            Some(frame) => Some(frame),
            None => self.rest.frame().await,
        }
    }

    fn plain(self) -> Body {
        let frames = stream::unfold(self, |mut pieces| async move { Some((pieces.next().await?, pieces)) });
        StreamBody::new(frames).boxed_unsync()
    }

    fn gzip(self) -> Body {
        let encoder = GzEncoder::new(Vec::new(), Compression::fast());
        let frames = stream::unfold(Some((self, encoder, Bytes::new())), |state| async move {
            let (mut pieces, mut encoder, mut data) = state?;
            loop {
                if data.is_empty() {
                    data = match pieces.next().await {
                        Some(Ok(frame)) => frame.into_data().unwrap_or_default(),
                        Some(Err(error)) => return Some((Err(error), None)),
                        None => {
                            return Some((encoder.finish().map(data_frame).map_err(BodyError::new), None));
                        }
                    };
                }
                let slice = data.split_to(data.len().min(SLICE));
                if let Err(error) = encoder.write_all(&slice) {
                    return Some((Err(BodyError::new(error)), None));
                }
                let ready = std::mem::take(encoder.get_mut());
                if !ready.is_empty() {
                    return Some((Ok(data_frame(ready)), Some((pieces, encoder, data))));
                }
            }
        });
        StreamBody::new(frames).boxed_unsync()
    }
}

fn data_frame(bytes: Vec<u8>) -> Frame<Bytes> {
    Frame::data(bytes.into())
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::GzDecoder;

    use super::*;
    use crate::body::full;

    async fn check(accept: &'static str, length: usize, expect: bool) {
        let headers = HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static(accept))]);
        let text: Vec<u8> = (0..length).map(|i| b'a' + u8::try_from(i % 17).unwrap()).collect();
        let mut response = Response::new(full(text.clone()));
        response.headers_mut().insert(CONTENT_LENGTH, length.into());
        let response = compress(&headers, response).await;
        let encoded = response.headers().contains_key(CONTENT_ENCODING);
        assert_eq!(encoded, expect, "{accept} {length}");
        assert_eq!(response.headers().contains_key(CONTENT_LENGTH), !expect);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let mut read = Vec::new();
        match expect {
            true => drop(GzDecoder::new(&*body).read_to_end(&mut read).unwrap()),
            false => read = body.to_vec(),
        }
        assert!(read == text && (!expect || body.len() < length / 2), "{accept} {length}");
    }

    #[tokio::test]
    async fn what_is_large_is_compressed_for_those_who_take_it() {
        check("gzip", LARGE, true).await;
        check("deflate, gzip;q=0.5", 3 * LARGE, true).await;
        check("gzip", LARGE - 1, false).await;
        check("GZIP ;q=1.0", LARGE, true).await;
        check("gzip;q=0.0", LARGE, false).await;
        check("identity", LARGE, false).await;
        check("gzip", 0, false).await;
    }
}
