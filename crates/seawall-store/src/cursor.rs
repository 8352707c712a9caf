//! Places in a list, as clients carry them from page to page.
//!
//! A cursor is opaque and holds only for the question it came from: one that was given for another filter is refused, so that pages of
//! different lists are never mixed. It grants nothing: whoever may ask for a page may ask for any of it.

use aws_lc_rs::digest::{Context, SHA256};

use crate::hex::{hex, unhex};

/// Bytes of the check.
const CHECK: usize = 8;

/// The form of what follows, so that a later one can be told apart.
const VERSION: u8 = 1;

/// The longest cursor that is read, in characters.
const LONGEST: usize = 1_024;

/// A cursor does not fit the question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the cursor is not one that was given for this list with these filters; begin again without it")]
pub struct BadCursor;

/// Writes a place: the values by which the list is ordered. `question` is all that the list depends on.
#[must_use]
pub fn write(question: &str, place: &[&str]) -> String {
    let mut bytes = vec![VERSION];
    for value in place {
        bytes.extend_from_slice(&u32::try_from(value.len()).unwrap_or(u32::MAX).to_be_bytes());
        bytes.extend_from_slice(value.as_bytes());
    }
    bytes.extend_from_slice(&check(question, &bytes));
    hex(&bytes)
}

/// Reads a place of so many values.
///
/// # Errors
/// [`BadCursor`].
pub fn read<const N: usize>(question: &str, cursor: &str) -> Result<[String; N], BadCursor> {
    let bytes = if cursor.len() <= LONGEST { unhex(cursor) } else { None }.ok_or(BadCursor)?;
    let (body, given) = bytes.split_last_chunk::<CHECK>().ok_or(BadCursor)?;
    if *given != check(question, body) {
        return Err(BadCursor);
    }
    let (&VERSION, mut rest) = body.split_first().ok_or(BadCursor)? else { return Err(BadCursor) };
    let mut values = Vec::with_capacity(N);
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| BadCursor)?;
        let (value, after) = after.split_at_checked(length).ok_or(BadCursor)?;
        values.push(String::from_utf8(value.to_vec()).map_err(|_| BadCursor)?);
        rest = after;
    }
    values.try_into().map_err(|_| BadCursor)
}

fn check(question: &str, body: &[u8]) -> [u8; CHECK] {
    let mut context = Context::new(&SHA256);
    context.update(&(question.len() as u64).to_be_bytes());
    context.update(question.as_bytes());
    context.update(body);
    let mut check = [0; CHECK];
    check.iter_mut().zip(context.finish().as_ref()).for_each(|(to, from)| *to = *from);
    check
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_comes_back_for_the_same_question_only() {
        let cursor = write("users?role=admin", &["17", "usr_ä"]);
        assert_eq!(read::<2>("users?role=admin", &cursor), Ok(["17".to_owned(), "usr_ä".to_owned()]));
        assert_eq!(read::<2>("users?role=user", &cursor), Err(BadCursor));
        assert_eq!(read::<1>("users?role=admin", &cursor), Err(BadCursor));
    }

    #[test]
    fn anything_else_is_refused() {
        let mut cursor = write("q", &["17"]);
        for bad in ["", "0", "zz", "00", "é", &"00".repeat(600)] {
            assert_eq!(read::<1>("q", bad), Err(BadCursor), "{bad}");
        }
        cursor.replace_range(2..4, "ff");
        assert_eq!(read::<1>("q", &cursor), Err(BadCursor));
    }
}
