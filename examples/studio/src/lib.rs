//! A studio for hardware products: people describe what they want to build, and language models say whether it can be built, ask back,
//! draw it, and write its specification.
//!
//! It is an example of an application behind Seawall, so what is not here matters: nobody signs in here, nothing is limited, no call is
//! tried again, no header protects a page, and no key of a provider is known. Seawall does all of that in front of it and behind it.
//!
//! | file | what it holds |
//! |---|---|
//! | `project.rs` | a project, and the step at which it stands |
//! | `reading.rs` | what models answer, read with doubt |
//! | `models.rs` | what models are asked |
//! | `gateway.rs`, `failure.rs` | calls through Seawall, and what people are told of those that fail |
//! | `store.rs` | projects in SQLite |
//! | `person.rs` | who asks, as Seawall tells it |
//! | `steps.rs` | what each button does |
//! | `pages/`, `markup.rs` | what people see |
//! | `document.rs` | the OpenAPI document, by which Seawall holds requests to their limits |
//! | `server.rs` | all of it together |

mod document;
mod error;
mod failure;
mod gateway;
mod markup;
mod models;
mod pages;
mod person;
mod project;
mod reading;
mod server;
mod steps;
mod store;

pub use server::{Settings, router, serve};

/// Where questions are asked unless `STUDIO_REFINE_PATH` says otherwise: a route of Seawall's that counts the rounds of a conversation.
pub const REFINE_PATH: &str = "/llm/refine/v1/chat/completions";
