//! What people and programs send who mean no harm: pieces written by hand, and what is made by putting them together.

use std::collections::BTreeSet;

use super::{Sample, lines};

macro_rules! pieces {
    ($name:literal) => {
        lines(include_str!(concat!("../data/payload_filter/benign/", $name, ".txt")))
    };
}

pub(super) fn samples() -> Vec<Sample> {
    let (given, family) = (pieces!("given"), pieces!("family"));
    let (streets, cities, prose) = (pieces!("streets"), pieces!("cities"), pieces!("prose"));
    let names = pairs(&given, &family, 900, |given, family, _| format!("{given} {family}"));
    let mut all = Vec::new();
    for alone in [&given, &family, &streets, &cities, &prose] {
        all.extend(alone.iter().cloned());
    }
    all.extend(pieces!("values"));
    all.extend(pairs(&names, &prose, 700, |name, prose, _| format!("Dear {name},\n{prose}")));
    all.extend(pairs(&streets, &cities, 440, |street, city, number| format!("{number} {street}, {city}")));
    all.extend(pairs(&prose, &prose, 1_200, |one, two, _| format!("{one} {two}")));
    for (kind, number) in [
        (pieces!("code"), 550),
        (pieces!("sql_prose"), 300),
        (pieces!("markdown"), 450),
        (pieces!("commits"), 280),
        (pieces!("mail"), 240),
    ] {
        all.extend(kind.iter().cloned());
        all.extend(pairs(&kind, &prose, number / 2, |piece, prose, _| format!("{piece}\n\n{prose}")));
        all.extend(pairs(&prose, &kind, number / 2, |prose, piece, _| format!("{prose}\n\n{piece}")));
    }
    for kind in [pieces!("logs"), pieces!("urls")] {
        all.extend(kind.iter().cloned());
        all.extend(pairs(&kind, &given, 280, |piece, _, number| piece.replace('5', &number.to_string())));
    }
    all.extend(names);
    let mut seen = BTreeSet::new();
    all.retain(|sample| seen.insert(sample.text.clone()));
    all
}

/// So many of all pairs, evenly chosen. What holds a piece that is held out is held out.
fn pairs(left: &[Sample], right: &[Sample], number: usize, join: impl Fn(&str, &str, usize) -> String) -> Vec<Sample> {
    let all = left.len() * right.len();
    let number = number.min(all);
    let chosen = (0..number).map(|place| place * all / number);
    chosen
        .map(|place| {
            let (left, right) = (&left[place % left.len()], &right[(place / left.len() + place) % right.len()]);
            Sample { text: join(&left.text, &right.text, place), held_out: left.held_out || right.held_out }
        })
        .collect()
}
