//! Where a browser goes on: a path of this host, so that nobody is led elsewhere.

use std::{fmt::Write, sync::Arc};

use http::{HeaderValue, Uri};

use crate::http::percent;

/// The longest path that is gone back to, with its query, in bytes.
const LONGEST: usize = 1_024;

/// A path of this host, with its query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OnwardPath<'a>(&'a str);

impl<'a> OnwardPath<'a> {
    /// Reads one; nothing when a browser could take it for an address elsewhere, or it is no path.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        // Browsers drop tabs and line feeds and take a backslash for a slash (WHATWG URL, sections 4.1 and 4.4).
        let own = text.starts_with('/')
            && !text.starts_with("//")
            && !text.contains('\\')
            && text.len() <= LONGEST
            && text.bytes().all(|byte| byte.is_ascii_graphic());
        own.then_some(Self(text))
    }

    /// The path.
    #[must_use]
    pub const fn as_str(self) -> &'a str {
        self.0
    }

    /// The same as the value of a parameter in a query.
    #[must_use]
    pub fn in_query(self) -> String {
        percent::encoded(self.0, percent::PATH)
    }
}

/// The pages to which a browser is sent that has to show more before a route lets it in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignInPages {
    /// Where people sign in.
    pub sign_in: Arc<str>,
    /// What the way back is called there.
    pub back: &'static str,
    /// Where they confirm who they are.
    pub confirm: Arc<str>,
}

impl SignInPages {
    /// One of them, with the way back to what was asked for.
    #[must_use]
    pub fn location(page: &str, parameters: &[(&str, &str)], back: &str, asked: &Uri) -> Option<HeaderValue> {
        let mut location = page.to_owned();
        let mut sign = if page.contains('?') { '&' } else { '?' };
        let asked =
            asked.path_and_query().and_then(|asked| OnwardPath::parse(asked.as_str())).map(OnwardPath::in_query);
        let way_back = asked.as_deref().map(|asked| (back, asked));
        for (name, value) in parameters.iter().copied().chain(way_back) {
            // Writing to a string cannot fail.
            let _infallible = write!(location, "{sign}{name}={value}");
            sign = '&';
        }
        HeaderValue::try_from(location).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_this_host_are_gone_on_to() {
        for own in ["/", "/a/b?c=d&e=%20", "/a//b", "/?next=//evil.example"] {
            assert_eq!(OnwardPath::parse(own).map(OnwardPath::as_str), Some(own));
        }
        let long = format!("/{}", "a".repeat(LONGEST));
        for elsewhere in [
            "",
            "a",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/\t/evil.example",
            "/a b",
            "/a\r\nSet-Cookie: a",
            "\\/evil.example",
            "/ä",
            &long,
        ] {
            assert_eq!(OnwardPath::parse(elsewhere), None, "{elsewhere:?}");
        }
    }

    #[test]
    fn the_way_back_is_one_parameter() {
        let to = |page, parameters: &[(&str, &str)], asked: &str| {
            SignInPages::location(page, parameters, "next", &asked.parse().unwrap()).unwrap()
        };
        assert_eq!(to("/login", &[], "/a?b=c&d"), "/login?next=/a%3Fb%3Dc%26d");
        assert_eq!(to("/login?x=1", &[("need", "code")], "/a"), "/login?x=1&need=code&next=/a");
        assert_eq!(to("/login", &[], "//evil.example/a"), "/login");
    }
}
