//! Gemini's `generateContent` and `streamGenerateContent`.

mod question;
mod reply;
mod stream;

pub(super) use question::{read, write};
pub(super) use reply::{read as read_reply, write as write_reply};
pub(super) use stream::{Reader, Writer};
