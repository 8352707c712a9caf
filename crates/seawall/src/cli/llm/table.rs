//! A table for a terminal: columns as wide as what stands in them.

use crate::cli::paint::Paint;

/// How a column is aligned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Align {
    Left,
    Right,
}

/// The head and the rows, each on a line.
pub(super) fn table<const N: usize>(columns: [(&str, Align); N], rows: &[[String; N]], paint: Paint) -> String {
    let width = |at: usize, name: &str| {
        let cells = rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count());
        cells.chain([name.chars().count()]).max().unwrap_or_default()
    };
    let mut widths = [0; N];
    for (at, (slot, (name, _))) in widths.iter_mut().zip(columns).enumerate() {
        *slot = width(at, name);
    }
    let line = |cells: &[String; N]| {
        let padded = cells.iter().zip(columns).zip(widths).map(|((cell, (_, align)), width)| match align {
            Align::Left => format!("{cell:<width$}"),
            Align::Right => format!("{cell:>width$}"),
        });
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let mut out = paint.bold(&line(&columns.map(|(name, _)| name.to_owned()))) + "\n";
    for row in rows {
        out.push_str(&line(row));
        out.push('\n');
    }
    out
}
