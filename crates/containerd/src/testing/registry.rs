//! A registry of one's own for tests: Debian's docker-registry, whose files are written directly.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use crate::image::sha256;
use crate::testing::TestImage;

/// The name and the password that a registry with [`Security::Password`] asks for.
pub const PASSWORD: (&str, &str) = ("berth", "secret");

/// The same, as bcrypt has it.
const HTPASSWD: &str = "berth:$2y$04$P7wJUOL.qp7TKlfxUOy70Ov79Y/iO6Af1tH4F50OT097eMY/vcdtS\n";

const PORT: u16 = 5000;
const STARTING: Duration = Duration::from_secs(20);

/// How a registry protects itself.
pub enum Security<'a> {
    /// Not at all: HTTP.
    None,
    /// HTTP, but only for [`PASSWORD`].
    Password,
    /// TLS with a certificate and a key, PEM.
    Tls(&'a str, &'a str),
}

/// A registry. Dropping it ends its process and removes its files.
#[derive(Debug)]
pub struct Registry {
    directory: PathBuf,
    address: Ipv4Addr,
    process: Option<Child>,
}

impl Registry {
    /// One that does not run yet, at an address of its own on loopback, with its files below this directory.
    ///
    /// # Errors
    /// When the directory cannot be made.
    pub fn prepare(parent: &Path) -> io::Result<Registry> {
        static NEXT: AtomicU8 = AtomicU8::new(1);
        let [high, low] = (std::process::id() as u16).to_be_bytes();
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        let address = Ipv4Addr::new(127, 1 + high % 250, low, next);
        let directory = parent.join(format!("registry-{next}"));
        fs::create_dir_all(directory.join("data"))?;
        Ok(Registry { directory, address, process: None })
    }

    /// Runs it by this command, `docker-registry` wherever it is to run. Use [`Registry::answers`] where that is in this
    /// process' network.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn run(&mut self, mut command: Command, security: &Security<'_>) -> io::Result<()> {
        let file = |name: &str, text: &str| {
            let path = self.directory.join(name);
            fs::write(&path, text).map(|()| path.display().to_string())
        };
        let place = self.place();
        let mut config = format!(
            "version: 0.1\nlog: {{level: warn}}\nstorage: {{filesystem: {{rootdirectory: {}}}}}\nhttp:\n  addr: {place}\n",
            self.directory.join("data").display()
        );
        match security {
            Security::None => {}
            Security::Password => {
                let path = file("htpasswd", HTPASSWD)?;
                config += &format!("auth: {{htpasswd: {{realm: test, path: {path}}}}}\n");
            }
            Security::Tls(certificate, key) => {
                let (certificate, key) = (file("crt", certificate)?, file("key", key)?);
                config += &format!("  tls: {{certificate: {certificate}, key: {key}}}\n");
            }
        }
        let config = file("config.yml", &config)?;
        let log = fs::File::create(self.directory.join("log"))?;
        command.args(["serve", &config]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        self.process = Some(command.spawn()?);
        Ok(())
    }

    /// Waits until it answers.
    ///
    /// # Errors
    /// When it does not in time; what it said is in the message.
    pub fn answers(&self) -> io::Result<()> {
        let deadline = Instant::now() + STARTING;
        while TcpStream::connect((self.address, PORT)).is_err() {
            if Instant::now() > deadline {
                let log = fs::read_to_string(self.directory.join("log")).unwrap_or_default();
                return Err(io::Error::other(format!("the registry does not start: {log}")));
            }
            std::thread::yield_now();
        }
        Ok(())
    }

    /// One that runs in this process' network and answers.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start(parent: &Path, security: &Security<'_>) -> io::Result<Registry> {
        let mut registry = Registry::prepare(parent)?;
        registry.run(Command::new("docker-registry"), security)?;
        registry.answers()?;
        Ok(registry)
    }

    /// `host:port`.
    #[must_use]
    pub fn place(&self) -> String {
        format!("{}:{PORT}", self.address)
    }

    /// Its address.
    #[must_use]
    pub fn address(&self) -> Ipv4Addr {
        self.address
    }

    /// Holds an image under a tag from now on; the digest of its manifest.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn push(&self, repository: &str, tag: &str, image: &TestImage) -> io::Result<String> {
        for blob in image.layers.iter().chain([&image.config]) {
            let digest = self.blob(blob)?;
            self.link(&format!("{repository}/_layers/{}", path(&digest)), &digest)?;
        }
        self.push_manifest(repository, tag, &image.manifest)
    }

    /// Holds a manifest or an index under a tag from now on; its digest.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn push_manifest(&self, repository: &str, tag: &str, manifest: &[u8]) -> io::Result<String> {
        let digest = self.blob(manifest)?;
        for place in [
            format!("{repository}/_manifests/revisions/{}", path(&digest)),
            format!("{repository}/_manifests/tags/{tag}/current"),
            format!("{repository}/_manifests/tags/{tag}/index/{}", path(&digest)),
        ] {
            self.link(&place, &digest)?;
        }
        Ok(digest)
    }

    /// The file that holds a blob.
    #[must_use]
    pub fn file(&self, digest: &str) -> PathBuf {
        let hex = digest.trim_start_matches("sha256:");
        self.root().join("blobs/sha256").join(&hex[..2]).join(hex).join("data")
    }

    fn root(&self) -> PathBuf {
        self.directory.join("data/docker/registry/v2")
    }

    fn blob(&self, content: &[u8]) -> io::Result<String> {
        let digest = sha256(content);
        write(&self.file(&digest), content)?;
        Ok(digest)
    }

    fn link(&self, place: &str, digest: &str) -> io::Result<()> {
        write(&self.root().join("repositories").join(place).join("link"), digest.as_bytes())
    }
}

fn path(digest: &str) -> String {
    digest.replace(':', "/")
}

fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::write(path, content)
}

impl Drop for Registry {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
        let _ = fs::remove_dir_all(&self.directory);
    }
}
