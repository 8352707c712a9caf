//! Help, version and completions.

use super::binary::Place;
use crate::applications::{child::Child, tools::program};

#[test]
fn help_says_what_it_is_and_where_to_begin() {
    insta::assert_snapshot!(Place::new().seawall(&["--help"]).ok(), @"
    Makes any web API ready for real users: one process in front of your application, in any language,
    without a change to its code

    Usage: seawall <COMMAND>

    Commands:
      run           Serve: put all guards in front of an application
      demo          Show a careless sample application behind Seawall, and what to try; or play an LLM
      check         Check the configuration without serving, and show what it changes
      explain       Explain a request (GET /path) or a problem (quota-exceeded)
      config        Write an example file, the JSON Schema for editors, or the reference
      status        Ask the running server how it is
      reload        Have the running server take over its changed configuration; one with mistakes
                    changes nothing
      restart       Start a successor in the running server's place, such as a new version, without
                    losing a request
      diff          Show what `seawall reload` would change in the running server
      report        Show what guards of the running server would have refused that only report, which
                    setting would refuse none of it, and which answers differ from the document
      llm           Show what the running server's calls of language models used and cost
      app           Ask how the application is that the running server started
      migrate       Bring the store's tables to this version, or back, when no server runs; or see how
                    they stand
      backup        Take a backup, see which there are, or prove that one can be restored
      restore       Bring back the newest state, or that of a second, from the backups. Stop the server
                    first
      db            Move the store to another database
      user          Add people who may sign in, give them roles, keep them out, or end their sessions
      key           Make API keys of users for programs, show, replace them, or take them back
      device        Show the devices that people paired, or revoke one
      organisation  Add organisations, show them, give them members and a tier, or remove them
      identity      Show the keys that sign tokens, or put another in their place
      import        Take over the users of another system, with the passwords they have
      mail          Try the mail server, or see to letters that it did not take
      audit-log     Read the record of who did what, or find out whether it was changed
      completions   Write a completion script for your shell
      help          Print this message or the help of the given subcommand(s)

    Options:
      -h, --help
              Print help (see a summary with '-h')

      -V, --version
              Print version

    First steps:
      seawall demo                             a careless sample application behind Seawall
      seawall run --to http://localhost:3000   your application behind Seawall
      seawall run -- node server.js            the same, and Seawall starts and watches it
      seawall explain GET /                    which guards, with which values, from where

    Exit codes:
      0   clean
      1   a fault of the running process
      64  bad usage or configuration
      69  an address or directory is in use, or the application or what is asked is not there
      70  an internal fault at start
    ");
}

#[test]
fn help_on_run_names_every_option_and_the_exit_codes() {
    insta::assert_snapshot!(Place::new().seawall(&["run", "--help"]).ok(), @"
    Serve: put all guards in front of an application

    Usage: seawall run [OPTIONS] [-- <COMMAND>...]

    Arguments:
      [COMMAND]...  The program that is your application, and its arguments: it is started, watched, and
                    stopped last; the variable PORT tells it where to listen

    Options:
          --to <URL>       Where your application is, such as http://localhost:3000
          --listen <ADDR>  Where clients connect [default: 127.0.0.1:8080]
          --admin <ADDR>   Where the admin interface listens, on this machine only [default:
                           127.0.0.1:9090]
          --take-over      Take over from the running server of this data directory, if there is one,
                           without losing a request
          --config <FILE>  The configuration file [default: seawall.toml, when it is there]
      -h, --help           Print help

    Exit codes:
      0   clean
      1   a fault of the running process
      64  bad usage or configuration
      69  an address or directory is in use, or the application or what is asked is not there
      70  an internal fault at start
    ");
}

#[test]
fn every_command_has_help() {
    let place = Place::new();
    for command in ["run", "demo", "check", "explain", "config", "status", "llm", "app", "completions"] {
        let help = place.seawall(&[command, "--help"]).ok();
        assert!(help.contains(&format!("Usage: seawall {command}")), "{help}");
    }
}

#[test]
fn the_version_is_the_crates() {
    assert_eq!(Place::new().seawall(&["--version"]).ok(), format!("seawall {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn nothing_asked_is_answered_with_help_and_the_code_for_bad_usage() {
    let said = Place::new().seawall(&[]).refused(64);
    assert!(said.contains("Usage: seawall <COMMAND>") && said.contains("First steps:"), "{said}");
}

#[test]
fn every_shell_gets_its_completions() {
    let place = Place::new();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = place.seawall(&["completions", shell]).ok();
        for word in ["explain", "completions", "--listen"] {
            // Fish writes options without their dashes.
            let word = if shell == "fish" { word.trim_start_matches('-') } else { word };
            assert!(script.contains(word), "{word} for {shell}");
        }
        if let Some(shell) = program(&[shell]).filter(|_| ["bash", "fish", "zsh"].contains(&shell)) {
            let place = Place::new().with_file("script", &script);
            let mut command = place.command(shell);
            command.args(["-n", "script"]);
            let mut child = Child::start(command);
            assert_eq!(child.ended(), Some(0), "{child}");
        }
    }
}
