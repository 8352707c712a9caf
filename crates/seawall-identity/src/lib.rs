//! Identity: who uses an application, and how they prove it.
//!
//! | module | what it holds |
//! |---|---|
//! | [`attempts`] | who has tried too often |
//! | [`devices`] | devices: the code that pairs one, its credential, and whose one is |
//! | [`factors`] | second factors: authenticator apps and recovery codes |
//! | [`import`] | users of other systems, a batch in each transaction |
//! | [`http`] | what people and operators ask over HTTP |
//! | [`keys`] | API keys: their text, their settings, and whose one is |
//! | [`mail`] | addresses, and the letters that users get |
//! | [`oidc`] | signing in with accounts elsewhere |
//! | [`organisations`] | organisations, who belongs to them in which role, and tiers |
//! | [`passkeys`] | keys on devices, instead of a password or beside it |
//! | [`password`] | hashes in every format that applications left behind, a bounded pool that computes them, equal times for all answers, and what makes a good one |
//! | [`people`] | everything that can be done with users and sessions |
//! | [`sessions`] | tokens, limits, and whom a session shows |
//! | [`tokens`] | JWTs for programs and for the application behind, and the keys that sign them |
//! | [`users`] | names and roles |

#![warn(missing_docs)]

pub mod attempts;
mod authenticator;
mod config;
pub mod devices;
mod error;
pub mod factors;
pub mod http;
pub mod import;
pub mod keys;
mod last_use;
pub mod mail;
pub mod oidc;
pub mod organisations;
pub mod passkeys;
pub mod password;
pub mod people;
mod sealing;
pub mod sessions;
mod tables;
pub mod tokens;
pub mod users;

pub use authenticator::CredentialAuthenticator;
pub use config::{CookieName, ENABLED, IdentitySettings, Registration, SECTION, SIGN_IN_LIMITS};
pub use error::IdentityError;
pub use tables::{LEDGER, RULES};
