//! One question for all who wait for its answer.

use std::future::Future;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::{Error, Revision};

/// Answers many callers by few questions: whoever comes while a question is under way, which began too early for him,
/// shares the next one. A question that was begun is asked to its end, whoever stops waiting.
#[derive(Clone, Debug, Default)]
pub(super) struct Rounds(Arc<Mutex<State>>);

/// Lock: never held across an await.
#[derive(Debug, Default)]
struct State {
    waiting: Vec<oneshot::Sender<Result<Revision, Error>>>,
    asking: bool,
}

impl Rounds {
    /// The answer to a question that is asked after this call began.
    pub(super) async fn join<F>(&self, ask: impl Fn() -> F + Send + 'static) -> Result<Revision, Error>
    where
        F: Future<Output = Result<Revision, Error>> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let begin = {
            let mut state = self.0.lock();
            state.waiting.push(answer);
            !std::mem::replace(&mut state.asking, true)
        };
        if begin {
            tokio::spawn(self.clone().run(ask));
        }
        answered.await.unwrap_or(Err(Error::Closed))
    }

    async fn run<F>(self, ask: impl Fn() -> F)
    where
        F: Future<Output = Result<Revision, Error>>,
    {
        while let Some(waiting) = self.next() {
            let answer = ask().await;
            for caller in waiting {
                let _gone = caller.send(answer.clone());
            }
        }
    }

    /// Who waits now; none where nobody does, and then nobody asks any more.
    fn next(&self) -> Option<Vec<oneshot::Sender<Result<Revision, Error>>>> {
        let mut state = self.0.lock();
        state.asking = !state.waiting.is_empty();
        state.asking.then(|| std::mem::take(&mut state.waiting))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    use futures::future::join_all;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn callers_share_questions_and_none_gets_an_answer_from_before_its_call() {
        let (rounds, clock) = (Rounds::default(), Arc::new(AtomicU64::new(0)));
        let caller = |number: u64| {
            let (rounds, clock) = (rounds.clone(), clock.clone());
            async move {
                tokio::time::sleep(Duration::from_millis(number)).await;
                let called = clock.load(Ordering::SeqCst);
                let ask = move || {
                    let asked = clock.fetch_add(1, Ordering::SeqCst);
                    async move {
                        tokio::time::sleep(Duration::from_millis(10)).await;
                        Ok(asked)
                    }
                };
                assert!(rounds.join(ask).await.expect("an answer") >= called);
            }
        };
        join_all((0..100).map(caller)).await;
        let questions = clock.load(Ordering::SeqCst);
        assert!((10..=12).contains(&questions), "{questions} questions in 110 ms of 10 ms each");
    }
}
