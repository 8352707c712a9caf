//! Dictionaries of structured fields (RFC 9651 section 3.2): a small, strict reader. What signatures have no use for (decimals, dates,
//! display strings) is refused, and so is whatever could be read in two ways: a name or a parameter that stands twice.

use std::fmt::{self, Write};

use base64::{Engine, engine::general_purpose::STANDARD};

/// The most members of a dictionary.
const MOST_MEMBERS: usize = 16;
/// The most items of an inner list.
const MOST_ITEMS: usize = 64;
/// The most parameters of one item.
const MOST_PARAMETERS: usize = 16;

/// A value without parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bare {
    /// A whole number of at most 15 digits.
    Integer(i64),
    /// Text in quotes.
    Text(String),
    /// A word without quotes.
    Token(String),
    /// Bytes, in base64 between colons.
    Bytes(Vec<u8>),
    /// `?1` or `?0`.
    Flag(bool),
}

/// Parameters, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parameters(Vec<(String, Bare)>);

/// What a member of a dictionary is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// One item.
    Item(Bare),
    /// Several items, each with its parameters.
    List(Vec<(Bare, Parameters)>),
}

/// A member of a dictionary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: Value,
    /// Its parameters.
    pub parameters: Parameters,
}

/// Why a field is no dictionary that is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}, at byte {at}")]
pub struct BadField {
    /// What is wrong.
    pub what: &'static str,
    /// Where, in the field's values joined by a comma and a space.
    pub at: usize,
}

/// Reads a dictionary from the values of a field, in their order.
///
/// # Errors
/// [`BadField`].
pub fn dictionary<'a>(values: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<Member>, BadField> {
    let joined = values.into_iter().collect::<Vec<_>>().join(&b", "[..]);
    let mut reader = Reader { bytes: &joined, at: 0 };
    reader.spaces();
    let mut members: Vec<Member> = Vec::new();
    while reader.peek().is_some() {
        if members.len() == MOST_MEMBERS {
            return reader.bad("there are more than 16 members");
        }
        let member = reader.member()?;
        if members.iter().any(|other| other.name == member.name) {
            return reader.bad("a name stands twice");
        }
        members.push(member);
        reader.white();
        match reader.next() {
            None => break,
            Some(b',') => reader.white(),
            Some(_) => return reader.bad("something else than a comma stands between two members"),
        }
        if reader.peek().is_none() {
            return reader.bad("nothing follows the last comma");
        }
    }
    Ok(members)
}

impl Parameters {
    /// The parameter of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Bare> {
        self.0.iter().find(|(own, _)| own == name).map(|(_, value)| value)
    }

    /// The names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }
}

/// As RFC 9651 section 4.1.3.1 writes it.
impl fmt::Display for Bare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(number) => write!(f, "{number}"),
            Self::Token(token) => f.write_str(token),
            Self::Bytes(bytes) => write!(f, ":{}:", STANDARD.encode(bytes)),
            Self::Flag(flag) => f.write_str(if *flag { "?1" } else { "?0" }),
            Self::Text(text) => {
                f.write_char('"')?;
                for char in text.chars() {
                    if matches!(char, '"' | '\\') {
                        f.write_char('\\')?;
                    }
                    f.write_char(char)?;
                }
                f.write_char('"')
            }
        }
    }
}

