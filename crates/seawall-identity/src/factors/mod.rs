//! Second factors: codes of an authenticator app (TOTP, RFC 6238), and recovery codes for who has lost it.
//!
//! The seed of the app is sealed under a key that is not in the database; recovery codes, tickets and tokens are kept as digests. A
//! copy of the database opens nothing.

mod base32;
mod recovery;
mod seal;
pub(crate) mod table;
pub(crate) mod tickets;
mod totp;

pub use recovery::RecoveryCodes;
pub(crate) use recovery::digest_of as recovery_digest;
pub(crate) use seal::Sealer;
pub(crate) use totp::Seed;
