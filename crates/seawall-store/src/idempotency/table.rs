//! What is done to the table of keys, each a transaction.

use seawall_core::idempotency::{Answered, Caller, Fence, Judgement, Names, Seal, Unknown, judge};

use super::{
    Bounds,
    heart::beat,
    row::{ABANDONED, BEGUN, COMPLETED, KeyRow},
    seal,
};
use crate::{StoreError, Tx};

/// How often an attempt looks again when others change the same row between two of its statements.
const ROUNDS: u32 = 8;

const INSERT: &str =
    "INSERT INTO idempotency_keys (place, proof, caller, state, life, serial, begun_at, until_at, expires_at)
     VALUES ($1, $2, $3, 0, $4, $5, $6, $7, $8) ON CONFLICT (place) DO NOTHING";

const FIND: &str =
    "SELECT proof, state, idempotency_keys.life, serial, begun_at, until_at, expires_at, answer, alive_until
     FROM idempotency_keys LEFT JOIN idempotency_lives ON idempotency_lives.life = idempotency_keys.life
     WHERE place = $1";

/// Holds only when the row is still as it was found.
const TAKE_OVER: &str = "UPDATE idempotency_keys
     SET proof = $2, caller = $3, state = 0, life = $4, serial = $5, begun_at = $6, until_at = $7, expires_at = $8,
         size = 0, answer = NULL
     WHERE place = $1 AND life = $9 AND serial = $10 AND state = $11";

const COMPLETE: &str = "UPDATE idempotency_keys SET state = $4, size = $5, answer = $6, expires_at = $7
     WHERE place = $1 AND life = $2 AND serial = $3";

const ABANDON: &str =
    "UPDATE idempotency_keys SET state = $4 WHERE place = $1 AND life = $2 AND serial = $3 AND state = $5";

const RELEASE: &str = "DELETE FROM idempotency_keys WHERE place = $1 AND life = $2 AND serial = $3 AND state = $4";

const OWNER: &str = "SELECT life, serial FROM idempotency_keys WHERE place = $1";

/// Why an attempt was not written.
#[derive(Debug)]
pub(super) enum Failure {
    /// The caller has as much as it may.
    Full,
    /// Nobody waits for it any more.
    Forsaken,
    /// The store failed.
    Store(StoreError),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// An attempt.
#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) names: Names,
    pub(super) caller: Caller,
    pub(super) seal: Seal,
    pub(super) fence: Fence,
    pub(super) ttl_us: u64,
    pub(super) lease_us: u64,
    pub(super) unknown: Unknown,
    pub(super) bounds: Bounds,
    /// Whether it has to say that its life goes on.
    pub(super) beats: bool,
}

/// What it comes to.
#[derive(Debug)]
pub(super) enum Begun {
    Fresh { again: bool },
    InFlight { for_us: u64 },
    Answered(Answered),
    Mismatch,
    Unknown,
}

impl Attempt {
    /// Writes it, or tells why it is not to be carried out.
    pub(super) fn begin(&self, tx: &mut Tx<'_>) -> Result<Begun, Failure> {
        let now_us = tx.engine_now_us()?;
        if self.beats {
            beat(tx, self.fence.life, now_us)?;
        }
        for _ in 0..ROUNDS {
            if self.insert(tx, now_us)? {
                self.bounds.check(tx, &self.caller)?;
                return Ok(Begun::Fresh { again: false });
            }
            // Nothing is found when it was removed since, or when it is another's that was not kept.
            let Some(row) = tx.find::<KeyRow>(FIND, &[&self.names.place])? else { continue };
            let judgement = judge(&row.found(&self.names, now_us), self.unknown, now_us);
            let begun = match judgement {
                Judgement::Forgotten | Judgement::Again => {
                    if !self.take_over(tx, &row, now_us)? {
                        continue;
                    }
                    Begun::Fresh { again: judgement == Judgement::Again }
                }
                Judgement::Completed => {
                    let sealed = row.answer.as_deref().unwrap_or_default();
                    Begun::Answered(seal::open(&self.seal, &self.names.place, sealed)?)
                }
                Judgement::Mismatch => Begun::Mismatch,
                Judgement::InFlight { for_us } => Begun::InFlight { for_us },
                Judgement::Unknown => Begun::Unknown,
            };
            return Ok(begun);
        }
        Err(StoreError::Contended { attempts: ROUNDS }.into())
    }

