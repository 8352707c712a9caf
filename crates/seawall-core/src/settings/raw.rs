//! Values as configuration holds them, and what can be read from one.

use secrecy::{ExposeSecret, SecretString};

/// A value as it stands in a file, a variable or a default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Raw {
    /// `true` or `false`.
    Flag(bool),
    /// A whole number.
    Integer(i64),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Self>),
}

impl Raw {
    /// The kind of value, for messages.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Flag(_) => "true or false",
            Self::Integer(_) => "a number",
            Self::Text(_) => "text",
            Self::List(_) => "a list",
        }
    }
}

/// A default, as a constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Literal {
    /// No value: the field is left out unless given.
    Unset,
    /// `true` or `false`.
    Flag(bool),
    /// A whole number.
    Integer(i64),
    /// Text.
    Text(&'static str),
    /// A list of texts.
    Texts(&'static [&'static str]),
}

impl Literal {
    /// The value, or nothing when unset.
    #[must_use]
    pub fn raw(self) -> Option<Raw> {
        Some(match self {
            Self::Unset => return None,
            Self::Flag(flag) => Raw::Flag(flag),
            Self::Integer(integer) => Raw::Integer(integer),
            Self::Text(text) => Raw::Text(text.to_owned()),
            Self::Texts(texts) => Raw::List(texts.iter().map(|&text| Raw::Text(text.to_owned())).collect()),
        })
    }
}

/// The form of a value, for the reference and the JSON Schema.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shape {
    /// `true` or `false`.
    Flag,
    /// A whole number.
    Integer,
    /// Text of a named form, with an example: `("duration", "30s")`.
    Text(&'static str, &'static str),
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A list of values of one form.
    List(&'static Self),
    /// Text that must not be seen.
    Secret,
    /// A URL that may hold a password: of it only the host and the path may be seen.
    Address,
}

/// A type that a configuration value can be read into. The error says what is wrong and what is expected, without the
/// key: `"30 s" is not …`.
pub trait Setting: Sized {
    /// The form of the value.
    const SHAPE: Shape;

    /// Reads the value.
    ///
    /// # Errors
    /// A sentence for the person who wrote the value.
    fn read(raw: &Raw) -> Result<Self, String>;

    /// A measure to compare with bounds; nothing when the type has no order.
    fn measure(&self) -> Option<u64> {
        None
    }
}

/// Reads one word out of a fixed set.
///
/// # Errors
/// A sentence that lists the words.
pub fn choice<T: Copy>(raw: &Raw, words: &[(&str, T)]) -> Result<T, String> {
    let all = || words.iter().map(|(word, _)| format!("\"{word}\"")).collect::<Vec<_>>().join(", ");
    let Raw::Text(text) = raw else {
        return Err(format!("expected one of {}, found {}", all(), raw.kind()));
    };
    words
        .iter()
        .find(|(word, _)| word == text)
        .map(|&(_, value)| value)
        .ok_or_else(|| format!("\"{text}\" is not one of {}", all()))
}

/// A secret from configuration; never shown by `Debug`.
#[derive(Clone, Debug)]
pub struct Secret(SecretString);

impl Secret {
    /// The secret itself; for comparing and signing only.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl Setting for Secret {
    const SHAPE: Shape = Shape::Secret;

    fn read(raw: &Raw) -> Result<Self, String> {
        match raw {
            Raw::Text(text) if text.trim().is_empty() => Err("the secret is empty".to_owned()),
            Raw::Text(text) => Ok(Self(text.trim_end_matches(['\r', '\n']).to_owned().into())),
            other => Err(format!("expected text, found {}", other.kind())),
        }
    }
}

impl Setting for bool {
    const SHAPE: Shape = Shape::Flag;

    fn read(raw: &Raw) -> Result<Self, String> {
        match raw {
            Raw::Flag(flag) => Ok(*flag),
            other => Err(format!("expected true or false, found {}", other.kind())),
        }
    }
}

impl Setting for u64 {
    const SHAPE: Shape = Shape::Integer;

    fn read(raw: &Raw) -> Result<Self, String> {
        match raw {
            Raw::Integer(integer) => Self::try_from(*integer).map_err(|_| format!("{integer} is negative")),
            other => Err(format!("expected a number, found {}", other.kind())),
        }
    }

    fn measure(&self) -> Option<u64> {
        Some(*self)
    }
}

impl Setting for String {
    const SHAPE: Shape = Shape::Text("text", "");

    fn read(raw: &Raw) -> Result<Self, String> {
        match raw {
            Raw::Text(text) => Ok(text.clone()),
            other => Err(format!("expected text, found {}", other.kind())),
        }
    }
}

impl<T: Setting> Setting for Vec<T> {
    const SHAPE: Shape = Shape::List(&T::SHAPE);

    /// A single value reads as a list of one.
    fn read(raw: &Raw) -> Result<Self, String> {
        match raw {
            Raw::List(items) => items.iter().map(T::read).collect(),
            single => Ok(vec![T::read(single)?]),
        }
    }
}

impl<T: Setting> Setting for Option<T> {
    const SHAPE: Shape = T::SHAPE;

    fn read(raw: &Raw) -> Result<Self, String> {
        T::read(raw).map(Some)
    }

    fn measure(&self) -> Option<u64> {
        self.as_ref().and_then(T::measure)
    }
}
