//! What people see: pages made on the server, which need no script and no mouse.

mod list;
mod project;

pub(crate) use list::list;
pub(crate) use project::{deletion, picture, project};

use axum::response::Html;
use http::header::CACHE_CONTROL;

use crate::markup::Markup;

/// A page, of which nothing is kept by anybody between.
pub(crate) type Page = ([(http::HeaderName, &'static str); 1], Html<String>);

/// A page with this title and these contents.
pub(crate) fn page(title: &str, contents: impl FnOnce(&mut Markup)) -> Page {
    let mut markup = Markup::default();
    markup
        .raw("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>")
        .text(title)
        .raw(" · Studio</title><link rel=\"stylesheet\" href=\"/static/studio.css\"><script src=\"/static/counter.js\" defer></script></head><body>")
        .raw("<header><a class=\"name\" href=\"/\">Studio</a><a href=\"/_seawall/auth/pages/account\">Account</a>")
        .raw("<a href=\"/_seawall/auth/pages/sign-out\">Sign out</a></header><main><h1>")
        .text(title)
        .raw("</h1>");
    contents(&mut markup);
    markup.raw("</main></body></html>\n");
    ([(CACHE_CONTROL, "no-store")], Html(markup.finish()))
}

/// A number with commas between thousands.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_parted() {
        let shown = [7, 999, 1_000, 2_000, 1_234_567].map(grouped);
        assert_eq!(shown, ["7", "999", "1,000", "2,000", "1,234,567"]);
    }
}
