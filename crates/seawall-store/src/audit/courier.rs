//! Carries signed checkpoints to a destination: each at least once, in order, however long the destination is away.
//!
//! The checkpoints wait in their own table, so nothing has to be queued. How far each destination is stands beside them and moves
//! only after a delivery: a crash repeats one and skips none. A destination that is named for the first time begins with the newest
//! checkpoint, which covers all before it. Where several processes share a database, one at a time carries to a destination.

use std::{sync::Arc, time::Duration};

use seawall_core::{
    clock::Clock,
    meter::{Meter, Metric, MetricKind},
    resilience::Backoff,
};
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

use super::{
    Checkpoint,
    destination::{DeliveryFault, Destination},
};
use crate::{Cause, Db, FromRow, Lane, Row, StoreError, Tx, gauge::Gauge};

const CAUSE: Cause = Cause::system("audit checkpoint");

/// What one delivery may take; then it is tried again.
const LIMIT: Duration = Duration::from_secs(60);

/// What all may take that is left when the process ends; the rest is delivered after the next start.
const LAST_LIMIT: Duration = Duration::from_secs(5);

/// How long who carries keeps the turn without a sign of life: longer than a delivery may take.
const TURN: Duration = Duration::from_secs(90);

/// How often is looked for what other processes have signed.
const LOOK: Duration = Duration::from_secs(15);

/// How long is waited after failures.
const BACKOFF: Backoff = Backoff { first: Duration::from_secs(1), most: Duration::from_secs(300), factor: 2 };

/// What is kept of a failure, in characters.
const LONGEST_FAILURE: usize = 500;

static DELIVERIES: Metric = Metric {
    name: "seawall_audit_checkpoint_deliveries",
    help: "Attempts to deliver a checkpoint of the audit log, by destination (file, store, webhook) and what came of them: delivered, failed and tried again.",
    kind: MetricKind::Counter,
    labels: &["destination", "outcome"],
};
static DELIVERED: Metric = Metric {
    name: "seawall_audit_checkpoint_last_delivered_timestamp_seconds",
    help: "When the last checkpoint that was delivered had been signed, in seconds since 1970.",
    kind: MetricKind::Gauge,
    labels: &["destination"],
};
static WAITING: Metric = Metric {
    name: "seawall_audit_checkpoints_waiting",
    help: "Signed checkpoints of the audit log that wait to be delivered; alert when they do for long.",
    kind: MetricKind::Gauge,
    labels: &["destination"],
};

/// All metrics of deliveries.
pub(crate) const METRICS: [&Metric; 3] = [&DELIVERIES, &DELIVERED, &WAITING];

/// Tells couriers that something was signed, and at last that nothing will be any more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Signed {
    /// Checkpoints signed so far.
    pub count: u64,
    /// There will be no more.
    pub last: bool,
}

/// How far a destination is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The destination's id.
    pub destination: String,
    /// The place in the chain of the last checkpoint that was delivered; 0 when none was.
    pub delivered_seq: i64,
    /// When it was, in microseconds since 1970.
    pub delivered_at_us: Option<i64>,
    /// Checkpoints that wait.
    pub waiting: i64,
    /// Failures since.
    pub failures: i64,
    /// The last of them.
    pub failure: Option<String>,
}

impl FromRow for Standing {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            destination: row.get("destination")?,
            delivered_seq: row.get("delivered_seq")?,
            delivered_at_us: row.get("delivered_at")?,
            waiting: row.get("waiting")?,
            failures: row.get("failures")?,
            failure: row.get("failure")?,
        })
    }
}

/// How far all destinations are that there ever were.
///
/// # Errors
/// [`StoreError`].
pub async fn standings(db: &Db) -> Result<Vec<Standing>, StoreError> {
    db.read(Lane::Background, |tx| {
        tx.all(
            "SELECT destination, delivered_seq, delivered_at, failures, failure,
                    (SELECT COUNT(*) FROM audit_checkpoints WHERE seq > delivered_seq) AS waiting
             FROM audit_deliveries ORDER BY destination",
            &[],
        )
    })
    .await
}

