//! How a log line is written: escaping, time, JSON fields, colours. Both logs use it.

mod escape;
mod json;
mod paint;
mod stamp;

pub(crate) use escape::{CUT, capped, escaped};
pub(crate) use json::{Head, LONGEST_MESSAGE, address, key, milliseconds, number, number_field, text_field};
pub(crate) use paint::{Colour, paint, unpaint};
pub(crate) use stamp::Stamp;
