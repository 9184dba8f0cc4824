//! A real etcd for a test, and what can happen to one.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use store::{Etcd, EtcdOptions};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// One member. Dropping it ends its process and removes its files.
pub(crate) struct Server {
    launch: Box<dyn Fn() -> Command + Send + Sync>,
    process: Option<Child>,
    address: Ipv4Addr,
    flags: Vec<String>,
    dir: TempDir,
}

impl Server {
    /// A cluster of one.
    pub(crate) fn start() -> Server {
        Self::with_flags(&[])
    }

    /// A cluster of one, with these flags too.
    pub(crate) fn with_flags(flags: &[&str]) -> Server {
        let mut server = Self::prepare();
        server.start_with("http", flags);
        server
    }

    /// Three members of one cluster.
    pub(crate) fn three() -> [Server; 3] {
        let mut servers = [Self::prepare(), Self::prepare(), Self::prepare()];
        let members: Vec<String> = servers.iter().map(Server::member).collect();
        for server in &mut servers {
            server.configure("http", &members.join(","), &[]);
            server.run();
        }
        servers
    }

    /// One that does not run yet.
    pub(crate) fn prepare() -> Server {
        Self::launched_by(|| Command::new("etcd"))
    }

    /// One that does not run yet and will run where this command runs, at an address of its own on loopback: outgoing connections never take its ports.
    pub(crate) fn launched_by(launch: impl Fn() -> Command + Send + Sync + 'static) -> Server {
        static NEXT: AtomicU8 = AtomicU8::new(1);
        let [high, low] = (std::process::id() as u16).to_be_bytes();
        let address = Ipv4Addr::new(127, 1 + high % 250, low, NEXT.fetch_add(1, Ordering::Relaxed));
        let dir = TempDir::new().expect("a directory");
        Server { launch: Box::new(launch), process: None, address, flags: Vec::new(), dir }
    }

    /// Starts what was prepared as a cluster of one.
    pub(crate) fn start_with(&mut self, scheme: &str, flags: &[&str]) {
        self.configure(scheme, &self.member(), flags);
        self.run();
    }

    fn configure(&mut self, scheme: &str, members: &str, flags: &[&str]) {
        let (client, peer) = (format!("{scheme}://{}", self.place()), self.peer());
        self.flags = [
            ("name", &*self.address.to_string()),
            ("data-dir", &*self.dir.path().join("data").display().to_string()),
            ("listen-client-urls", &client),
            ("advertise-client-urls", &client),
            ("listen-peer-urls", &peer),
            ("initial-advertise-peer-urls", &peer),
            ("initial-cluster", members),
        ]
        .map(|(name, value)| format!("--{name}={value}"))
        .to_vec();
        self.flags.extend(flags.iter().map(|&flag| flag.to_owned()));
    }

    /// Runs it, again where it ran before.
    pub(crate) fn run(&mut self) {
        let log = std::fs::File::options().create(true).append(true).open(self.dir.path().join("log"));
        let mut command = (self.launch)();
        command.args(&self.flags).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log.expect("a log"));
        self.process = Some(command.spawn().expect("etcd is installed"));
    }

    /// Ends it as a crash does.
    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    /// What it knows is gone, as when its disk was replaced. It must not run.
    pub(crate) fn forget(&self) {
        std::fs::remove_dir_all(self.dir.path().join("data")).expect("its data");
    }

    /// Writes a file that goes with it, and returns its path.
    pub(crate) fn keep(&self, name: &str, text: &str) -> String {
        let path = self.dir.path().join(name);
        std::fs::write(&path, text).expect("a file");
        path.display().to_string()
    }

    /// Stops its clock, or lets it go on.
    pub(crate) fn freeze(&self, frozen: bool) {
        let pid = Pid::from_raw(self.process.as_ref().expect("it runs").id() as i32);
        kill(pid, if frozen { Signal::SIGSTOP } else { Signal::SIGCONT }).expect("a signal");
    }

    /// `host:port` for clients.
    pub(crate) fn place(&self) -> String {
        format!("{}:2379", self.address)
    }

    pub(crate) fn address(&self) -> Ipv4Addr {
        self.address
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.place())
    }

    fn peer(&self) -> String {
        format!("http://{}:2380", self.address)
    }

    fn member(&self) -> String {
        format!("{}={}", self.address, self.peer())
    }

    /// Its data below `/berth`.
    pub(crate) async fn open(&self) -> Etcd {
        self.open_below("/berth").await
    }

    /// Its data below a prefix.
    pub(crate) async fn open_below(&self, prefix: &str) -> Etcd {
        Etcd::open(options(&[&self.place()], prefix)).await.expect("open")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Options under which no key is written that the test did not write: revisions are those of its writes.
pub(crate) fn options(endpoints: &[&str], prefix: &str) -> EtcdOptions {
    let options = EtcdOptions::parse(&format!("etcd://{}{prefix}", endpoints.join(","))).expect("an address");
    EtcdOptions { tick: Duration::from_secs(60), patience: Duration::from_secs(20), ..options }
}

/// A network between a client and etcd that can be cut.
pub(crate) struct Network {
    open: watch::Sender<bool>,
    place: SocketAddr,
}

impl Network {
    pub(crate) async fn to(server: &Server) -> Network {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
        let (place, to) = (listener.local_addr().expect("bound"), server.place());
        let (open, opened) = watch::channel(true);
        tokio::spawn(async move {
            while let Ok((mut from, _)) = listener.accept().await {
                let (to, mut opened) = (to.clone(), opened.clone());
                tokio::spawn(async move {
                    if !*opened.borrow() {
                        return;
                    }
                    let Ok(mut to) = tokio::net::TcpStream::connect(to).await else { return };
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut from, &mut to) => {}
                        _ = opened.wait_for(|open| !open) => {}
                    }
                });
            }
        });
        Network { open, place }
    }

    /// Ends all connections and refuses new ones, or takes them again.
    pub(crate) fn set(&self, open: bool) {
        self.open.send_replace(open);
    }

    /// `host:port` at which etcd is reached through it.
    pub(crate) fn place(&self) -> String {
        self.place.to_string()
    }
}
