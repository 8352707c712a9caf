//! OpenAI's chat completions.

mod question;
mod reply;
mod stream;

pub(super) use question::{choice, effort, extra_content, read, signature, write};
pub(super) use reply::{read as read_reply, write as write_reply};
pub(super) use stream::{Reader, Writer};
