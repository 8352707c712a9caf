//! OpenAI's responses, as its current libraries ask by default. They are words of callers only: a server that speaks like OpenAI is asked by chat
//! completions, which all of them have.

mod echo;
mod question;
mod reply;
mod stream;

pub(super) use echo::Echo;
pub(super) use question::read;
pub(super) use reply::write as write_reply;
pub(super) use stream::Writer;
