//! Import of archives.

use std::fs;

use containerd::testing::{Form, archive};
use containerd::{ContainerSpec, Containerd, Error};

use crate::support::World;

#[tokio::test(flavor = "multi_thread")]
async fn both_layouts_are_imported_plain_and_compressed() {
    let world = World::empty().await;
    let containerd = &world.containerd;
    for (file, form, name) in [
        ("a.tar", Form::Oci, "one:1"),
        ("b.tar.gz", Form::Oci, "registry.example/two:2"),
        ("c.tar", Form::Docker, "three:3"),
        ("d.tar.gz", Form::Docker, "three:3"),
    ] {
        let path = world.path(file);
        archive(&path, form, name).unwrap();
        let imported = containerd.import(&path).await.unwrap();
        assert_eq!(imported.len(), 1);
        let image = containerd.image(name).await.unwrap().expect("imported");
        assert_eq!((&image.name, &image.digest), (&imported[0].name, &imported[0].digest));
        assert_eq!(image.config.env, ["IMAGE=busybox"]);
        assert_eq!(image.config.stop_signal.as_deref(), Some("SIGTERM"));
        assert!(image.size > 100_000);
    }
    let names: Vec<String> = containerd.images().await.unwrap().into_iter().map(|image| image.name).collect();
    assert_eq!(names, ["docker.io/library/one:1", "docker.io/library/three:3", "registry.example/two:2"]);
    let image = containerd.image("one:1").await.unwrap().unwrap();
    for spelling in [format!("one@{}", image.digest), image.id.clone(), image.digest.clone()] {
        assert!(containerd.image(&spelling).await.unwrap().is_some(), "{spelling}");
    }
    assert!(containerd.image("one").await.unwrap().is_none());
    assert!(containerd.remove_image("one:1").await.unwrap());
    assert!(!containerd.remove_image("one:1").await.unwrap());
    assert!(containerd.image("one:1").await.unwrap().is_none());
    // Another client remembers nothing: the collector left what the other images need.
    let fresh = Containerd::new(world.rig.options()).unwrap();
    assert_eq!(fresh.images().await.unwrap().len(), 2);
    for (id, image) in [("c1", "three:3"), ("c2", "registry.example/two:2")] {
        let spec = ContainerSpec { image: image.into(), ..world.script(id, "exit 3") };
        fresh.create(&spec).await.unwrap();
        fresh.start(id).await.unwrap();
        assert_eq!(world.exit(id).await, 3);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_archive_changes_nothing() {
    let world = World::empty().await;
    let good = world.path("good.tar");
    archive(&good, Form::Oci, "good:1").unwrap();
    let bytes = fs::read(&good).unwrap();
    let zeros = vec![0; 10 * 1024];
    let mut flipped = bytes.clone();
    let middle = bytes.len() / 2;
    flipped[middle] ^= 1;
    let nameless = rewritten(&bytes, b"io.containerd.image.name", b"io.containerd.image.nome");
    let unplaced = rewritten(&bytes, b"index.json", b"indax.json");
    let escaping = rewritten(&bytes, b"oci-layout", b"../outside");
    for (name, content, reason) in [
        ("escaping", &escaping[..], "leads out of the archive"),
        ("cut", &bytes[..middle], "is cut off"),
        ("empty", &[][..], "neither index.json nor manifest.json is in it"),
        ("zeros", &zeros, "neither index.json nor manifest.json is in it"),
        (
            "text",
            b"this is no archive at all, but a text of more than one block".repeat(20).as_slice(),
            "not an image archive, or damaged",
        ),
        (
            "lines",
            b"root:x:0:0:root:/root:/bin/sh\n\x1b[31mnobody:x:65534\n".repeat(20).as_slice(),
            r"root:/root:/bin/sh\n\u{1b}[31mnobody",
        ),
        ("flipped", &flipped, "does not have the digest it is named by"),
        ("nameless", &nameless, "no image in it has a name"),
        ("unplaced", &unplaced, "neither index.json nor manifest.json is in it"),
    ] {
        let path = world.path(name);
        fs::write(&path, content).unwrap();
        let error = world.containerd.import(&path).await.unwrap_err();
        assert!(matches!(error, Error::Archive { .. }), "{name}: {error:?}");
        let text = error.to_string();
        assert!(text.contains(reason) && !text.contains(char::is_control), "{name}: {text}");
    }
    assert_eq!(world.containerd.images().await.unwrap(), []);
    let left = world
        .rig
        .command("ctr")
        .args(["-a", world.rig.options().socket.to_str().unwrap(), "-n", "k8s.io", "content", "ls", "-q"])
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&left.stdout), "");
    let missing = world.containerd.import(&world.path("missing")).await.unwrap_err();
    assert!(missing.to_string().contains("No such file"), "{missing}");
}

/// The archive with the same bytes written elsewhere; headers get their checksum anew.
fn rewritten(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let at = bytes.windows(from.len()).position(|window| window == from).unwrap();
    bytes[at..at + to.len()].copy_from_slice(to);
    if at % 512 == 0 {
        let header = &mut bytes[at..at + 512];
        header[148..156].copy_from_slice(b"        ");
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    }
    bytes
}
