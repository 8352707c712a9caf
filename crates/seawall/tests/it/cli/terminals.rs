//! Colours on a terminal, none elsewhere, and readers that leave early.

use std::{io, process::Stdio};

use super::binary::Place;
use crate::applications::{
    child::Child,
    tools::{program, skip},
};

/// What the binary writes to a terminal.
fn on_terminal(place: &Place, arguments: &str) -> Option<String> {
    // `script` runs a command with a terminal of its own.
    let Some(script) = program(&["script"]) else {
        skip("script (of bsdutils) is not installed");
        return None;
    };
    let mut command = place.command(script);
    command.args(["-q", "-e", "-c", &format!("{} {arguments}", env!("CARGO_BIN_EXE_seawall")), "/dev/null"]);
    let mut child = Child::start(command);
    assert_eq!(child.ended(), Some(0), "{child}");
    Some(child.out())
}

#[test]
fn colours_are_for_terminals_and_no_color_is_heeded() {
    let escape = '\u{1b}';
    let Some(coloured) = on_terminal(&Place::new(), "explain GET /") else { return };
    assert!(coloured.contains(escape), "{coloured}");
    let plain = on_terminal(&Place::new().with_variable("NO_COLOR", "1"), "explain GET /").expect("it was there");
    assert!(!plain.contains(escape) && plain.contains("rate_limit"), "{plain}");
    assert!(!Place::new().seawall(&["explain", "GET", "/"]).ok().contains(escape));
}

#[test]
fn a_reader_that_leaves_early_is_no_fault() {
    let place = Place::new();
    for arguments in [
        &["--help"][..],
        &["config", "example"],
        &["config", "schema"],
        &["config", "reference", "problems"],
        &["check", "--all"],
        &["explain", "GET", "/"],
        &["completions", "bash"],
    ] {
        // As in `seawall … | head -1`, only that the reader has surely gone before anything is written.
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let mut command = place.command(env!("CARGO_BIN_EXE_seawall"));
        let output =
            command.args(arguments).stdin(Stdio::null()).stdout(writer).stderr(Stdio::piped()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), said.as_ref()), (Some(0), ""), "{arguments:?}");
    }
}

/// The same for `status`, which asks a running server first.
#[test]
fn a_reader_that_leaves_status_early_is_no_fault() {
    let place = Place::new();
    let _server = place.serve(&["run", "--to", "http://127.0.0.1:9"]);
    let (reader, writer) = io::pipe().unwrap();
    drop(reader);
    let output = place.command(env!("CARGO_BIN_EXE_seawall")).arg("status").stdout(writer).output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(0), ""));
}
