//! Examples are executed: commands as they stand, configurations by `seawall check`.

use std::{collections::BTreeSet, path::Path};

use seawall::app::catalogue;
use seawall_guards::ReportOnly;
use seawall_testkit::tls::Authority;

use super::markdown::{Block, Page, pages};
use crate::{
    applications::{child::Child, tools::repository},
    cli::binary::Place,
};

/// Commands that are not executed here, and why. A command stands for every one that begins with it.
const NOT_EXECUTED: [(&str, &str); 7] = [
    ("cargo run --release -- demo", "a server; cli/demonstration.rs runs it"),
    ("cargo run --release -- run --to http://localhost:3000", "a server; the test below runs it"),
    ("seawall audit-log", "it reads a server's store; cli/keeping.rs runs it"),
    ("cargo build", "this test was built by it"),
    ("./test", "this test runs in it"),
    (".ci/run", "it runs ./test"),
    (
        "UPDATE=1 cargo nextest run -p seawall --test it documentation::generated",
        "it would write what generated.rs compares",
    ),
];

/// A secret that is long enough everywhere, for examples that name a file with one.
const SECRET: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

#[test]
fn every_command_is_executed_or_says_why_not() {
    let mut executed = 0;
    let mut excused = BTreeSet::new();
    for page in pages() {
        for block in page.blocks().iter().filter(|block| block.language == "console") {
            // One place for all commands of a block: each may use what the one before has made.
            let place = place();
            for (command, output) in commands(block) {
                match NOT_EXECUTED.iter().find(|(begins, _)| command.starts_with(begins)) {
                    Some((begins, _)) => {
                        excused.insert(*begins);
                    }
                    None => {
                        execute(&place, block, &command, &output);
                        executed += 1;
                    }
                }
            }
        }
    }
    assert!(executed > 5, "only {executed} commands were found");
    let all: BTreeSet<_> = NOT_EXECUTED.iter().map(|(command, _)| *command).collect();
    assert_eq!(excused, all, "commands that stand in the documentation, and those that are excused");
}

#[test]
fn every_configuration_loads() {
    let mut loaded = 0;
    let authority = Authority::new();
    let issued = authority.issue(&["example.com"]);
    // What stands in the files that an example names, by the end of the key.
    let held = [
        ("client_ca_file", authority.pem()),
        ("certificate", &issued.certificate),
        ("key", &issued.key),
        ("_file", SECRET),
    ];
    for page in pages() {
        for block in page.blocks().iter().filter(|block| block.language == "toml") {
            let mut place = Place::with_config(&block.text);
            for line in block.text.lines() {
                let Some((key, value)) = line.split_once('=') else { continue };
                let content = held.iter().find(|(end, _)| key.trim().ends_with(end) && !line.starts_with('#'));
                if let Some((_, content)) = content {
                    place = place.with_file(value.trim().trim_matches('"'), content);
                }
            }
            let said = place.seawall(&["check"]);
            assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{}", block.place);
            loaded += 1;
        }
    }
    assert!(loaded > 10, "only {loaded} configurations were found");
}

#[test]
fn the_readme_shows_the_banner() {
    let place = Place::new();
    let mut server = place.serve(&["run", "--to", "http://localhost:3000"]);
    assert_eq!(server.terminate(), Some(0));
    let banner = place.redacted(&server.child.err());
    let pages = pages();
    let blocks = pages.iter().filter(|page| page.path == Path::new("README.md")).flat_map(Page::blocks);
    let shown = blocks.filter(|block| block.text.starts_with("Seawall ")).map(|block| block.text).collect::<String>();
    let shown = shown.replace("/srv/shop", "DIRECTORY").replace(":8080", ":PORT").replace(":9090", ":PORT");
    assert_eq!(shown, banner);
}

#[test]
fn the_readme_names_every_guard_and_what_it_can_only_report() {
    let readme = std::fs::read_to_string(repository().join("README.md")).expect("it is there");
    for step in &catalogue::ORDER {
        let name = step.guard.name;
        let row = readme.lines().find(|line| line.starts_with(&format!("| [`{name}`](")));
        let row = row.unwrap_or_else(|| panic!("the README has no row for {name}"));
        let reports = row.trim_end_matches([' ', '|']).ends_with("yes");
        assert_eq!(reports, step.guard.report_only == ReportOnly::Yes, "{row}");
    }
}

/// A directory in which `seawall` is this build.
fn place() -> Place {
    let place = Place::new();
    std::fs::create_dir(place.path().join("bin")).expect("a folder");
    let link = place.path().join("bin/seawall");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_seawall"), link).expect("a link to the binary");
    place
}

/// The commands of a block, each with the output shown below it.
fn commands(block: &Block<'_>) -> Vec<(String, Vec<String>)> {
    let mut commands: Vec<(String, Vec<String>)> = Vec::new();
    for line in block.text.lines() {
        match (line.strip_prefix("$ "), commands.last_mut()) {
            (Some(command), _) => {
                let (command, _comment) = command.split_once("   #").unwrap_or((command, ""));
                commands.push((command.trim_end().to_owned(), Vec::new()));
            }
            (None, Some((_, output))) => output.push(line.to_owned()),
            (None, None) => panic!("{}: a block for a terminal begins with a command", block.place),
        }
    }
    commands
}

/// Runs a command in a shell; what it says begins with, or is, what is shown. A line `…` stands for any lines.
fn execute(place: &Place, block: &Block<'_>, command: &str, shown: &[String]) {
    let mut shell = place.command("sh");
    shell.args(["-c", &format!("PATH=\"$PWD/bin:$PATH\"; {command}")]);
    let mut child = Child::start(shell);
    assert_eq!(child.ended(), Some(0), "{}: {child}", block.place);
    let said = format!("{}{}", child.err(), child.out());
    let mut rest = said.lines();
    let mut skips = false;
    for line in shown {
        if line == "…" {
            skips = true;
            continue;
        }
        let found = if skips { rest.any(|said| said == line) } else { rest.next() == Some(line.as_str()) };
        assert!(found, "{}: {command} does not say\n{line}\nbut\n{said}", block.place);
        skips = false;
    }
    assert!(shown.is_empty() || skips || rest.next().is_none(), "{}: {command} says more:\n{said}", block.place);
}
