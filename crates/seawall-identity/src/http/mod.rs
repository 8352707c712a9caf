//! What people ask under `PREFIX/auth/`, and what operators ask under `/api/users` of the admin interface.

mod account;
mod answers;
mod cookie;
mod devices;
mod factors;
mod import;
mod keys;
mod links;
mod mail;
mod mail_problems;
mod oidc;
mod oidc_problems;
mod onward;
mod operator;
mod operator_keys;
mod operator_organisations;
mod organisations;
mod page_tokens;
mod pages;
mod passkey_problems;
mod passkeys;
mod problems;
mod request;
mod signing_keys;
mod steps;
mod tokens;
mod wire;

pub use account::router;
pub use cookie::SessionCookie;
pub use mail_problems::MAIL_PROBLEMS;
pub use oidc_problems::OIDC_PROBLEMS;
pub use operator::router as operator_router;
pub use pages::{PageSettings, SECTION as PAGES_SECTION, Theme, ThemeError};
pub use passkey_problems::PASSKEY_PROBLEMS;
pub use problems::{PROBLEMS, invalid_input};

/// What is sent to these paths and what they answer, as schemas of OpenAPI 3.1 by their names: beside `wire`, which writes the answers.
pub const SCHEMAS: &str = include_str!("schemas.json");
