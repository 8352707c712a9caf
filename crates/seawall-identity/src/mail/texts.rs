//! What the letters say: all texts in one place, each once, as text and as a page.

use seawall_core::mail::Letter;

use super::errand::Notice;

/// The longest part of a user agent that is shown.
const LONGEST_AGENT: usize = 120;

/// A paragraph.
enum Part {
    Words(String),
    Link(String),
}

/// For whom, and by whom.
pub(crate) struct Heading<'a> {
    pub(crate) id: &'a str,
    pub(crate) to: &'a str,
    /// The application's name.
    pub(crate) application: &'a str,
}

/// The link to choose a password.
pub(crate) fn reset(heading: &Heading<'_>, name: &str, link: String) -> Letter {
    let application = heading.application;
    letter(
        heading,
        &format!("Choose a new password for {application}"),
        &[
            words(format!("Somebody, probably you, asked for a new password for {} at {application}.", visible(name))),
            words("This page takes it. The link holds for 30 minutes and once:"),
            Part::Link(link),
            words("If it was not you, do nothing: the password stays as it is."),
        ],
    )
}

/// The link that shows that an address is its owner's. No text of the user's is in it: a stranger may have asked for it.
pub(crate) fn verify(heading: &Heading<'_>, link: String) -> Letter {
    let application = heading.application;
    letter(
        heading,
        &format!("Confirm your address for {application}"),
        &[
            words(format!("Somebody, probably you, wants to use this address at {application}.")),
            words("Confirm it on this page. The link holds for 24 hours and once:"),
            Part::Link(link),
            words("If it was not you, do nothing."),
        ],
    )
}

/// A letter that says that mail works.
#[must_use]
pub fn test(id: &str, to: &str, application: &str) -> Letter {
    let heading = Heading { id, to, application };
    let said = "This is a test. Mail is sent as it should be, and nothing has to be done.";
    letter(&heading, &format!("A test of {application}"), &[words(said)])
}

/// What happened to an account.
pub(crate) fn notice(
    heading: &Heading<'_>,
    what: Notice,
    at: &str,
    place: Option<&str>,
    agent: Option<&str>,
) -> Letter {
    let application = heading.application;
    let (subject, said, help) = match what {
        Notice::NewDevice => (
            format!("New sign-in to {application}"),
            "Somebody signed in to your account from a device that was not seen before.",
            "If it was not you, change your password at once: that ends all sessions.",
        ),
        Notice::PasswordChanged => (
            format!("Your password for {application} was changed"),
            "The password of your account was changed, and all other sessions were ended.",
            "If it was not you, choose another password by \"forgotten password\" at once.",
        ),
        Notice::SecondFactorAdded => (
            format!("A second factor was added at {application}"),
            "An authenticator app was added to your account.",
            "If it was not you, change your password at once and write to whoever runs the application.",
        ),
        Notice::SecondFactorRemoved => (
            format!("A second factor was removed at {application}"),
            "The authenticator app of your account was removed.",
            "If it was not you, change your password at once and write to whoever runs the application.",
        ),
        Notice::PasskeyAdded => (
            format!("A passkey was added at {application}"),
            "A passkey was added to your account: a device that holds it can sign in.",
            "If it was not you, change your password at once and write to whoever runs the application.",
        ),
        Notice::PasskeyRemoved => (
            format!("A passkey was removed at {application}"),
            "A passkey of your account was removed.",
            "If it was not you, change your password at once and write to whoever runs the application.",
        ),
        Notice::AddressChanged => (
            format!("Your address at {application} was changed"),
            "Your account has another e-mail address now; this one gets no more mail.",
            "If it was not you, write to whoever runs the application at once.",
        ),
        Notice::AccountLinked => (
            format!("An account elsewhere was linked at {application}"),
            "Whoever has that account can sign in to yours from here on.",
            "If it was not you, choose another password by \"forgotten password\" at once: that unlinks all such accounts.",
        ),
    };
    let mut facts = format!("When: {at}");
    if let Some(place) = place {
        facts.push_str(&format!(", from {}", visible(place)));
    }
    if let Some(agent) = agent {
        facts.push_str(&format!(", with {}", visible(agent)));
    }
    letter(heading, &subject, &[words(said), words(facts), words(help)])
}

fn words(text: impl Into<String>) -> Part {
    Part::Words(text.into())
}

fn letter(heading: &Heading<'_>, subject: &str, parts: &[Part]) -> Letter {
    let text: Vec<&str> = parts.iter().map(|(Part::Words(text) | Part::Link(text))| text.as_str()).collect();
    let mut html = "<!doctype html><meta charset=\"utf-8\"><body style=\"font-family:sans-serif\">".to_owned();
    for part in parts {
        html.push_str(&match part {
            Part::Words(text) => format!("<p>{}</p>", escaped(text)),
            Part::Link(link) => format!("<p><a href=\"{0}\">{0}</a></p>", escaped(link)),
        });
    }
    Letter {
        to: heading.to.to_owned(),
        subject: visible(subject),
        text: text.join("\n\n") + "\n",
        html: html + "</body>\n",
        id: heading.id.to_owned(),
    }
}

/// What others typed, on one line and not endless.
fn visible(text: &str) -> String {
    text.chars().filter(|sign| !sign.is_control()).take(LONGEST_AGENT).collect()
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for sign in text.chars() {
        match sign {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADING: Heading<'static> = Heading { id: "m1", to: "ann@example.org", application: "App" };

    #[test]
    fn what_others_typed_ends_no_line_and_begins_no_tag() {
        let name = "Ann\r\nBcc: x@example.org<script>";
        let sent = reset(&HEADING, name, "https://app.example/x#t".to_owned());
        assert!(!sent.subject.contains(['\r', '\n']) && !sent.text.contains('\r'));
        assert!(sent.html.contains("AnnBcc: x@example.org&lt;script&gt;") && !sent.html.contains("<script>"));
        let told = notice(&HEADING, Notice::NewDevice, "now", Some("192.0.2.1"), Some(&"x".repeat(5_000)));
        assert!(told.text.len() < 600, "{}", told.text);
    }

    #[test]
    fn a_letter_that_a_stranger_can_ask_for_has_no_text_of_the_strangers() {
        let sent = verify(&HEADING, "https://app.example/x#t".to_owned());
        assert_eq!(
            sent.text,
            "Somebody, probably you, wants to use this address at App.\n\n\
             Confirm it on this page. The link holds for 24 hours and once:\n\nhttps://app.example/x#t\n\n\
             If it was not you, do nothing.\n"
        );
        assert!(sent.html.contains("<a href=\"https://app.example/x#t\">"));
    }
}
