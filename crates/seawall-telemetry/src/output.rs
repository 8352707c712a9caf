//! What both logs share: the sink, the look of a line, the service's name and the clock.

use std::sync::Arc;

use seawall_core::{
    clock::Clock,
    settings::{Raw, Setting, Shape, choice},
};

use crate::Sink;

/// Where and how both logs write; cheap to clone.
#[derive(Clone, Debug)]
pub struct Output {
    /// Where lines go.
    pub sink: Sink,
    /// How they look.
    pub style: Style,
    /// The service's name in each line.
    pub service: Arc<str>,
    /// Where lines get their time.
    pub clock: Arc<dyn Clock>,
}

/// How a line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// One JSON object, for machines.
    Json,
    /// Aligned text, for people.
    Pretty,
    /// Aligned text with colours.
    Coloured,
}

/// What the sink is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Terminal {
    /// Not a terminal: a file, a pipe, a collector.
    No,
    /// A terminal that shall show no colours (`NO_COLOR`).
    Plain,
    /// A terminal that shows colours.
    Coloured,
}

/// The setting that chooses a [`Style`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Pretty on a terminal, JSON elsewhere.
    Auto,
    /// JSON.
    Json,
    /// Aligned text.
    Pretty,
}

impl Format {
    /// The style for this kind of sink.
    #[must_use]
    pub const fn style(self, terminal: Terminal) -> Style {
        match (self, terminal) {
            (Self::Json, _) | (Self::Auto, Terminal::No) => Style::Json,
            (Self::Auto | Self::Pretty, Terminal::Coloured) => Style::Coloured,
            (Self::Auto | Self::Pretty, _) => Style::Pretty,
        }
    }
}

impl Setting for Format {
    const SHAPE: Shape = Shape::Choice(&["auto", "json", "pretty"]);

    fn read(raw: &Raw) -> Result<Self, String> {
        choice(raw, &[("auto", Self::Auto), ("json", Self::Json), ("pretty", Self::Pretty)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auto_is_pretty_on_terminals_only() {
        for (format, terminal, style) in [
            (Format::Auto, Terminal::No, Style::Json),
            (Format::Auto, Terminal::Plain, Style::Pretty),
            (Format::Auto, Terminal::Coloured, Style::Coloured),
            (Format::Json, Terminal::Coloured, Style::Json),
            (Format::Pretty, Terminal::No, Style::Pretty),
        ] {
            assert_eq!(format.style(terminal), style, "{format:?} {terminal:?}");
        }
    }
}
