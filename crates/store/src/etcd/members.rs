//! etcd's members: one is called until it fails, then another.

use std::fmt;
use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use etcd_client::{Channel, Client, ConnectOptions};
use parking_lot::Mutex;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio::time::{Instant, sleep, timeout_at};
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Identity};

use super::failure::{Failure, chain, classify};
use super::options::EtcdOptions;
use crate::Error;

/// A connection that says nothing for this long is asked whether it lives. etcd takes more frequent questions than
/// every five seconds for an attack.
const KEEP_ALIVE: Duration = Duration::from_secs(6);

/// How long it may take to say so.
const ALIVE_WITHIN: Duration = Duration::from_secs(3);

const CONNECT: Duration = Duration::from_secs(2);

/// How long one member may take for what another could do as well.
const ATTEMPT: Duration = Duration::from_secs(2);

/// Pause after all members have failed.
const PAUSE: Duration = Duration::from_millis(100);

/// The members of an etcd cluster.
pub(super) struct Members {
    members: Vec<Member>,
    options: ConnectOptions,
    /// The member that is called, modulo their number.
    current: AtomicUsize,
}

struct Member {
    /// With scheme.
    url: String,
    endpoint: Endpoint,
    /// Made at the first call. Its channel connects again by itself.
    client: Mutex<Option<Client>>,
}

impl Members {
    pub(super) fn new(options: &EtcdOptions) -> Result<Members, Error> {
        let member = |place: &String| {
            let scheme = if options.tls.is_some() { "https" } else { "http" };
            let url = format!("{scheme}://{place}");
            let endpoint =
                endpoint(&url, options).map_err(|why| Error::Denied(format!("etcd at {url}: {why}")))?;
            Ok(Member { url, endpoint, client: Mutex::default() })
        };
        let members = options.endpoints.iter().map(member).collect::<Result<_, Error>>()?;
        let mut connect = ConnectOptions::new().with_require_leader(true).with_auto_token_refresh(true);
        if let Some((name, password)) = &options.user {
            connect = connect.with_user(name, password);
        }
        Ok(Members { members, options: connect, current: AtomicUsize::new(0) })
    }

    /// A call that may be made twice: tries every member, again and again until the deadline.
    pub(super) async fn again<T, F>(&self, until: Instant, call: impl Fn(Client) -> F) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, etcd_client::Error>>,
    {
        self.call(until, ATTEMPT, true, call).await
    }

    /// A call that must not be made twice: tried again only where it had no effect.
    pub(super) async fn once<T, F>(&self, until: Instant, call: impl Fn(Client) -> F) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, etcd_client::Error>>,
    {
        self.call(until, until.saturating_duration_since(Instant::now()), false, call).await
    }

    async fn call<T, F>(
        &self,
        until: Instant,
        attempt: Duration,
        repeatable: bool,
        call: impl Fn(Client) -> F,
    ) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, etcd_client::Error>>,
    {
        let mut tries = 0;
        let mut before = None;
        loop {
            let at = self.current.load(Ordering::Relaxed);
            let deadline = until.min(Instant::now() + attempt);
            let failure = match timeout_at(deadline, self.attempt(at, &call)).await {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(failure)) => self.located(at, failure),
                // What failed before says more than that time ran out.
                Err(_) => match before.take() {
                    Some(why) => Failure::Unknown(why),
                    None => self.located(at, Failure::Unknown("no answer in time".to_owned())),
                },
            };
            let retry = match &failure {
                Failure::NotDone(why) | Failure::Unknown(why) => {
                    before = Some(why.clone());
                    repeatable || matches!(failure, Failure::NotDone(_))
                }
                _ => return Err(failure),
            };
            self.leave(at);
            tries += 1;
            if !retry || Instant::now() >= until {
                return Err(failure);
            }
            if tries % self.members.len() == 0 {
                sleep(PAUSE).await;
            }
        }
    }

    async fn attempt<T, F>(&self, at: usize, call: &impl Fn(Client) -> F) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, etcd_client::Error>>,
    {
        let client = self.client(at).await?;
        call(client).await.map_err(classify)
    }

    /// The client of the current member, and its number for [`Members::leave`].
    pub(super) async fn current(&self) -> (usize, Result<Client, Failure>) {
        let at = self.current.load(Ordering::Relaxed);
        (at, self.client(at).await.map_err(|failure| self.located(at, failure)))
    }

    /// Calls go to the next member, unless they already do.
    pub(super) fn leave(&self, at: usize) {
        let next = self.current.compare_exchange(at, at + 1, Ordering::Relaxed, Ordering::Relaxed);
        if next.is_ok() && self.members.len() > 1 {
            tracing::debug!("calling etcd at {} from now on", self.member(at + 1).url);
        }
    }

    /// A failure that says which member it is of.
    pub(super) fn located(&self, at: usize, failure: Failure) -> Failure {
        let place = |why: String| format!("etcd at {}: {why}", self.member(at).url);
        match failure {
            Failure::NotDone(why) => Failure::NotDone(place(why)),
            Failure::Unknown(why) => Failure::Unknown(place(why)),
            Failure::Full(why) => Failure::Full(place(why)),
            Failure::Denied(why) => Failure::Denied(place(why)),
            other => other,
        }
    }

    fn member(&self, at: usize) -> &Member {
        &self.members[at % self.members.len()]
    }

    async fn client(&self, at: usize) -> Result<Client, Failure> {
        let member = self.member(at);
        if let Some(client) = &*member.client.lock() {
            return Ok(client.clone());
        }
        // With a user this asks for a token; else nothing is sent yet.
        let channel = Channel::Tonic(member.endpoint.connect_lazy());
        let client = match Client::from_channel(channel, Some(self.options.clone())).await {
            Ok(client) => client,
            // nothing but the question for a token was sent
            Err(error) => {
                return Err(match classify(error) {
                    Failure::Unknown(why) => Failure::NotDone(why),
                    other => other,
                });
            }
        };
        Ok(member.client.lock().get_or_insert(client).clone())
    }
}

/// The way to a member. One channel each, not a balanced one: that would hide why it cannot connect.
fn endpoint(url: &str, options: &EtcdOptions) -> Result<Endpoint, String> {
    let said = |error: tonic::transport::Error| chain(&error);
    let endpoint = Endpoint::from_shared(url.to_owned())
        .map_err(said)?
        .connect_timeout(CONNECT)
        .http2_keep_alive_interval(KEEP_ALIVE)
        .keep_alive_timeout(ALIVE_WITHIN)
        .keep_alive_while_idle(true);
    let Some(tls) = &options.tls else { return Ok(endpoint) };
    if !matches!(CertificateDer::pem_slice_iter(&tls.ca).next(), Some(Ok(_))) {
        return Err("the authority that is to be trusted is no certificate in PEM".to_owned());
    }
    let mut config = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(&tls.ca));
    if let Some((certificate, key)) = &tls.pair {
        config = config.identity(Identity::from_pem(certificate, key));
    }
    endpoint.tls_config(config).map_err(said)
}

/// Their addresses.
impl fmt::Debug for Members {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.members.iter().map(|member| &member.url)).finish()
    }
}
