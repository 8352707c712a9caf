//! Pages: what browsers are answered, asked without one.

mod account;
pub(crate) mod browser;
mod forms;
mod onward;
mod passkey_browser;
mod passkeys;
mod theme;

use seawall_testkit::client::{RawResponse, Request};

use super::{PASSWORD, Place};

/// Everybody may register; a few routes ask for something.
pub(super) const CONFIGURATION: &str = r#"
[identity]
enabled = true
registration = "open"
sign_in_limits = []
scopes = ["orders:read"]

[rate_limit]
limits = []

[route."/private/*"]
access.require = "user"

[route."/strong/*"]
access.require = "second factor"

[route."/instant/*"]
access.require = "fresh 1ms"

[route."/hidden/*"]
access.require = "user"
access.hidden = true

[route."/admin/*"]
access.require = "role admin"
"#;

/// The path of a page.
pub(super) fn page(name: &str) -> String {
    format!("/_seawall/auth/pages/{name}")
}

/// As a form has it.
fn encoded(fields: &[(&str, &str)]) -> String {
    let sign = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    let text = |text: &str| text.bytes().map(sign).collect::<String>();
    fields.iter().map(|(name, value)| format!("{}={}", text(name), text(value))).collect::<Vec<_>>().join("&")
}

/// A form as a browser posts it that says where it comes from.
pub(super) fn form(name: &str, cookie: &str, fields: &[(&str, &str)]) -> Request {
    bare_form(name, cookie, fields).header("Sec-Fetch-Site", "same-origin")
}

/// A form as a browser posts it that says nothing of where it comes from.
pub(super) fn bare_form(name: &str, cookie: &str, fields: &[(&str, &str)]) -> Request {
    let request = Request::post(page(name)).header("Content-Type", "application/x-www-form-urlencoded");
    request.header("Cookie", cookie).body(encoded(fields))
}

/// The cookies that an answer gives, as a browser sends them back.
pub(super) fn cookies(answer: &RawResponse) -> String {
    let given = answer.headers_named("set-cookie");
    let pairs = given.iter().map(|cookie| cookie.split(';').next().unwrap()).filter(|pair| !pair.ends_with('='));
    pairs.collect::<Vec<_>>().join("; ")
}

impl Place {
    /// Posts a form.
    pub(super) async fn post_form(&self, name: &str, cookie: &str, fields: &[(&str, &str)]) -> RawResponse {
        self.app.client().request(form(name, cookie, fields)).await
    }

    /// Signs in on the page, and answers the cookies.
    pub(super) async fn sign_in_on_page(&self, name: &str) -> String {
        let answer = self.post_form("sign-in", "", &[("name", name), ("password", PASSWORD)]).await;
        cookies(&answer.expect_status(303))
    }
}
