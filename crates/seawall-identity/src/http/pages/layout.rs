//! The frame of all pages: head, the name of the application, the ways through the account, and the fields of the answer.

use axum::response::{Html, IntoResponse, Response};
use http::{
    HeaderName, HeaderValue, StatusCode,
    header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, SET_COOKIE, X_FRAME_OPTIONS},
};

use super::{
    assets::Script,
    form::Said,
    markup::Markup,
    site::Site,
    visit::{FORM, Visit},
};

/// The parts of the account: their paths and names.
pub(super) const PARTS: [(&str, &str); 9] = [
    ("account", "Account"),
    ("account/password", "Password"),
    ("account/sessions", "Sessions"),
    ("account/factors", "Second factors"),
    ("account/passkeys", "Passkeys"),
    ("account/keys", "API keys"),
    ("account/devices", "Devices"),
    ("account/organisations", "Organisations"),
    ("account/elsewhere", "Accounts elsewhere"),
];

/// A page may load its stylesheet and the logo, and post to this host; some have a script of ours beside (`SCRIPTED`), and that of passkeys
/// asks this host (`ASKING`). Nobody frames it.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
const SCRIPTED: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
const ASKING: &str = "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// One page.
#[derive(Debug, Default)]
pub(super) struct Page<'a> {
    pub(super) title: &'a str,
    pub(super) body: Markup,
    /// Which part of the account it is.
    pub(super) part: Option<&'static str>,
    /// What was done, by its word in the address.
    pub(super) done: Option<&'static str>,
    pub(super) status: StatusCode,
    pub(super) script: Option<Script>,
}

impl<'a> Page<'a> {
    /// A page by itself.
    pub(super) fn new(title: &'a str, body: Markup) -> Self {
        Self { title, body, ..Self::default() }
    }

    /// A part of the account.
    pub(super) fn part(part: &'static str, title: &'a str, body: Markup) -> Self {
        Self { part: Some(part), ..Self::new(title, body) }
    }

    /// The same again, because of what is said on it.
    pub(super) fn saying(self, said: Option<&Said>) -> Self {
        Self { status: said.map_or(self.status, |said| said.status), ..self }
    }
}

/// What was done a moment ago: words of an address, so that no address puts words of its own on the page.
fn done(word: &str) -> Option<&'static str> {
    Some(match word {
        "signed-out" => "You are signed out.",
        "again" => "There are ten minutes between the password and the code. Sign in again.",
        "reset" => "The password was changed, and all sessions were ended. You can sign in with it.",
        "verified" => "Your address is confirmed.",
        "forgot" => "If there is such a user with an address, a mail is on its way.",
        "password" => "The password was changed. All other sessions were ended.",
        "address" => "A mail with a link is on its way to the address. Until it is used, nothing changes.",
        "ended" => "Done: what you ended is signed out.",
        "factors" => "The second factor was removed. All other sessions were ended.",
        "passkey" => "The passkey was added. You can sign in with it.",
        "passkey-renamed" => "The passkey has another name.",
        "passkey-removed" => "The passkey was removed. All other sessions were ended.",
        "revoked" => "Done: it opens nothing any more.",
        "unlinked" => "Done: it signs nobody in here any more.",
        "paired" => "The device is paired.",
        "organisation" => "Done: that is what you act for.",
        _ => return None,
    })
}

