//! Colours of a terminal.

use crate::Style;

/// What a colour says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Colour {
    Dim,
    Good,
    Moved,
    Doubtful,
    Bad,
}

/// What turns the colour on, if the style has any.
pub(crate) const fn paint(style: Style, colour: Colour) -> &'static [u8] {
    match (style, colour) {
        (Style::Json | Style::Pretty, _) => b"",
        (Style::Coloured, Colour::Dim) => b"\x1b[2m",
        (Style::Coloured, Colour::Good) => b"\x1b[32m",
        (Style::Coloured, Colour::Moved) => b"\x1b[36m",
        (Style::Coloured, Colour::Doubtful) => b"\x1b[33m",
        (Style::Coloured, Colour::Bad) => b"\x1b[31m",
    }
}

/// What turns it off.
pub(crate) const fn unpaint(style: Style) -> &'static [u8] {
    match style {
        Style::Json | Style::Pretty => b"",
        Style::Coloured => b"\x1b[0m",
    }
}
