//! Why what a browser or an authenticator sent is not taken: for the log, the audit log and people who set it up.

use super::cbor::BadCbor;

/// Why a passkey is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// What the browser says.
    #[error("clientDataJSON is refused: {0}")]
    ClientData(&'static str),
    /// The challenge is another's, expired, or was used.
    #[error("the challenge is unknown here, was used, or has expired; begin again")]
    Challenge,
    /// The page.
    #[error("the page is of {0:?}, which is not among the origins of [identity.passkeys]")]
    Origin(String),
    /// A frame in a page of another site.
    #[error("it was done in a frame of another site's page")]
    CrossOrigin,
    /// The attestation object.
    #[error("the attestation object lacks a part")]
    Attestation,
    /// Bytes of an authenticator.
    #[error("its CBOR is refused: {0}")]
    Cbor(#[from] BadCbor),
    /// Data of an authenticator.
    #[error("the authenticator data is refused: {0}")]
    AuthenticatorData(&'static str),
    /// The site.
    #[error("it is for another rp_id than that of [identity.passkeys]")]
    RelyingParty,
    /// Nobody touched it.
    #[error("nobody confirmed it on the device")]
    NotPresent,
    /// Who touched it is not known.
    #[error("the device did not verify its user, by a PIN or biometrics")]
    NotVerified,
    /// Its flags contradict each other, or what they were.
    #[error("its backup flags do not fit each other, or not those of its registration")]
    BackupFlags,
    /// Its algorithm.
    #[error("its algorithm is {0}; ES256 (-7), EdDSA (-8) and RS256 (-257) are taken")]
    Algorithm(i64),
    /// Its key.
    #[error("its public key is refused: {0}")]
    Key(&'static str),
    /// Its id.
    #[error("its id is empty, longer than 1,023 bytes, or not the same in both places")]
    CredentialId,
    /// The signature.
    #[error("the signature does not fit")]
    Signature,
    /// Its counter went back: there may be two of it.
    #[error("its counter is {shown} and was {known} before; there may be a copy of it")]
    Counter {
        /// What it was.
        known: u32,
        /// What it is.
        shown: u32,
    },
    /// The user handle.
    #[error("the user handle is missing or another's")]
    UserHandle,
    /// Nobody has it, or somebody else.
    #[error("no user has it, or not the user that was named")]
    Unknown,
    /// Its owner may not sign in.
    #[error("its owner may not sign in")]
    Disabled,
}
