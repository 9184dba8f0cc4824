//! Following kinds over a client: list, then watch, and again whenever the thread is lost.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use cache::{Change, Follow, Source};
use futures::StreamExt;
use futures::stream::{BoxStream, unfold};
use http::Method;
use http_body_util::BodyExt;
use kube::client::Body;

use crate::backoff::Backoff;
use crate::client::request;
use crate::frames::{Frame, Lines, read_frame};
use crate::pages::read_page;
use crate::{Client, Error, ListParams, uri};

/// Objects of a page.
const PAGE: usize = 500;

/// A watch asks the server to end it after this many seconds, and up to twice as many.
const WATCH_SECONDS: u64 = 290;

/// How RemoteSource judges connections.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// A watch without a word for so long is taken for dead: servers send bookmarks about once a minute.
    pub(crate) idle: Duration,
    /// A watch that lived for so long was a success, even if it told nothing.
    pub(crate) lived: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { idle: Duration::from_secs(150), lived: Duration::from_secs(5) }
    }
}

/// A [`Source`] over a client: lists in pages, watches with bookmarks, resumes where it was, lists again where the
/// server no longer knows that revision, and pauses ever longer while it fails.
#[derive(Clone)]
pub struct RemoteSource {
    client: Client,
    patience: Patience,
}

impl RemoteSource {
    /// A source over a client.
    pub fn new(client: Client) -> Self {
        Self { client, patience: Patience::default() }
    }

    #[cfg(test)]
    pub(crate) fn with_patience(client: Client, patience: Patience) -> Self {
        Self { client, patience }
    }
}

impl Source for RemoteSource {
    fn follow(&self, what: Follow) -> BoxStream<'static, Change> {
        let following = Following {
            wanted: Wanted { source: self.clone(), what },
            at: At::Unlisted,
            backoff: Backoff::default(),
            told: VecDeque::new(),
        };
        unfold(following, |mut following| async move {
            let change = following.next().await;
            Some((change, following))
        })
        .boxed()
    }
}

/// Where a follower stands.
enum At {
    /// It must list.
    Unlisted,
    /// It has told everything up to a revision and must watch from there.
    Unwatched(u64),
    /// It watches.
    Watching(Box<Watching>),
}

/// A running watch.
struct Watching {
    body: Body,
    lines: Lines,
    /// Everything up to here was told.
    revision: u64,
    since: tokio::time::Instant,
}

/// Why a step has to be tried again.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    /// A request failed.
    #[error(transparent)]
    Request(#[from] Error),
    /// The answer is not what the API promises.
    #[error("the answer cannot be read: {0}")]
    Answer(String),
    /// The connection gives no sign of life.
    #[error("nothing heard for {0:?}")]
    Silent(Duration),
    /// The server ended the watch.
    #[error("the server ended the watch")]
    Ended,
}

impl Trouble {
    fn answer(error: impl std::fmt::Display) -> Self {
        Self::Answer(error.to_string())
    }

    /// Whether the revision to watch from is of no more use.
    fn means_list(&self) -> bool {
        match self {
            Self::Request(error) => error.is_expired(),
            Self::Answer(_) => true,
            Self::Silent(_) | Self::Ended => false,
        }
    }
}

/// What is followed, and over what.
struct Wanted {
    source: RemoteSource,
    what: Follow,
}

struct Following {
    wanted: Wanted,
    at: At,
    backoff: Backoff,
    /// Read and not yet handed out.
    told: VecDeque<Change>,
}

impl Following {
    async fn next(&mut self) -> Change {
        loop {
            if let Some(change) = self.told.pop_front() {
                return change;
            }
            if let Err(trouble) = self.step().await {
                self.recover(trouble).await;
            }
        }
    }

    /// One step: list, begin to watch, or read what the watch says.
    async fn step(&mut self) -> Result<(), Trouble> {
        match &mut self.at {
            At::Unlisted => {
                let (objects, revision) = self.wanted.list().await?;
                self.told.push_back(Change::Reset { objects, revision });
                self.at = At::Unwatched(revision);
                self.backoff.reset();
            }
            At::Unwatched(revision) => {
                let revision = *revision;
                self.at = At::Watching(Box::new(self.wanted.watch(revision).await?));
            }
            At::Watching(watching) => watching.read(self.wanted.source.patience.idle, &mut self.told).await?,
        }
        Ok(())
    }

