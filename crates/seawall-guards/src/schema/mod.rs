//! Requests as a document describes them (checklist PL-2, RG-10, PM-6): an OpenAPI document of the application, or a JSON Schema of a body.
//!
//! A document is compiled when configuration loads. Of a request, its path, query, headers and cookies are looked at before
//! anything is sent on ([`Operation::head`]), its body once it is there ([`Operation::body`]), and answers are compared with
//! what was promised ([`Operation::answer`]). What is wrong is told field by field, by rule and by class, never by value.
//!
//! Fields that no schema names are refused, taken out or allowed ([`UnknownFields`]). A schema that names fields and says nothing of
//! others is closed at the outermost schema for a value: `allOf` of two schemas knows the fields of both.
//!
//! Nothing is fetched here: who compiles a document brings its bytes, and references stay inside it. No document and no value takes more time than its size allows:
//! patterns are matched without going back, and looks at a value are counted.

mod at;
mod check;
mod class;
mod compile;
mod config;
mod document;
mod drift;
mod fault;
mod faulty;
mod form;
mod formats;
mod guard;
mod instance;
mod kinds;
mod look;
mod media;
mod names;
mod node;
mod number;
mod operation;
mod pairs;
mod parameter;
mod parameters;
mod paths;
mod pattern;
mod percent;
mod source;
#[cfg(test)]
mod tests;

pub use check::UnknownFields;
pub use compile::DocumentError;
pub use config::{BODY, ENTRY, SECTION, UNKNOWN_FIELDS, Undocumented, document_of, values, wait_of};
pub use document::{Described, Document, MOST_BYTES, bases};
pub(crate) use drift::Promised;
pub use drift::{DRIFT, Differs, Drift, DriftReport, Finding, Told};
pub use fault::{Fault, Faults, MOST_FAULTS, Place};
pub use formats::{Format, FormatCheck, Formats};
pub use guard::{Reading, SchemaGuard, VALIDATION_FAILED};
pub use look::Aside;
pub use media::is_json;
pub use operation::{Operation, Takes};
pub use parameters::Parts;
pub use paths::Captured;
pub use source::DocumentSource;
