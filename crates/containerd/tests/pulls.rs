//! Pulls from a real registry.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use containerd::testing::{ARCHITECTURE, PASSWORD, Registry, Security, TestImage, index};
use containerd::{Credentials, Error, Progress, Pulled, Registries};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::support::World;

struct Registered {
    world: World,
    registry: Registry,
}

impl Registered {
    async fn new(security: &Security<'_>) -> Registered {
        let world = World::empty().await;
        let registry = Registry::start(world.rig.directory(), security).unwrap();
        Registered { world, registry }
    }

    fn registries(&self) -> Registries {
        Registries { dir: self.world.path("certs.d") }
    }

    fn hosts(&self, registry: &str, text: &str) {
        let dir = self.world.path("certs.d").join(registry);
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join("hosts.toml"), text).unwrap();
    }

    fn name(&self, image: &str) -> String {
        format!("{}/{image}", self.registry.place())
    }

    async fn pull(&self, name: &str) -> Result<Pulled, Error> {
        self.pull_as(name, &[]).await
    }

    async fn pull_as(&self, name: &str, credentials: &[Credentials]) -> Result<Pulled, Error> {
        self.world.containerd.pull(name, &self.registries(), credentials, &Progress::default()).await
    }

    /// Has containerd's collector run: an image goes, and what only it needed with it.
    async fn collect(&self) {
        let image = TestImage::with(ARCHITECTURE, &[("gone", b"x".to_vec())]).unwrap();
        self.registry.push("gone", "1", &image).unwrap();
        let name = self.name("gone:1");
        self.pull(&name).await.unwrap();
        assert!(self.world.containerd.remove_image(&name).await.unwrap());
        let layer = containerd::testing::digest(&image.layers[1]);
        let file =
            self.world.path("root/io.containerd.content.v1.content/blobs").join(layer.replace(':', "/"));
        assert!(!file.exists(), "the collector has run");
    }

    async fn refused(&self, name: &str) -> String {
        let refused = self.pull(name).await;
        let text = refused.expect_err("a refusal").to_string();
        assert!(!text.contains('\n'), "{text}");
        assert!(self.world.containerd.image(name).await.unwrap().is_none(), "nothing is half there");
        text
    }
}

/// Bytes that do not compress.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 1u64;
    let next = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) as u8
    };
    std::iter::repeat_with(next).take(length).collect()
}

fn credentials(password: &str) -> Credentials {
    Credentials { username: PASSWORD.0.to_owned(), password: password.to_owned() }
}

