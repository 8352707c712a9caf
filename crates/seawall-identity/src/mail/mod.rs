//! Mail: addresses, errands for the outbox, and the letters that come of them.
//!
//! A transaction posts an errand; the letter is made when it is sent, and with it the token of its link. So the outbox holds nothing
//! that opens an account, and a letter that is late still serves.

mod address;
mod config;
mod errand;
mod postman;
pub(crate) mod table;
mod texts;

pub use address::Email;
pub use config::{MailSettings, SiteUrl};
pub use errand::TOPIC;
pub(crate) use errand::{Errand, Notice};
pub use postman::Postman;
pub(crate) use postman::Told;
pub use texts::test as test_letter;
pub(crate) use texts::{Heading, notice, reset, verify};
