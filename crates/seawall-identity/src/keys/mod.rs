//! API keys: what a program shows in place of a person. The table keeps a public id and a digest of the secret; whoever makes a key
//! sees it once. Its owner's roles, and whether the owner is kept out, are looked at with each use.

mod authenticator;
mod checksum;
pub(crate) mod form;
mod live;
mod refusals;
pub(crate) mod table;
mod text;
mod wish;

pub(crate) use authenticator::KeyAuthenticator;
pub(crate) use live::Why;
pub use refusals::REFUSALS;
pub(crate) use refusals::{Refusals, Shown};
pub use table::ApiKey;
pub use text::{KeyKind, KeyText};
pub(crate) use wish::Wish;
pub use wish::{NewKey, OVERLAP, Overlap};
