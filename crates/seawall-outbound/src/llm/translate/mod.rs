//! A call in the words of one dialect to a provider that speaks another: read into a neutral form, written again, and the answer the same way back.
//!
//! ```text
//! caller's words ──read──► conversation ──write──► provider's words
//! caller's words ◄─write── reply, deltas ◄──read── provider's words
//! ```
//!
//! Each dialect is read and written in a directory of its own. What a dialect cannot say is refused by its name; what means nothing elsewhere and does
//! no harm is dropped. Both are listed in the guide.
//!
//! | file | what it holds |
//! |---|---|
//! | `conversation.rs` | a question, in the neutral form |
//! | `reply.rs` | an answer, whole or delta by delta, in the neutral form |
//! | `openai/`, `anthropic/`, `gemini/` | questions, answers and streams of each dialect |
//! | `responses/` | OpenAI's other kind, which callers speak and providers are not asked in |
//! | `talk.rs` | a conversation's next answer: read, asked for, and told |
//! | `embeddings/`, `counts.rs` | vectors of texts, and counts of tokens |
//! | `members.rs`, `tree.rs`, `schema.rs` | JSON, read member by member, and written in order |
//! | `asking.rs` | a translated call, ready to be sent |
//! | `passing.rs`, `live.rs` | its answer, as a whole and as a stream |
//! | `trouble.rs` | errors of providers |

mod anthropic;
mod asking;
mod conversation;
mod counts;
mod embeddings;
mod gemini;
mod live;
mod members;
mod openai;
mod passing;
mod reply;
mod responses;
mod schema;
mod talk;
mod tree;
mod trouble;

#[cfg(test)]
mod tests;

pub(super) use asking::{asking, needed, operation};
pub(super) use live::Live;
pub(super) use passing::Translation;
