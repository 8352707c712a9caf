//! The address of a mail server.

use seawall_core::settings::{Raw, Setting, Shape};

/// A server, and who one is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MailUrl {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) user: Option<String>,
    pub(super) encryption: Encryption,
}

/// How the connection is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encryption {
    /// From the start.
    Tls,
    /// After a command in clear, and not without.
    StartTls,
    /// Not at all, on this machine.
    Nothing,
}

impl MailUrl {
    fn parse(text: &str) -> Result<Self, String> {
        let wrong = || "expected a server such as \"smtps://user@mail.example.com\"".to_owned();
        let (scheme, rest) = text.split_once("://").ok_or_else(wrong)?;
        let (user, place) = match rest.rsplit_once('@') {
            Some((user, place)) => (Some(decoded(user).ok_or_else(wrong)?), place),
            None => (None, rest),
        };
        if rest.rsplit_once('@').is_some_and(|(user, _)| user.contains(':')) {
            return Err(
                "a password in the URL is not taken; give it as `password_file` or SEAWALL__MAIL__PASSWORD".to_owned()
            );
        }
        let uri: http::Uri = format!("http://{}", place.trim_end_matches('/')).parse().map_err(|_| wrong())?;
        let authority = uri.authority().ok_or_else(wrong)?;
        if uri.path() != "/" || uri.query().is_some() {
            return Err(wrong());
        }
        let host = authority.host().trim_matches(['[', ']']).to_owned();
        let (encryption, usual) = match scheme {
            "smtps" => (Encryption::Tls, 465),
            "smtp" if loopback(&host) => (Encryption::Nothing, 25),
            "smtp" => (Encryption::StartTls, 587),
            _ => return Err(wrong()),
        };
        Ok(Self { host, port: authority.port_u16().unwrap_or(usual), user, encryption })
    }
}

impl Setting for MailUrl {
    const SHAPE: Shape = Shape::Address;

    fn read(raw: &Raw) -> Result<Self, String> {
        match raw {
            Raw::Text(text) => Self::parse(text.trim()),
            other => Err(format!("expected text, found {}", other.kind())),
        }
    }
}

fn loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// A user's name, which is an address at many servers: `user%40example.com`, or with the sign itself.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digits = [rest.next()?, rest.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            other => other,
        });
    }
    let text = String::from_utf8(bytes).ok()?;
    (!text.is_empty() && !text.contains(char::is_control)).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_server_on_this_machine_is_spoken_to_in_clear() {
        let read = |text: &str| MailUrl::parse(text).map(|url| (url.host, url.port, url.user, url.encryption));
        let host = "mail.example.com".to_owned();
        let user = Some("a@b.c".to_owned());
        assert_eq!(read("smtps://a%40b.c@mail.example.com"), Ok((host.clone(), 465, user.clone(), Encryption::Tls)));
        assert_eq!(read("smtp://a@b.c@mail.example.com:25/"), Ok((host, 25, user, Encryption::StartTls)));
        assert_eq!(read("smtp://127.0.0.1:2525"), Ok(("127.0.0.1".to_owned(), 2525, None, Encryption::Nothing)));
        for wrong in [
            "mail.example.com",
            "https://mail.example.com",
            "smtps://u:p@host",
            "smtps://",
            "smtps://h/x",
            "smtps://%zz@h",
        ] {
            let said = MailUrl::parse(wrong).unwrap_err();
            assert!(!said.contains("u:p"), "{said}");
        }
    }
}
