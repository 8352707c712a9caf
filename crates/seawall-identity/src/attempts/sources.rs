//! One source that fails at many names: one password tried for everybody (spraying).
//!
//! Names are counted when they failed, not before: people behind one address who sign in at the same moment are no attack. What is
//! kept is bounded, because a source that has failed at too many names is not heard, so none is added.

use seawall_store::{StoreError, Tx};

use super::{
    Attempt,
    key::Counted,
    table::{self, Allowance},
};

/// A source, and a name that it tries.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sprayed {
    pub(super) source: Counted,
    pub(super) name: Counted,
}

/// The source failed at the name; answers whether it is paused from here on.
pub(super) fn failed(tx: &mut Tx<'_>, sprayed: &Sprayed, allowance: Allowance) -> Result<bool, StoreError> {
    let now = tx.at_us();
    let fresh = tx.execute(
        "INSERT INTO sign_in_sprays (spray_key, ends_at) VALUES ($1, $3)
         ON CONFLICT (spray_key) DO UPDATE SET ends_at = $3 WHERE sign_in_sprays.ends_at <= $2",
        &[&sprayed.name, &now, &now.saturating_add(allowance.pause_us)],
    )?;
    if fresh == 0 {
        return Ok(false);
    }
    Ok(matches!(table::count(tx, &sprayed.source, allowance)?, Attempt::Heard { last: true }))
}

/// The right password came for the name: it was no guess.
pub(super) fn succeeded(tx: &mut Tx<'_>, sprayed: &Sprayed) -> Result<(), StoreError> {
    if tx.execute("DELETE FROM sign_in_sprays WHERE spray_key = $1", &[&sprayed.name])? > 0 {
        table::take_back(tx, &sprayed.source)?;
    }
    Ok(())
}
