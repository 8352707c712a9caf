//! The list of common passwords, as sorted digests: `common/README.md` has where it is from.

use crate::password::hash::Hash;

const DIGEST_BYTES: usize = 5;
static DIGESTS: &[u8] = include_bytes!("common/digests.bin");

/// Whether a password, in small letters, is on the list.
pub(super) fn contains(small: &str) -> bool {
    let digest = Hash::Sha256.digest(&[small.as_bytes()]);
    let (digests, _) = DIGESTS.as_chunks::<DIGEST_BYTES>();
    digest.first_chunk::<DIGEST_BYTES>().is_some_and(|wanted| digests.binary_search(wanted).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digests_are_whole_and_in_order_and_so_few_that_others_are_rarely_among_them() {
        let (digests, rest) = DIGESTS.as_chunks::<DIGEST_BYTES>();
        assert!(rest.is_empty());
        assert!(digests.is_sorted_by(|earlier, later| earlier < later));
        assert_eq!(digests.len(), 8_354);
        let all = (1_u64 << (8 * DIGEST_BYTES)) as f64;
        assert!(digests.len() as f64 / all < 1e-6);
    }
}
