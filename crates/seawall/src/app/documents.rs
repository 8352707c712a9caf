//! The applications' documents that settings name: each read and compiled once for a configuration, whichever routes and cores use it.

mod fetch;

use std::{
    collections::BTreeMap,
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use seawall_guards::schema::{Document, DocumentSource, Formats, MOST_BYTES, Operation};
use serde_json::Value;

pub(crate) use fetch::fetched;
pub(super) use fetch::{DocumentFault, Patience, fetch};

/// The documents of one configuration.
#[derive(Debug)]
pub(super) struct Documents {
    directory: PathBuf,
    /// Whether the application is never asked, so that what it would give describes nothing.
    files_alone: bool,
    known: Mutex<BTreeMap<String, Result<Arc<Document>, String>>>,
    schemas: Mutex<BTreeMap<String, Result<Arc<Operation>, String>>>,
    /// What the application gave, by its path.
    given: Mutex<BTreeMap<String, Bytes>>,
}

impl Documents {
    /// Of a configuration whose relative paths begin here. What the application gives itself is to be fetched before it is asked for.
    pub(super) fn new(directory: &Path) -> Self {
        Self {
            directory: directory.to_owned(),
            files_alone: false,
            known: Mutex::default(),
            schemas: Mutex::default(),
            given: Mutex::default(),
        }
    }

    /// The same where no application is asked.
    pub(super) fn of_files(directory: &Path) -> Self {
        Self { files_alone: true, ..Self::new(directory) }
    }

    /// The document from there.
    ///
    /// # Errors
    /// What is wrong with the file or the document, and where.
    pub(super) fn get(&self, source: &DocumentSource) -> Result<Arc<Document>, String> {
        if self.files_alone && source.of_application().is_some() {
            return Ok(Arc::new(Document::default()));
        }
        let mut known = lock(&self.known);
        known.entry(source.to_string()).or_insert_with(|| self.read(source)).clone()
    }

    /// The JSON Schema of bodies in this file.
    ///
    /// # Errors
    /// What is wrong with the file or the schema, and where.
    pub(super) fn body_schema(&self, path: &str) -> Result<Arc<Operation>, String> {
        let mut known = lock(&self.schemas);
        let read = || {
            let schema = Operation::with_body_schema(&self.file(path)?, &Formats::standard());
            schema.map(Arc::new).map_err(|error| format!("\"{path}\" cannot be used: {error}"))
        };
        known.entry(path.to_owned()).or_insert_with(read).clone()
    }

    /// A document as it is written.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub(super) fn value(&self, source: &DocumentSource) -> Result<Value, String> {
        serde_json::from_slice(&self.bytes(source)?).map_err(|error| format!("\"{source}\" cannot be used: {error}"))
    }

    /// Keeps what the application gave at a path of its own.
    fn keep(&self, path: &str, bytes: Bytes) {
        lock(&self.given).insert(path.to_owned(), bytes);
    }

    fn read(&self, source: &DocumentSource) -> Result<Arc<Document>, String> {
        let document = Document::read(&self.bytes(source)?, &Formats::standard());
        document.map(Arc::new).map_err(|error| format!("\"{source}\" cannot be used: {error}"))
    }

    fn bytes(&self, source: &DocumentSource) -> Result<Bytes, String> {
        match source {
            DocumentSource::None => Err("no document is named".to_owned()),
            DocumentSource::File(path) => self.file(path).map(Bytes::from),
            DocumentSource::Application(path) => {
                lock(&self.given).get(path.as_str()).cloned().ok_or_else(|| format!("\"{source}\" was not fetched"))
            }
        }
    }

    /// What is in the file.
    fn file(&self, path: &str) -> Result<Vec<u8>, String> {
        let mut bytes = Vec::new();
        // One byte more than is allowed tells that there is more.
        let most = MOST_BYTES as u64 + 1;
        let read = File::open(self.directory.join(path)).and_then(|file| file.take(most).read_to_end(&mut bytes));
        read.map_err(|error| format!("\"{path}\" cannot be read: {error}"))?;
        Ok(bytes)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