    /// Decides where to go on after trouble, and pauses unless a watch just came to its regular end.
    async fn recover(&mut self, trouble: Trouble) {
        let kind = self.wanted.what.kind.resource();
        let mut regular = false;
        if let At::Watching(watching) = &self.at {
            let lived = watching.since.elapsed() >= self.wanted.source.patience.lived;
            regular = lived && matches!(trouble, Trouble::Ended);
            if lived {
                self.backoff.reset();
            }
            self.at = At::Unwatched(watching.revision);
        }
        if trouble.means_list() {
            self.at = At::Unlisted;
        }
        if regular {
            return;
        }
        let pause = self.backoff.next(rand::random());
        match &trouble {
            Trouble::Ended => tracing::debug!(kind, ?pause, "the server ended the watch early"),
            trouble => tracing::warn!(kind, ?pause, error = chain(trouble), "following is interrupted"),
        }
        tokio::time::sleep(pause).await;
    }
}

impl Wanted {
    /// All objects. Where the server forgets the list between two pages, everything is fetched in one.
    async fn list(&self) -> Result<(Vec<cache::Document>, u64), Trouble> {
        match self.list_pages(PAGE).await {
            Err(Trouble::Request(error)) if error.is_expired() => self.list_pages(0).await,
            other => other,
        }
    }

    async fn list_pages(&self, limit: usize) -> Result<(Vec<cache::Document>, u64), Trouble> {
        let Follow { kind, namespace, labels, fields } = &self.what;
        let mut params =
            ListParams { labels: labels.clone(), fields: fields.clone(), limit, ..ListParams::default() };
        let mut objects = Vec::new();
        loop {
            let bytes = self.source.client.list_bytes(kind, namespace, &params).await?;
            let page = read_page(&bytes).map_err(Trouble::answer)?;
            objects.extend(page.objects);
            if page.next.is_empty() {
                return Ok((objects, page.revision));
            }
            params.cont = page.next;
        }
    }

    async fn watch(&self, revision: u64) -> Result<Watching, Trouble> {
        let Follow { kind, namespace, labels, fields } = &self.what;
        let seconds = rand::random_range(WATCH_SECONDS..WATCH_SECONDS * 2).to_string();
        let query = [
            ("watch", "true"),
            ("allowWatchBookmarks", "true"),
            ("resourceVersion", &revision.to_string()),
            ("timeoutSeconds", &seconds),
            ("labelSelector", labels),
            ("fieldSelector", fields),
        ];
        let request = request(Method::GET, uri::with_query(kind.path(namespace), &query), None)?;
        let idle = self.source.patience.idle;
        let opened = tokio::time::timeout(idle, self.source.client.open(request)).await;
        let body = opened.map_err(|_| Trouble::Silent(idle))??.into_body();
        Ok(Watching { body, lines: Lines::default(), revision, since: tokio::time::Instant::now() })
    }
}

impl Watching {
    /// Waits for the next chunk of the stream and reads its frames. Frames before a bad one are told all the same.
    async fn read(&mut self, idle: Duration, told: &mut VecDeque<Change>) -> Result<(), Trouble> {
        let frame = tokio::time::timeout(idle, self.body.frame()).await.map_err(|_| Trouble::Silent(idle))?;
        let frame = frame.ok_or(Trouble::Ended)?.map_err(|e| Error::Transport(e.into()))?;
        let Ok(chunk) = frame.into_data() else { return Ok(()) };
        self.lines.push(&chunk).map_err(Trouble::answer)?;
        while let Some(line) = self.lines.next() {
            told.push_back(self.read_line(&line)?);
        }
        Ok(())
    }

    fn read_line(&mut self, line: &Bytes) -> Result<Change, Trouble> {
        match read_frame(line).map_err(Trouble::answer)? {
            Frame::Error(status) => Err(Trouble::Request(status.into())),
            Frame::Change(change) => {
                let (Change::Put(cache::Document { revision, .. })
                | Change::Gone { revision, .. }
                | Change::Reset { revision, .. }
                | Change::Progress(revision)) = &change;
                self.revision = self.revision.max(*revision);
                Ok(change)
            }
        }
    }
}

/// An error with all its causes in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
