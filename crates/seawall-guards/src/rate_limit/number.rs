//! Numbers as values of fields. Each answer has some, and most are small: those are cut from one text instead of written anew.

use http::HeaderValue;

/// Numbers below this one have at most so many digits, and stand in the text.
const READY: usize = 1_000;
const WIDTH: usize = 3;

/// The digits of all of them, one number after the other, filled up with zeros.
static TEXT: &str = match std::str::from_utf8(&DIGITS) {
    Ok(text) => text,
    Err(_) => "",
};
const DIGITS: [u8; READY * WIDTH] = digits();

/// A number in digits.
pub(super) fn value(number: u64, digits: &str) -> Option<HeaderValue> {
    usize::try_from(number).ok().and_then(ready).or_else(|| HeaderValue::from_str(digits).ok())
}

/// The same without memory of its own, when the number is small.
fn ready(number: usize) -> Option<HeaderValue> {
    let end = number.checked_add(1)?.checked_mul(WIDTH)?;
    let significant = if number < 10 {
        1
    } else if number < 100 {
        2
    } else {
        WIDTH
    };
    TEXT.get(end - significant..end).map(HeaderValue::from_static)
}

const fn digits() -> [u8; READY * WIDTH] {
    let mut all = [b'0'; READY * WIDTH];
    let mut rest = all.as_mut_slice();
    let [mut hundreds, mut tens, mut ones] = *b"000";
    while let Some((own, behind)) = rest.split_first_chunk_mut() {
        *own = [hundreds, tens, ones];
        ones += 1;
        if ones > b'9' {
            (tens, ones) = (tens + 1, b'0');
        }
        if tens > b'9' {
            (hundreds, tens) = (hundreds + 1, b'0');
        }
        rest = behind;
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_its_digits_however_large_it_is() {
        for number in (0..=2 * READY as u64).chain([u64::from(u32::MAX), u64::MAX]) {
            assert_eq!(value(number, &number.to_string()).unwrap(), number.to_string());
        }
        assert!(ready(READY - 1).is_some() && ready(READY).is_none() && ready(usize::MAX).is_none());
    }
}
