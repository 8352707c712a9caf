//! Passwords: argon2id at rest, some forty other formats understood, and nothing that computes without a bound.
//!
//! What an application stored is read once by [`Stored::parse`] into what has to be computed and what has to come out; costs are
//! bounded there, so that no row of a table can make a login hang. [`Hasher`] compares, hashes, says when a better hash is due and
//! wraps fast hashes at import. [`HashingPool`] does so on threads of its own, [`Floor`] hides in which format a user's password is, and
//! [`PasswordPolicy`] says which passwords may be chosen.
//!
//! ```
//! use seawall_identity::password::{Format, Hasher, Memory, PasswordContext, PasswordPolicy, Stored};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (hasher, mut memory) = (Hasher::default(), Memory::new());
//! let imported = Stored::parse("digest:md5:d8ed6d71d29c064f6688a0d0ffcabab3")?;
//! assert_eq!(imported.format(), Format::Digest);
//! // What is kept of it is argon2id over the digest, and at the next login a hash of the password itself.
//! let kept = hasher.wrap(&imported, &mut memory)?.ok_or("MD5 is fast")?;
//! let kept = Stored::parse(&kept)?;
//! assert!(hasher.verify(&kept, "correct horse 7", &mut memory)?);
//! assert!(hasher.needs_upgrade(&kept));
//! PasswordPolicy::default().check("correct horse 7", &PasswordContext::new().email("ada@example.org"))?;
//! let hash = hasher.hash("correct horse 7", &mut memory)?;
//! assert!(!hasher.needs_upgrade(&Stored::parse(&hash)?));
//! # Ok(())
//! # }
//! ```

mod detect;
mod encoding;
mod error;
mod floor;
mod format;
mod hash;
mod hasher;
mod memory;
mod pepper;
mod policy;
mod pool;
mod prehash;
mod recipe;
mod stored;
mod wrapping;

pub use detect::{FormatReport, detect};
pub use error::PasswordError;
pub use floor::{Floor, FloorSettings};
pub use format::Format;
pub use hasher::{Cost, Hasher};
pub use memory::Memory;
pub use pepper::{KeyId, Pepper, PepperRing};
pub use policy::{PasswordContext, PasswordPolicy, Refusal};
pub use pool::{HashingPool, METRICS, PoolError, PoolOptions, Verdict};
pub use stored::Stored;

/// No password is longer; a longer one matches nothing. The cost of some formats grows with the length.
pub const MAX_BYTES: usize = 1024;
