//! Why a form is refused.

/// What is wrong with a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// More fields than the limit.
    #[error("too many fields")]
    TooManyFields,
    /// More files than the limit.
    #[error("too many files")]
    TooManyFiles,
    /// A name or value beyond the limit.
    #[error("a name or a value that is too long")]
    LongText,
    /// A name with too many brackets.
    #[error("a name with too many brackets")]
    TooDeep,
    /// A name that stands twice, where that is not taken.
    #[error("the same name twice")]
    DuplicateName,
    /// Bytes that are not UTF-8.
    #[error("bytes that are not UTF-8")]
    NotUtf8,
    /// The character U+0000, encoded or not: some stores end a text there.
    #[error("the character U+0000")]
    Null,
    /// A control character that is not encoded.
    #[error("a control character that is not encoded")]
    ControlCharacter,
    /// A percent sign without two hexadecimal digits behind it.
    #[error("a percent sign without two digits behind it")]
    BadPercent,
    /// Something before the first boundary: some readers skip it, others read it.
    #[error("something stands before the first boundary")]
    Preamble,
    /// A boundary that some readers take for one and others do not.
    #[error("a boundary that is not on a line of its own")]
    BadDelimiter,
    /// Something behind the last boundary.
    #[error("something stands behind the last boundary")]
    Epilogue,
    /// The last boundary is missing.
    #[error("it ends before its last boundary")]
    Cut,
    /// A part's head beyond 8 KiB.
    #[error("the head of a part is too large")]
    LargeHead,
    /// A part's head that is not made of lines with a name, a colon and a value.
    #[error("the head of a part is not written as one")]
    BadHead,
    /// A part whose head does not say `Content-Disposition: form-data` with a name.
    #[error("a part without a name")]
    NoName,
    /// A field, or a parameter, that stands twice in the head of a part: readers take the first or the last.
    #[error("the head of a part says something twice")]
    TwiceInHead,
    /// A parameter in the coding of RFC 8187, such as `filename*`, which forms must not use (RFC 7578 section 4.2).
    #[error("an encoded parameter in the head of a part")]
    EncodedParameter,
    /// A backslash in a quoted text: for some readers it is one, for others it hides the next character.
    #[error("a backslash in the head of a part")]
    Backslash,
    /// A file name with something of a path in it, or that is none.
    #[error("a file name that is none, or holds a path")]
    BadFileName,
    /// A part in a transfer encoding, which hides what it holds (RFC 7578 section 4.7).
    #[error("a part in a transfer encoding")]
    TransferEncoding,
    /// A file beyond the limit.
    #[error("a file that is too large")]
    LargeFile,
    /// A file whose content is of none of the types that are taken, or not of the one it is said to be.
    #[error("a file of a type that is not taken, or not of the type it is said to be")]
    FileType,
}

/// A form that was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{fault} at byte {at}")]
pub struct Refusal {
    /// What is wrong.
    pub fault: Fault,
    /// Near which byte of the form it was found, counted from 0.
    pub at: u64,
}
