//! The check of a key: six signs by which one that was mistyped, cut off or made up is known without a look at the store, and by which
//! scanners of source code know a key.

use super::form::ALPHABET;

/// How many signs a check has: 32 bits in base 62.
pub(crate) const SIGNS: usize = 6;

/// CRC-32 (ISO 3309), reflected.
const POLYNOMIAL: u32 = 0xedb8_8320;

/// The check of what stands before it.
pub(crate) fn of(text: &[u8]) -> [u8; SIGNS] {
    let mut rest = crc32(text);
    let mut signs = [b'0'; SIGNS];
    for sign in signs.iter_mut().rev() {
        // The rest of a division by 62 is the place of one of 62 signs.
        *sign = usize::try_from(rest % 62).ok().and_then(|at| ALPHABET.get(at)).copied().unwrap_or(b'0');
        rest /= 62;
    }
    signs
}

fn crc32(text: &[u8]) -> u32 {
    let byte =
        |crc: u32, byte: &u8| (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (POLYNOMIAL * (crc & 1)));
    !text.iter().fold(u32::MAX, byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_checksum_that_others_compute() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926, "the check value of the standard");
        assert_eq!(crc32(b""), 0);
        assert_eq!(&of(b""), b"000000");
        // 0xcbf43926 = 3_421_780_262 in base 62.
        assert_eq!(&of(b"123456789"), b"3jZRME");
    }
}
