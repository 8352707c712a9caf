//! Target: the shape of JSON.
//!
//! Input: four bytes that say how the document is cut, one that says which limits hold, and the document.

use seawall_core::json::{Limits, Refusal, Scanner};
use serde::de::IgnoredAny;

use crate::pieces::Cuts;

const TIGHT: Limits = Limits { depth: 3, items: 4, keys: 4, characters: 5, digits: 10 };

/// Panics when something does not hold for the document.
pub fn check(input: &[u8]) {
    let Some((cuts, [kind, document @ ..])) = Cuts::take(input) else { return };
    let limits = if kind & 1 == 0 { Limits::CHECKLIST } else { TIGHT };
    let whole = read(limits, std::iter::once(document));
    for parts in [read(limits, document.chunks(1)), read(limits, cuts.pieces(document))] {
        assert_eq!(parts.map_err(|refusal| refusal.fault), whole.map_err(|refusal| refusal.fault), "in pieces");
    }
    match whole {
        Ok(()) => {
            let library = serde_json::from_slice::<IgnoredAny>(document);
            assert!(library.is_ok(), "the library does not read {}: {library:?}", document.escape_ascii());
            assert!(!document.contains(&0));
        }
        Err(refusal) => assert!(refusal.at <= document.len() as u64, "{refusal}"),
    }
}

fn read<'a>(limits: Limits, mut parts: impl Iterator<Item = &'a [u8]>) -> Result<(), Refusal> {
    let mut scanner = Scanner::new(limits);
    parts.try_for_each(|part| scanner.feed(part))?;
    scanner.finish().map(drop)
}