    fn insert(&self, tx: &mut Tx<'_>, now_us: i64) -> Result<bool, StoreError> {
        let (Names { place, proof }, Fence { life, serial }) = (self.names, self.fence);
        let (until_us, expires_at_us) = self.times(now_us);
        let inserted = tx.execute(
            INSERT,
            &[&place, &proof, self.caller.bytes(), &life.0, &serial, &now_us, &until_us, &expires_at_us],
        )?;
        Ok(inserted > 0)
    }

    fn take_over(&self, tx: &mut Tx<'_>, row: &KeyRow, now_us: i64) -> Result<bool, StoreError> {
        let (Names { place, proof }, Fence { life, serial }) = (self.names, self.fence);
        let (until_us, expires_at_us) = self.times(now_us);
        let Fence { life: old_life, serial: old_serial } = row.fence;
        let taken = tx.execute(
            TAKE_OVER,
            &[
                &place,
                &proof,
                self.caller.bytes(),
                &life.0,
                &serial,
                &now_us,
                &until_us,
                &expires_at_us,
                &old_life.0,
                &old_serial,
                &row.state,
            ],
        )?;
        Ok(taken > 0)
    }

    /// When its lease ends and when it is forgotten, which is not before.
    fn times(&self, now_us: i64) -> (i64, i64) {
        let until_us = now_us.saturating_add_unsigned(self.lease_us);
        (until_us, now_us.saturating_add_unsigned(self.ttl_us).max(until_us))
    }
}

/// What is written when an attempt ends. `true` when the row is still that of the lease.
///
/// Each may be run again after it was kept: a settlement whose outcome was not heard is settled again.
pub(super) fn complete(
    tx: &mut Tx<'_>,
    place: [u8; 32],
    fence: Fence,
    sealed: &[u8],
    ttl_us: u64,
) -> Result<bool, StoreError> {
    let expires_at_us = tx.engine_now_us()?.saturating_add_unsigned(ttl_us);
    let size = i64::try_from(sealed.len()).unwrap_or(i64::MAX);
    let parameters: crate::Parameters<'_> =
        &[&place, &fence.life.0, &fence.serial, &COMPLETED, &size, &sealed, &expires_at_us];
    Ok(tx.execute(COMPLETE, parameters)? > 0)
}

/// See [`complete`]. What was answered stays answered.
pub(super) fn abandon(tx: &mut Tx<'_>, place: [u8; 32], fence: Fence) -> Result<bool, StoreError> {
    tx.execute(ABANDON, &[&place, &fence.life.0, &fence.serial, &ABANDONED, &BEGUN])?;
    Ok(owner(tx, place)? == Some(fence))
}

/// See [`complete`]. What was answered or abandoned stays; whose row is gone was released already, or forgotten.
pub(super) fn release(tx: &mut Tx<'_>, place: [u8; 32], fence: Fence) -> Result<bool, StoreError> {
    tx.execute(RELEASE, &[&place, &fence.life.0, &fence.serial, &BEGUN])?;
    Ok(owner(tx, place)?.is_none_or(|owner| owner == fence))
}

fn owner(tx: &mut Tx<'_>, place: [u8; 32]) -> Result<Option<Fence>, StoreError> {
    let row: Option<([u8; 16], i64)> = tx.find(OWNER, &[&place])?;
    Ok(row.map(|(life, serial)| Fence { life: seawall_core::idempotency::Life(life), serial }))
}
