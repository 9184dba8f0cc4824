use serde_json::{Value, json};

use super::{Contents, Stored};
use crate::image::platform;

fn digest(letter: &str) -> String {
    format!("sha256:{}", letter.repeat(64))
}

fn entry(letter: &str, name: Option<(&str, &str)>, platform: Option<&str>) -> Value {
    let mut entry = json!({
        "mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digest(letter), "size": 1,
    });
    if let Some((key, name)) = name {
        entry["annotations"] = json!({ key: name });
    }
    if let Some((os, architecture)) = platform.and_then(|platform| platform.split_once('/')) {
        entry["platform"] = json!({ "os": os, "architecture": architecture });
    }
    entry
}

/// The names and digests of the images, or the reason that there are none.
fn check(contents: &Contents, expected: Result<&[(&str, &str)], &str>) {
    let found = contents.images().map(|images| {
        let of = |image: super::Found| (image.names.join(" "), image.digest);
        images.into_iter().map(of).collect::<Vec<_>>()
    });
    let expected = expected
        .map(|images| {
            images.iter().map(|(name, letter)| ((*name).to_owned(), digest(letter))).collect::<Vec<_>>()
        })
        .map_err(str::to_owned);
    assert_eq!(found, expected);
}

fn index(entries: &[Value]) -> Contents {
    let index = json!({ "schemaVersion": 2, "manifests": entries }).to_string().into_bytes();
    Contents { index: Some(index), ..Contents::default() }
}

#[test]
fn an_index_names_images_by_annotations() {
    let name = Some(("io.containerd.image.name", "docker.io/library/a:1"));
    let reference = Some(("org.opencontainers.image.ref.name", "b"));
    let both = [("docker.io/library/a:1", "a"), ("docker.io/library/b:latest", "b")];
    check(&index(&[entry("a", name, None), entry("c", None, None), entry("b", reference, None)]), Ok(&both));
    check(&index(&[entry("a", None, None)]), Err("no image in it has a name"));
    let wrong = Some(("io.containerd.image.name", "A:1"));
    let reason = "couldn't parse image name \"A:1\": invalid reference format: repository name (library/A) must be \
                  lowercase";
    check(&index(&[entry("a", wrong, None)]), Err(reason));
}

#[test]
fn of_many_platforms_the_hosts_is_chosen() {
    let name = Some(("io.containerd.image.name", "a:1"));
    let (here, there) = (platform(), "linux/s390x");
    let two = [entry("b", name, Some(there)), entry("a", name, Some(&here))];
    check(&index(&two), Ok(&[("docker.io/library/a:1", "a")]));
    check(&index(&two[..1]), Err(&format!("docker.io/library/a:1: nothing for {here}")));
}

#[test]
fn a_saved_image_gets_a_manifest_of_its_blobs_through_links() {
    let manifest =
        json!([{ "Config": "c.json", "RepoTags": ["a:1", "b"], "Layers": ["x/layer.tar", "y/layer.tar"] }]);
    let stored = |letter: &str, compression| Stored { digest: digest(letter), size: 7, compression };
    let mut contents = Contents {
        manifest: Some(manifest.to_string().into_bytes()),
        blobs: [("c.json".to_owned(), stored("c", "")), ("x/layer.tar".to_owned(), stored("e", "+gzip"))]
            .into(),
        ..Contents::default()
    };
    check(&contents, Err("y/layer.tar is missing"));
    contents.links.insert("y/layer.tar".into(), "x/layer.tar".into());
    let images = contents.images().unwrap();
    assert_eq!(images[0].names, ["docker.io/library/a:1", "docker.io/library/b:latest"]);
    let made: Value = serde_json::from_slice(images[0].made.as_ref().unwrap()).unwrap();
    assert_eq!(made["config"]["digest"], digest("c"));
    assert_eq!(made["layers"][0], made["layers"][1]);
    assert_eq!(made["layers"][1]["mediaType"], "application/vnd.oci.image.layer.v1.tar+gzip");
    contents.links = [("y/layer.tar".to_owned(), "y/layer.tar".to_owned())].into();
    check(&contents, Err("y/layer.tar is missing"));
}

#[test]
fn without_documents_there_is_nothing() {
    check(&Contents::default(), Err("neither index.json nor manifest.json is in it"));
}
