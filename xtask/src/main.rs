//! Development commands: tidy checks, coverage, releases, fuzzing and benches. Standard library only, so that it builds in a second.

mod bench;
mod clock;
mod coverage;
mod failure;
mod fuzz;
mod llvm;
mod order;
mod release;
mod relocations;
mod rust_text;
mod terminal;
mod tidy;
mod workspace;

use std::process::ExitCode;

use failure::Failure;

const USAGE: &str = "\
Usage: cargo xtask COMMAND

Commands:
  tidy                  check the rules that compilers do not know
  coverage [-p CRATE]…  run the tests with line coverage, print it per crate
  release               build the program as it is released, tuned by what its code does under traffic
  fuzz [TARGET]…        run the fuzz targets; see `cargo xtask fuzz --help`
  bench proxy           compare Seawall with other proxies; see `cargo xtask bench proxy --help`
  bench connections     what connections cost while nothing happens on them
  bench instructions    count the instructions of a request, in all and by guard
  bench guards          count the instructions that single guards add to a request
  bench shapes          what reading a byte of JSON and of forms costs, from 1 KB to 10 MB
  bench identity        what knowing who asks costs, and what traffic notices while people sign in
  bench llm             compare Seawall with other gateways of language models; see `cargo xtask bench llm --help`
  bench sign-in         whether the time of a refusal tells who exists
  bench store           durable transactions per second of the store, beside the bare drivers";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            terminal::complain(&failure.to_string());
            failure.exit_code()
        }
    }
}

fn run(words: &[&str]) -> Result<(), Failure> {
    match words {
        ["tidy"] => tidy::run(),
        ["coverage", rest @ ..] => coverage::run(rest),
        ["release", rest @ ..] => release::run(rest),
        ["fuzz", rest @ ..] => fuzz::run(rest),
        ["bench", "proxy", rest @ ..] => bench::run(rest),
        ["bench", "connections", rest @ ..] => bench::connections::run(rest),
        ["bench", "sign-in", rest @ ..] => bench::sign_in::run(rest),
        ["bench", "store", rest @ ..] => bench::store::run(rest),
        ["bench", "guards", rest @ ..] => bench::guards::run(rest),
        ["bench", "shapes", rest @ ..] => bench::shapes::run(rest),
        ["bench", "identity", rest @ ..] => bench::identity::run(rest),
        ["bench", "llm", rest @ ..] => bench::llm::run(rest),
        ["bench", "instructions", rest @ ..] => bench::instructions::run(rest),
        // Started by the bench as a child process, so that its cost is not counted as the bench's own.
        ["bench-upstream"] => bench::upstream::run(),
        ["help" | "--help" | "-h"] => {
            terminal::say(USAGE);
            Ok(())
        }
        [] => Err(Failure::usage(USAGE)),
        _ => Err(Failure::usage(format!("unknown command: {}\n\n{USAGE}", words.join(" ")))),
    }
}
