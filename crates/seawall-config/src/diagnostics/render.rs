//! Diagnostics as an operator reads them in a terminal or a log.

use std::fmt;

use miette::{GraphicalReportHandler, GraphicalTheme};

use super::{Diagnostics, excerpt::Shown};

/// Whether to colour what is rendered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Colour {
    /// No colours: a log, a file, or a terminal that does not want them.
    #[default]
    Plain,
    /// ANSI colours.
    Ansi,
}

/// Columns that messages are wrapped at.
const WIDTH: usize = 92;

impl Diagnostics {
    /// Writes every diagnostic with its place, one after the other, and how many more there are.
    ///
    /// # Errors
    /// Only what `out` itself fails with.
    pub fn render(&self, out: &mut dyn fmt::Write, colour: Colour) -> fmt::Result {
        let theme = match colour {
            Colour::Plain => GraphicalTheme::unicode_nocolor(),
            Colour::Ansi => GraphicalTheme::unicode(),
        };
        let handler = GraphicalReportHandler::new_themed(theme)
            .with_wrap_lines(false)
            .with_context_lines(1)
            .without_syntax_highlighting()
            .with_links(false);
        for (index, diagnostic) in self.iter().enumerate() {
            if index > 0 {
                out.write_char('\n')?;
            }
            let mut report = String::new();
            handler.render_report(&mut report, &Shown::new(diagnostic, WIDTH))?;
            for line in report.lines() {
                writeln!(out, "{}", line.trim_end())?;
            }
        }
        match self.hidden() {
            0 => Ok(()),
            1 => out.write_str("\nOne more problem is not shown; fix these first.\n"),
            more => writeln!(out, "\n{more} more problems are not shown; fix these first."),
        }
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.render(f, Colour::Plain)
    }
}
