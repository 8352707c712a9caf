//! Rounds of conversations, counted durably: a round is taken before a model is asked, and given back when no answer came of it.
//!
//! Invariant: of the rounds of a conversation no more are taken than there are, on all nodes together. A process that is killed leaves those taken that
//! were under way: the conversation is over sooner, never later.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use http::{HeaderMap, HeaderName, HeaderValue};
use seawall_store::{Cause, Db, StoreError, Tx};
use tokio::sync::{mpsc, oneshot};

use crate::llm::record::Outcome;

static ROUND: HeaderName = HeaderName::from_static("x-seawall-round");
static ROUNDS_LEFT: HeaderName = HeaderName::from_static("x-seawall-rounds-left");

/// Rounds that may wait to be given back.
const WAITING: usize = 16_384;

/// Rounds that are given back in one transaction.
const BATCH: usize = 256;

/// Whose rounds are counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Conversation {
    pub(crate) caller: Arc<str>,
    /// Empty where a call names none.
    pub(crate) user: Arc<str>,
    pub(crate) route: Arc<str>,
    pub(crate) name: String,
}

/// Where rounds are counted. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Rounds(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    db: Db,
    returned: mpsc::Sender<Told>,
    /// How many are on their way back.
    returning: Arc<AtomicUsize>,
}

/// What whoever gives rounds back is told.
#[derive(Debug)]
enum Told {
    Back(Conversation),
    /// Say when everything before this is given back.
    Flush(oneshot::Sender<()>),
}

/// A round that is taken. Dropped without a word, it is given back.
#[derive(Debug)]
pub(crate) struct Round {
    rounds: Rounds,
    /// Nothing once it is settled.
    conversation: Option<Conversation>,
    number: u64,
    left: u64,
}

impl Rounds {
    /// Counts in this database. What is given back late is written by a task of the runtime that this is called on.
    pub(crate) fn start(db: Db) -> Self {
        let (returned, waiting) = mpsc::channel(WAITING);
        let returning = Arc::new(AtomicUsize::new(0));
        tokio::spawn(give_back(db.clone(), waiting, Arc::clone(&returning)));
        Self(Arc::new(Inner { db, returned, returning }))
    }

    /// Takes the conversation's next round, when fewer than `most` are taken; nothing when they are over.
    pub(crate) async fn take(&self, conversation: Conversation, most: u64) -> Result<Option<Round>, StoreError> {
        self.returned().await;
        let mut taken = self.counted(&conversation, most).await?;
        if taken.is_none() && self.returned().await {
            taken = self.counted(&conversation, most).await?;
        }
        let round = |number: u64| Round {
            rounds: self.clone(),
            conversation: Some(conversation),
            number,
            left: most.saturating_sub(number),
        };
        Ok(taken.map(round))
    }

    /// Waits until every round that was given back is.
    pub(crate) async fn flush(&self) {
        let (written, wait) = oneshot::channel();
        if self.0.returned.send(Told::Flush(written)).await.is_ok() {
            // Whoever gives back answers, or is gone.
            let _gone = wait.await;
        }
    }

    /// Waits for the rounds that are on their way back; says whether there were any.
    async fn returned(&self) -> bool {
        let some = self.0.returning.load(Ordering::Acquire) > 0;
        if some {
            self.flush().await;
        }
        some
    }

    /// The number of the round that was taken; nothing when there was none.
    async fn counted(&self, conversation: &Conversation, most: u64) -> Result<Option<u64>, StoreError> {
        const SQL: &str = "INSERT INTO llm_rounds (caller, user_id, route, conversation, taken, used_at) VALUES ($1, $2, $3, $4, 1, $5) \
            ON CONFLICT (caller, user_id, route, conversation) DO UPDATE SET taken = llm_rounds.taken + 1, used_at = excluded.used_at \
            WHERE llm_rounds.taken < $6 RETURNING taken";
        let (of, most) = (conversation.clone(), i64::try_from(most).unwrap_or(i64::MAX));
        let take = move |tx: &mut Tx<'_>| {
            let now = tx.at_us();
            tx.find::<(i64,)>(SQL, &[&&*of.caller, &&*of.user, &&*of.route, &of.name, &now, &most])
        };
        let taken = self.0.db.write::<_, StoreError>(&Cause::system("llm-rounds"), take).await?;
        Ok(taken.and_then(|(taken,)| u64::try_from(taken).ok()))
    }
}

impl Round {
    /// Says in an answer which round it is, and how many follow.
    pub(crate) fn told(&self, headers: &mut HeaderMap) {
        headers.insert(&ROUND, HeaderValue::from(self.number));
        headers.insert(&ROUNDS_LEFT, HeaderValue::from(self.left));
    }

    /// The call has ended. A round counts that brought an answer, or the part of one that the application let go of.
    pub(crate) fn settle(mut self, outcome: Outcome, begun: bool) {
        if outcome == Outcome::Answered || (outcome == Outcome::Left && begun) {
            self.conversation = None;
        }
    }

    /// Gives it back before the call is answered, so that whoever tries again finds it.
    pub(crate) async fn give_back(mut self) {
        let Some(conversation) = self.conversation.take() else { return };
        let back = vec![conversation];
        if let Err(error) = written(&self.rounds.0.db, Arc::new(back)).await {
            tracing::error!(%error, "a round of a conversation that brought no answer stays counted");
        }
    }
}

impl Drop for Round {
    fn drop(&mut self) {
        let Some(conversation) = self.conversation.take() else { return };
        let Inner { returned, returning, .. } = &*self.rounds.0;
        returning.fetch_add(1, Ordering::AcqRel);
        if returned.try_send(Told::Back(conversation)).is_err() {
            returning.fetch_sub(1, Ordering::AcqRel);
            tracing::error!(
                "a round of a conversation that brought no answer stays counted: too many are given back at once"
            );
        }
    }
}

async fn give_back(db: Db, mut waiting: mpsc::Receiver<Told>, returning: Arc<AtomicUsize>) {
    let mut told = Vec::with_capacity(BATCH);
    while waiting.recv_many(&mut told, BATCH).await > 0 {
        let (mut back, mut flushed) = (Vec::new(), Vec::new());
        for told in told.drain(..) {
            match told {
                Told::Back(conversation) => back.push(conversation),
                Told::Flush(written) => flushed.push(written),
            }
        }
        let rounds = back.len();
        if rounds > 0
            && let Err(error) = written(&db, Arc::new(back)).await
        {
            tracing::error!(%error, rounds, "rounds of conversations that brought no answer stay counted");
        }
        returning.fetch_sub(rounds, Ordering::AcqRel);
        for written in flushed {
            // Whoever waited may have left.
            let _left = written.send(());
        }
    }
}

async fn written(db: &Db, back: Arc<Vec<Conversation>>) -> Result<(), StoreError> {
    const SQL: &str = "UPDATE llm_rounds SET taken = taken - 1 WHERE caller = $1 AND user_id = $2 AND route = $3 AND conversation = $4 AND taken > 0";
    let give = move |tx: &mut Tx<'_>| {
        back.iter().try_for_each(|of| tx.execute(SQL, &[&&*of.caller, &&*of.user, &&*of.route, &of.name]).map(drop))
    };
    db.write::<_, StoreError>(&Cause::system("llm-rounds"), give).await
}
