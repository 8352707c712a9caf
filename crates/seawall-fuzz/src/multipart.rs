//! Target: forms in parts.
//!
//! Input: four bytes that say how the form is cut, one that says which limits hold, whether types of files are listed, and whether the form
//! begins with a part, and the form. Its boundary is `b`.

use std::sync::Arc;

use seawall_core::form::{Boundary, FileType, Limits, Multipart, Refusal};

use crate::{form::TIGHT, pieces::Cuts};

/// Bits of the fifth byte.
const TIGHTLY: u8 = 1;
const TYPED: u8 = 2;
const BEGUN: u8 = 4;

const FRONT: &[u8] = b"--b\r\nContent-Disposition: form-data; name=f; filename=f\r\n\r\n";

/// Panics when something does not hold for the form.
pub fn check(input: &[u8]) {
    let Some((cuts, [kind, rest @ ..])) = Cuts::take(input) else { return };
    let limits = if kind & TIGHTLY == 0 { Limits::CHECKLIST } else { TIGHT };
    let types = if kind & TYPED == 0 { &[][..] } else { &["image/png", "text/plain"] };
    let form = if kind & BEGUN == 0 { rest.to_vec() } else { [FRONT, rest].concat() };
    let types: Arc<[&'static FileType]> =
        types.iter().map(|name| FileType::named(name).expect("it is known")).collect();
    let whole = read(limits, &types, std::iter::once(&form[..]));
    for parts in [read(limits, &types, form.chunks(1)), read(limits, &types, cuts.pieces(&form))] {
        assert_eq!(parts.map_err(|refusal| refusal.fault), whole.map_err(|refusal| refusal.fault), "in pieces");
    }
    if whole.is_ok() {
        one_reading(&form, limits);
    }
}

fn read<'a>(
    limits: Limits,
    types: &Arc<[&'static FileType]>,
    mut parts: impl Iterator<Item = &'a [u8]>,
) -> Result<(), Refusal> {
    let boundary = Boundary::of(b"multipart/form-data; boundary=b").expect("it is sound");
    let mut reader = Multipart::new(&boundary, limits, Arc::clone(types));
    parts.try_for_each(|part| reader.feed(part))?;
    reader.finish()
}

/// Whoever takes a boundary at any line feed finds the parts that are there for whoever is strict, and each has one head.
fn one_reading(form: &[u8], limits: Limits) {
    let form = form.strip_suffix(b"\r\n").unwrap_or(form);
    let inside = form.strip_prefix(b"--b").and_then(|form| form.strip_suffix(b"--")).expect("boundaries at both ends");
    let strict = split(inside, b"\r\n--b");
    assert_eq!(strict.len(), split(inside, b"\n--b").len(), "{}", form.escape_ascii());
    let parts: Vec<&[u8]> = strict.into_iter().filter(|part| !part.is_empty()).collect();
    assert!(parts.len() <= (limits.fields + limits.files) as usize);
    for part in parts {
        let part = part.strip_prefix(b"\r\n").expect("a line end behind the boundary");
        let head = *split(part, b"\r\n\r\n").first().expect("a head");
        let lines = split(head, b"\r\n");
        let says = |name: &str| {
            lines
                .iter()
                .filter(|line| line.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name.as_bytes())))
                .count()
        };
        assert_eq!(says("content-disposition:"), 1, "{}", head.escape_ascii());
        assert!(says("content-type:") <= 1 && says("content-transfer-encoding: base64") == 0);
        let lines_only =
            lines.iter().all(|line| !line.contains(&b'\n') && !line.contains(&b'\r') && line.contains(&b':'));
        assert!(lines_only, "{}", head.escape_ascii());
    }
}

fn split<'a>(mut text: &'a [u8], at: &[u8]) -> Vec<&'a [u8]> {
    let mut parts = Vec::new();
    while let Some(place) = text.windows(at.len()).position(|window| window == at) {
        parts.push(&text[..place]);
        text = &text[place + at.len()..];
    }
    parts.push(text);
    parts
}
