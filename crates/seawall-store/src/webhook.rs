//! Webhooks: where messages are posted to, and how they are signed, as Standard Webhooks says (<https://www.standardwebhooks.com>).

use std::{fmt, sync::Arc};

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use http::{Uri, uri::PathAndQuery};
use seawall_core::settings::{Raw, Secret, Setting, Shape};

/// What the secret begins with in Standard Webhooks.
const PREFIX: &str = "whsec_";

/// Where messages are posted to. It may hold a token, so only its host is shown.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookUrl {
    text: String,
    host: String,
    port: u16,
    target: String,
    encrypted: bool,
}

/// What posts are signed with.
#[derive(Clone)]
pub struct WebhookSecret(Arc<[u8]>);

impl WebhookUrl {
    /// Reads `https://HOST/PATH`, or `http://` to this machine.
    ///
    /// # Errors
    /// A sentence that does not repeat the URL.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || "expected a URL such as \"https://hooks.example.com/seawall\"".to_owned();
        let uri: Uri = text.parse().map_err(|_| wrong())?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else { return Err(wrong()) };
        if authority.as_str().contains('@') {
            return Err("a user and password in the URL are not sent; a secret signs what is posted".to_owned());
        }
        let host = authority.host().trim_matches(['[', ']']).to_owned();
        let encrypted = match scheme {
            "https" => true,
            "http" if loopback(&host) => false,
            "http" => {
                return Err("http:// is for this machine itself (127.0.0.1); use https:// for another".to_owned());
            }
            _ => return Err(wrong()),
        };
        let target = uri.path_and_query().map_or("/", PathAndQuery::as_str).to_owned();
        let port = authority.port_u16().unwrap_or(if encrypted { 443 } else { 80 });
        Ok(Self { text: text.to_owned(), host, port, target, encrypted })
    }

    /// The whole URL. It may hold a token.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// The host, without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The path with its query. It may hold a token.
    #[must_use]
    pub fn target(&self) -> &str {
        &self.target
    }

    /// Whether it is spoken to by TLS.
    #[must_use]
    pub const fn encrypted(&self) -> bool {
        self.encrypted
    }
}

impl fmt::Display for WebhookUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.encrypted { "https" } else { "http" };
        write!(f, "{scheme}://{}:{}/…", self.host, self.port)
    }
}

impl fmt::Debug for WebhookUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WebhookUrl({self})")
    }
}

impl Setting for WebhookUrl {
    // Its path may hold a token.
    const SHAPE: Shape = Shape::Secret;

    fn read(raw: &Raw) -> Result<Self, String> {
        match raw {
            Raw::Text(text) => Self::parse(text.trim()),
            other => Err(format!("expected text, found {}", other.kind())),
        }
    }
}

impl WebhookSecret {
    /// Reads `whsec_…`: 24 to 64 bytes in base64.
    ///
    /// # Errors
    /// A sentence that does not repeat the secret.
    pub fn parse(text: &str) -> Result<Self, String> {
        let bytes = text.strip_prefix(PREFIX).and_then(|encoded| BASE64.decode(encoded).ok());
        let bytes = bytes.filter(|bytes| (24..=64).contains(&bytes.len()));
        bytes.map(|bytes| Self(bytes.into())).ok_or_else(|| {
            "expected \"whsec_\" and 24 to 64 bytes in base64; make one with: echo whsec_$(openssl rand -base64 32)"
                .to_owned()
        })
    }

    /// The signature of a message: `v1,` and the HMAC-SHA256 of its id, its time and its body.
    #[must_use]
    pub fn sign(&self, id: &str, timestamp: i64, body: &str) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.0);
        let tag = hmac::sign(&key, format!("{id}.{timestamp}.{body}").as_bytes());
        format!("v1,{}", BASE64.encode(tag.as_ref()))
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret")
    }
}

impl Setting for WebhookSecret {
    const SHAPE: Shape = Shape::Secret;

    fn read(raw: &Raw) -> Result<Self, String> {
        Self::parse(Secret::read(raw)?.expose().trim())
    }
}

fn loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_that_of_standard_webhooks() {
        // The example of the specification's reference libraries.
        let secret = WebhookSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signature = secret.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, "{\"test\": 2432232314}");
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_url_that_would_be_read_on_its_way_is_refused() {
        for bad in
            ["http://audit.example.com/x", "ftp://a/b", "/path", "https://user:pw@host/x", "http://127.0.0.1.evil.com/"]
        {
            assert!(WebhookUrl::parse(bad).is_err(), "{bad}");
        }
        for good in ["https://audit.example.com/x?token=1", "http://127.0.0.1:8080/", "http://[::1]:1/x"] {
            assert!(WebhookUrl::parse(good).is_ok(), "{good}");
        }
        let shown = format!("{:?}", WebhookUrl::parse("https://audit.example.com/s3cret?token=s3cret").unwrap());
        assert_eq!(shown, "WebhookUrl(https://audit.example.com:443/…)");
    }

    #[test]
    fn a_secret_of_another_form_is_refused_without_repeating_it() {
        for bad in ["s3cret", "whsec_s3cret", "whsec_"] {
            let said = WebhookSecret::parse(bad).unwrap_err();
            assert!(said.contains("openssl rand") && !said.contains("s3cret"), "{said}");
        }
    }
}
