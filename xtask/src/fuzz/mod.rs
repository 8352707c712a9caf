//! `cargo xtask fuzz [--seconds N] [TARGET…]`: runs the fuzz targets one after the other and prints what they did.
//!
//! What must hold is in `crates/seawall-fuzz`, the entry points are in `fuzz/`. What libFuzzer collects is kept in `fuzz/` below
//! the build folder, so that the next run begins where this one ended.

mod arguments;
mod report;
mod session;
mod tools;

use crate::failure::Failure;
use crate::{terminal, workspace};
use arguments::Arguments;
use report::Row;
use session::Session;

pub(crate) fn run(words: &[&str]) -> Result<(), Failure> {
    if let ["help" | "--help" | "-h"] = words {
        terminal::say(arguments::USAGE);
        return Ok(());
    }
    let known = session::targets(&workspace::root())?;
    let Arguments { seconds, targets } = arguments::parse(words, &known)?;
    let tools = tools::find(&workspace::target_directory()?.join("test-tools"))?;
    let session = Session::prepare(workspace::target_directory()?.join("fuzz"), tools)?;
    let mut rows = Vec::new();
    for (number, target) in targets.iter().enumerate() {
        terminal::progress(&format!("fuzz: [{} of {}] {target}, {seconds} s", number + 1, targets.len()));
        rows.push(session.fuzz(target, seconds)?);
    }
    terminal::say(&report::table(&rows));
    verdict(&rows)
}

fn verdict(rows: &[Row]) -> Result<(), Failure> {
    let findings: Vec<String> = rows.iter().filter_map(Row::finding).collect();
    if findings.is_empty() {
        return Ok(());
    }
    Err(Failure::found(format!("fuzz: an oracle does not hold\n{}", findings.join("\n"))))
}
