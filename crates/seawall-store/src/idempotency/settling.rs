//! What an attempt came to, as it is written.

use std::{fmt::Debug, sync::Arc};

use seawall_core::{
    fault,
    idempotency::{Answered, Ending, Fence, Lease, points},
};

use super::{CAUSE, seal, table};
use crate::{Db, StoreError, Tx};

/// An ending, ready to be written.
#[derive(Debug)]
pub(super) struct Settling {
    place: [u8; 32],
    fence: Fence,
    ending: Written,
    /// It is in hands until this is written.
    _hold: Option<Arc<dyn Debug + Send + Sync>>,
}

#[derive(Debug)]
enum Written {
    Completed { sealed: Vec<u8>, ttl_us: u64 },
    Released,
    Abandoned,
}

impl Settling {
    /// Of an attempt that ended so.
    pub(super) fn of(lease: &Lease, ending: Ending) -> Result<Self, StoreError> {
        let place = lease.names.place;
        let ending = match ending {
            Ending::Completed(answered) => {
                Written::Completed { sealed: seal::seal(&lease.seal, &place, &answered)?, ttl_us: lease.ttl_us }
            }
            Ending::Released => Written::Released,
            Ending::Abandoned => Written::Abandoned,
        };
        Ok(Self { place, fence: lease.fence, ending, _hold: lease.hold.clone() })
    }

    /// The same where nobody waits for it: of an answer only its status, so that what waits is small.
    pub(super) fn given_up(lease: &Lease, ending: Ending) -> Result<Self, StoreError> {
        let ending = match ending {
            Ending::Completed(Answered::Kept(answer)) => Ending::Completed(Answered::NotKept(answer.status)),
            other => other,
        };
        Self::of(lease, ending)
    }

    /// Writes it. Whether the row is still that of the lease.
    pub(super) async fn keep(self, db: &Db) -> Result<bool, StoreError> {
        let (written, kept) = match self.ending {
            Written::Completed { .. } => (points::ANSWER_WRITTEN, points::ANSWER_KEPT),
            Written::Released => (points::RELEASE_WRITTEN, points::RELEASE_KEPT),
            Written::Abandoned => (points::ABANDON_WRITTEN, points::ABANDON_KEPT),
        };
        let ours = db
            .write(&CAUSE, move |tx| {
                let ours = self.write(tx)?;
                fault::point(written);
                Ok::<_, StoreError>(ours)
            })
            .await?;
        fault::point(kept);
        Ok(ours)
    }

    fn write(&self, tx: &mut Tx<'_>) -> Result<bool, StoreError> {
        match &self.ending {
            Written::Completed { sealed, ttl_us } => table::complete(tx, self.place, self.fence, sealed, *ttl_us),
            Written::Released => table::release(tx, self.place, self.fence),
            Written::Abandoned => table::abandon(tx, self.place, self.fence),
        }
    }
}
