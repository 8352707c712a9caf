//! Where a document is: in a file, or at a path of the application itself.

use std::fmt;

use http::uri::PathAndQuery;
use seawall_core::settings::{Raw, Setting, Shape};

/// What stands before a path of the application. A file of such a name is reached as `./upstream:…`.
const APPLICATION: &str = "upstream:";

/// Where a document is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DocumentSource {
    /// Nowhere: there is none.
    None,
    /// In this file, relative to the configuration file.
    File(String),
    /// At this path of the application, `upstream:/openapi.json`.
    Application(PathAndQuery),
}

impl DocumentSource {
    /// Whether there is none.
    #[must_use]
    pub const fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }

    /// The path of the application, when it is there.
    #[must_use]
    pub const fn of_application(&self) -> Option<&PathAndQuery> {
        match self {
            Self::Application(path) => Some(path),
            Self::None | Self::File(_) => None,
        }
    }

    fn parse(text: &str) -> Result<Self, String> {
        let Some(path) = text.strip_prefix(APPLICATION) else {
            return Ok(if text.is_empty() { Self::None } else { Self::File(text.to_owned()) });
        };
        let sound = path.starts_with('/') && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
        let path = path.parse().ok().filter(|_| sound);
        path.map(Self::Application).ok_or_else(|| {
            format!("\"{text}\": after `{APPLICATION}` comes a path of the application, such as \"{APPLICATION}/openapi.json\"")
        })
    }
}

impl fmt::Display for DocumentSource {
    /// As it is written.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => Ok(()),
            Self::File(path) => f.write_str(path),
            Self::Application(path) => write!(f, "{APPLICATION}{path}"),
        }
    }
}

impl Setting for DocumentSource {
    const SHAPE: Shape = Shape::Text("file or path of the application", "openapi.json");

    fn read(raw: &Raw) -> Result<Self, String> {
        match raw {
            Raw::Text(text) => Self::parse(text),
            other => Err(format!("expected a file or a path of the application as text, found {}", other.kind())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<DocumentSource, String> {
        DocumentSource::read(&Raw::Text(text.to_owned()))
    }

    #[test]
    fn a_document_is_a_file_or_a_path_of_the_application() {
        assert_eq!(read(""), Ok(DocumentSource::None));
        for file in ["openapi.json", "/etc/app/openapi.json", "./upstream:/openapi.json", "unix:/a"] {
            assert_eq!(read(file), Ok(DocumentSource::File(file.to_owned())));
        }
        let source = read("upstream:/v1/openapi.json?all=1").unwrap();
        assert_eq!(source.of_application().map(PathAndQuery::as_str), Some("/v1/openapi.json?all=1"));
        assert_eq!(source.to_string(), "upstream:/v1/openapi.json?all=1");
        for wrong in ["upstream:", "upstream:openapi.json", "upstream:http://other/", "upstream:/a b", "upstream:/a#b"]
        {
            assert!(read(wrong).unwrap_err().contains("upstream:/openapi.json"), "{wrong}");
        }
    }
}
