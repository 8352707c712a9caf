//! The shape of forms and of the files in them, before the application gets them (checklist WK-1).
//!
//! A body whose `Content-Type` says `application/x-www-form-urlencoded` or `multipart/form-data` is read as it arrives and held until its
//! end was seen, as JSON is: within limits on fields, characters, brackets, files and their size, and nothing in it that two readers read
//! in two ways (broken percent-encoding, null characters, text around boundaries, a file name given twice or with a path in it).
//!
//! Where `types` lists types of files, each file must begin as one of them does, and be of the one that it is said to be.

mod config;
mod guard;
mod look;
#[cfg(test)]
mod tests;

pub use config::{
    CHARACTERS, DEPTH, DUPLICATES, ENCODED, ENTRY, FIELDS, FILES, Listed, MAX_FILE, SECTION, TYPES, values,
};
pub use guard::{FILE_TOO_LARGE, FILE_TYPE_REFUSED, FormGuard, UNSOUND_FORM};
