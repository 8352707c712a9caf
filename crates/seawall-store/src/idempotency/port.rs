//! The port's implementation over a database, which nodes may share.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use seawall_core::{
    clock::Clock,
    fault,
    idempotency::{
        Answered, Begin, Claim, Ending, Fence, IdempotencyStore, Lease, Life, Names, Seal, Settled, When, points,
    },
    reply::{PortError, Reply},
};
use tokio::{
    sync::{mpsc, watch},
    time,
};

use super::{
    Bounds, CAUSE,
    heart::{self, Heart},
    settling::Settling,
    table::{Attempt, Begun, Failure},
};
use crate::{
    Db, OpenError, StoreError,
    hands::{Hands, InHands},
};

/// What a transaction may take, waiting included (checklist WK-6).
const LONGEST: Duration = Duration::from_secs(5);

/// Attempts and their answers in a database. Cheap to clone; clones are one life.
#[derive(Clone, Debug)]
pub struct Attempts(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    db: Db,
    bounds: Bounds,
    heart: Heart,
    hands: Hands,
    /// Attempts that nobody waits for any more.
    given_up: mpsc::Sender<Settling>,
    /// Until somebody takes care of them.
    to_settle: Mutex<Option<mpsc::Receiver<Settling>>>,
}

/// Of these so many may wait. What there is no room for is unknown when its lease ends.
const MOST_GIVEN_UP: usize = 1_024;

impl Attempts {
    /// A life of its own over this database, with as much as this for each caller.
    ///
    /// # Errors
    /// [`OpenError`] when the system gives no random bytes.
    pub fn open(db: &Db, bounds: Bounds) -> Result<Self, OpenError> {
        let mut life = [0; 16];
        getrandom::fill(&mut life).map_err(|error| OpenError::Database {
            what: "naming this process for idempotency keys",
            source: StoreError::Unavailable(format!("no randomness: {error}")),
        })?;
        let heart = Heart::new(Life(life));
        let (given_up, to_settle) = mpsc::channel(MOST_GIVEN_UP);
        let to_settle = Mutex::new(Some(to_settle));
        let hands = Hands::default();
        Ok(Self(Arc::new(Inner { db: db.clone(), bounds, heart, hands, given_up, to_settle })))
    }

    /// Says that this life goes on, while attempts of it may be in hands, and settles those that were given up, until it is told to
    /// stop. The clock is the one by which attempts are asked. Whatever is in hands then is told as unknown from there on.
    pub async fn live(&self, clock: Arc<dyn Clock>, mut stopping: watch::Receiver<bool>) {
        let taken = self.0.to_settle.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut given_up) = taken else { return };
        let mut beats = time::interval(heart::BEAT);
        loop {
            let one = tokio::select! {
                () = stopped(&mut stopping) => break,
                one = given_up.recv() => one,
                _ = beats.tick() => None,
            };
            if let Some(one) = one {
                self.settle_given_up(one).await;
            } else if self.0.heart.wanted(clock.monotonic_us())
                && let Err(error) = self.beat(&*clock).await
            {
                tracing::warn!(%error, "it could not be said that this process lives; other nodes may take its requests for lost");
            }
        }
        while let Ok(one) = given_up.try_recv() {
            self.settle_given_up(one).await;
        }
        if let Err(error) = self.end().await {
            tracing::debug!(%error, "it could not be said that this process ends");
        }
    }

    async fn settle_given_up(&self, one: Settling) {
        fault::point(points::GIVEN_UP);
        if let Err(error) = one.keep(&self.0.db.within(LONGEST)).await {
            tracing::warn!(%error, "an attempt that was given up is told as unknown when its lease ends");
        }
    }

    /// Says that this life goes on.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn beat(&self, clock: &dyn Clock) -> Result<(), StoreError> {
        let (life, asked_us) = (self.0.heart.life, clock.monotonic_us());
        let beat = move |tx: &mut crate::Tx<'_>| {
            let now_us = tx.engine_now_us()?;
            heart::beat(tx, life, now_us)
        };
        self.0.db.within(LONGEST).write(&CAUSE, beat).await?;
        self.0.heart.said(asked_us);
        Ok(())
    }

    /// Ends this life: what it has not settled is told as unknown at once, and not only when it has been silent for a while.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn end(&self) -> Result<(), StoreError> {
        self.0.heart.forget();
        let life = self.0.heart.life;
        self.0.db.within(LONGEST).write(&CAUSE, move |tx| heart::end(tx, life)).await
    }

    /// Ends when every attempt that is in hands is settled, or told as unknown because that failed. Attempts that begin later are not
    /// waited for.
    pub async fn settled(&self) {
        self.0.hands.let_go().await;
    }

    /// How many attempts are in hands.
    #[must_use]
    pub fn in_hands(&self) -> usize {
        self.0.hands.len()
    }

    fn within(&self, when: When) -> Db {
        let left = Duration::from_micros(when.deadline_us.saturating_sub(when.now.monotonic_us));
        self.0.db.within(LONGEST.min(left))
    }

    fn attempt(&self, begin: &Begin<'_>, serial: i64) -> Attempt {
        Attempt {
            names: Names::of(begin.scope, begin.key, begin.fingerprint),
            caller: begin.scope.caller,
            seal: Seal::of(begin.scope, begin.key, begin.fingerprint),
            fence: Fence { life: self.0.heart.life, serial },
            ttl_us: begin.ttl_us,
            lease_us: begin.lease_us,
            unknown: begin.unknown,
            bounds: self.0.bounds,
            beats: self.0.heart.due(begin.when.now.monotonic_us),
        }
    }
}

