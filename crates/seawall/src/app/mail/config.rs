//! Section `[mail]`.

use std::time::Duration;

use lettre::message::Mailbox;
use seawall_core::settings::{
    BadSetting, Complaint, Field, Literal, Raw, Secret, Section, Setting, Shape, Situation, Span, Values,
};

use super::url::MailUrl;

const URL: Field<MailUrl> = Field::new(
    "url",
    Literal::Unset,
    "The server that takes letters, such as \"smtps://user@mail.example.com\" (TLS from the start, port 465) or \"smtp://user@mail.example.com\" (STARTTLS, which is required, port 587). Only a server on this machine is spoken to in clear. Unset, no mail is sent; while an application is developed, letters are logged instead.",
)
.needs_restart();
const PASSWORD: Field<Secret> =
    Field::new("password", Literal::Unset, "The password of the user that `url` names.").needs_restart();
const FROM: Field<Sender> = Field::new(
    "from",
    Literal::Unset,
    "Whom letters are from, such as \"My App <no-reply@app.example>\". It is needed with `url`.",
)
.needs_restart();
const TIMEOUT: Field<Span> = Field::new(
    "timeout",
    Literal::Text("15s"),
    "How long the server may take for one step, and twice as long for a whole letter. What fails is tried again for some nine hours.",
)
.between("1s", "20s")
.needs_restart();
const CA_FILE: Field<String> = Field::new(
    "ca_file",
    Literal::Unset,
    "A file with the certificate (PEM) by which the server is known, where its certificate is not signed by an authority that the system trusts.",
)
.needs_restart();

/// The section.
pub static SECTION: Section = Section::new(
    "mail",
    "The server that takes letters to users: links to choose a password or confirm an address, and notices.",
    &[URL.spec(), PASSWORD.spec(), FROM.spec(), TIMEOUT.spec(), CA_FILE.spec()],
)
.with_demands(demands);

/// Whom letters are from.
#[derive(Clone, Debug)]
pub(super) struct Sender(pub(super) Mailbox);

impl Setting for Sender {
    const SHAPE: Shape = Shape::Text("sender", "My App <no-reply@app.example>");

    fn read(raw: &Raw) -> Result<Self, String> {
        let Raw::Text(text) = raw else { return Err(format!("expected text, found {}", raw.kind())) };
        let mailbox: Option<Mailbox> = text.parse().ok().filter(|_| !text.contains(char::is_control));
        mailbox.map(Self).ok_or_else(|| {
            format!("\"{}\" is no sender; write one such as \"My App <no-reply@app.example>\"", text.escape_debug())
        })
    }
}

/// What the section says, when a server is named.
#[derive(Clone, Debug)]
pub struct MailSettings {
    pub(super) url: MailUrl,
    pub(super) password: Option<Secret>,
    pub(super) from: Mailbox,
    pub(super) timeout: Duration,
    pub(super) ca_file: Option<String>,
}

impl MailSettings {
    /// Reads it; nothing when no server is named.
    ///
    /// # Errors
    /// [`BadSetting`] when they are not checked settings of the section.
    pub fn read(values: &Values) -> Result<Option<Self>, BadSetting> {
        let (Some(url), Some(Sender(from))) = (values.find(&URL)?, values.find(&FROM)?) else { return Ok(None) };
        Ok(Some(Self {
            url,
            password: values.find(&PASSWORD)?,
            from,
            timeout: values.get(&TIMEOUT)?.duration(),
            ca_file: values.find(&CA_FILE)?,
        }))
    }
}

fn demands(values: &Values, situation: &Situation) -> Vec<Complaint> {
    if !situation.written {
        return Vec::new();
    }
    let mut complaints = Vec::new();
    let mut complain = |key: &'static str, what: &str, help: &str| {
        complaints.push(Complaint { key: Some(key), what: what.to_owned(), help: help.to_owned() });
    };
    let url = values.find(&URL).ok().flatten();
    match (&url, values.raw(FROM.key())) {
        (Some(_), None) => {
            complain(URL.key(), "letters need a sender", "add `from`, such as \"My App <no-reply@app.example>\"");
        }
        (None, Some(_)) => {
            complain(FROM.key(), "letters need a server", "add `url`, such as \"smtps://user@mail.example.com\"");
        }
        _ => {}
    }
    let user = url.as_ref().is_some_and(|url| url.user.is_some());
    match (user, values.raw(PASSWORD.key()).is_some()) {
        (true, false) => complain(
            URL.key(),
            "the user in the URL needs a password",
            "add `password_file`, or set SEAWALL__MAIL__PASSWORD",
        ),
        (false, true) if url.is_some() => complain(
            PASSWORD.key(),
            "a password without a user is never sent",
            "name the user in `url`, such as \"smtps://user@mail.example.com\"",
        ),
        _ => {}
    }
    complaints
}
