//! What loading reads: the file's text, `.env`, variables, command line values, and a way to files with secrets.

use std::{fmt, io, path::Path};

use seawall_core::settings::Raw;

/// Everything that loading depends on.
pub struct Inputs<'a> {
    /// The configuration file, when there is one.
    pub file: Option<SourceText>,
    /// The application's `.env` file, when there is one.
    pub dotenv: Option<SourceText>,
    /// The process's environment; names that do not concern Seawall are passed over.
    pub variables: Vec<(String, String)>,
    /// Values from the command line.
    pub overrides: Vec<Override>,
    /// Reads a file that holds a secret.
    pub read_file: &'a dyn Fn(&Path) -> io::Result<String>,
}

/// A text with the name that messages call it by.
#[derive(Clone)]
pub struct SourceText {
    /// The name, usually the path as the operator wrote it.
    pub name: String,
    /// The text.
    pub text: String,
}

/// One value from the command line.
#[derive(Clone)]
pub struct Override {
    /// The section's name; empty for a key at the top.
    pub section: String,
    /// The field's key.
    pub key: String,
    /// The value; a text is read as a variable's text would be.
    pub value: Raw,
    /// The option as the operator wrote it: `--to`.
    pub name: String,
}

impl SourceText {
    /// A text and its name.
    #[must_use]
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { name: name.into(), text: text.into() }
    }
}

impl Default for Inputs<'_> {
    /// Nothing at all, and no access to files.
    fn default() -> Self {
        Self { file: None, dotenv: None, variables: Vec::new(), overrides: Vec::new(), read_file: &no_files }
    }
}

fn no_files(_: &Path) -> io::Result<String> {
    Err(io::ErrorKind::Unsupported.into())
}

// What stands in these may be secret, so only names are shown.

impl fmt::Debug for Inputs<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inputs")
            .field("file", &self.file)
            .field("dotenv", &self.dotenv)
            .field("overrides", &self.overrides)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for SourceText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SourceText").field("name", &self.name).finish_non_exhaustive()
    }
}

impl fmt::Debug for Override {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Override")
            .field("name", &self.name)
            .field("section", &self.section)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}
