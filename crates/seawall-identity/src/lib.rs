//! Identity: who uses an application, and how they prove it.
//!
//! | module | what it holds |
//! |---|---|
//! | [`attempts`] | who has tried too often |
//! | [`import`] | users of other systems, a batch in each transaction |
//! | [`http`] | what people and operators ask over HTTP |
//! | [`password`] | hashes in every format that applications left behind, a bounded pool that computes them, equal times for all answers, and what makes a good one |
//! | [`people`] | everything that can be done with users and sessions |
//! | [`sessions`] | tokens, limits, and whom a session shows |
//! | [`users`] | names and roles |

#![warn(missing_docs)]

pub mod attempts;
mod config;
mod error;
pub mod http;
pub mod import;
pub mod password;
pub mod people;
pub mod sessions;
mod tables;
pub mod users;

pub use config::{CookieName, IdentitySettings, Registration, SECTION, SIGN_IN_LIMITS};
pub use error::IdentityError;
pub use tables::{LEDGER, RULES};
