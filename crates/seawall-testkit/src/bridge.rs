//! Bridges that lead to a TCP address from a Unix socket or through TLS, so that any [`crate::upstream::Upstream`] can be
//! reached over `unix:` and `https://`. They pass bytes and count connections.

use std::{
    convert::Infallible,
    fs, io,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, copy_bidirectional},
    net::{TcpListener, TcpStream, UnixListener, UnixStream},
    select,
    sync::{Semaphore, oneshot},
    task::{JoinHandle, JoinSet},
    time::{sleep, timeout},
};
use tokio_rustls::TlsAcceptor;

/// Connections at once; more wait to be accepted.
const MOST_CONNECTIONS: usize = 1024;

/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// How long accepting rests when the system gives no connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

/// A bridge; it and its connections end when it is dropped.
#[derive(Debug)]
pub struct Bridge {
    url: String,
    path: Option<PathBuf>,
    opened: Arc<AtomicUsize>,
    /// Never sent by: dropping it is the sign to end.
    running: oneshot::Sender<Infallible>,
    task: JoinHandle<()>,
}

/// A certificate authority made for a test.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// When a certificate holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validity {
    /// Today.
    Current,
    /// No longer.
    Expired,
}

/// A certificate for a name, with its key.
#[derive(Debug)]
pub struct Identity {
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
}

impl Authority {
    /// An authority that nobody else knows.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "each is another")]
    pub fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let mut params = CertificateParams::new(Vec::new()).expect("no name is a bad name");
        // Of two authorities with one name, a client would take one for the other.
        let name = format!("test authority {}", NEXT.fetch_add(1, Ordering::Relaxed));
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("the system gives randomness");
        Self(CertifiedIssuer::self_signed(params, key).expect("the key signs"))
    }

    /// Its certificate, for a `ca_file`.
    #[must_use]
    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate for `name`.
    #[must_use]
    pub fn identity(&self, name: &str, validity: Validity) -> Identity {
        let mut params = CertificateParams::new(vec![name.to_owned()]).expect("a name that can be in a certificate");
        if validity == Validity::Expired {
            params.not_after = date_time_ymd(2020, 1, 1);
        }
        let key = KeyPair::generate().expect("the system gives randomness");
        let certificate = params.signed_by(&key, &self.0).expect("the authority signs");
        let key = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
        Identity { certificate: certificate.der().clone(), key }
    }
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Authority")
    }
}

impl Bridge {
    /// From a socket at this path, which must not be there yet. The file stays when the bridge is dropped, as it does when an
    /// application crashes.
    ///
    /// # Panics
    /// When the socket cannot be made.
    #[must_use]
    pub fn unix(path: &Path, to: SocketAddr) -> Self {
        let listener = UnixListener::bind(path).expect("a path for a socket");
        Self::start(Entrance::Unix(listener), to, format!("unix:{}", path.display()), Some(path.to_owned()))
    }

    /// From a free port of 127.0.0.1, as `https://localhost:PORT`.
    ///
    /// # Panics
    /// When there is no free port.
    pub async fn tls(identity: Identity, to: SocketAddr) -> Self {
        Self::tls_speaking(identity, to, &[]).await
    }

    /// As [`Self::tls`], agreeing on one of these protocols by ALPN.
    ///
    /// # Panics
    /// When there is no free port.
    pub async fn tls_speaking(identity: Identity, to: SocketAddr, protocols: &[&str]) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port on 127.0.0.1");
        let port = listener.local_addr().expect("a listener has an address").port();
        Self::start(
            Entrance::Tls(listener, acceptor(identity, protocols)),
            to,
            format!("https://localhost:{port}"),
            None,
        )
    }

    fn start(entrance: Entrance, to: SocketAddr, url: String, path: Option<PathBuf>) -> Self {
        let opened = Arc::new(AtomicUsize::new(0));
        let (running, ended) = oneshot::channel();
        let task = tokio::spawn(serve(entrance, to, Arc::clone(&opened), ended));
        Self { url, path, opened, running, task }
    }

    /// What `[upstream]` names it by.
    #[must_use]
    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// Connections that were accepted, and encrypted where that is asked for.
    #[must_use]
    pub fn connections_opened(&self) -> usize {
        self.opened.load(Ordering::Relaxed)
    }

    /// Removes the socket's file and ends: when this returns, nothing that is sent over one of its connections reaches the
    /// server any more.
    ///
    /// # Panics
    /// When the file is gone already.
    pub async fn remove(self) {
        if let Some(path) = &self.path {
            fs::remove_file(path).expect("the socket's file is there");
        }
        drop(self.running);
        self.task.await.expect("serving does not panic");
    }
}

/// Where connections come in.
enum Entrance {
    Unix(UnixListener),
    Tls(TcpListener, TlsAcceptor),
}

/// A connection that was accepted.
enum Accepted {
    Unix(UnixStream),
    Tls(TcpStream, TlsAcceptor),
}

impl Entrance {
    async fn accept(&self) -> io::Result<Accepted> {
        Ok(match self {
            Self::Unix(listener) => Accepted::Unix(listener.accept().await?.0),
            Self::Tls(listener, acceptor) => Accepted::Tls(listener.accept().await?.0, acceptor.clone()),
        })
    }
}

/// Passes on what is accepted until the bridge is dropped, and ends all connections then.
async fn serve(entrance: Entrance, to: SocketAddr, opened: Arc<AtomicUsize>, ended: oneshot::Receiver<Infallible>) {
    let mut connections = JoinSet::new();
    select! {
        _ = ended => {}
        never = accept(&entrance, to, &opened, &mut connections) => match never {},
    }
    drop(entrance);
    connections.shutdown().await;
}

async fn accept(
    entrance: &Entrance,
    to: SocketAddr,
    opened: &Arc<AtomicUsize>,
    connections: &mut JoinSet<()>,
) -> Infallible {
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    loop {
        let place = Arc::clone(&places).acquire_owned().await.expect("the semaphore is never closed");
        match entrance.accept().await {
            Ok(accepted) => {
                let opened = Arc::clone(opened);
                connections.spawn(async move {
                    // Either side sees the end of its connection, however it came.
                    let _ended = pass(accepted, to, &opened).await;
                    drop(place);
                });
            }
            // Out of file descriptors, most likely: some may be free again in a moment.
            Err(_) => sleep(ACCEPT_PAUSE).await,
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn pass(accepted: Accepted, to: SocketAddr, opened: &AtomicUsize) -> io::Result<()> {
    match accepted {
        Accepted::Unix(mut stream) => lead(&mut stream, to, opened).await,
        Accepted::Tls(stream, acceptor) => {
            stream.set_nodelay(true)?;
            lead(&mut timeout(HANDSHAKE, acceptor.accept(stream)).await??, to, opened).await
        }
    }
}

async fn lead(
    from: &mut (impl AsyncRead + AsyncWrite + Unpin),
    to: SocketAddr,
    opened: &AtomicUsize,
) -> io::Result<()> {
    opened.fetch_add(1, Ordering::Relaxed);
    let mut to = TcpStream::connect(to).await?;
    to.set_nodelay(true)?;
    copy_bidirectional(from, &mut to).await.map(drop)
}

fn acceptor(Identity { certificate, key }: Identity, protocols: &[&str]) -> TlsAcceptor {
    let builder = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().expect("the provider knows TLS 1.2 and 1.3");
    let config = builder.with_no_client_auth().with_single_cert(vec![certificate], key);
    let mut config = config.expect("the key is the certificate's");
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    TlsAcceptor::from(Arc::new(config))
}
