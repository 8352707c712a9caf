//! Tokens for programs and proof for the application: signed with keys that are kept sealed, verified without a look at the store.
//!
//! An access token is a JWT of a quarter of an hour, and shows a session: the session decides, not what the token says. A refresh token
//! is derived from a secret, the session and a counter, so it is kept nowhere and can be given twice. JWTs are read by own code: one
//! algorithm, one form of header and a handful of claims need no library that knows all of JOSE.

mod access;
mod authenticator;
mod config;
mod family;
mod jwt;
mod key;
mod keys;
mod proof;
mod refresh;
mod ring;
mod secrets;
mod table;

pub(crate) use access::{Access, Bearer, LIFE_S, Names};
pub(crate) use authenticator::TokenAuthenticator;
pub use config::{Browser, SignInPage, TokenName};
pub(crate) use family::{Family, Judged, digest_of_session, family, give, judge, rotate};
pub(crate) use jwt::{Kind, sign};
pub(crate) use keys::KEPT;
pub(crate) use proof::Proofs;
pub(crate) use refresh::RefreshToken;
pub use ring::{KeyRing, Rotation};
pub(crate) use secrets::TokenSecrets;
pub use table::KeyShown;
