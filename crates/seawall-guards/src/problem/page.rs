//! A problem as a page: readable without scripts, without a mouse, and without anything loaded from elsewhere.

use std::fmt::Write;

use seawall_core::problem::Problem;

/// What the page may load: nothing but its own style.
pub(super) const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const STYLE: &str = "body{font:1rem/1.6 system-ui,sans-serif;max-width:38rem;margin:15vh auto;padding:0 1.5rem;color:#1b1f24;background:#fff}\
h1{font-size:1.5rem;line-height:1.3}code{font-size:.9em;overflow-wrap:anywhere}footer{margin-top:2.5rem;color:#57606a;font-size:.875rem}\
@media(prefers-color-scheme:dark){body{color:#e6edf3;background:#0d1117}footer{color:#9198a1}}";

/// The page of one problem.
pub(super) fn html(problem: &Problem, request_id: &str, inside: Option<&str>) -> String {
    let mut out = String::with_capacity(1_500);
    let title = escape(problem.kind.title);
    let _ = write!(
        out,
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <title>{title}</title><style>{STYLE}</style></head><body><main><h1>{title}</h1>"
    );
    if let Some(detail) = &problem.detail {
        let _ = write!(out, "<p>{}</p>", escape(detail));
    }
    if let Some(seconds) = problem.retry_after {
        let unit = if seconds == 1 { "second" } else { "seconds" };
        let _ = write!(out, "<p>Try again in {seconds} {unit}.</p>");
    } else if problem.kind.retryable {
        out.push_str("<p>Try again in a moment.</p>");
    }
    if let Some(inside) = inside {
        let _ = write!(out, "<p>Shown in development only: <code>{}</code></p>", escape(inside));
    }
    let _ = writeln!(
        out,
        "</main><footer>Status {}. If you ask for help, name this request: <code>{}</code></footer></body></html>",
        problem.status().as_u16(),
        escape(request_id)
    );
    out
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}
