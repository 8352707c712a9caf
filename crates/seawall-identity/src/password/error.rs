//! What can be wrong with a stored password, or with what is asked of it.

use super::Format;

/// Why a stored password cannot be used, or a password not be hashed. Nothing of either is in the message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// No format is recognised, or several would fit.
    #[error("the stored password's format is not known: {0}")]
    Unknown(&'static str),
    /// The format is known, and this product does not verify it.
    #[error("{0} is not supported; send these users a link to reset their password")]
    Unsupported(&'static str),
    /// It begins like a known format and goes on like none.
    #[error("the stored password is no whole {format} hash: {why}")]
    Malformed {
        /// The format that was recognised.
        format: Format,
        /// What is missing or wrong.
        why: &'static str,
    },
    /// Verifying it would take more than any login may.
    #[error(
        "the stored {format} hash demands {what} of {value}, at most {limit} is computed; send these users a link to reset their password"
    )]
    TooExpensive {
        /// The format that was recognised.
        format: Format,
        /// The parameter, with its unit.
        what: &'static str,
        /// What was demanded.
        value: u64,
        /// What is permitted.
        limit: u64,
    },
    /// The hash was made with a pepper that is not configured.
    #[error(
        "the stored password needs the pepper `{0}`, which is not configured; give it back, at least for verifying"
    )]
    PepperMissing(String),
    /// A cost, a pepper or another setting is not acceptable.
    #[error("{0}")]
    Setting(&'static str),
    /// Passwords have a greatest length.
    #[error("the password has more than {} bytes", super::MAX_BYTES)]
    TooLong,
    /// The system gave no random bytes.
    #[error("the system gave no random bytes for a salt")]
    Random,
    /// An algorithm refused what the bounds had let pass.
    #[error("{0} could not be computed")]
    Computation(Format),
}
