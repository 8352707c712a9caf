//! Target: forms as pairs.
//!
//! Input: four bytes that say how the form is cut, one that says which limits hold, and the form.

use std::collections::BTreeSet;

use seawall_core::form::{Duplicates, Limits, Refusal, Urlencoded};

use crate::pieces::Cuts;

pub(crate) const TIGHT: Limits =
    Limits { fields: 3, files: 2, characters: 5, depth: 2, file_bytes: 100, duplicates: Duplicates::Refuse };

/// Panics when something does not hold for the form.
pub fn check(input: &[u8]) {
    let Some((cuts, [kind, form @ ..])) = Cuts::take(input) else { return };
    let limits = if kind & 1 == 0 { Limits::CHECKLIST } else { TIGHT };
    let whole = read(limits, std::iter::once(form));
    for parts in [read(limits, form.chunks(1)), read(limits, cuts.pieces(form))] {
        assert_eq!(parts.map_err(|refusal| refusal.fault), whole.map_err(|refusal| refusal.fault), "in pieces");
    }
    assert_eq!(sound(limits, form).is_some(), whole.is_ok(), "{}: {whole:?}", form.escape_ascii());
}

fn read<'a>(limits: Limits, mut parts: impl Iterator<Item = &'a [u8]>) -> Result<(), Refusal> {
    let mut reader = Urlencoded::new(limits);
    parts.try_for_each(|part| reader.feed(part))?;
    reader.finish()
}

/// The same, read all at once as the standard has it: something when the form is sound.
fn sound(limits: Limits, form: &[u8]) -> Option<()> {
    if form.iter().any(u8::is_ascii_control) {
        return None;
    }
    let pairs: Vec<&[u8]> = form.split(|&byte| byte == b'&').filter(|pair| !pair.is_empty()).collect();
    let mut names = BTreeSet::new();
    for pair in &pairs {
        let mut halves = pair.splitn(2, |&byte| byte == b'=');
        let name = text(halves.next()?)?;
        let value = text(halves.next().unwrap_or_default())?;
        let long = [&name, &value].iter().any(|text| text.chars().count() > limits.characters as usize);
        let deep = name.matches('[').count() > usize::from(limits.depth);
        let again = limits.duplicates == Duplicates::Refuse && !name.ends_with("[]") && !names.insert(name.clone());
        if long || deep || again {
            return None;
        }
    }
    (pairs.len() <= limits.fields as usize).then_some(())
}

fn text(encoded: &[u8]) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = encoded;
    while let [first, after @ ..] = rest {
        rest = after;
        bytes.push(match first {
            b'+' => b' ',
            b'%' => {
                let digits = rest.get(..2).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))?;
                rest = &rest[2..];
                u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?
            }
            other => *other,
        });
    }
    String::from_utf8(bytes).ok().filter(|text| !text.contains('\0'))
}
