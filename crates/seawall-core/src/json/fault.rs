//! Why a document is refused.

/// What is wrong with a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Nothing but white space.
    #[error("there is no value")]
    Empty,
    /// It ended in the middle.
    #[error("it ends in the middle of a value")]
    Cut,
    /// Something follows the value.
    #[error("something follows the value")]
    TrailingData,
    /// A character that cannot stand there.
    #[error("a character that cannot stand there")]
    Unexpected,
    /// A byte order mark, which some readers skip and others refuse (RFC 8259 section 8.1).
    #[error("a byte order mark")]
    ByteOrderMark,
    /// Bytes that are not UTF-8.
    #[error("bytes that are not UTF-8")]
    NotUtf8,
    /// A character below U+0020 that is not escaped.
    #[error("a control character that is not escaped")]
    ControlCharacter,
    /// The character U+0000, escaped or not: some stores end a text there.
    #[error("the character U+0000")]
    Null,
    /// A backslash before something that needs none.
    #[error("an escape that does not exist")]
    BadEscape,
    /// Half of a surrogate pair, which no Unicode text holds.
    #[error("half of a surrogate pair")]
    LoneSurrogate,
    /// `NaN` or `Infinity`, which are JavaScript's and not JSON's.
    #[error("a number that JSON does not have")]
    NotANumber,
    /// Digits that are no number.
    #[error("a number that is not written as one")]
    BadNumber,
    /// A number beyond what readers can hold in a 64-bit floating-point number.
    #[error("a number that is too large")]
    LargeNumber,
    /// A number with too many digits.
    #[error("a number with too many digits")]
    LongNumber,
    /// The same key twice in an object: readers take the first, the last, or both.
    #[error("the same key twice in an object")]
    DuplicateKey,
    /// Arrays and objects too deep in one another.
    #[error("arrays and objects too deep in one another")]
    TooDeep,
    /// An array with too many items.
    #[error("an array with too many items")]
    TooManyItems,
    /// An object with too many keys.
    #[error("an object with too many keys")]
    TooManyKeys,
    /// A string, or a key, that is too long.
    #[error("a string that is too long")]
    LongString,
}

/// A document that was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{fault} at byte {at}")]
pub struct Refusal {
    /// What is wrong.
    pub fault: Fault,
    /// Before which byte of the document it was found, counted from 0; of a string that is too long or not UTF-8, somewhere in it.
    pub at: u64,
}
