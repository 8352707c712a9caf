//! HTML that is built of elements: whatever text comes into it is escaped, because nothing else can be put in.

use std::fmt::Write;

/// A piece of a page. Its names of elements and attributes are ours; texts and values are anybody's, and escaped on their way in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Markup(String);

impl Markup {
    /// A text.
    pub(super) fn text(text: impl AsRef<str>) -> Self {
        let mut out = String::new();
        escape(text.as_ref(), &mut out);
        Self(out)
    }

    /// An element with what is in it.
    pub(super) fn element(name: &'static str, attributes: &[(&'static str, &str)], inside: impl Into<Self>) -> Self {
        let mut out = Self::void(name, attributes);
        out.0.push_str(&inside.into().0);
        // Writing to a string cannot fail.
        let _infallible = write!(out.0, "</{name}>");
        out
    }

    /// An element in which nothing can be.
    pub(super) fn void(name: &'static str, attributes: &[(&'static str, &str)]) -> Self {
        let mut out = format!("<{name}");
        for (name, value) in attributes {
            let _infallible = write!(out, " {name}=\"");
            escape(value, &mut out);
            out.push('"');
        }
        out.push('>');
        Self(out)
    }

    /// The same, and what follows.
    pub(super) fn then(mut self, other: impl Into<Self>) -> Self {
        self.0.push_str(&other.into().0);
        self
    }

    /// A link.
    pub(super) fn link(href: &str, text: impl AsRef<str>) -> Self {
        Self::element("a", &[("href", href)], text.as_ref())
    }

    /// A paragraph.
    pub(super) fn paragraph(inside: impl Into<Self>) -> Self {
        Self::element("p", &[], inside)
    }

    /// The whole page.
    pub(super) fn page(self) -> String {
        format!("<!doctype html>\n{}\n", self.0)
    }
}

impl From<&str> for Markup {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl From<&String> for Markup {
    fn from(text: &String) -> Self {
        Self::text(text)
    }
}

impl FromIterator<Self> for Markup {
    fn from_iter<I: IntoIterator<Item = Self>>(pieces: I) -> Self {
        Self(pieces.into_iter().map(|piece| piece.0).collect())
    }
}

fn escape(text: &str, out: &mut String) {
    for sign in text.chars() {
        match sign {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_and_no_value_becomes_markup() {
        let evil = "<script>alert('1')</script>\"&";
        let escaped = "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&quot;&amp;";
        assert_eq!(Markup::text(evil).0, escaped);
        assert_eq!(Markup::element("p", &[("title", evil)], evil).0, format!("<p title=\"{escaped}\">{escaped}</p>"));
        assert_eq!(Markup::void("input", &[("value", evil)]).0, format!("<input value=\"{escaped}\">"));
    }

    #[test]
    fn pieces_keep_their_order_and_are_escaped_once() {
        let inside = Markup::paragraph("a & b").then("c").then(Markup::link("/x?a=b&c", "d"));
        let whole = "<main><p>a &amp; b</p>c<a href=\"/x?a=b&amp;c\">d</a></main>";
        assert_eq!(Markup::element("main", &[], inside).0, whole);
    }
}
