//! A call as the fake saw it.

use bytes::Bytes;

/// A request, and how its answer ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The method.
    pub method: String,
    /// The path with its query.
    pub path: String,
    /// All fields in order, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body; empty until it has come whole.
    pub body: Bytes,
    /// The status of the answer; nothing before there is one.
    pub status: Option<u16>,
    /// How it ended.
    pub ending: Ending,
}

/// How an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It has not.
    Open,
    /// All of it was handed to the connection.
    Whole,
    /// The fake closed the connection in the middle, as it was asked to.
    Cut,
    /// The client left before the end.
    Left,
}

impl Call {
    /// The first field of this name, which is in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON; null when it is none.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}
