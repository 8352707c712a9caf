//! Passkeys (W3C Web Authentication Level 3): keys on the devices of people, which serve one site alone and cannot be phished.
//!
//! Verified by own code on the cryptography that is here (decision 54). No attestation is asked for: which make of device somebody uses
//! is nobody's business, so none is believed either.
//!
//! | file | the idea |
//! |---|---|
//! | `config`, `party` | the section, and the site that follows from it |
//! | `challenge` | a ceremony that was begun, sealed |
//! | `options` | what browsers are asked |
//! | `sent` | what they send back |
//! | `cbor`, `cose`, `authenticator_data`, `client_data` | the parts of that, read strictly |
//! | `ceremony` | the rules of the standard |
//! | `counted` | what they come to, as a metric |
//! | `made_up` | credentials of names that have none |
//! | `table` | what is kept |

mod authenticator_data;
mod cbor;
mod ceremony;
mod challenge;
mod client_data;
mod config;
mod cose;
mod counted;
pub(crate) mod made_up;
pub(crate) mod options;
mod party;
mod refusal;
mod sent;
pub(crate) mod table;
#[cfg(test)]
mod tests;

use authenticator_data::LONGEST_ID;
pub use cbor::BadCbor;
pub(crate) use ceremony::{Assertion, Expected, Made, Shown, Verified, made, shown};
pub(crate) use challenge::{CEREMONY_S, Ceremony, Purpose};
pub use config::{PageOrigin, PasskeySettings, RpId, SECTION, UserVerification};
pub use counted::CEREMONIES;
pub(crate) use counted::{Ceremonies, Kind};
pub use party::RelyingParty;
pub use refusal::Refusal;
pub use sent::{Response, SentPasskey};
pub use table::Passkey;
