//! The shape of forms, checked as they arrive: how many fields, how long, how deep, which files, and whether every reader reads them alike.
//!
//! [`Urlencoded`] reads `application/x-www-form-urlencoded`, [`Multipart`] reads `multipart/form-data` (RFC 7578). Both take a form in parts
//! of any size and keep nothing of it but where they are, and a multipart form's head of one part. They are stricter than most readers:
//! what two of them may read in two ways is refused, such as text before the first boundary or a file name given twice.
//!
//! ```
//! use seawall_core::form::{Boundary, Fault, Limits, Multipart, Urlencoded};
//!
//! let mut form = Urlencoded::new(Limits::default());
//! form.feed(b"name=Ann&note=%4")?;
//! assert_eq!(form.feed(b"z").unwrap_err().fault, Fault::BadPercent);
//!
//! let boundary = Boundary::of(b"multipart/form-data; boundary=b").ok_or("no boundary")?;
//! let mut form = Multipart::new(&boundary, Limits::default(), [].into());
//! form.feed(b"--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--b--\r\n")?;
//! form.finish()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod boundary;
mod characters;
mod content;
mod delimiter;
mod fault;
mod file_type;
mod multipart;
mod name;
mod parameters;
mod part;
#[cfg(test)]
mod tests;
mod urlencoded;

pub use boundary::Boundary;
pub use fault::{Fault, Refusal};
pub use file_type::{FILE_TYPES, FileType};
pub use multipart::Multipart;
pub use urlencoded::Urlencoded;

/// How large the parts of a form may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Fields that are no files.
    pub fields: u32,
    /// Files.
    pub files: u32,
    /// Characters (Unicode scalar values) of one name or value.
    pub characters: u32,
    /// Brackets in one name: `a[b][c]` is two deep.
    pub depth: u16,
    /// Bytes of one file.
    pub file_bytes: u64,
    /// Names that stand twice.
    pub duplicates: Duplicates,
}

/// What becomes of a name that stands twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duplicates {
    /// It passes, as lists of a form do.
    Allow,
    /// It is refused, unless it ends in `[]`, which says that it is a list.
    Refuse,
}

impl Limits {
    /// As many characters as the checklist (WK-1) lets a string have, and as many fields as it lets an object have keys.
    pub const CHECKLIST: Self = Self {
        fields: 100,
        files: 20,
        characters: 10_000,
        depth: 10,
        file_bytes: 10_000_000,
        duplicates: Duplicates::Allow,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::CHECKLIST
    }
}
