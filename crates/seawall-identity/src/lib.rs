//! Identity: who uses an application, and how they prove it.
//!
//! | module | what it holds |
//! |---|---|
//! | [`attempts`] | who has tried too often |
//! | [`factors`] | second factors: authenticator apps and recovery codes |
//! | [`http`] | what people and operators ask over HTTP |
//! | [`keys`] | API keys: their text, their settings, and whose one is |
//! | [`mail`] | addresses, and the letters that users get |
//! | [`oidc`] | signing in with accounts elsewhere |
//! | [`password`] | hashes in every format that applications left behind, a bounded pool that computes them, equal times for all answers, and what makes a good one |
//! | [`people`] | everything that can be done with users and sessions |
//! | [`sessions`] | tokens, limits, and whom a session shows |
//! | [`tokens`] | JWTs for programs and for the application behind, and the keys that sign them |
//! | [`users`] | names and roles |

#![warn(missing_docs)]

pub mod attempts;
mod authenticator;
mod config;
mod error;
pub mod factors;
pub mod http;
pub mod keys;
pub mod mail;
pub mod oidc;
pub mod password;
pub mod people;
pub mod sessions;
mod tables;
pub mod tokens;
pub mod users;

pub use authenticator::CredentialAuthenticator;
pub use config::{CookieName, IdentitySettings, Registration, SECTION, SIGN_IN_LIMITS};
pub use error::IdentityError;
pub use tables::{LEDGER, RULES};