/// Carries to one destination.
#[derive(Debug)]
pub struct Courier {
    db: Db,
    destination: Destination,
    /// Which process this is, among those that share the database.
    node: String,
    clock: Arc<dyn Clock>,
    meters: Meters,
}

#[derive(Debug)]
struct Meters {
    delivered: seawall_core::meter::Handle,
    failed: seawall_core::meter::Handle,
    last: Gauge,
    waiting: Gauge,
}

impl Courier {
    /// A courier of the process `node`.
    #[must_use]
    pub fn new(db: Db, destination: Destination, node: String, clock: Arc<dyn Clock>, meter: &dyn Meter) -> Self {
        let kind = destination.kind();
        let meters = Meters {
            delivered: meter.series(&DELIVERIES, &[kind, "delivered"]),
            failed: meter.series(&DELIVERIES, &[kind, "failed"]),
            last: Gauge::new(meter.series(&DELIVERED, &[kind])),
            waiting: Gauge::new(meter.series(&WAITING, &[kind])),
        };
        Self { db, destination, node, clock, meters }
    }

    /// Carries what is signed until nothing more will be; then what is left once more, for a short time.
    pub async fn run(self, mut signed: watch::Receiver<Signed>) {
        let mut failures = 0;
        if let Err(error) = self.register().await {
            // The first delivery does it, then.
            tracing::debug!(%error, "a destination of checkpoints could not be noted down");
        }
        loop {
            let last = signed.borrow_and_update().last;
            let carried = tokio::select! {
                carried = self.carry() => carried,
                // Also what was begun before the end was known must not hold it up.
                () = late(signed.clone()) => {
                    return self.tell(&DeliveryFault::TimedOut(LAST_LIMIT.as_secs()), failures, true);
                }
            };
            match carried {
                Ok(()) => failures = 0,
                Err(fault) => {
                    self.tell(&fault, failures, last);
                    failures = failures.saturating_add(1);
                }
            }
            if last {
                return;
            }
            if failures == 0 {
                tokio::select! {
                    changed = signed.changed() => if changed.is_err() { return },
                    () = sleep(LOOK) => {}
                }
            } else {
                // Another checkpoint is no reason to try sooner; the end is.
                tokio::select! {
                    ended = signed.wait_for(|signed| signed.last) => if ended.is_err() { return },
                    () = sleep(BACKOFF.without_jitter(failures - 1)) => {}
                }
            }
        }
    }

    /// Notes the destination down before anything is signed, so that its first checkpoint is not passed over.
    async fn register(&self) -> Result<(), StoreError> {
        let id = self.destination.id().to_owned();
        self.db.write(&CAUSE, move |tx| register(tx, &id)).await
    }

    /// Delivers all that waits, the oldest first.
    async fn carry(&self) -> Result<(), DeliveryFault> {
        loop {
            self.meters.waiting.set(self.waiting().await?);
            let Some(checkpoint) = self.next().await? else { return Ok(()) };
            let now_us = self.now_us();
            let delivery = timeout(LIMIT, self.destination.deliver(&checkpoint, now_us));
            match delivery.await.unwrap_or(Err(DeliveryFault::TimedOut(LIMIT.as_secs()))) {
                Ok(()) => {
                    self.delivered(checkpoint.seq).await?;
                    self.meters.delivered.increment();
                    self.meters.last.set(checkpoint.at_us / 1_000_000);
                }
                Err(fault) => {
                    self.meters.failed.increment();
                    self.failed(fault.chain()).await?;
                    return Err(fault);
                }
            }
        }
    }

    async fn waiting(&self) -> Result<i64, StoreError> {
        let id = self.destination.id().to_owned();
        let (waiting,): (i64,) = self
            .db
            .read::<_, StoreError>(Lane::Background, move |tx| {
                let sql = "SELECT COUNT(*) FROM audit_checkpoints
                     WHERE seq > COALESCE((SELECT delivered_seq FROM audit_deliveries WHERE destination = $1), 0)";
                tx.one(sql, &[&id])
            })
            .await?;
        Ok(waiting)
    }

