//! A fake LLM: OpenAI, Anthropic and Gemini on one port, so that everything that calls a model runs offline and can be
//! made to fail.
//!
//! It answers with what it was asked (`You said: …`), in each dialect's own shapes, whole and streamed. The same call
//! gets the same answer, byte for byte, except for the request's id. A token is four characters, in usage and in streams.
//!
//! | in the last text of the user | the answer |
//! |---|---|
//! | `say: TEXT` | TEXT |
//! | a tool's name, or the words `use a tool`, and the call brings tools | a call of the tool, with arguments that fit its schema |
//! | a tool's result | `The tool said: …` |
//! | anything, and JSON is asked for | JSON, by the schema if there is one |
//! | anything else | `You said: …` |
//!
//! What goes wrong is chosen by the model's name: [`WORDS`] has the words, and [`Behaviour::parse`] reads them. Names of
//! real models work, and `gpt-5-fake-429` is a real one with a fault.

#![expect(
    clippy::indexing_slicing,
    reason = "JSON gives null for what it lacks, and is written only where it was made an object"
)]

mod answer;
mod anthropic;
mod ask;
mod behaviour;
mod body;
mod call;
mod dialect;
mod frame;
mod gemini;
mod guide;
mod openai;
mod refused;
mod reply;
mod route;
mod sample;
mod server;
mod state;
mod steps;
mod studio;

pub use behaviour::{Behaviour, Says, Trouble, UnknownModel};
pub use call::{Call, Ending};
pub use guide::{WORDS, how_to_use, words};
pub use server::Llm;
