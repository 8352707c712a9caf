//! The side of the process that takes over.

use std::{
    io,
    net::{SocketAddr, TcpListener},
    os::fd::OwnedFd,
    path::Path,
    time::Duration,
};

use tokio::{net::UnixStream, sync::oneshot, time::sleep};

use super::{
    HandOverError,
    link::Link,
    message::{Message, Offered, PROTOCOL},
};
use crate::app::{AppError, DataDirectory};

/// How long the process that serves may take to answer: it may be busy with another successor, and says so then.
const OFFER_LIMIT: Duration = Duration::from_secs(10);

/// How long it may be silent before it has let go, and how long it may take while it says that it is at work: it waits for requests, as
/// long as the longest `drain_timeout`.
const RELEASE_SILENCE: Duration = Duration::from_secs(30);
const RELEASE_LIMIT: Duration = Duration::from_secs(2 * 60 * 60);

/// How long a lock may still be held by a process that ends, and how often it is tried again.
const LOCK_TRIES: u32 = 40;
const LOCK_AGAIN: Duration = Duration::from_millis(50);

/// What a process that serves has offered us.
#[derive(Debug)]
pub(super) struct Claim {
    link: Link,
    offered: Vec<(Offered, OwnedFd)>,
}

impl Claim {
    /// Asks the process that has this data directory; nothing when there is none.
    pub(super) async fn ask(data: &Path) -> Result<Option<Self>, HandOverError> {
        let socket = DataDirectory::hand_over_in(data);
        let stream = match UnixStream::connect(&socket).await {
            Ok(stream) => stream,
            Err(error) if nobody(&error) => {
                tracing::info!("no process to take over from; starting by itself");
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        let mut link = Link::new(stream)?;
        link.say(&Message::Hello { protocol: PROTOCOL, version: crate::VERSION.to_owned() }, &[]).await?;
        let Message::Offer(offered) = link.hear("offering its listeners", OFFER_LIMIT).await? else {
            return Err(HandOverError::Unexpected("no offer".to_owned()));
        };
        let offered = offered.into_iter().zip(link.descriptors()).collect();
        tracing::info!(predecessor.pid = link.peer(), "taking over from a process that serves");
        Ok(Some(Self { link, offered }))
    }

    /// The listener of this name, when it listens where ours shall.
    pub(super) fn listener(&mut self, name: &str, address: SocketAddr) -> Option<TcpListener> {
        let listener = TcpListener::from(self.take(name, |asked| *asked == address.to_string()).or_else(|| {
            let bound = |descriptor: &OwnedFd| {
                let listener = TcpListener::from(descriptor.try_clone().ok()?);
                listener.local_addr().ok()
            };
            let place = self
                .offered
                .iter()
                .position(|(offered, descriptor)| offered.name == name && bound(descriptor) == Some(address))?;
            Some(self.offered.swap_remove(place).1)
        })?);
        Some(listener)
    }

    /// The standard error of the process that started us.
    pub(super) fn standard_error(&mut self) -> Option<OwnedFd> {
        self.take("stderr", |_| true)
    }

    fn take(&mut self, name: &str, suits: impl Fn(&String) -> bool) -> Option<OwnedFd> {
        let place = self.offered.iter().position(|(offered, _)| offered.name == name && suits(&offered.asked))?;
        Some(self.offered.swap_remove(place).1)
    }

    /// Says that we could serve, and takes the data directory as soon as it is let go of.
    pub(super) async fn ready(&mut self, data: &Path) -> Result<DataDirectory, AppError> {
        let released = match self.link.say(&Message::Ready, &[]).await {
            Ok(()) => self.link.hear_at_work("letting go", RELEASE_SILENCE, RELEASE_LIMIT).await,
            Err(error) => Err(error),
        };
        match released {
            Ok(Message::Released) => {}
            // It ended. If it really did, the directory is free, and somebody has to serve.
            Err(HandOverError::Link(error)) => {
                tracing::warn!(error = %error, "the process that served is gone before it handed over");
            }
            Ok(other) => return Err(HandOverError::Unexpected(other.to_string()).into()),
            Err(error) => return Err(error.into()),
        }
        for _ in 0..LOCK_TRIES {
            match DataDirectory::open(data) {
                Err(AppError::InUse(_)) => sleep(LOCK_AGAIN).await,
                opened => return opened,
            }
        }
        DataDirectory::open(data)
    }

    /// Says that we are at work until it is wished to say that we serve, and then that. When nobody can wish that any more, we do not.
    pub(super) async fn taken(self, serves: oneshot::Receiver<()>) {
        let serves = tokio::select! {
            serves = serves => serves,
            never = self.link.tell_working() => match never {},
        };
        if serves.is_err() {
            return;
        }
        if let Err(error) = self.link.say(&Message::Taken, &[]).await {
            tracing::warn!(error = error.text(), "the process that served before does not listen any more");
        }
        tracing::info!(predecessor.pid = self.link.peer(), "taken over");
    }
}

fn nobody(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused)
}
