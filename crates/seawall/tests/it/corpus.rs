//! Requests as bytes, with what must become of each; the pure checker's tests read the same.

pub(crate) mod cases;