impl IdempotencyStore for Attempts {
    fn begin(&self, begin: &Begin<'_>) -> Reply<Claim> {
        // Before it is written: whoever waits for what is in hands waits for this one, too.
        let held = self.0.hands.take();
        let (attempt, asked_us) = (Arc::new(self.attempt(begin, held.serial())), begin.when.now.monotonic_us);
        self.0.heart.want(asked_us.saturating_add(begin.lease_us));
        let (db, inner) = (self.within(begin.when), Arc::clone(&self.0));
        Reply::Later(Box::pin(async move {
            let waiting = Waiting::default();
            let (asked, forsaken) = (Arc::clone(&attempt), Arc::clone(&waiting.0));
            let begun = db
                .write(&CAUSE, move |tx| {
                    let begun = asked.begin(tx)?;
                    if let Begun::Fresh { .. } = begun {
                        fault::point(points::CLAIM_WRITTEN);
                    }
                    if forsaken.load(Ordering::Acquire) { Err(Failure::Forsaken) } else { Ok(begun) }
                })
                .await;
            let begun = begun.map_err(|failure| told(&failure))?;
            if let Begun::Fresh { .. } = begun {
                fault::point(points::CLAIM_KEPT);
            }
            if attempt.beats {
                inner.heart.said(asked_us);
            }
            Ok(claim(&attempt, begun, held))
        }))
    }

    fn settle(&self, lease: &Lease, ending: Ending, when: When) -> Reply<Settled> {
        let db = self.within(when);
        match Settling::of(lease, ending) {
            Ok(settling) => Reply::Later(Box::pin(async move {
                let ours = settling.keep(&db).await.map_err(|error| told(&Failure::Store(error)))?;
                Ok(if ours { Settled::Kept } else { Settled::TooLate })
            })),
            Err(error) => Reply::Ready(Err(told(&Failure::Store(error)))),
        }
    }

    fn give_up(&self, lease: &Lease, ending: Ending, _when: When) {
        let told = match Settling::given_up(lease, ending) {
            Ok(settling) => self.0.given_up.try_send(settling).is_ok(),
            Err(error) => {
                tracing::warn!(%error, "an attempt that was given up is told as unknown when its lease ends");
                true
            }
        };
        if !told {
            tracing::warn!("too many attempts were given up at once; this one is told as unknown when its lease ends");
        }
    }
}

async fn stopped(stopping: &mut watch::Receiver<bool>) {
    // Whoever could stop it is gone as well.
    let _gone = stopping.wait_for(|stop| *stop).await;
}

/// Somebody who waits for an attempt to be written. Who leaves before is told to the transaction, which then keeps nothing. An attempt
/// that is committed in that very moment stays, and is told as unknown when its lease ends.
#[derive(Default)]
struct Waiting(Arc<AtomicBool>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

fn claim(attempt: &Attempt, begun: Begun, held: InHands) -> Claim {
    match begun {
        Begun::Fresh { again } => Claim::Fresh(Lease {
            names: attempt.names,
            fence: attempt.fence,
            seal: attempt.seal.clone(),
            ttl_us: attempt.ttl_us,
            again,
            hold: Some(Arc::new(held)),
        }),
        Begun::InFlight { for_us } => Claim::InFlight { for_us },
        Begun::Answered(Answered::Kept(answer)) => Claim::Replay(answer),
        Begun::Answered(Answered::NotKept(status)) => Claim::NotKept(status),
        Begun::Mismatch => Claim::Mismatch,
        Begun::Unknown => Claim::Unknown,
    }
}

/// What a guard is told of a failure; the log has the rest, but for what passes by itself.
fn told(failure: &Failure) -> PortError {
    match failure {
        Failure::Full => PortError::Full,
        Failure::Forsaken => PortError::TimedOut,
        Failure::Store(error) => {
            if !error.retryable() {
                tracing::error!(%error, "idempotency keys cannot be kept");
            }
            error.into()
        }
    }
}