impl Site {
    /// The answer with a page.
    pub(super) fn show(&self, visit: &Visit, page: Page<'_>) -> Response {
        let said = page.done.or_else(|| visit.parameter("done")).and_then(done);
        let done = said.map(|text| Markup::element("p", &[("class", "done"), ("role", "status")], text));
        let head = self.head(&page);
        let top = Markup::element("header", &[], self.logo().then(Markup::paragraph(&self.theme.title)));
        let ways = page.part.map(|part| self.ways(part)).unwrap_or_default();
        let main = done.into_iter().collect::<Markup>();
        let main = Markup::element("h1", &[], page.title).then(main).then(page.body);
        let class = if page.part.is_some() { "wide" } else { "narrow" };
        let body = top.then(ways).then(Markup::element("main", &[], main));
        let html =
            Markup::element("html", &[("lang", "en")], head.then(Markup::element("body", &[("class", class)], body)));
        let mut response = (page.status, Html(html.page())).into_response();
        let policy = match page.script {
            None => POLICY,
            Some(Script::Link) => SCRIPTED,
            Some(Script::Passkeys) => ASKING,
        };
        let fields: [(HeaderName, HeaderValue); 4] = [
            (CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy)),
            // With none at all, browsers name no origin where a form is posted.
            (REFERRER_POLICY, HeaderValue::from_static("same-origin")),
            (CACHE_CONTROL, HeaderValue::from_static("no-store")),
            (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
        ];
        response.headers_mut().extend(fields);
        if let Some(cookie) = self.desk.cookie.give_beside(FORM, &visit.kept, None).filter(|_| visit.kept_fresh) {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
        response
    }

    fn head(&self, page: &Page<'_>) -> Markup {
        let style = self.asset("style.css", &self.theme.style.version);
        let script = page.script.map(|script| {
            let address = self.asset(script.file(), &script.served().version);
            Markup::element("script", &[("src", &address), ("defer", "")], "")
        });
        let title = format!("{} – {}", page.title, self.theme.title);
        let inside = Markup::void("meta", &[("charset", "utf-8")])
            .then(Markup::void("meta", &[("name", "viewport"), ("content", "width=device-width, initial-scale=1")]))
            .then(Markup::element("title", &[], &title))
            .then(Markup::void("link", &[("rel", "stylesheet"), ("href", &style)]))
            .then(script.into_iter().collect::<Markup>());
        Markup::element("head", &[], inside)
    }

    fn logo(&self) -> Markup {
        let Some(logo) = &self.theme.logo else { return Markup::default() };
        Markup::void("img", &[("src", &self.asset("logo", &logo.version)), ("alt", "")])
    }

    fn asset(&self, name: &str, version: &str) -> String {
        format!("{}/{name}?v={version}", self.base)
    }

    /// The ways through the account.
    fn ways(&self, current: &str) -> Markup {
        let parts = PARTS.iter().filter(|(path, _)| match *path {
            "account/elsewhere" => self.desk.people.issuers().next().is_some(),
            "account/passkeys" => self.passkeys().is_some(),
            _ => true,
        });
        let one = |(path, name): &(&str, &str)| {
            let href = format!("{}/{path}", self.base);
            let attributes = [("href", &*href), ("aria-current", "page")];
            let shown = if *path == current { &attributes[..] } else { &attributes[..1] };
            Markup::element("li", &[], Markup::element("a", shown, *name))
        };
        let out = [("sign-out", "Sign out")];
        let list = Markup::element("ul", &[], parts.chain(&out).map(one).collect::<Markup>());
        Markup::element("nav", &[("aria-label", "Account")], list)
    }
}

/// A time, to a minute.
pub(super) fn time(at_us: i64) -> Markup {
    let exact = crate::http::wire::time(at_us);
    let shown = jiff::Timestamp::from_microsecond(at_us).map(|at| at.strftime("%Y-%m-%d %H:%M UTC").to_string());
    Markup::element("time", &[("datetime", &exact)], &shown.unwrap_or_default())
}

/// What is said of a thing: names and values.
pub(super) fn facts(pairs: impl IntoIterator<Item = (&'static str, Markup)>) -> Markup {
    let one = |(name, value)| Markup::element("dt", &[], name).then(Markup::element("dd", &[], value));
    Markup::element("dl", &[], pairs.into_iter().map(one).collect::<Markup>())
}

/// A list of things.
pub(super) fn things(things: impl IntoIterator<Item = Markup>) -> Markup {
    let one = |thing| Markup::element("li", &[], thing);
    Markup::element("ul", &[("class", "things")], things.into_iter().map(one).collect::<Markup>())
}
