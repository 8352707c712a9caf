//! What pages have in common that ask for a passkey: a form that a script fills in, what is said where that cannot be, and what was sent.

use super::{
    assets::Script,
    form::Form,
    layout::Page,
    markup::Markup,
    site::Site,
    visit::{Sent, Stop},
};
use crate::{
    http::problems::Refused,
    passkeys::{RelyingParty, SentPasskey},
};

/// The field that the script fills in.
const CREDENTIAL: &str = "credential";

/// What the browser is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// To make a passkey.
    Create,
    /// To show one.
    Get,
}

impl Wanted {
    const fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Get => "get",
        }
    }
}

impl Site {
    /// The site that passkeys are for, when there are some.
    pub(super) fn passkeys(&self) -> Option<&RelyingParty> {
        self.desk.people.settings().passkeys.as_ref()
    }

    /// Where options are given to scripts, of these that are beside the pages.
    pub(super) fn options(&self, what: &str) -> String {
        format!("{}/passkeys/{what}/options", self.prefix)
    }
}

impl Form {
    /// A form that the script shows where a browser has passkeys, and fills in by what it gives for the options that are found at a path.
    pub(super) fn of_passkey(self, party: &RelyingParty, wanted: Wanted, options: &str) -> Self {
        self.told("data-passkey", wanted.word())
            .told("data-domain", &*party.id)
            .told("data-options", options)
            .told("hidden", "")
            .hidden(CREDENTIAL, "")
    }
}

/// The form with what is said where it cannot be shown; one on a page.
pub(super) fn around(form: Markup) -> Markup {
    let region = Markup::element("div", &[("id", "passkey-problem"), ("role", "alert")], "");
    let old = "Passkeys need a browser that has them: one of 2025 or later.";
    let missing = Markup::element("p", &[("class", "hint"), ("data-passkey-missing", ""), ("hidden", "")], old);
    let off = Markup::element("p", &[("class", "hint")], "Passkeys need JavaScript, which is off in this browser.");
    let inside = region.then(form).then(missing).then(Markup::element("noscript", &[], off));
    Markup::element("div", &[("class", "passkey")], inside)
}

impl Page<'_> {
    /// With the script beside it, where there are passkeys.
    pub(super) fn asking(self, site: &Site) -> Self {
        Self { script: site.passkeys().map(|_| Script::Passkeys), ..self }
    }
}

impl Sent {
    /// The passkey that the script put into the form.
    pub(super) fn passkey(&self) -> Result<SentPasskey, Stop> {
        let sent = serde_json::from_str(self.text(CREDENTIAL));
        sent.map_err(|_| Refused::invalid("Send what the browser gave for a passkey: the page's script does.").into())
    }
}
