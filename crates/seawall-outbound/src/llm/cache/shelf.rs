//! Answers in the database: where they outlive the process, and nodes find each other's.

use std::{sync::Arc, time::Duration};

use seawall_core::meter::{Handle, Meter};
use seawall_store::{Cause, Db, Lane, ReadTx, StoreError, Tx};
use tokio::sync::{mpsc, oneshot};

use super::{
    HELD,
    kept::Kept,
    key::Key,
    seal::{opened, sealed},
};

/// Answers that may wait to be written; those beyond stay in memory alone.
const WAITING: usize = 64;

/// Answers that are written in one transaction.
const BATCH: usize = 16;

/// The longest that a call waits for the database before it is made.
const LONGEST: Duration = Duration::from_millis(500);

const LAY: &str = "INSERT INTO llm_answers (place, kept_at, expires_at, size_bytes, sealed) VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT (place) DO UPDATE SET kept_at = excluded.kept_at, expires_at = excluded.expires_at,
     size_bytes = excluded.size_bytes, sealed = excluded.sealed";
const FIND: &str = "SELECT sealed FROM llm_answers WHERE place = $1 AND expires_at > $2";
const SUM: &str = "SELECT CAST(COALESCE(SUM(size_bytes), 0) AS BIGINT) FROM llm_answers";
/// Keeps the latest ones that together have no more than `$1` bytes.
const LET_GO: &str = "DELETE FROM llm_answers WHERE place IN (SELECT place FROM
     (SELECT place, SUM(size_bytes) OVER (ORDER BY kept_at DESC, place) AS held FROM llm_answers) AS latest WHERE held > $1)";

/// An answer that is to be written.
#[derive(Debug)]
pub(super) struct Lay {
    pub(super) key: Key,
    pub(super) kept: Arc<Kept>,
    pub(super) ttl_us: u64,
    /// What all answers may hold.
    pub(super) most_bytes: u64,
}

/// What the writer is told.
#[derive(Debug)]
enum Told {
    Lay(Box<Lay>),
    /// Say when everything before this is written.
    Flush(oneshot::Sender<()>),
}

/// A row, ready to be written.
#[derive(Debug)]
struct Sealed {
    place: Vec<u8>,
    at_us: i64,
    expires_at_us: i64,
    bytes: Vec<u8>,
}

/// Answers in the database. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Shelf {
    db: Db,
    told: mpsc::Sender<Told>,
}

impl Shelf {
    /// Keeps answers in this database. They are written by a task of the runtime that this is called on.
    pub(crate) fn start(db: Db, meter: &dyn Meter) -> Self {
        let (told, waiting) = mpsc::channel(WAITING);
        tokio::spawn(write(db.clone(), waiting, meter.series(&HELD, &["store"])));
        Self { db, told }
    }

    /// The answer at a place that is to be given still. Whatever goes wrong, there is none.
    pub(super) async fn find(&self, key: &Key, now_us: u64) -> Option<Kept> {
        let (place, now_us) = (key.place.to_vec(), number(now_us));
        let read = move |tx: &mut ReadTx<'_>| tx.find::<(Vec<u8>,)>(FIND, &[&place, &now_us]);
        match self.db.within(LONGEST).read::<_, StoreError>(Lane::Interactive, read).await {
            Ok(found) => opened(key, &found?.0),
            Err(error) => {
                tracing::debug!(%error, "kept answers cannot be read");
                None
            }
        }
    }

    /// Takes an answer. It is written soon after, unless too many wait.
    pub(super) fn lay(&self, lay: Lay) {
        if self.told.try_send(Told::Lay(Box::new(lay))).is_err() {
            tracing::debug!("an answer is kept in memory alone: too many wait to be written");
        }
    }

    /// Waits until everything that was taken is written.
    pub(crate) async fn flush(&self) {
        let (written, wait) = oneshot::channel();
        if self.told.send(Told::Flush(written)).await.is_ok() {
            // The writer answers, or is gone.
            let _gone = wait.await;
        }
    }
}

async fn write(db: Db, mut waiting: mpsc::Receiver<Told>, gauge: Handle) {
    let (mut told, mut held) = (Vec::with_capacity(BATCH), 0);
    let mut measured = |now: i64| {
        gauge.add(now - held);
        held = now;
    };
    match db.read(Lane::Background, |tx: &mut ReadTx<'_>| tx.one::<(i64,)>(SUM, &[])).await {
        Ok((sum,)) => measured(sum),
        Err(error) => tracing::debug!(%error, "kept answers cannot be counted"),
    }
    while waiting.recv_many(&mut told, BATCH).await > 0 {
        let (mut rows, mut flushed, mut most_bytes) = (Vec::new(), Vec::new(), 0);
        for told in told.drain(..) {
            match told {
                Told::Lay(lay) => {
                    most_bytes = number(lay.most_bytes);
                    rows.extend(Sealed::of(&lay));
                }
                Told::Flush(written) => flushed.push(written),
            }
        }
        if !rows.is_empty() {
            let lay = move |tx: &mut Tx<'_>| laid(tx, &rows, most_bytes);
            match db.write::<_, StoreError>(&Cause::system("llm"), lay).await {
                Ok(sum) => measured(sum),
                Err(error) => tracing::warn!(%error, "answers of language models are kept in memory alone"),
            }
        }
        for written in flushed {
            // Whoever waited may have left.
            let _left = written.send(());
        }
    }
}

impl Sealed {
    fn of(lay: &Lay) -> Option<Self> {
        let at_us = lay.kept.at_us();
        Some(Self {
            place: lay.key.place.to_vec(),
            at_us: number(at_us),
            expires_at_us: number(at_us.saturating_add(lay.ttl_us)),
            bytes: sealed(&lay.key, &lay.kept)?,
        })
    }

    fn size(&self) -> i64 {
        i64::try_from(self.bytes.len()).unwrap_or(i64::MAX)
    }
}

/// Writes rows, and lets go of the oldest when there are too many bytes. Answers how many there are.
fn laid(tx: &mut Tx<'_>, rows: &[Sealed], most_bytes: i64) -> Result<i64, StoreError> {
    for row in rows {
        tx.execute(LAY, &[&row.place, &row.at_us, &row.expires_at_us, &row.size(), &row.bytes])?;
    }
    let (sum,) = tx.one::<(i64,)>(SUM, &[])?;
    if sum <= most_bytes {
        return Ok(sum);
    }
    // A tenth more than has to go, so that it is not looked for with each answer.
    tx.execute(LET_GO, &[&(most_bytes - most_bytes / 10)])?;
    tx.one::<(i64,)>(SUM, &[]).map(|(sum,)| sum)
}

fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
