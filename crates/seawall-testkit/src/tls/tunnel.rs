//! A listener in clear whose connections go on over TLS, so that clients that know nothing of it can be used.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use rustls::{
    ClientConfig, HandshakeKind, ProtocolVersion,
    pki_types::{CertificateDer, ServerName},
};
use tokio::{
    io::{AsyncWriteExt, copy},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsConnector;

use super::{Issued, stapled::Stapled};

/// A listener in clear whose connections go on over TLS to a server.
#[derive(Debug)]
pub struct Tunnel {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    task: tokio::task::JoinHandle<()>,
}

/// What one connection met.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// The version that was agreed on.
    pub version: Option<ProtocolVersion>,
    /// The protocol that was agreed on.
    pub alpn: Option<String>,
    /// Whether an earlier session was resumed.
    pub resumed: bool,
    /// The statement (OCSP) that the server gave with its certificate; empty when it gave none, or resumed a session.
    pub stapled: Vec<u8>,
    certificate: Option<CertificateDer<'static>>,
    /// How it failed, if it did: a handshake, a reset, an end without a goodbye.
    pub fault: Option<String>,
}

impl Seen {
    /// Whether the server showed this certificate.
    #[must_use]
    pub fn certificate_is(&self, issued: &Issued) -> bool {
        self.certificate.as_ref() == Some(&issued.der())
    }
}

impl Tunnel {
    pub(super) async fn start(
        config: ClientConfig,
        stapled: Stapled,
        server: SocketAddr,
        host: ServerName<'static>,
        before: &'static [u8],
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a listener has an address");
        let seen = Arc::<Mutex<Vec<Seen>>>::default();
        let way = Way { connector: TlsConnector::from(Arc::new(config)), stapled, server, host, before };
        let all = Arc::clone(&seen);
        let task = tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let place = Place::new(&all);
                let way = way.clone();
                tokio::spawn(async move {
                    // The client's socket outlives the note: who sees the end may read what it was.
                    if let Err(error) = way.pass(&mut client, &place).await {
                        place.change(|seen| seen.fault = Some(error.to_string()));
                    }
                });
            }
        });
        Self { address, seen, task }
    }

    /// Where clients in clear connect.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What each connection met, in order.
    #[must_use]
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("nobody panics with it").clone()
    }

    /// What the last connection met.
    ///
    /// # Panics
    /// When there was none.
    #[must_use]
    pub fn last(&self) -> Seen {
        self.seen().pop().expect("a connection was made")
    }
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Where a connection notes what it met.
struct Place {
    all: Arc<Mutex<Vec<Seen>>>,
    index: usize,
}

impl Place {
    fn new(all: &Arc<Mutex<Vec<Seen>>>) -> Self {
        let mut seen = all.lock().expect("nobody panics with it");
        seen.push(Seen::default());
        Self { all: Arc::clone(all), index: seen.len() - 1 }
    }

    fn change(&self, change: impl FnOnce(&mut Seen)) {
        change(&mut self.all.lock().expect("nobody panics with it")[self.index]);
    }
}

#[derive(Clone)]
struct Way {
    connector: TlsConnector,
    stapled: Stapled,
    server: SocketAddr,
    host: ServerName<'static>,
    before: &'static [u8],
}

impl Way {
    async fn pass(self, client: &mut TcpStream, place: &Place) -> io::Result<()> {
        let mut stream = TcpStream::connect(self.server).await?;
        stream.write_all(self.before).await?;
        let stream = self.connector.connect(self.host, stream).await?;
        let connection = stream.get_ref().1;
        let chain = connection.peer_certificates().unwrap_or_default();
        place.change(|seen| {
            *seen = Seen {
                version: connection.protocol_version(),
                alpn: connection.alpn_protocol().map(|alpn| String::from_utf8_lossy(alpn).into_owned()),
                resumed: connection.handshake_kind() == Some(HandshakeKind::Resumed),
                stapled: self.stapled.take(),
                certificate: chain.first().cloned().map(CertificateDer::into_owned),
                fault: None,
            };
        });
        let (mut client_reads, mut client_writes) = client.split();
        let (mut server_reads, mut server_writes) = tokio::io::split(stream);
        let up = async {
            // A server that has ended its side takes nothing more; that is no fault of its end.
            if copy(&mut client_reads, &mut server_writes).await.is_ok() {
                let _gone = server_writes.shutdown().await;
            }
            Ok::<_, io::Error>(())
        };
        let down = async {
            copy(&mut server_reads, &mut client_writes).await?;
            client_writes.shutdown().await
        };
        tokio::try_join!(down, up).map(|_| ())
    }
}
