//! Bytes cut as the input says: where a read from a socket ends is the sender's choice.

/// The lengths of four pieces, less one, which are used in turn. At the front of an input, so that a change behind it leaves
/// the cuts as they are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cuts([u8; 4]);

impl Cuts {
    /// Takes the cuts from the front of an input; nothing when it is too short.
    pub(crate) fn take(input: &[u8]) -> Option<(Self, &[u8])> {
        input.split_first_chunk().map(|(lengths, rest)| (Self(*lengths), rest))
    }

    /// The bytes in pieces; none is empty.
    pub(crate) fn pieces<'a>(&self, bytes: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        let mut rest = bytes;
        self.0.into_iter().cycle().map_while(move |less_one| {
            let (piece, after) = rest.split_at(rest.len().min(usize::from(less_one) + 1));
            rest = after;
            (!piece.is_empty()).then_some(piece)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_make_up_the_whole() {
        let (cuts, rest) = Cuts::take(b"\0\x01\0\x02abcdefghi").unwrap();
        assert_eq!(cuts.pieces(rest).collect::<Vec<_>>(), [&b"a"[..], b"bc", b"d", b"efg", b"h", b"i"]);
        assert!(Cuts::take(b"abc").is_none());
    }
}
