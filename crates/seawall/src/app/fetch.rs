//! Small outgoing requests, over HTTP/1.1 and TLS with the system's roots, or in clear to this machine. One request a connection; what is
//! answered is bounded in time and size, and redirections are not followed, because they would lead to whoever is named there.

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{
    Request, Uri,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, USER_AGENT},
};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs as provider, pki_types::ServerName};
use seawall_core::{
    fetch::{Ask, Fetch, FetchFault, Fetched},
    reply::BoxFuture,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;

/// What one request may take, from the name's resolution to the last byte.
const LIMIT: Duration = Duration::from_secs(5);

/// Asks others. Cheap to clone.
#[derive(Clone)]
pub(super) struct Client(TlsConnector);

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Client")
    }
}

impl Client {
    /// With the system's roots; without any, https fails for each host and says so.
    ///
    /// # Errors
    /// A sentence: TLS cannot be used at all.
    pub(super) fn new() -> Result<Self, String> {
        let mut roots = RootCertStore::empty();
        // Systems keep a few roots that are written otherwise than the standard says.
        let (_, _) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let builder = ClientConfig::builder_with_provider(Arc::new(provider::default_provider()));
        let builder = builder.with_safe_default_protocol_versions().map_err(|error| error.to_string())?;
        let config = builder.with_root_certificates(roots).with_no_client_auth();
        Ok(Self(TlsConnector::from(Arc::new(config))))
    }

    async fn ask(self, ask: Ask) -> Result<Fetched, FetchFault> {
        match timeout(LIMIT, self.exchange(ask)).await {
            Ok(answered) => answered,
            Err(_) => Err(FetchFault(format!("it took longer than {} s", LIMIT.as_secs()))),
        }
    }

    async fn exchange(self, ask: Ask) -> Result<Fetched, FetchFault> {
        let uri: Uri = ask.url.parse().map_err(|_| FetchFault("its address cannot be read".to_owned()))?;
        let authority = uri.authority().cloned().ok_or_else(|| FetchFault("its address names no host".to_owned()))?;
        let host = authority.host().trim_matches(['[', ']']).to_owned();
        let encrypted = uri.scheme_str() == Some("https");
        let loopback =
            host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
        if !encrypted && !loopback {
            return Err(FetchFault("its address is not https".to_owned()));
        }
        let port = authority.port_u16().unwrap_or(if encrypted { 443 } else { 80 });
        let stream = TcpStream::connect((host.as_str(), port)).await.map_err(failed)?;
        if !encrypted {
            return speak(stream, &uri, authority.as_str(), ask).await;
        }
        let name = ServerName::try_from(host).map_err(failed)?;
        speak(self.0.connect(name, stream).await.map_err(failed)?, &uri, authority.as_str(), ask).await
    }
}

impl Fetch for Client {
    fn fetch(&self, ask: Ask) -> BoxFuture<'static, Result<Fetched, FetchFault>> {
        Box::pin(self.clone().ask(ask))
    }
}

async fn speak(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    uri: &Uri,
    authority: &str,
    ask: Ask,
) -> Result<Fetched, FetchFault> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(failed)?;
    let method = if ask.form.is_some() { "POST" } else { "GET" };
    let target = uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    let mut request = Request::builder().method(method).uri(target);
    request = request.header(HOST, authority).header(USER_AGENT, "seawall").header(ACCEPT, "application/json");
    if let Some(authorization) = &ask.authorization {
        request = request.header(AUTHORIZATION, authorization.expose());
    }
    if ask.form.is_some() {
        request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    }
    let body = ask.form.map(|form| Bytes::from(form.expose().to_owned())).unwrap_or_default();
    let request = request.body(Full::new(body)).map_err(failed)?;
    let asked = async {
        let answer = sender.send_request(request).await.map_err(failed)?;
        let status = answer.status().as_u16();
        let body = Limited::new(answer.into_body(), ask.most_bytes).collect().await;
        let body = body.map_err(|error| FetchFault(error.to_string()))?.to_bytes().to_vec();
        Ok(Fetched { status, body })
    };
    // The connection is driven here, so that it ends with the request.
    tokio::pin!(asked);
    let mut connection = std::pin::pin!(connection);
    let mut open = true;
    loop {
        tokio::select! {
            answered = &mut asked => return answered,
            _ended = &mut connection, if open => open = false,
        }
    }
}

fn failed(error: impl std::error::Error) -> FetchFault {
    FetchFault(match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    })
}
