//! What can go wrong with an import as a whole.

use seawall_store::StoreError;

use crate::{IdentityError, password::PoolError};

/// Why a batch, or an import, came to nothing. Nothing of the batch is kept.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// There is no such import.
    #[error("there is no import {0}")]
    NoImport(String),
    /// Somebody else has imported from there meanwhile.
    #[error(
        "the import is at another place than this batch begins at: another import of this source runs, or an answer was lost; run the same command again"
    )]
    Moved,
    /// What was asked makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// Passwords could not be hashed.
    #[error("the passwords could not be hashed")]
    Hashing(#[from] PoolError),
    /// Users or sessions could not be changed.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The store.
    #[error("the store could not do it")]
    Store(#[from] StoreError),
}