    /// The next one to be delivered; nothing when none waits, or another process has its turn.
    async fn next(&self) -> Result<Option<Checkpoint>, StoreError> {
        if self.waiting().await? == 0 {
            return Ok(None);
        }
        let (id, node, now_us) = (self.destination.id().to_owned(), self.node.clone(), self.now_us());
        let until_us = now_us.saturating_add(us(TURN));
        self.db.write(&CAUSE, move |tx| next(tx, &id, &node, now_us, until_us)).await
    }

    async fn delivered(&self, seq: i64) -> Result<(), StoreError> {
        let (id, now_us) = (self.destination.id().to_owned(), self.now_us());
        self.db
            .write(&CAUSE, move |tx| {
                let sql =
                    "UPDATE audit_deliveries SET delivered_seq = $2, delivered_at = $3, failures = 0, failure = NULL
                           WHERE destination = $1 AND delivered_seq < $2";
                tx.execute(sql, &[&id, &seq, &now_us]).map(drop)
            })
            .await
    }

    async fn failed(&self, failure: String) -> Result<(), StoreError> {
        let (id, node) = (self.destination.id().to_owned(), self.node.clone());
        let failure: String = failure.chars().filter(|&one| one != '\0').take(LONGEST_FAILURE).collect();
        self.db
            .write(&CAUSE, move |tx| {
                // Who waits to try again lets others have their turn: it may be this machine that has no way there.
                let sql = "UPDATE audit_deliveries SET failures = failures + 1, failure = $2,
                                  held_until = CASE WHEN holder = $3 THEN 0 ELSE held_until END
                           WHERE destination = $1";
                tx.execute(sql, &[&id, &failure, &node]).map(drop)
            })
            .await
    }

    fn tell(&self, fault: &DeliveryFault, failures: u32, last: bool) {
        let (destination, error) = (self.destination.to_string(), fault.chain());
        match fault {
            // At a hand-over the store is given away before this process ends.
            DeliveryFault::Store(StoreError::Closed) => {}
            _ if last => tracing::warn!(
                destination,
                error,
                "the last checkpoints of the audit log were not delivered; they are after the next start"
            ),
            _ if failures == 0 => tracing::error!(
                destination,
                error,
                "a checkpoint of the audit log could not be delivered; it is tried again until it is"
            ),
            _ => tracing::warn!(
                destination,
                error,
                failures,
                "a checkpoint of the audit log still waits to be delivered"
            ),
        }
    }

    fn now_us(&self) -> i64 {
        i64::try_from(self.clock.now().unix_us).unwrap_or(i64::MAX)
    }
}

/// Waits until the end is known, and as long as what is left may take then.
async fn late(mut signed: watch::Receiver<Signed>) {
    // Whoever tells may be gone, which is the end too.
    let _known = signed.wait_for(|signed| signed.last).await.is_ok();
    sleep(LAST_LIMIT).await;
}

fn register(tx: &mut Tx<'_>, id: &str) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO audit_deliveries (destination, delivered_seq)
         SELECT $1, COALESCE(MAX(seq), 0) FROM audit_checkpoints WHERE seq < (SELECT MAX(seq) FROM audit_checkpoints)
         ON CONFLICT (destination) DO NOTHING",
        &[&id],
    )
    .map(drop)
}

fn next(tx: &mut Tx<'_>, id: &str, node: &str, now_us: i64, until_us: i64) -> Result<Option<Checkpoint>, StoreError> {
    register(tx, id)?;
    let turn = tx.execute(
        "UPDATE audit_deliveries SET holder = $2, held_until = $4 WHERE destination = $1 AND (holder = $2 OR held_until < $3)",
        &[&id, &node, &now_us, &until_us],
    )?;
    if turn == 0 {
        return Ok(None);
    }
    tx.find(
        "SELECT seq, hash, at, key_id, signature FROM audit_checkpoints
         WHERE seq > (SELECT delivered_seq FROM audit_deliveries WHERE destination = $1) ORDER BY seq LIMIT 1",
        &[&id],
    )
}

fn us(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
