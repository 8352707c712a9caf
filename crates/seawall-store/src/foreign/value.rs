//! Values, rows and keys as a foreign database gave them.

use std::fmt;

use crate::hex::{hex, unhex};

/// A value of a column.
#[derive(Clone, PartialEq)]
pub enum ForeignValue {
    /// No value.
    Null,
    /// A truth value, of PostgreSQL.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// A number with fractions, of SQLite.
    Real(f64),
    /// Text; whatever PostgreSQL has besides the others is in its own textual form.
    Text(String),
    /// Bytes, and text of SQLite that is not UTF-8.
    Bytes(Vec<u8>),
}

/// The chosen columns of one row, in the order in which they were chosen, and its key.
#[derive(Clone, PartialEq, Debug)]
pub struct ForeignRow {
    /// What the row is found by.
    pub key: ForeignKey,
    /// The values.
    pub values: Vec<ForeignValue>,
}

/// What a row is found by. Its text comes back by [`ForeignKey::parse`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ForeignKey {
    /// A whole number.
    Integer(i64),
    /// Text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

impl ForeignValue {
    /// As text: nothing for NULL, and nothing that could be read for bytes.
    ///
    /// # Errors
    /// The bytes are no UTF-8.
    pub fn text(&self) -> Result<Option<String>, std::str::Utf8Error> {
        Ok(match self {
            Self::Null => None,
            Self::Bool(flag) => Some(flag.to_string()),
            Self::Integer(number) => Some(number.to_string()),
            Self::Real(number) => Some(number.to_string()),
            Self::Text(text) => Some(text.clone()),
            Self::Bytes(bytes) => Some(std::str::from_utf8(bytes)?.to_owned()),
        })
    }

    /// As a key; nothing for what cannot be one.
    pub(super) fn key(&self) -> Option<ForeignKey> {
        match self {
            Self::Integer(number) => Some(ForeignKey::Integer(*number)),
            Self::Text(text) => Some(ForeignKey::Text(text.clone())),
            Self::Bytes(bytes) => Some(ForeignKey::Bytes(bytes.clone())),
            Self::Null | Self::Bool(_) | Self::Real(_) => None,
        }
    }
}

// It may be a stored password.
impl fmt::Debug for ForeignValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Null => "Null",
            Self::Bool(_) => "Bool",
            Self::Integer(_) => "Integer",
            Self::Real(_) => "Real",
            Self::Text(_) => "Text",
            Self::Bytes(_) => "Bytes",
        })
    }
}

impl ForeignKey {
    /// Reads what [`fmt::Display`] wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, rest) = text.split_once(':')?;
        match kind {
            "i" => rest.parse().ok().map(Self::Integer),
            "t" => Some(Self::Text(rest.to_owned())),
            "b" => unhex(rest).map(Self::Bytes),
            _ => None,
        }
    }

    /// As people read it.
    #[must_use]
    pub fn shown(&self) -> String {
        match self {
            Self::Integer(number) => number.to_string(),
            Self::Text(text) => text.clone(),
            Self::Bytes(bytes) => hex(bytes),
        }
    }
}

impl fmt::Display for ForeignKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(number) => write!(f, "i:{number}"),
            Self::Text(text) => write!(f, "t:{text}"),
            Self::Bytes(bytes) => write!(f, "b:{}", hex(bytes)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_back_from_their_text() {
        for key in [ForeignKey::Integer(-7), ForeignKey::Text("a:b".to_owned()), ForeignKey::Bytes(vec![0, 255])] {
            assert_eq!(ForeignKey::parse(&key.to_string()), Some(key));
        }
        assert_eq!(["", "7", "i:x", "b:0", "z:1"].map(ForeignKey::parse), [const { None }; 5]);
    }
}
