//! Seeds that were changed at random hold too: what no fuzzer is needed to find, at every run of the tests.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails loudly")]

use std::{fs, panic, path::Path};

use fastrand::Rng;
use seawall_fuzz::TARGETS;

/// Changed inputs of each target.
const ROUNDS: u32 = 3_000;

/// Longer inputs find nothing that shorter ones do not.
const LONGEST: usize = 4_096;

#[test]
fn changed_seeds_hold() {
    let mut broken = Vec::new();
    for target in TARGETS {
        let mut rng = Rng::with_seed(9110);
        let seeds: Vec<Vec<u8>> = (target.seeds)().into_iter().chain(files("seeds", target.name)).collect();
        let words = words(&fs::read_to_string(path("dictionaries", &format!("{}.dict", target.name))).unwrap());
        for _ in 0..ROUNDS {
            let mut input = seeds[rng.usize(..seeds.len())].clone();
            for _ in 0..rng.usize(1..6) {
                let other =
                    if rng.bool() { &words[rng.usize(..words.len())] } else { &seeds[rng.usize(..seeds.len())] };
                change(&mut rng, &mut input, other);
            }
            input.truncate(LONGEST);
            if panic::catch_unwind(|| (target.check)(&input)).is_err() {
                broken.push(format!("{}: {}", target.name, input.escape_ascii()));
                break;
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

fn change(rng: &mut Rng, input: &mut Vec<u8>, other: &[u8]) {
    let at = rng.usize(..=input.len());
    let end = rng.usize(at..=input.len().min(at + 40));
    match rng.u8(..5) {
        0 if at < input.len() => input[at] = rng.u8(..),
        1 => drop(input.drain(at..end)),
        2 => {
            let part = input[at..end].to_vec();
            input.splice(at..at, part);
        }
        3 => {
            let from = rng.usize(..=other.len());
            input.splice(at..end, other[from..].iter().copied());
        }
        _ => drop(input.splice(at..at, other.iter().copied())),
    }
}

fn path(folder: &str, name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz").join(folder).join(name)
}

fn files(folder: &str, target: &str) -> Vec<Vec<u8>> {
    let mut entries: Vec<_> = fs::read_dir(path(folder, target)).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    entries.iter().map(|entry| fs::read(entry).unwrap()).collect()
}

/// The words of a dictionary as libFuzzer reads it: one in quotes on each line.
fn words(dictionary: &str) -> Vec<Vec<u8>> {
    let lines = dictionary.lines().filter_map(|line| line.split_once('"')?.1.strip_suffix('"'));
    lines.map(unescaped).collect()
}

fn unescaped(word: &str) -> Vec<u8> {
    let (mut out, mut rest) = (Vec::new(), word.as_bytes());
    while let [first, after @ ..] = rest {
        let hex = |digits: &[u8]| u8::from_str_radix(std::str::from_utf8(digits).unwrap(), 16).unwrap();
        let (byte, after) = match (first, after) {
            (b'\\', [b'x', high, low, after @ ..]) => (hex(&[*high, *low]), after),
            (b'\\', [escaped, after @ ..]) => (*escaped, after),
            _ => (*first, after),
        };
        out.push(byte);
        rest = after;
    }
    out
}
