//! A loss of power: what was written and not flushed may be there or not, page by page.
//!
//! A process writes under strace. From its trace the files are built as a machine would find them that lost power at some moment:
//! every write that a later flush covers, and any of the others. Everything acknowledged before that moment has to be there.

use std::{
    collections::{BTreeMap, HashSet},
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
};

use crate::crash::{Killed, PROCESS, VARIABLE, check, id_in};

/// What is acknowledged before the process is killed.
const ACKNOWLEDGED: usize = 200;

/// Moments at which power is lost, and how often each is played with other writes lost.
const MOMENTS: usize = 12;
const ROUNDS: usize = 3;

#[derive(Debug)]
enum Event {
    /// To this file, from this place on.
    Written(String, u64, Vec<u8>),
    /// This file has this length.
    Cut(String, u64),
    Flushed(String),
    Acknowledged(String),
}

#[test]
fn a_loss_of_power_loses_nothing_that_was_acknowledged() {
    let directory = tempfile::tempdir().unwrap();
    let (database, trace) = (directory.path().join("store.db"), directory.path().join("trace"));
    if Command::new("strace").arg("-V").output().is_err() {
        println!("skipped: strace is not installed (apt-get install strace)");
        return;
    }
    write_under_strace(&database, &trace);
    let events = events(&trace);
    let acknowledgements: Vec<usize> =
        (0..events.len()).filter(|&place| matches!(events[place], Event::Acknowledged(_))).collect();
    assert!(acknowledgements.len() >= ACKNOWLEDGED, "{}", acknowledgements.len());
    let mut left_out = 0;
    for moment in 1..=MOMENTS {
        let end = acknowledgements[acknowledgements.len() * moment / MOMENTS - 1];
        let acknowledged: HashSet<String> = events[..=end]
            .iter()
            .filter_map(|event| if let Event::Acknowledged(id) = event { Some(id.clone()) } else { None })
            .collect();
        for round in 0..ROUNDS {
            let place = tempfile::tempdir().unwrap();
            // Somewhat later than the acknowledgement, so that writes of the next group are among those that may be lost.
            let seen = &events[..(end + 20 * round).min(events.len())];
            left_out += found_after(seen, (round * 1_000 + moment) as u64, place.path());
            check(&format!("sqlite://{}", place.path().join("store.db").display()), &acknowledged);
        }
    }
    assert!(left_out > 0, "no write was lost, so nothing was tested");
}

fn write_under_strace(database: &Path, trace: &Path) {
    let mut process = Killed(
        Command::new("strace")
            .args([
                "-f",
                "-qq",
                "-y",
                "-xx",
                "-s",
                "1000000",
                "-e",
                "trace=pwrite64,write,ftruncate,fdatasync,fsync",
                "-o",
            ])
            .arg(trace)
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", PROCESS, "--nocapture", "--test-threads", "1"])
            .env(VARIABLE, format!("sqlite://{}", database.display()))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap(),
    );
    let output = BufReader::new(process.0.stdout.take().unwrap());
    let acknowledged = output.lines().map_while(Result::ok).filter(|line| id_in(line).is_some());
    assert_eq!(acknowledged.take(ACKNOWLEDGED).count(), ACKNOWLEDGED, "the process ended by itself");
    // Its child goes with it: the tracer ends what it traces.
    process.0.kill().unwrap();
    process.0.wait().unwrap();
}

/// The files as they are found: what a flush covers, and by chance some of the rest. Answers how many writes were left out.
fn found_after(events: &[Event], seed: u64, place: &Path) -> usize {
    let mut last_flush: BTreeMap<&str, usize> = BTreeMap::new();
    for (at, event) in events.iter().enumerate() {
        if let Event::Flushed(file) = event {
            last_flush.insert(file, at);
        }
    }
    let mut files: BTreeMap<&str, Vec<u8>> = BTreeMap::new();
    let (mut left_out, mut chance) = (0, seed);
    for (at, event) in events.iter().enumerate() {
        let (Event::Written(file, ..) | Event::Cut(file, _)) = event else { continue };
        // The same for the same seed (an LCG of Knuth's).
        chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let covered = last_flush.get(file.as_str()).is_some_and(|&flush| at < flush);
        if !covered && chance >> 63 == 0 {
            left_out += 1;
            continue;
        }
        let content = files.entry(file).or_default();
        match event {
            Event::Written(_, offset, bytes) => {
                let begin = usize::try_from(*offset).unwrap();
                content.resize(content.len().max(begin + bytes.len()), 0);
                content[begin..begin + bytes.len()].copy_from_slice(bytes);
            }
            Event::Cut(_, length) => content.resize(usize::try_from(*length).unwrap(), 0),
            Event::Flushed(_) | Event::Acknowledged(_) => {}
        }
    }
    for (file, content) in files {
        fs::write(place.join(file), content).unwrap();
    }
    left_out
}

fn events(trace: &Path) -> Vec<Event> {
    let lines = BufReader::new(fs::File::open(trace).unwrap()).lines().map_while(Result::ok);
    let mut begun: BTreeMap<String, String> = BTreeMap::new();
    lines.filter_map(|line| event(&line, &mut begun)).collect()
}

/// One line: `PID CALL(FD<FILE>, "\x…", LENGTH, OFFSET) = RESULT`, or such a call in two halves while another thread calls too. A
/// write counts from its beginning, a flush only once it has ended.
fn event(line: &str, begun: &mut BTreeMap<String, String>) -> Option<Event> {
    let (thread, call) = line.split_once(' ')?;
    let call = call.trim_start();
    if call.starts_with("<... fdatasync resumed>") || call.starts_with("<... fsync resumed>") {
        return begun.remove(thread).map(Event::Flushed);
    }
    let (name, arguments) = call.split_once('(')?;
    let (path, rest) = arguments.split_once('<')?.1.split_once('>')?;
    let file = Path::new(&unescaped(path)).file_name()?.to_str()?.to_owned();
    let ours = file == "store.db" || file == "store.db-wal";
    match name {
        "fdatasync" | "fsync" if ours && call.contains("<unfinished") => {
            begun.insert(thread.to_owned(), file);
            None
        }
        "fdatasync" | "fsync" if ours => Some(Event::Flushed(file)),
        "pwrite64" if ours => {
            let (bytes, after) = data(rest)?;
            let offset = after.rsplit(", ").next()?.split([')', ' ']).next()?.parse().ok()?;
            Some(Event::Written(file, offset, bytes))
        }
        "ftruncate" if ours => {
            Some(Event::Cut(file, rest.trim_start_matches(", ").split([')', ' ']).next()?.parse().ok()?))
        }
        "write" => {
            let (bytes, _) = data(rest)?;
            id_in(std::str::from_utf8(&bytes).ok()?).map(Event::Acknowledged)
        }
        _ => None,
    }
}

/// The bytes of a string of `\x` escapes, and what follows it.
fn data(rest: &str) -> Option<(Vec<u8>, &str)> {
    let (text, after) = rest.split_once('"')?.1.split_once('"')?;
    Some((bytes(text), after))
}

fn bytes(text: &str) -> Vec<u8> {
    text.split("\\x").skip(1).map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}

fn unescaped(path: &str) -> String {
    if path.starts_with("\\x") { String::from_utf8(bytes(path)).unwrap() } else { path.to_owned() }
}
