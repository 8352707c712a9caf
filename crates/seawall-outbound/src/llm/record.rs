//! One row for each call, whatever became of it; and who writes them.

use std::sync::Arc;

use seawall_core::meter::{Handle, Meter, Metric, MetricKind};
use seawall_store::{Cause, Db, StoreError, Tx};
use tokio::sync::{mpsc, oneshot};

use super::{price::Cost, usage::Usage};

/// Rows that may wait to be written.
const WAITING: usize = 16_384;

/// Rows that are written in one transaction.
const BATCH: usize = 256;

/// Rows that could not be written.
pub static LOST: Metric = Metric {
    name: "seawall_llm_rows_lost",
    help: "Calls of language models whose row could not be written; what they cost is in the log.",
    kind: MetricKind::Counter,
    labels: &[],
};

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The provider answered, and said how the answer ended.
    Answered,
    /// The provider refused, or said that it failed.
    Refused,
    /// There was no answer, or it did not come to its end.
    Failed,
    /// The application left before the end.
    Left,
    /// An answer that was kept was given again, and nobody was asked.
    Cached,
}

impl Outcome {
    /// As it is written in the ledger and in metrics.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Left => "left",
            Self::Cached => "cached",
        }
    }
}

/// A row.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) made_at_us: u64,
    pub(crate) request_id: String,
    pub(crate) caller: Arc<str>,
    pub(crate) user: Option<Arc<str>>,
    pub(crate) project: Option<String>,
    pub(crate) conversation: Option<String>,
    pub(crate) route: Arc<str>,
    pub(crate) provider: Arc<str>,
    pub(crate) model: String,
    pub(crate) operation: &'static str,
    pub(crate) streamed: bool,
    pub(crate) outcome: Outcome,
    pub(crate) status: u16,
    pub(crate) error: Option<String>,
    pub(crate) attempts: u32,
    pub(crate) usage: Usage,
    pub(crate) estimated: bool,
    pub(crate) cost: Cost,
    pub(crate) duration_us: u64,
    pub(crate) first_token_us: Option<u64>,
}

/// What the writer is told.
enum Told {
    Row(Box<Record>),
    /// Say when everything before this is written.
    Flush(oneshot::Sender<()>),
}

/// Where rows go. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Records(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    rows: mpsc::Sender<Told>,
    lost: Handle,
}

impl std::fmt::Debug for Told {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Told")
    }
}

impl Records {
    /// Writes rows into this database, on a task of the runtime that this is called on.
    pub(crate) fn start(db: Db, meter: &dyn Meter) -> Self {
        let (rows, waiting) = mpsc::channel(WAITING);
        let lost = meter.series(&LOST, &[]);
        tokio::spawn(write(db, waiting, lost.clone()));
        Self(Arc::new(Inner { rows, lost }))
    }

    /// Takes a row. It is written soon after, with others.
    pub(crate) fn take(&self, record: Record) {
        if let Err(error) = self.0.rows.try_send(Told::Row(Box::new(record))) {
            self.0.lost.increment();
            let (mpsc::error::TrySendError::Full(told) | mpsc::error::TrySendError::Closed(told)) = error;
            if let Told::Row(record) = told {
                lose(&record);
            }
        }
    }

    /// Waits until everything that was taken is written.
    pub(crate) async fn flush(&self) {
        let (written, wait) = oneshot::channel();
        if self.0.rows.send(Told::Flush(written)).await.is_ok() {
            // The writer answers, or is gone.
            let _gone = wait.await;
        }
    }

    /// The same unless so many rows wait that whoever only asks would take the place of one.
    pub(crate) async fn flush_unless_crowded(&self) {
        if self.0.rows.capacity() > WAITING / 2 {
            self.flush().await;
        }
    }
}

async fn write(db: Db, mut rows: mpsc::Receiver<Told>, lost: Handle) {
    let mut told = Vec::with_capacity(BATCH);
    while rows.recv_many(&mut told, BATCH).await > 0 {
        let mut batch = Vec::with_capacity(told.len());
        let mut flushed = Vec::new();
        for told in told.drain(..) {
            match told {
                Told::Row(record) => batch.push(*record),
                Told::Flush(written) => flushed.push(written),
            }
        }
        if !batch.is_empty() {
            let batch = Arc::new(batch);
            let written: Result<(), StoreError> = {
                let batch = Arc::clone(&batch);
                db.write(&Cause::system("llm"), move |tx| batch.iter().try_for_each(|record| insert(tx, record))).await
            };
            if let Err(error) = written {
                tracing::error!(%error, rows = batch.len(), "calls of language models could not be recorded");
                lost.add(i64::try_from(batch.len()).unwrap_or(i64::MAX));
                batch.iter().for_each(lose);
            }
        }
        for written in flushed {
            // Whoever waited may have left.
            let _left = written.send(());
        }
    }
}

/// What a call cost stays known, in the log.
fn lose(record: &Record) {
    tracing::error!(
        request.id = record.request_id,
        model = record.model,
        cost = %record.cost.money,
        user.id = record.user.as_deref(),
        "the row of a call of a language model is not in the store"
    );
}

fn insert(tx: &mut Tx<'_>, record: &Record) -> Result<(), StoreError> {
    const SQL: &str = "INSERT INTO llm_calls (id, made_at, request_id, caller, user_id, project, conversation, provider, model, operation, \
        streamed, outcome, status, error, attempts, input_tokens, cached_read_tokens, cached_write_tokens, output_tokens, reasoning_tokens, \
        images, estimated, cost_nanos, price_known, duration_us, first_token_us, route) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, \
        $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27)";
    let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let usage = &record.usage;
    let id = tx.fresh_id()?;
    tx.execute(
        SQL,
        &[
            &id,
            &number(record.made_at_us),
            &record.request_id,
            &&*record.caller,
            &record.user.as_deref(),
            &record.project,
            &record.conversation,
            &&*record.provider,
            &record.model,
            &record.operation,
            &record.streamed,
            &record.outcome.word(),
            &i64::from(record.status),
            &record.error,
            &i64::from(record.attempts),
            &number(usage.input),
            &number(usage.cached_read),
            &number(usage.cached_write),
            &number(usage.output),
            &number(usage.reasoning),
            &number(usage.images),
            &record.estimated,
            &number(record.cost.money.nanos()),
            &record.cost.known,
            &number(record.duration_us),
            &record.first_token_us.map(number),
            &&*record.route,
        ],
    )?;
    Ok(())
}
