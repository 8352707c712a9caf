//! Sessions: a random token in a cookie, of which only a digest is kept; when they end; and whom they show.

mod authenticator;
mod limits;
mod live;
mod revoker;
pub(crate) mod table;
mod token;

pub use authenticator::SessionAuthenticator;
pub use limits::{Limits, Preset};
pub(crate) use live::Live;
pub use revoker::Revoker;
pub use table::Session;
pub use token::Token;
pub(crate) use token::{Digest, digest_of, of as digest};
