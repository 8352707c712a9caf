//! What people ask under `PREFIX/auth/`, and what operators ask under `/api/users` of the admin interface.

mod account;
mod cookie;
mod import;
mod operator;
mod problems;
mod request;
mod wire;

pub use account::router;
pub use cookie::SessionCookie;
pub use operator::router as operator_router;
pub use problems::PROBLEMS;