/// As RFC 9651 section 4.1.1.2 writes them.
impl fmt::Display for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|(name, value)| match value {
            Bare::Flag(true) => write!(f, ";{name}"),
            value => write!(f, ";{name}={value}"),
        })
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn bad<T>(&self, what: &'static str) -> Result<T, BadField> {
        Err(BadField { what, at: self.at })
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    fn skip(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    fn spaces(&mut self) {
        while self.skip(b' ') {}
    }

    fn white(&mut self) {
        while self.skip(b' ') || self.skip(b'\t') {}
    }

    fn while_in(&mut self, taken: impl Fn(u8) -> bool) -> String {
        let mut text = String::new();
        while let Some(byte) = self.peek().filter(|&byte| taken(byte)) {
            text.push(char::from(byte));
            self.at += 1;
        }
        text
    }

    fn member(&mut self) -> Result<Member, BadField> {
        let name = self.key()?;
        let value = if !self.skip(b'=') {
            Value::Item(Bare::Flag(true))
        } else if self.skip(b'(') {
            Value::List(self.list()?)
        } else {
            Value::Item(self.bare()?)
        };
        Ok(Member { name, value, parameters: self.parameters()? })
    }

    fn list(&mut self) -> Result<Vec<(Bare, Parameters)>, BadField> {
        let mut items = Vec::new();
        loop {
            self.spaces();
            if self.skip(b')') {
                return Ok(items);
            }
            if items.len() == MOST_ITEMS {
                return self.bad("a list has more than 64 items");
            }
            items.push((self.bare()?, self.parameters()?));
            if !matches!(self.peek(), Some(b' ' | b')')) {
                return self.bad("a list is not closed");
            }
        }
    }

    fn parameters(&mut self) -> Result<Parameters, BadField> {
        let mut parameters = Vec::new();
        while self.skip(b';') {
            self.spaces();
            let name = self.key()?;
            let value = if self.skip(b'=') { self.bare()? } else { Bare::Flag(true) };
            if parameters.len() == MOST_PARAMETERS {
                return self.bad("there are more than 16 parameters");
            }
            if parameters.iter().any(|(other, _)| *other == name) {
                return self.bad("a parameter stands twice");
            }
            parameters.push((name, value));
        }
        Ok(Parameters(parameters))
    }

    fn key(&mut self) -> Result<String, BadField> {
        if !self.peek().is_some_and(|byte| byte.is_ascii_lowercase() || byte == b'*') {
            return self.bad("a name does not begin with a small letter");
        }
        Ok(self.while_in(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-.*".contains(&byte)))
    }

    fn bare(&mut self) -> Result<Bare, BadField> {
        match self.peek() {
            Some(b'"') => self.text(),
            Some(b':') => self.binary(),
            Some(b'-' | b'0'..=b'9') => self.integer(),
            Some(b'?') => self.flag(),
            Some(byte) if byte.is_ascii_alphabetic() || byte == b'*' => {
                let taken = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~:/".contains(&byte);
                Ok(Bare::Token(self.while_in(taken)))
            }
            _ => self.bad("a value is missing"),
        }
    }

    fn text(&mut self) -> Result<Bare, BadField> {
        self.at += 1;
        let mut text = String::new();
        loop {
            let byte = match self.next() {
                Some(b'"') => return Ok(Bare::Text(text)),
                Some(b'\\') => match self.next() {
                    Some(byte @ (b'"' | b'\\')) => byte,
                    _ => return self.bad("a backslash stands before something else than a quote or a backslash"),
                },
                Some(byte @ b' '..=b'~') => byte,
                Some(_) => return self.bad("text has a character that is not printable ASCII"),
                None => return self.bad("text is not closed"),
            };
            text.push(char::from(byte));
        }
    }

    fn binary(&mut self) -> Result<Bare, BadField> {
        self.at += 1;
        let text = self.while_in(|byte| byte != b':');
        if !self.skip(b':') {
            return self.bad("bytes are not closed");
        }
        STANDARD.decode(text).map_or_else(|_| self.bad("bytes are no base64"), |bytes| Ok(Bare::Bytes(bytes)))
    }

    fn integer(&mut self) -> Result<Bare, BadField> {
        let negative = self.skip(b'-');
        let digits = self.while_in(|byte| byte.is_ascii_digit());
        if self.peek() == Some(b'.') {
            return self.bad("a number has a fraction");
        }
        match digits.parse::<i64>() {
            Ok(number) if digits.len() <= 15 => Ok(Bare::Integer(if negative { -number } else { number })),
            _ => self.bad("a number has no digit, or more than 15"),
        }
    }

    fn flag(&mut self) -> Result<Bare, BadField> {
        self.at += 1;
        match self.next() {
            Some(b'0') => Ok(Bare::Flag(false)),
            Some(b'1') => Ok(Bare::Flag(true)),
            _ => self.bad("a question mark stands before something else than 0 or 1"),
        }
    }
}
