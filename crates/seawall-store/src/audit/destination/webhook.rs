//! Checkpoints posted to a webhook, signed as Standard Webhooks says (<https://www.standardwebhooks.com>).
//!
//! One request a connection, over HTTP/1.1: TLS with the system's roots, or plain to this machine itself. Of the answer only the
//! status counts; a redirection is not followed, because it would carry the checkpoint to whoever is named there.

use std::{fmt, io, sync::Arc, time::Duration};

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use http::{Uri, uri::PathAndQuery};
use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs as provider, pki_types::ServerName};
use seawall_core::settings::{Raw, Secret, Setting, Shape};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    time,
};
use tokio_rustls::TlsConnector;

use super::{Checkpoint, DeliveryFault};

/// What one attempt may take, from the name's resolution to the answer's status.
const LIMIT: Duration = Duration::from_secs(10);

/// The longest first line of an answer that is read.
const STATUS_BYTES: usize = 1024;

/// What the secret begins with in Standard Webhooks.
const PREFIX: &str = "whsec_";

/// Where checkpoints are posted to. It may hold a token, so only its host is shown.
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

/// Posts checkpoints.
#[derive(Clone, Debug)]
pub struct Webhook {
    url: WebhookUrl,
    secret: Option<WebhookSecret>,
    tls: Tls,
}

#[derive(Clone)]
struct Tls(TlsConnector);

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls")
    }
}

impl WebhookUrl {
    /// Reads `https://HOST/PATH`, or `http://` to this machine.
    ///
    /// # Errors
    /// A sentence that does not repeat the URL.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || "expected a URL such as \"https://audit.example.com/checkpoints\"".to_owned();
        let uri: Uri = text.parse().map_err(|_| wrong())?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else { return Err(wrong()) };
        if authority.as_str().contains('@') {
            return Err("a user and password in the URL are not sent; sign with `checkpoint_webhook_secret`".to_owned());
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

    pub(super) fn expose(&self) -> &str {
        &self.text
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

impl Webhook {
    /// # Errors
    /// A sentence: the system has no root certificates, and the URL needs them.
    pub fn new(url: WebhookUrl, secret: Option<WebhookSecret>) -> Result<Self, String> {
        let mut roots = RootCertStore::empty();
        // Systems keep a few roots that are written otherwise than the standard says.
        let (taken, _) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if url.encrypted && taken == 0 {
            return Err("no root certificate was found on this machine, so https:// cannot be used".to_owned());
        }
        let builder = ClientConfig::builder_with_provider(Arc::new(provider::default_provider()));
        let builder = builder.with_safe_default_protocol_versions().map_err(|error| error.to_string())?;
        let config = builder.with_root_certificates(roots).with_no_client_auth();
        Ok(Self { url, secret, tls: Tls(TlsConnector::from(Arc::new(config))) })
    }

    pub(super) const fn url(&self) -> &WebhookUrl {
        &self.url
    }

    pub(super) async fn post(&self, checkpoint: &Checkpoint, now_us: i64) -> Result<(), DeliveryFault> {
        let fault = |reason: String| DeliveryFault::Webhook { host: self.url.to_string(), reason };
        let request = self.request(checkpoint, now_us / 1_000_000);
        match time::timeout(LIMIT, self.exchange(&request)).await {
            Err(_) => Err(DeliveryFault::TimedOut(LIMIT.as_secs())),
            Ok(Err(error)) => Err(fault(error.to_string())),
            Ok(Ok(200..=299)) => Ok(()),
            Ok(Ok(status)) => Err(fault(format!("it answered {status}, and 2xx means that it was taken"))),
        }
    }

    fn request(&self, checkpoint: &Checkpoint, timestamp: i64) -> String {
        let (body, WebhookUrl { host, port, target, .. }) = (checkpoint.to_json(), &self.url);
        // The same at each attempt, so that whoever receives it can tell that it came twice.
        let id = format!("audit-checkpoint-{}-{}", checkpoint.seq, checkpoint.at_us);
        let signature = self.secret.as_ref().map(|secret| secret.sign(&id, timestamp, &body));
        let signature = signature.map_or_else(String::new, |text| format!("webhook-signature: {text}\r\n"));
        let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
        format!(
            "POST {target} HTTP/1.1\r\nhost: {host}:{port}\r\nuser-agent: seawall\r\ncontent-type: application/json\r\n\
             content-length: {}\r\nwebhook-id: {id}\r\nwebhook-timestamp: {timestamp}\r\n{signature}connection: close\r\n\r\n{body}",
            body.len()
        )
    }

    /// Sends it; answers the status.
    async fn exchange(&self, request: &str) -> io::Result<u16> {
        let WebhookUrl { host, port, encrypted, .. } = &self.url;
        let stream = TcpStream::connect((host.as_str(), *port)).await?;
        if !encrypted {
            return speak(stream, request).await;
        }
        let name = ServerName::try_from(host.clone())
            .map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "the host's name fits no certificate"))?;
        speak(self.tls.0.connect(name, stream).await?, request).await
    }
}

async fn speak(mut stream: impl AsyncRead + AsyncWrite + Unpin, request: &str) -> io::Result<u16> {
    stream.write_all(request.as_bytes()).await?;
    stream.flush().await?;
    let mut said = Vec::new();
    while !said.contains(&b'\n') && said.len() < STATUS_BYTES {
        let mut piece = [0; 256];
        let read = stream.read(&mut piece).await?;
        if read == 0 {
            break;
        }
        said.extend_from_slice(piece.get(..read).unwrap_or_default());
    }
    let line = said.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let status = std::str::from_utf8(line).ok().and_then(|line| {
        let mut words = line.strip_prefix("HTTP/1.")?.split([' ', '\r']);
        words.nth(1)?.parse().ok().filter(|status| (200..600).contains(status))
    });
    status.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the answer is not HTTP"))
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
