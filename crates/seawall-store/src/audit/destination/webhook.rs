//! Checkpoints posted to a webhook, signed as Standard Webhooks says (<https://www.standardwebhooks.com>).
//!
//! One request a connection, over HTTP/1.1: TLS with the system's roots, or plain to this machine itself. Of the answer only the
//! status counts; a redirection is not followed, because it would carry the checkpoint to whoever is named there.

use std::{fmt, io, sync::Arc, time::Duration};

use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs as provider, pki_types::ServerName};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    time,
};
use tokio_rustls::TlsConnector;

use super::{Checkpoint, DeliveryFault};
use crate::webhook::{WebhookSecret, WebhookUrl};

/// What one attempt may take, from the name's resolution to the answer's status.
const LIMIT: Duration = Duration::from_secs(10);

/// The longest first line of an answer that is read.
const STATUS_BYTES: usize = 1024;

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

impl Webhook {
    /// # Errors
    /// A sentence: the system has no root certificates, and the URL needs them.
    pub fn new(url: WebhookUrl, secret: Option<WebhookSecret>) -> Result<Self, String> {
        let mut roots = RootCertStore::empty();
        // Systems keep a few roots that are written otherwise than the standard says.
        let (taken, _) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if url.encrypted() && taken == 0 {
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
        let body = checkpoint.to_json();
        let (host, port, target) = (self.url.host(), self.url.port(), self.url.target());
        // The same at each attempt, so that whoever receives it can tell that it came twice.
        let id = format!("audit-checkpoint-{}-{}", checkpoint.seq, checkpoint.at_us);
        let signature = self.secret.as_ref().map(|secret| secret.sign(&id, timestamp, &body));
        let signature = signature.map_or_else(String::new, |text| format!("webhook-signature: {text}\r\n"));
        let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        format!(
            "POST {target} HTTP/1.1\r\nhost: {host}:{port}\r\nuser-agent: seawall\r\ncontent-type: application/json\r\n\
             content-length: {}\r\nwebhook-id: {id}\r\nwebhook-timestamp: {timestamp}\r\n{signature}connection: close\r\n\r\n{body}",
            body.len()
        )
    }

    /// Sends it; answers the status.
    async fn exchange(&self, request: &str) -> io::Result<u16> {
        let host = self.url.host();
        let stream = TcpStream::connect((host, self.url.port())).await?;
        if !self.url.encrypted() {
            return speak(stream, request).await;
        }
        let name = ServerName::try_from(host.to_owned())
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
