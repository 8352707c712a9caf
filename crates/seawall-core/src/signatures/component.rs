//! One part of a request that a signature covers (RFC 9421 section 2).

use std::fmt;

use http::HeaderName;

use super::{Bare, Parameters};
use crate::settings::{Raw, Setting, Shape};

/// A part of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Component {
    /// The method.
    Method,
    /// The whole URI.
    TargetUri,
    /// The host, and its port when it is not that of the scheme.
    Authority,
    /// `https` or `http`.
    Scheme,
    /// The path with the query.
    RequestTarget,
    /// The path.
    Path,
    /// The query, with its question mark.
    Query,
    /// One parameter of the query, by its name as it is encoded.
    QueryParameter(String),
    /// A header field: all its values.
    Field(HeaderName),
}

/// Why a part cannot be covered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadComponent {
    /// It is no text.
    #[error("a covered part is not named by text")]
    NoText,
    /// There is no such part of a request.
    #[error("\"{0}\" is no part of a request")]
    Unknown(String),
    /// It is covered in a way that is not verified here.
    #[error("the parameter \"{0}\" of a covered part is not supported")]
    Parameter(String),
    /// A parameter of the query is covered, without its name.
    #[error("\"@query-param\" has no name")]
    Unnamed,
}

impl Component {
    const DERIVED: [(&'static str, Self); 7] = [
        ("@method", Self::Method),
        ("@target-uri", Self::TargetUri),
        ("@authority", Self::Authority),
        ("@scheme", Self::Scheme),
        ("@request-target", Self::RequestTarget),
        ("@path", Self::Path),
        ("@query", Self::Query),
    ];

    /// Reads an item of the list in `Signature-Input`.
    ///
    /// # Errors
    /// [`BadComponent`].
    pub fn of_item(value: &Bare, parameters: &Parameters) -> Result<Self, BadComponent> {
        let Bare::Text(text) = value else { return Err(BadComponent::NoText) };
        let named = text == "@query-param";
        if let Some(other) = parameters.names().find(|name| !named || *name != "name") {
            return Err(BadComponent::Parameter(other.to_owned()));
        }
        match parameters.get("name") {
            Some(Bare::Text(name)) => Ok(Self::QueryParameter(name.clone())),
            _ if named => Err(BadComponent::Unnamed),
            _ => Self::parse(text),
        }
    }

    /// Reads the name of a part that needs no parameter.
    ///
    /// # Errors
    /// [`BadComponent`].
    pub fn parse(text: &str) -> Result<Self, BadComponent> {
        let unknown = || BadComponent::Unknown(text.chars().take(64).collect());
        if let Some((_, own)) = Self::DERIVED.iter().find(|(name, _)| *name == text) {
            return Ok(own.clone());
        }
        if text.starts_with('@') || text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(unknown());
        }
        text.parse().map(Self::Field).map_err(|_| unknown())
    }

    /// Whether whoever covers this covers `other` too.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::TargetUri, Self::Authority | Self::Scheme | Self::RequestTarget | Self::Path | Self::Query)
            | (Self::RequestTarget, Self::Path | Self::Query) => true,
            (one, other) => one == other,
        }
    }
}

/// As `Signature-Input` names it.
impl fmt::Display for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::QueryParameter(name) => write!(f, "\"@query-param\";name={}", Bare::Text(name.clone())),
            Self::Field(name) => write!(f, "\"{name}\""),
            derived => {
                let name = Self::DERIVED.iter().find(|(_, own)| own == derived).map_or("", |(name, _)| name);
                write!(f, "\"{name}\"")
            }
        }
    }
}

impl Setting for Component {
    const SHAPE: Shape = Shape::Text("part of a request", "@method");

    fn read(raw: &Raw) -> Result<Self, String> {
        let Raw::Text(text) = raw else {
            return Err(format!("expected text, such as \"@method\" or \"content-type\", found {}", raw.kind()));
        };
        Self::parse(text).map_err(|fault| {
            let names: Vec<_> = Self::DERIVED.iter().map(|(name, _)| *name).collect();
            format!("{fault}; write {}, or the name of a header field in small letters", names.join(", "))
        })
    }
}
