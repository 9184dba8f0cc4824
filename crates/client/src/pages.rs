//! Reading a list's page without building its objects.

use std::borrow::Cow;

use bytes::Bytes;
use cache::Document;
use object::Key;
use serde::Deserialize;
use serde_json::value::RawValue;

/// A page of a list.
pub(crate) struct Page {
    /// Its objects, sharing the page's bytes.
    pub(crate) objects: Vec<Document>,
    /// As of.
    pub(crate) revision: u64,
    /// The token of the next page; empty on the last.
    pub(crate) next: String,
}

/// Why a page or an object in it cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unreadable {
    /// It is not the JSON that the API promises.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// A resource version is not a number.
    #[error("resource version {0:?} is not a number")]
    Version(String),
}

#[derive(Deserialize)]
struct RawPage<'a> {
    metadata: ListMeta,
    #[serde(borrow, default)]
    items: Option<Vec<&'a RawValue>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListMeta {
    resource_version: String,
    #[serde(default)]
    r#continue: String,
}

#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    metadata: HeadMeta<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HeadMeta<'a> {
    #[serde(borrow, default)]
    name: Cow<'a, str>,
    #[serde(borrow, default)]
    namespace: Cow<'a, str>,
    #[serde(borrow)]
    resource_version: Cow<'a, str>,
}

/// Reads a page.
pub(crate) fn read_page(bytes: &Bytes) -> Result<Page, Unreadable> {
    let page: RawPage<'_> = serde_json::from_slice(bytes)?;
    let items = page.items.unwrap_or_default();
    let objects = items.into_iter().map(|item| read_object(bytes, item)).collect::<Result<_, _>>()?;
    Ok(Page { objects, revision: revision(&page.metadata.resource_version)?, next: page.metadata.r#continue })
}

/// Reads the key and revision of an object that is a part of `bytes`.
pub(crate) fn read_object(bytes: &Bytes, object: &RawValue) -> Result<Document, Unreadable> {
    let text = object.get();
    let Head { metadata } = serde_json::from_str(text)?;
    let revision = revision(&metadata.resource_version)?;
    Ok(Document {
        key: Key::new(metadata.namespace, metadata.name),
        bytes: bytes.slice_ref(text.as_bytes()),
        revision,
    })
}

fn revision(text: &str) -> Result<u64, Unreadable> {
    text.parse().map_err(|_| Unreadable::Version(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_keys_revisions_and_raw_objects() {
        let page = Bytes::from_static(
            br#"{"kind":"PodList","metadata":{"resourceVersion":"9","continue":"tok"},"items":[
                {"metadata":{"name":"a\u002d1","namespace":"ns","resourceVersion":"4"},"spec":{}},
                {"spec":{"x":[1]},"metadata":{"name":"b","resourceVersion":"5"}}]}"#,
        );
        let page = read_page(&page).unwrap();
        assert_eq!((page.revision, page.next.as_str()), (9, "tok"));
        let objects: Vec<_> = page.objects.iter().map(|o| (o.key.to_string(), o.revision)).collect();
        assert_eq!(objects, [("ns/a-1".to_owned(), 4), ("b".to_owned(), 5)]);
        assert_eq!(
            &page.objects[1].bytes[..],
            br#"{"spec":{"x":[1]},"metadata":{"name":"b","resourceVersion":"5"}}"#
        );
    }

    #[test]
    fn reads_empty_pages_and_refuses_others() {
        for items in [r#","items":null"#, r#","items":[]"#, ""] {
            let page = format!(r#"{{"metadata":{{"resourceVersion":"1"}}{items}}}"#);
            assert!(read_page(&page.into()).unwrap().objects.is_empty());
        }
        for page in [
            "",
            "{}",
            r#"{"metadata":{"resourceVersion":"x"}}"#,
            r#"{"metadata":{"resourceVersion":"1"},"items":[{}]}"#,
        ] {
            assert!(read_page(&page.into()).is_err(), "{page}");
        }
    }
}
