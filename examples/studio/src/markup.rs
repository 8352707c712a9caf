//! HTML that cannot be broken out of: markup is written in the source, and everything else is escaped.

/// A piece of HTML.
#[derive(Debug, Default)]
pub(crate) struct Markup(String);

impl Markup {
    /// Adds markup, which is part of the program and never comes from anybody.
    pub(crate) fn raw(&mut self, markup: &'static str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    /// Adds a text, in an element or in a quoted attribute.
    pub(crate) fn text(&mut self, text: &str) -> &mut Self {
        for character in text.chars() {
            match character {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                character => self.0.push(character),
            }
        }
        self
    }

    /// All of it.
    pub(crate) fn finish(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_stays_a_text_wherever_it_stands() {
        let mut markup = Markup::default();
        markup.raw("<p title=\"").text("\"><script>'&").raw("\">");
        assert_eq!(markup.finish(), "<p title=\"&quot;&gt;&lt;script&gt;&#39;&amp;\">");
    }
}
