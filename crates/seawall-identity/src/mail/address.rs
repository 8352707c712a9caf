//! E-mail addresses: brought into one form first, and then looked at.
//!
//! The order matters: an address that is checked before it is brought into one form can become another's by it. What is left is ASCII, so
//! no two addresses look alike, and none of it can end a header or begin another.

use std::fmt;

use unicode_normalization::UnicodeNormalization;

/// The longest address, and the longest part before the `@` (RFC 5321 section 4.5.3.1).
const LONGEST: usize = 254;
const LONGEST_LOCAL: usize = 64;

/// The longest label of a host's name (RFC 1035 section 2.3.4).
const LONGEST_LABEL: usize = 63;

/// An address that mail can be sent to. Whether somebody reads it there, only a mail finds out.
#[derive(Clone, PartialEq, Eq)]
pub struct Email {
    text: String,
    key: String,
}

impl Email {
    /// Reads an address as somebody typed it.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn parse(typed: &str) -> Result<Self, String> {
        let wrong = |why: &str| Err(format!("`{}` is no e-mail address: {why}", shortened(typed)));
        let trimmed = typed.trim();
        if trimmed.len() > LONGEST * 4 {
            return wrong("it is too long");
        }
        let text: String = trimmed.nfkc().collect();
        if !text.is_ascii() {
            return wrong("letters beyond ASCII are not taken; write the host's name in its xn-- form");
        }
        let Some((local, host)) = text.rsplit_once('@') else { return wrong("it has no @") };
        if text.len() > LONGEST || local.len() > LONGEST_LOCAL {
            return wrong("it is too long");
        }
        if !dot_atom(local) {
            return wrong("the part before the @ is not letters, digits and signs with single dots between them");
        }
        if !host_name(host) {
            return wrong("the part after the @ is no host's name with a dot in it");
        }
        let text = format!("{local}@{}", host.to_ascii_lowercase());
        Ok(Self { key: text.to_ascii_lowercase(), text })
    }

    /// The address, with its host in small letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// As it is compared: hardly any server tells `Ann@` from `ann@`.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email")
    }
}

/// Letters, digits and signs with single dots between them (RFC 5321, Dot-string). Quoted forms are not taken: nobody has them, and
/// servers read them differently.
fn dot_atom(local: &str) -> bool {
    let sign = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte);
    local.split('.').all(|atom| !atom.is_empty() && atom.bytes().all(sign))
}

fn host_name(host: &str) -> bool {
    let label = |label: &str| {
        (1..=LONGEST_LABEL).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    host.contains('.') && host.split('.').all(label) && !host.ends_with(|last: char| last.is_ascii_digit())
}

fn shortened(typed: &str) -> String {
    typed.chars().take(80).collect::<String>().escape_debug().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_brought_into_one_form_before_it_is_checked() {
        for (typed, text, key) in [
            (" Ann.Lee+x@Example.ORG ", "Ann.Lee+x@example.org", "ann.lee+x@example.org"),
            // Fullwidth letters and a fullwidth @ are ASCII in one form.
            ("ａnn＠example.org", "ann@example.org", "ann@example.org"),
            ("o'hara@xn--bcher-kva.example", "o'hara@xn--bcher-kva.example", "o'hara@xn--bcher-kva.example"),
        ] {
            let email = Email::parse(typed).unwrap();
            assert_eq!((email.as_str(), email.key()), (text, key));
        }
    }

    #[test]
    fn what_could_end_a_header_or_name_another_address_is_refused() {
        let long = format!("{}@example.org", "a".repeat(65));
        for typed in [
            "",
            "ann",
            "@example.org",
            "ann@",
            "ann@localhost",
            "ann@127.0.0.1",
            "a..b@example.org",
            ".a@example.org",
            "ann@example..org",
            "ann@-example.org",
            "ann@exam_ple.org",
            "a b@example.org",
            "\"a b\"@example.org",
            "ann@example.org\r\nBcc: all@example.org",
            "ann@example.org\nX: y",
            "ann\0@example.org",
            "ann@example.org, bob@example.org",
            "<ann@example.org>",
            "Ann <ann@example.org>",
            "mıke@example.org",
            "ann@exаmple.org",
            "ann@bücher.example",
            // A line break in another form becomes nothing that passes.
            "ann@example.org\u{2028}x",
            "ann@example.org\u{85}x",
            &long,
        ] {
            assert!(Email::parse(typed).is_err(), "{typed:?}");
        }
    }

    #[test]
    fn the_refusal_shows_no_line_break_and_not_all() {
        let said = Email::parse(&format!("a\r\n{}", "b".repeat(500))).unwrap_err();
        assert!(!said.contains('\n') && said.len() < 300, "{said}");
    }
}
