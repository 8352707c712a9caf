//! A document: its version, its schemas, and the operations that it describes.

mod operations;

pub use operations::bases;

use std::sync::Arc;

use http::Method;
use serde_json::Value;

use super::{
    Operation,
    compile::{Compiler, Dialect, DocumentError},
    formats::Formats,
    media::MediaTypes,
    operation::Body,
    paths::{Captured, Found, Paths},
};

/// The largest document.
pub const MOST_BYTES: usize = 5 * 1024 * 1024;

/// An OpenAPI document, compiled; by default one that describes nothing.
#[derive(Debug, Default)]
pub struct Document {
    paths: Paths,
    operations: Vec<Arc<Operation>>,
}

/// What a document has for a request.
#[derive(Debug)]
pub enum Described<'d> {
    /// This operation.
    Operation(&'d Arc<Operation>),
    /// The path, for other methods.
    OtherMethods,
    /// Nothing.
    Nothing,
}

impl Document {
    /// Reads an OpenAPI document of version 3.0 or 3.1, as JSON.
    ///
    /// # Errors
    /// [`DocumentError`] with the place in the document.
    pub fn read(bytes: &[u8], formats: &Formats) -> Result<Self, DocumentError> {
        let root = parse(bytes)?;
        let dialect = dialect(&root)?;
        let mut compiler = Compiler::new(&root, dialect, formats);
        let (paths, mut operations) = operations::read(&root, &mut compiler)?;
        let nodes = Arc::new(compiler.finish()?);
        for operation in &mut operations {
            operation.nodes = Arc::clone(&nodes);
            operations::settle(operation)?;
        }
        Ok(Self { paths, operations: operations.into_iter().map(Arc::new).collect() })
    }

    /// The operations.
    #[must_use]
    pub fn operations(&self) -> &[Arc<Operation>] {
        &self.operations
    }

    /// The methods that it has for a path.
    #[must_use]
    pub fn methods(&self, path: &str) -> Vec<Method> {
        self.paths.methods(path)
    }

    /// What it has for a request. The segments of the path that stand for parameters are added to `captured`.
    #[must_use]
    pub fn find<'p>(&self, method: &Method, path: &'p str, captured: &mut Captured<'p>) -> Described<'_> {
        match self.paths.find(method, path, captured) {
            Found::Operation(place) => self.operations.get(place).map_or(Described::Nothing, Described::Operation),
            Found::OtherMethods => Described::OtherMethods,
            Found::Nothing => Described::Nothing,
        }
    }
}

impl Operation {
    /// What a route takes whose body is described by a JSON Schema (2020-12) alone, and has to be there.
    ///
    /// # Errors
    /// [`DocumentError`] with the place in the schema.
    pub fn with_body_schema(bytes: &[u8], formats: &Formats) -> Result<Self, DocumentError> {
        let root = parse(bytes)?;
        let mut compiler = Compiler::new(&root, Dialect::Draft2020, formats);
        let node = compiler.schema("", &root)?;
        let nodes = Arc::new(compiler.finish()?);
        let types = ["application/json", "application/*", "*/*"].map(|name| (name.to_owned(), Some(node)));
        let body = Body { required: true, types: MediaTypes(types.into()) };
        Ok(Self { nodes, body: Some(body), ..Self::default() })
    }

    /// The same body, which may be absent; nothing else of the operation.
    pub(super) fn with_optional_body(&self) -> Self {
        let body = self.body.as_ref().map(|body| Body { required: false, types: body.types.clone() });
        Self { nodes: Arc::clone(&self.nodes), body, ..Self::default() }
    }
}

fn parse(bytes: &[u8]) -> Result<Value, DocumentError> {
    if bytes.len() > MOST_BYTES {
        return Err(DocumentError::new("", format!("the document is larger than {} MiB", MOST_BYTES / 1024 / 1024)));
    }
    // Deeper than 128 levels is an error of the parser's own.
    serde_json::from_slice(bytes).map_err(|error| {
        DocumentError::new("", format!("the document is not JSON: {error}; documents in YAML have to be converted"))
    })
}

fn dialect(root: &Value) -> Result<Dialect, DocumentError> {
    let version = root.get("openapi").and_then(Value::as_str);
    match version {
        Some(version) if version.starts_with("3.0.") => Ok(Dialect::OpenApi30),
        Some(version) if version.starts_with("3.1.") => Ok(Dialect::Draft2020),
        Some(version) => {
            Err(DocumentError::new("/openapi", format!("version {version:?} is not known; 3.0 and 3.1 are")))
        }
        None if root.get("swagger").is_some() => {
            Err(DocumentError::new("/swagger", "Swagger 2.0 is not known; convert the document to OpenAPI 3.0 or 3.1"))
        }
        None => Err(DocumentError::new("", "the document has no `openapi` with its version, such as \"3.1.0\"")),
    }
}
