//! Sends letters to a server over SMTP.

use std::{
    fs,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{
        Mailbox, MultiPart,
        header::{HeaderName, HeaderValue},
    },
    transport::smtp::{
        Error,
        authentication::Credentials,
        client::{Certificate, Tls, TlsParameters},
    },
};
use seawall_core::{
    mail::{Letter, Mailer, Unsent},
    reply::BoxFuture,
};
use tokio::time::timeout;

use super::{MailSettings, url::Encryption};

/// What a server says when it does not let us in: that is a mistake in the configuration, and letters wait until it is mended.
const NOT_LET_IN: [u16; 4] = [530, 534, 535, 538];

/// A server. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Arc<Mailbox>,
    /// One letter, from the connection to the server's word that it has it.
    limit: Duration,
    status: MailStatus,
}

/// How the server is, as far as the last letter found out. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct MailStatus {
    server: Arc<str>,
    fault: Arc<Mutex<Option<String>>>,
}

impl MailStatus {
    /// The server.
    pub(crate) fn server(&self) -> &str {
        &self.server
    }

    /// Why the last letter was not taken; nothing when it was, or none was sent.
    pub(crate) fn fault(&self) -> Option<String> {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, fault: Option<String>) {
        *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = fault;
    }
}

impl Smtp {
    /// A server as configured; relative paths begin in `directory`.
    ///
    /// # Errors
    /// A sentence: a certificate cannot be read, or the system trusts none.
    pub(super) fn new(settings: &MailSettings, directory: &Path) -> Result<Self, String> {
        let url = &settings.url;
        let tls = || parameters(settings, directory).map(|tls| (tls, url.host.clone()));
        let encryption = match url.encryption {
            Encryption::Tls => Tls::Wrapper(tls()?.0),
            Encryption::StartTls => Tls::Required(tls()?.0),
            Encryption::Nothing => Tls::None,
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&url.host)
            .port(url.port)
            .timeout(Some(settings.timeout))
            .tls(encryption);
        if let (Some(user), Some(password)) = (&url.user, &settings.password) {
            builder = builder.credentials(Credentials::new(user.clone(), password.expose().to_owned()));
        }
        let server = format!("{}:{}", url.host, url.port).into();
        Ok(Self {
            transport: builder.build(),
            from: Arc::new(settings.from.clone()),
            limit: settings.timeout * 2,
            status: MailStatus { server, fault: Arc::default() },
        })
    }

    pub(super) const fn status(&self) -> &MailStatus {
        &self.status
    }

    async fn take(self, letter: Letter) -> Result<(), Unsent> {
        let message = self.message(letter)?;
        let sent = match timeout(self.limit, self.transport.send(message)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(unsent(&error)),
            Err(_) => Err(Unsent::Later(format!("the server took longer than {} s", self.limit.as_secs()))),
        };
        // A letter that is refused for what it is says nothing of the server.
        self.status.set(match &sent {
            Err(Unsent::Later(why)) => Some(why.clone()),
            Ok(()) | Err(Unsent::Never(_)) => None,
        });
        sent
    }

    fn message(&self, letter: Letter) -> Result<Message, Unsent> {
        let unfit = |what: &str| Unsent::Never(format!("no letter can be made: {what}"));
        let Letter { to, subject, text, html, id } = letter;
        let to = Mailbox::new(None, to.parse().map_err(|_| unfit("its address is none"))?);
        let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
        Message::builder()
            .from((*self.from).clone())
            .to(to)
            .subject(subject)
            .message_id(Some(format!("<{id}@{}>", self.from.email.domain())))
            // So that nobody's holiday answers (RFC 3834).
            .raw_header(HeaderValue::new(automatic, "auto-generated".to_owned()))
            .multipart(MultiPart::alternative_plain_html(text, html))
            .map_err(|error| unfit(&error.to_string()))
    }
}

impl Mailer for Smtp {
    fn send(&self, letter: Letter) -> BoxFuture<'static, Result<(), Unsent>> {
        Box::pin(self.clone().take(letter))
    }
}

fn parameters(settings: &MailSettings, directory: &Path) -> Result<TlsParameters, String> {
    let mut builder = TlsParameters::builder(settings.url.host.clone());
    if let Some(file) = &settings.ca_file {
        let path = directory.join(file);
        let unread = |why: String| format!("`ca_file` in [mail], {}: {why}", path.display());
        let pem = fs::read(&path).map_err(|error| unread(error.to_string()))?;
        builder = builder.add_root_certificate(Certificate::from_pem(&pem).map_err(|error| unread(error.to_string()))?);
    }
    builder.build().map_err(|error| format!("no certificate of a mail server can be checked: {error}"))
}

/// What a failure means for the letter. What a server says often repeats the address, which is not for the log.
fn unsent(error: &Error) -> Unsent {
    let code = error.status().map(u16::from);
    let mut said = error.to_string();
    if let Some(source) = std::error::Error::source(error) {
        said.push_str(&format!(": {source}"));
    }
    let hidden = |word: &str| if word.contains('@') { "…".to_owned() } else { word.to_owned() };
    let said = said.split_whitespace().map(hidden).collect::<Vec<_>>().join(" ");
    match code {
        Some(code) if (500..600).contains(&code) && !NOT_LET_IN.contains(&code) => {
            Unsent::Never(format!("the mail server refuses it: {said}"))
        }
        Some(_) => Unsent::Later(format!("the mail server does not take it: {said}")),
        None => Unsent::Later(format!("the mail server cannot be reached: {said}")),
    }
}
