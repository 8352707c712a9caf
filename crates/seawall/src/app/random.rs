//! Secrets: made of the system's randomness, compared in constant time.

use std::fmt::Write;

use subtle::ConstantTimeEq;

/// A fresh secret: 32 random bytes as 64 hexadecimal characters.
///
/// # Errors
/// The system's error when it has no randomness to give.
pub(super) fn secret() -> std::io::Result<String> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(std::io::Error::other)?;
    Ok(bytes.iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a string cannot fail.
        let _infallible = write!(text, "{byte:02x}");
        text
    }))
}

/// A fresh name of something: 32 hexadecimal characters.
///
/// # Errors
/// As for [`secret`].
pub(super) fn id() -> std::io::Result<String> {
    let mut text = secret()?;
    text.truncate(32);
    Ok(text)
}

/// Whether two secrets are the same; takes as long for near misses as for far ones.
pub(super) fn same(one: &str, other: &str) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}
