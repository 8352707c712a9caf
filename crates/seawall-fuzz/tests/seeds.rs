//! Every seed holds: those made of the repository's corpus, and those in `fuzz/seeds/`, among which is every input that once
//! broke something.

#![expect(clippy::unwrap_used, reason = "a test fails loudly")]

use std::{collections::BTreeSet, fs, panic, path::Path};

use seawall_fuzz::TARGETS;

#[test]
fn every_seed_holds() {
    let mut broken = Vec::new();
    for target in TARGETS {
        let made = (target.seeds)().into_iter().enumerate().map(|(number, seed)| (format!("seed {number}"), seed));
        let files = files("seeds", target.name);
        assert!(!files.is_empty(), "fuzz/seeds/{} is empty", target.name);
        for (name, seed) in made.chain(files) {
            if panic::catch_unwind(|| (target.check)(&seed)).is_err() {
                broken.push(format!("{}: {name}", target.name));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn every_target_has_its_program_and_its_dictionary() {
    let targets: BTreeSet<String> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
    for (folder, extension) in [("fuzz_targets", ".rs"), ("dictionaries", ".dict")] {
        let files = files(folder, "").into_iter();
        let names: BTreeSet<String> = files.map(|(name, _)| name.trim_end_matches(extension).to_owned()).collect();
        assert_eq!(names, targets, "fuzz/{folder}");
    }
}

/// The files of a folder below `fuzz/`: name and content.
fn files(folder: &str, target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz").join(folder).join(target);
    let Ok(entries) = fs::read_dir(&folder) else { return Vec::new() };
    let file =
        |entry: fs::DirEntry| (entry.file_name().to_string_lossy().into_owned(), fs::read(entry.path()).unwrap());
    entries.map(|entry| file(entry.unwrap())).collect()
}
