//! Signing in with accounts elsewhere (OpenID Connect): Google, and any other issuer.
//!
//! Who somebody is elsewhere is an issuer and a subject, never an address: addresses change hands. ID tokens are read by own code: one
//! algorithm for each kind of key, and a handful of claims.

mod config;
mod flow;
mod id_token;
mod issuer;
mod jwks;
mod kept;
pub(crate) mod table;

pub use config::{IssuerSettings, SECTION};
pub(crate) use flow::{FLOW_S, Flow, Purpose, challenge, fresh};
pub(crate) use id_token::{Expected, Refusal, Subject, verify};
pub(crate) use issuer::{Issuer, query};