#[tokio::test(flavor = "multi_thread")]
async fn images_come_by_tag_and_digest_and_run() {
    let registered = Registered::new(&Security::None).await;
    let (containerd, registry) = (&registered.world.containerd, &registered.registry);
    let image = TestImage::with(ARCHITECTURE, &[("one", noise(1 << 20)), ("two", noise(3 << 20))]).unwrap();
    let digest = registry.push("team/box", "1", &image).unwrap();
    let name = registered.name("team/box:1");
    let progress = Progress::default();
    let pulled = containerd.pull(&name, &registered.registries(), &[], &progress).await.unwrap();
    assert_eq!(pulled, Pulled { name: name.clone(), digest: digest.clone(), up_to_date: false });
    let found = containerd.image(&name).await.unwrap().expect("pulled");
    let size: usize = image.layers.iter().map(Vec::len).sum::<usize>() + image.config.len();
    assert_eq!((found.digest, found.size), (digest.clone(), size as u64));
    assert_eq!(progress.get(), (size as u64, size as u64));
    assert!(registered.pull(&name).await.unwrap().up_to_date);
    let by_digest = registered.name(&format!("team/box@{digest}"));
    assert!(!registered.pull(&by_digest).await.unwrap().up_to_date, "another name");
    let spec = containerd::ContainerSpec {
        image: name.clone(),
        ..registered.world.script("c", "test -f /one && test -f /two && exit 7")
    };
    registered.world.run(&spec).await;
    assert_eq!(registered.world.exit("c").await, 7);
    // The tag moves on.
    let newer = TestImage::with(ARCHITECTURE, &[("three", b"3".to_vec())]).unwrap();
    let moved = registry.push("team/box", "1", &newer).unwrap();
    assert_eq!(registered.pull(&name).await.unwrap().digest, moved);
    assert_eq!(containerd.image(&by_digest).await.unwrap().expect("it stays").digest, digest);
    let none = registered.refused(&registered.name("team/box:2")).await;
    let full = registered.name("team/box:2");
    assert_eq!(
        none,
        format!(
            "failed to pull and unpack image \"{full}\": failed to resolve reference \"{full}\": {full}: not found"
        )
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn passwords_are_tried_in_turn() {
    let registered = Registered::new(&Security::Password).await;
    registered.registry.push("box", "1", &TestImage::new().unwrap()).unwrap();
    let name = registered.name("box:1");
    let denied = "pull access denied, repository does not exist or may require authorization";
    assert!(registered.refused(&name).await.contains(denied));
    let wrong = registered.pull_as(&name, &[credentials("wrong")]).await;
    assert!(wrong.expect_err("wrong").to_string().contains(denied));
    let right = registered.pull_as(&name, &[credentials("wrong"), credentials(PASSWORD.1)]).await;
    assert!(!right.unwrap().up_to_date);
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_are_checked() {
    let key = rcgen::KeyPair::generate().unwrap();
    let world = World::empty().await;
    let mut registry = Registry::prepare(world.rig.directory()).unwrap();
    let params = rcgen::CertificateParams::new(vec![registry.address().to_string()]).unwrap();
    let certificate = params.self_signed(&key).unwrap().pem();
    let command = std::process::Command::new("docker-registry");
    registry.run(command, &Security::Tls(&certificate, &key.serialize_pem())).unwrap();
    registry.answers().unwrap();
    let registered = Registered { world, registry };
    registered.registry.push("box", "1", &TestImage::new().unwrap()).unwrap();
    let (name, place) = (registered.name("box:1"), registered.registry.place());
    let plain = registered.refused(&name).await;
    assert!(plain.contains("failed to resolve reference"), "{plain}");
    registered.hosts(&place, &format!("server = \"https://{place}\""));
    let unknown = registered.refused(&name).await;
    assert!(unknown.contains("ertificate"), "{unknown}");
    let ca = registered.world.path("ca.pem");
    fs::write(&ca, &certificate).unwrap();
    registered.hosts(&place, &format!("server = \"https://{place}\"\nca = \"{}\"", ca.display()));
    registered.pull(&name).await.unwrap();
    registered.hosts(&place, &format!("server = \"https://{place}\"\nca = \"/nowhere\""));
    assert!(
        registered.pull(&name).await.expect_err("no file").to_string().contains("/nowhere: No such file")
    );
    registered.hosts(&place, &format!("server = \"https://{place}\"\nskip_verify = true"));
    registered.pull(&name).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn mirrors_are_asked_first() {
    let registered = Registered::new(&Security::None).await;
    registered.registry.push("library/box", "1", &TestImage::new().unwrap()).unwrap();
    let place = registered.registry.place();
    registered.hosts("docker.io", &format!("server = \"http://127.0.0.1:1\"\n[host.\"http://{place}\"]"));
    assert_eq!(registered.pull("box:1").await.unwrap().name, "docker.io/library/box:1");
    let missing = registered.refused("box:2").await;
    assert!(
        missing.contains("failed to do request") && missing.contains("refused"),
        "the registry's own: {missing}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_platform_of_this_host_is_chosen() {
    let registered = Registered::new(&Security::None).await;
    let registry = &registered.registry;
    let of = |architecture| TestImage::with(architecture, &[(architecture, b"x".to_vec())]).unwrap();
    let (amd, arm, other) = (of("amd64"), of("arm64"), of("s390x"));
    for image in [&amd, &arm, &other] {
        registry.push("box", "part", image).unwrap();
    }
    let digest = registry
        .push_manifest("box", "1", &index(&[("s390x", &other), ("arm64", &arm), ("amd64", &amd)]))
        .unwrap();
    assert_eq!(registered.pull(&registered.name("box:1")).await.unwrap().digest, digest);
    let ours = if cfg!(target_arch = "aarch64") { &arm } else { &amd };
    let found = registered.world.containerd.image(&registered.name("box:1")).await.unwrap().unwrap();
    let size: usize = ours.layers.iter().map(Vec::len).sum::<usize>() + ours.config.len();
    assert_eq!(found.size, size as u64);
    registry.push_manifest("box", "2", &index(&[("s390x", &other)])).unwrap();
    let none = registered.refused(&registered.name("box:2")).await;
    assert!(none.contains("no match for platform linux/"), "{none}");
    // One that no index tells of has its own word alone.
    let digest = registry.push("box", "plain", &other).unwrap();
    let said = registered.refused(&registered.name("box:plain")).await;
    let reason = format!("no match for platform linux/{ARCHITECTURE} in manifest {digest}: not found");
    assert!(said.ends_with(&reason), "{said}");
    registry.push("box", "silent", &TestImage::with("", &[]).unwrap()).unwrap();
    registered.pull(&registered.name("box:silent")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_layers_are_refused() {
    let registered = Registered::new(&Security::None).await;
    for (tag, damage, expected) in [
        ("short", (|data: &mut Vec<u8>| data.truncate(700_000)) as fn(&mut Vec<u8>), "of "),
        ("flipped", |data| data[300_000] ^= 1, "unexpected commit digest sha256:"),
        ("long", |data| data.push(0), "has more than the "),
    ] {
        let image = TestImage::with(ARCHITECTURE, &[(tag, noise(1 << 20))]).unwrap();
        registered.registry.push("box", tag, &image).unwrap();
        let layer = containerd::testing::digest(&image.layers[1]);
        let file = registered.registry.file(&layer);
        let whole = fs::read(&file).unwrap();
        let mut data = whole.clone();
        damage(&mut data);
        fs::write(&file, data).unwrap();
        let name = registered.name(&format!("box:{tag}"));
        let said = registered.refused(&name).await;
        assert!(said.contains(&layer) && said.contains(expected), "{said}");
        // Nothing of the damage stays in the way of a repaired registry.
        fs::write(&file, whole).unwrap();
        registered.pull(&name).await.unwrap();
    }
}

/// Forwards connections, and cuts each after so many bytes from the server; counts them.
async fn cutting(to: String, after: usize) -> (String, Arc<AtomicU64>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let place = listener.local_addr().unwrap().to_string();
    let count = Arc::new(AtomicU64::new(0));
    let counted = count.clone();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let (to, counted) = (to.clone(), counted.clone());
            tokio::spawn(async move {
                let Ok(server) = TcpStream::connect(to).await else { return };
                let ((mut from_client, mut to_client), (mut from_server, mut to_server)) =
                    (client.into_split(), server.into_split());
                let asking =
                    tokio::spawn(async move { tokio::io::copy(&mut from_client, &mut to_server).await });
                let (mut left, mut buffer) = (after, vec![0; 16 << 10]);
                while left > 0 {
                    let Ok(length @ 1..) = from_server.read(&mut buffer).await else { break };
                    let length = length.min(left);
                    if to_client.write_all(&buffer[..length]).await.is_err() {
                        break;
                    }
                    left -= length;
                    counted.fetch_add(length as u64, Ordering::SeqCst);
                }
                asking.abort();
            });
        }
    });
    (place, count)
}

#[tokio::test(flavor = "multi_thread")]
async fn layers_that_break_off_are_gone_on_with() {
    let registered = Registered::new(&Security::None).await;
    let image = TestImage::with(ARCHITECTURE, &[("big", noise(8 << 20))]).unwrap();
    registered.registry.push("box", "1", &image).unwrap();
    let (place, count) = cutting(registered.registry.place(), 3 << 20).await;
    registered.pull(&format!("{place}/box:1")).await.unwrap();
    let size: usize = image.layers.iter().map(Vec::len).sum();
    let sent = count.load(Ordering::SeqCst) as usize;
    assert!(size < sent && sent < size + (2 << 20), "{sent} bytes were sent of {size}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pull_that_was_given_up_is_gone_on_with_by_the_next() {
    let registered = Registered::new(&Security::None).await;
    let containerd = &registered.world.containerd;
    let image = TestImage::with(ARCHITECTURE, &[("big", noise(12 << 20))]).unwrap();
    registered.registry.push("box", "1", &image).unwrap();
    let file = registered.registry.file(&containerd::testing::digest(&image.layers[1]));
    let whole = fs::read(&file).unwrap();
    fs::write(&file, &whole[..10 << 20]).unwrap();
    let name = registered.name("box:1");
    let short = registered.refused(&name).await;
    assert!(short.contains(&format!("ends after {} of {} bytes", 10 << 20, whole.len())), "{short}");
    registered.collect().await;
    fs::write(&file, &whole).unwrap();
    let (place, count) = cutting(registered.registry.place(), usize::MAX).await;
    registered.hosts(&registered.registry.place(), &format!("server = \"http://{place}\""));
    registered.pull(&name).await.unwrap();
    let sent = count.load(Ordering::SeqCst);
    assert!(sent < 4 << 20, "{sent} bytes were sent for the last 2 MiB");
    // What the name leads to is the collector's to keep, now that no lease does.
    registered.collect().await;
    let found = containerd.image(&name).await.unwrap().expect("it stays");
    assert!(found.size > 12 << 20);
    let script = "test \"$(wc -c </big)\" = 12582912 && exit 7";
    let spec = containerd::ContainerSpec { image: name, ..registered.world.script("c", script) };
    registered.world.run(&spec).await;
    assert_eq!(registered.world.exit("c").await, 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_keeps_nothing() {
    let mut registered = Registered::new(&Security::None).await;
    let content = registered.world.path("root/io.containerd.content.v1.content");
    registered.world.rig.kill_containerd().unwrap();
    let mut mount = registered.world.rig.command("mount");
    mount.args(["-t", "tmpfs", "-o", "size=6m", "tmpfs"]).arg(&content);
    assert!(mount.status().unwrap().success());
    registered.world.rig.start_containerd().await.unwrap();
    let image = TestImage::with(ARCHITECTURE, &[("big", noise(12 << 20))]).unwrap();
    registered.registry.push("box", "1", &image).unwrap();
    let said = registered.refused(&registered.name("box:1")).await;
    assert!(said.contains("no space left on device"), "{said}");
    let mut used = registered.world.rig.command("du");
    let used = used.args(["-s", "-k"]).arg(&content).output().unwrap().stdout;
    let used: u64 = String::from_utf8_lossy(&used).split_whitespace().next().unwrap().parse().unwrap();
    assert!(used < 100, "{used} KiB are left over");
    registered.registry.push("small", "1", &TestImage::new().unwrap()).unwrap();
    registered.pull(&registered.name("small:1")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_image_is_pulled_by_many_at_once() {
    let registered = Registered::new(&Security::None).await;
    let image = TestImage::with(ARCHITECTURE, &[("big", noise(4 << 20))]).unwrap();
    registered.registry.push("box", "1", &image).unwrap();
    registered.registry.push("box", "2", &image).unwrap();
    let names = [registered.name("box:1"), registered.name("box:2"), registered.name("box:1")];
    let (a, b, c) =
        tokio::join!(registered.pull(&names[0]), registered.pull(&names[1]), registered.pull(&names[2]));
    let fetched = [a, b, c].map(|pulled| !pulled.expect("pulled").up_to_date);
    assert!(fetched[0] ^ fetched[2] && fetched[1], "one of the same name finds it there: {fetched:?}");
}
