//! The application's OpenAPI document with what Seawall adds (checklist RG-18): the answers of guards that can refuse an operation, the
//! fields that every answer has, how requests show who they are from, limits of bodies, and Seawall's own paths. It is made when
//! configuration loads; what an operation says itself stays as it is.

mod added;
mod answers;
mod closed;
mod config;
mod merge;
mod own;
mod shapes;

use std::sync::Arc;

use bytes::Bytes;
use seawall_config::Config;
use seawall_core::authenticator::Credentials;
use seawall_guards::schema;
use seawall_proxy::Router;
use serde_json::{Value, json};

pub(super) use config::SECTION;

use self::merge::Merge;
use super::{AppError, documents::Documents};

/// What the document is made of.
#[derive(Debug)]
pub(super) struct Parts<'a> {
    pub(super) config: &'a Config,
    pub(super) documents: &'a Documents,
    pub(super) router: &'a Router,
    pub(super) prefix: &'a str,
    /// How people and programs show who they are, when they can.
    pub(super) credentials: Option<Credentials>,
}

/// The document, when it is published.
///
/// # Errors
/// [`AppError`] when the settings are not checked ones, or the application's document is gone since it was compiled.
pub(super) fn document(parts: &Parts<'_>) -> Result<Option<Arc<Bytes>>, AppError> {
    if !config::published(parts.config.values(&SECTION), parts.config.environment())? {
        return Ok(None);
    }
    let source = schema::document_of(parts.config.values(&schema::SECTION))?;
    let application =
        if source.is_none() { bare() } else { parts.documents.value(&source).map_err(AppError::Document)? };
    let merged = Merge::new(parts, application).finish()?;
    Ok(Some(Arc::new(Bytes::from(merged.to_string()))))
}

/// An application that says nothing of itself.
fn bare() -> Value {
    json!({ "openapi": "3.1.0", "info": { "title": "Seawall", "version": env!("CARGO_PKG_VERSION") }, "paths": {} })
}
