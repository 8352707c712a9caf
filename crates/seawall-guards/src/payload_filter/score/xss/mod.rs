//! Markup that runs code, and values that leave an attribute or a string of a program.

mod script;
mod tag;

use super::Points;

/// Points for markup.
pub(super) fn points(text: &[u8]) -> Points {
    tag::points(text).or(script::points(text))
}
