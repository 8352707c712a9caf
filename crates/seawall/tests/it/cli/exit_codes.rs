//! The exit codes that `--help` documents: 0, 64, 69 and 70. 1, the end by a fault while serving, is not provoked here.

use std::net::TcpListener;

use super::binary::{FREE_PORTS, Place};
use crate::applications::child::Child;

const TO: [&str; 3] = ["run", "--to", "http://127.0.0.1:9"];

#[test]
fn bad_usage_is_64() {
    let place = Place::new();
    let run = |arguments: &[&'static str]| [&["run"], arguments].concat();
    for (arguments, says) in [
        (vec!["serve"], "unrecognized subcommand 'serve'"),
        (run(&["--port", "80"]), "unexpected argument '--port'"),
        (run(&["--listen", "8080"]), "invalid value '8080' for '--listen <ADDR>'"),
        (run(&["--to", "localhost:3000"]), "is not a whole URL"),
        (run(&["--to", "ftp://localhost"]), "the scheme ftp:// is not supported"),
        (run(&["--to", "http://localhost", "--admin", "0.0.0.0:9090"]), "can be reached from other machines"),
        (run(&[]), "seawall run --to http://localhost:3000"),
        (vec!["completions", "tcsh"], "invalid value 'tcsh'"),
    ] {
        let said = place.seawall(&arguments).refused(64);
        // Long sentences are wrapped.
        let words = said.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ");
        assert!(words.contains(says), "{arguments:?} says\n{said}");
    }
}

#[test]
fn a_missing_application_is_told_how_to_name_one() {
    insta::assert_snapshot!(Place::new().seawall(&["run"]).refused(64), @r"
    error: no application is named
      help: say where your application is: seawall run --to http://localhost:3000; or let Seawall start it: seawall run -- node server.js
    ");
}

#[test]
fn a_configuration_that_cannot_be_read_is_64() {
    let place = Place::new();
    for command in [
        &["run", "--config", "other.toml"][..],
        &["check", "--config", "other.toml"],
        &["status", "--config", "other.toml"],
    ] {
        let said = place.seawall(command).refused(64);
        assert!(said.starts_with("error: cannot read other.toml: No such file or directory"), "{said}");
    }
    let said = Place::with_config("mode = \"strict\"\n").seawall(&TO).refused(64);
    assert!(said.contains("seawall.toml:1"), "{said}");
}

#[test]
fn an_address_in_use_is_69() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for (option, other) in [("--listen", "--admin"), ("--admin", "--listen")] {
        let place = Place::new();
        let arguments = [&TO[..], &[option, &address, other, "127.0.0.1:0"]].concat();
        let said = place.seawall(&arguments).refused(69);
        assert!(said.contains(&address) && said.contains(&format!("choose another address with {option}")), "{said}");
    }
}

#[test]
fn a_data_directory_in_use_is_69() {
    let place = Place::new();
    let first = place.serve(&TO);
    let said = place.seawall(&[&TO[..], &FREE_PORTS].concat()).refused(69);
    insta::assert_snapshot!(place.redacted(&said), @"
    error: another Seawall uses DIRECTORY/.seawall
      help: stop it, or take over from it with --take-over; or give this one a directory of its own with `data` in the configuration
    ");
    drop(first);
    // A process that was killed leaves its socket behind, but not its lock.
    assert_eq!(place.serve(&TO).terminate(), Some(0));
}

#[test]
fn a_data_directory_that_cannot_be_made_is_69() {
    let place = Place::with_config("data = \"a-file/inside\"\n").with_file("a-file", "");
    let said = place.seawall(&[&TO[..], &FREE_PORTS].concat()).refused(69);
    assert!(said.contains("a-file") && said.contains("choose another with `data`"), "{said}");
}

#[test]
fn nobody_to_ask_is_69() {
    let place = Place::new();
    insta::assert_snapshot!(place.redacted(&place.seawall(&["status"]).refused(69)), @r"
    error: no running server answers at DIRECTORY/.seawall/admin.sock: No such file or directory (os error 2)
      help: start it with: seawall run --to http://localhost:3000; or name its configuration with --config
    ");
}

#[test]
fn an_answer_that_cannot_be_written_is_70() {
    let place = Place::new();
    let mut full = place.command("sh");
    full.args(["-c", "exec \"$0\" config example > /dev/full", env!("CARGO_BIN_EXE_seawall")]);
    let mut child = Child::start(full);
    assert_eq!(child.ended(), Some(70), "{child}");
    assert!(child.err().contains("No space left on device"), "{child}");
}

#[test]
fn health_paths_that_cannot_be_served_are_mistakes() {
    for paths in [
        "live_paths = [\"/a\", \"/a\"]",
        "live_paths = [\"/a\"]\nready_paths = [\"/a\"]",
        "live_paths = [\"/a/*\"]",
        "live_paths = [\"GET /a\"]",
        "ready_paths = [\"/_seawall/health/live\"]",
    ] {
        let place = Place::with_config(&format!("[health]\n{paths}\n"));
        place.seawall(&["check"]).refused(64);
        place.seawall(&[&TO[..], &FREE_PORTS].concat()).refused(64);
    }
}

#[test]
fn a_prefix_that_is_no_plain_path_is_a_mistake() {
    for prefix in ["", "/", "/a/{b}", "/a/*", "seawall"] {
        let said = Place::with_config(&format!("[server]\nprefix = \"{prefix}\"\n")).seawall(&["check"]).refused(64);
        assert!(said.contains("seawall.toml:2"), "the mistake has its place: {said}");
    }
}

#[test]
fn a_data_directory_whose_path_is_too_long_for_a_socket_is_69() {
    let place = Place::with_config(&format!("data = \"{}\"\n", "long/".repeat(30)));
    let said = place.seawall(&[&TO[..], &FREE_PORTS].concat()).refused(69);
    assert!(said.contains("`data`"), "{said}");
}
