//! A listener that answers every request in clear with a redirect to the same page over https.
//!
//! It has nothing of the way through the guards, so it does as little as it can: it reads one head within tight bounds, answers,
//! and closes.

mod answer;

use std::{io, net::SocketAddr, net::TcpListener as StdTcpListener, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::{sleep, timeout},
};

/// Connections at once; more wait in the system's queue.
const MOST_CONNECTIONS: usize = 256;

/// How long a client may take to ask and to hear the answer, and how long it may then take to leave.
const LONGEST: Duration = Duration::from_secs(5);
const LEAVE: Duration = Duration::from_secs(1);

/// The longest head that is read. It is answered as soon as its first lines say enough, so this is seldom reached.
const MOST_BYTES: usize = 8 * 1024;

/// What a client may still send after the answer; read, because the system resets a client whose bytes nobody has read.
const MOST_LEFT_BYTES: u64 = 64 * 1024;

/// How long accepting rests after the system refused it.
const REST: Duration = Duration::from_millis(100);

/// Listens on the address.
pub(super) fn bind(address: SocketAddr) -> io::Result<StdTcpListener> {
    let listener = StdTcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Redirects to this port for as long as it is polled.
pub(super) async fn serve(listener: StdTcpListener, port: u16) {
    let listener = match TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return tracing::error!(error = %error, "the listener for redirects could not be used"),
    };
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    while let Ok(place) = Arc::clone(&places).acquire_owned().await {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(async move {
                    // A client that leaves early, or is too slow, goes without.
                    let _however = timeout(LONGEST, redirect(stream, port)).await;
                    drop(place);
                });
            }
            // Most often a client that has left, or too many open files: neither is helped by haste.
            Err(_) => sleep(REST).await,
        }
    }
}

async fn redirect(mut stream: TcpStream, port: u16) -> io::Result<()> {
    let mut head = Vec::with_capacity(1_024);
    while !answer::complete(&head) && head.len() < MOST_BYTES {
        let room = u64::try_from(MOST_BYTES - head.len()).unwrap_or_default();
        if (&mut stream).take(room).read_buf(&mut head).await? == 0 {
            break;
        }
    }
    if head.is_empty() {
        return Ok(());
    }
    stream.write_all(answer::to(&head, port).as_bytes()).await?;
    stream.shutdown().await?;
    let rest = async { tokio::io::copy(&mut stream.take(MOST_LEFT_BYTES), &mut tokio::io::sink()).await };
    let _however = timeout(LEAVE, rest).await;
    Ok(())
}
