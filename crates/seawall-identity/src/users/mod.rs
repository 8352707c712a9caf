//! Users: who may sign in.

mod name;
pub mod roles;
pub(crate) mod table;

pub use name::{BadName, Name};
pub use table::User;
