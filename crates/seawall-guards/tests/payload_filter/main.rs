//! How many attacks of the committed corpus the payload filter catches, and how much else it takes for one.
//!
//! Of both corpora every second line was held out while the rules were made: `held_out` marks what nobody looked at.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails loudly, and shows its rates to whoever asks for them"
)]

mod attacks;
mod benign;

use std::collections::BTreeSet;

use seawall_guards::payload_filter::{Class, Classes, Found, strongest};

/// The threshold that is the default.
const THRESHOLD: u8 = 5;

/// One text of a corpus.
#[derive(Clone, Debug)]
struct Sample {
    text: String,
    held_out: bool,
}

/// The lines of a file, with whether each is held out. `¶` ends a line within one.
fn lines(file: &str) -> Vec<Sample> {
    let kept = file.lines().filter(|line| !line.is_empty());
    kept.enumerate().map(|(place, line)| Sample { text: line.replace('¶', "\n"), held_out: place % 2 == 1 }).collect()
}

fn found(text: &str) -> Option<Found> {
    strongest(text.as_bytes(), Classes::ALL).filter(|found| found.points >= THRESHOLD)
}

/// How many of these are found, and which are not (or are).
fn rate<'a>(samples: impl Iterator<Item = &'a Sample>, told: bool) -> (usize, usize, Vec<String>) {
    let (mut hits, mut all, mut list) = (0, 0, Vec::new());
    for sample in samples {
        let found = found(&sample.text);
        all += 1;
        hits += usize::from(found.is_some());
        if found.is_some() == told && !sample.held_out {
            list.push(format!("{:?} {found:?}", sample.text));
        }
    }
    (hits, all, list)
}

#[test]
fn nine_of_ten_attacks_are_caught_as_written_and_as_encoded() {
    let mut short = Vec::new();
    for class in Class::ALL {
        let written = attacks::written(class);
        let distinct: BTreeSet<_> = written.iter().map(|sample| &sample.text).collect();
        assert_eq!(distinct.len(), written.len(), "{class:?} has one twice");
        let encoded = attacks::encoded(class, &written);
        for (kind, samples) in [("written", &written), ("encoded", &encoded)] {
            for held_out in [false, true] {
                let (hits, all, missed) = rate(samples.iter().filter(|sample| sample.held_out == held_out), false);
                println!("{class:?} {kind} held_out={held_out}: {hits} of {all}");
                for line in missed {
                    println!("  missed {line}");
                }
                if hits * 1_000 < all * 900 {
                    short.push(format!("{class:?} {kind}, held out: {held_out}: {hits} of {all}"));
                }
            }
        }
    }
    assert!(short.is_empty(), "{short:#?}");
    let all: usize = Class::ALL.into_iter().map(|class| attacks::written(class).len()).sum();
    assert!(all >= 600, "{all} attacks");
}

#[test]
fn one_in_a_thousand_harmless_texts_at_most_is_taken_for_an_attack() {
    let samples = benign::samples();
    let distinct: BTreeSet<_> = samples.iter().map(|sample| &sample.text).collect();
    assert!(distinct.len() >= 5_000, "{} samples", distinct.len());
    assert_eq!(distinct.len(), samples.len(), "samples stand twice");
    for held_out in [false, true] {
        let (hits, all, alarms) = rate(samples.iter().filter(|sample| sample.held_out == held_out), true);
        println!("harmless held_out={held_out}: {hits} of {all}");
        for line in &alarms {
            println!("  false alarm {line}");
        }
        assert!(hits * 1_000 <= all, "held out: {held_out}: {hits} of {all}");
    }
}
