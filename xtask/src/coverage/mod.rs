//! `cargo xtask coverage [-p CRATE]…`: runs the tests with line coverage and prints it per crate.
//!
//! Rust's own instrumentation, read by LLVM's tools; it builds in `coverage/` below the build folder, so that the ordinary
//! build stays as it is. Without tools that can read this compiler's profiles it says what to install and succeeds.

mod lcov;
mod runs;

use crate::failure::Failure;
use crate::llvm::{self, Found, Unseen};
use crate::{terminal, workspace};
use lcov::Lines;
use runs::Build;

/// Printed, but no part of the product.
const NOT_PRODUCT: [&str; 3] = ["seawall-fuzz", "seawall-testkit", "xtask"];

/// `packages` are cargo's own words to choose packages: `-p NAME`. None means the whole workspace.
pub(crate) fn run(packages: &[&str]) -> Result<(), Failure> {
    if !packages.chunks(2).all(|pair| matches!(pair, ["-p" | "--package", _])) {
        return Err(Failure::usage("Usage: cargo xtask coverage [-p CRATE]…"));
    }
    let tools = match llvm::find()? {
        Found::Tools(tools) => tools,
        Found::Missing(reason) => {
            terminal::say(&format!("coverage: not measured. {reason}"));
            return Ok(());
        }
    };
    let build = Build::prepare(&workspace::target_directory()?.join("coverage"), packages)?;
    terminal::progress("coverage: building and running the tests with instrumentation");
    let passed = build.run_tests()?;
    terminal::progress("coverage: reading the profiles");
    let profile = tools.merge(&build.profiles()?, &build.folder, Unseen::LeftOut)?;
    let report = tools.export(&profile, &build.programs()?)?;
    terminal::say(&table(&lcov::per_crate(&report, &workspace::root())));
    if passed {
        return Ok(());
    }
    Err(Failure::found("coverage: tests failed, so the figures above are not those of a good build"))
}

fn table(crates: &[(String, Lines)]) -> String {
    let mut rows = vec![format!("{:<22} {:>8} {:>8} {:>8}", "crate (without tests)", "lines", "covered", "percent")];
    let product = |name: &str| !NOT_PRODUCT.contains(&name);
    rows.extend(crates.iter().filter(|(name, _)| product(name)).map(|(name, lines)| row(name, *lines)));
    let total =
        crates.iter().filter(|(name, _)| product(name)).fold(Lines::default(), |sum, (_, lines)| sum.plus(*lines));
    rows.push(row("total", total));
    rows.extend(
        crates
            .iter()
            .filter(|(name, _)| !product(name))
            .map(|(name, lines)| format!("{}  not in the total", row(name, *lines))),
    );
    rows.join("\n")
}

fn row(name: &str, lines: Lines) -> String {
    let percent = lines.percent().map_or_else(|| "-".to_owned(), |percent| format!("{percent:.1}"));
    format!("{name:<22} {:>8} {:>8} {percent:>8}", lines.all, lines.covered)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_totals_the_product_alone() {
        let crates = [
            ("seawall-core".to_owned(), Lines { all: 200, covered: 150 }),
            ("xtask".to_owned(), Lines { all: 100, covered: 0 }),
        ];
        let text = table(&crates);
        assert!(text.contains("total                       200      150     75.0\n"), "{text}");
        assert!(text.ends_with("xtask                       100        0      0.0  not in the total"), "{text}");
    }
}
