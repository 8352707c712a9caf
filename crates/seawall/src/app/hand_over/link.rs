//! The connection between the two processes: lines with a limit of length and time, and descriptors beside them.

use std::{
    convert::Infallible,
    io::{self, IoSlice, IoSliceMut},
    mem::MaybeUninit,
    os::fd::{BorrowedFd, OwnedFd},
    time::Duration,
};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
    recvmsg, sendmsg, sockopt::socket_peercred,
};
use tokio::{
    io::Interest,
    net::UnixStream,
    time::{sleep, timeout},
};

use super::{HandOverError, message::Message};

/// The longest line.
const MOST_BYTES: usize = 4_096;

/// The most descriptors beside one line.
const MOST_DESCRIPTORS: usize = 8;

/// How often a process that is at work says so while the other one waits.
pub(super) const WORKING_EVERY: Duration = Duration::from_secs(2);

/// How long saying a line may take; it fits into the socket's buffer.
const SAY_LIMIT: Duration = Duration::from_secs(5);

/// A connection to the other process, which belongs to the same user.
#[derive(Debug)]
pub(super) struct Link {
    stream: UnixStream,
    heard: Vec<u8>,
    descriptors: Vec<OwnedFd>,
    peer: u32,
}

impl Link {
    /// Checks who is at the other end.
    pub(super) fn new(stream: UnixStream) -> Result<Self, HandOverError> {
        let peer = socket_peercred(&stream).map_err(|error| HandOverError::Link(error.into()))?;
        if peer.uid != rustix::process::geteuid() {
            return Err(HandOverError::OtherUser);
        }
        let peer = peer.pid.as_raw_nonzero().get().unsigned_abs();
        Ok(Self { stream, heard: Vec::new(), descriptors: Vec::new(), peer })
    }

    /// The other process.
    pub(super) const fn peer(&self) -> u32 {
        self.peer
    }

    /// Says a line.
    pub(super) async fn say(&self, message: &Message, descriptors: &[BorrowedFd<'_>]) -> Result<(), HandOverError> {
        let line = format!("{message}\n");
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_DESCRIPTORS))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !descriptors.is_empty() && !control.push(SendAncillaryMessage::ScmRights(descriptors)) {
            return Err(HandOverError::Link(io::Error::other("too many descriptors")));
        }
        let said = self.stream.async_io(Interest::WRITABLE, || {
            Ok(sendmsg(&self.stream, &[IoSlice::new(line.as_bytes())], &mut control, SendFlags::NOSIGNAL)?)
        });
        let sent = timeout(SAY_LIMIT, said).await.map_err(|_| HandOverError::Late("listening"))??;
        if sent < line.len() { Err(HandOverError::Link(io::ErrorKind::WriteZero.into())) } else { Ok(()) }
    }

    /// Hears the next line.
    pub(super) async fn hear(&mut self, what: &'static str, limit: Duration) -> Result<Message, HandOverError> {
        timeout(limit, self.line()).await.map_err(|_| HandOverError::Late(what))?
    }

    /// Hears the next line of a process that is at work: it may take as long as `most` while it says so, and be silent for `silence`.
    pub(super) async fn hear_at_work(
        &mut self,
        what: &'static str,
        silence: Duration,
        most: Duration,
    ) -> Result<Message, HandOverError> {
        let done = async {
            loop {
                match self.hear(what, silence).await? {
                    Message::Working => {}
                    done => return Ok(done),
                }
            }
        };
        timeout(most, done).await.map_err(|_| HandOverError::Late(what))?
    }

    /// Says now and then that this process is at work, until it is done, which it says by dropping the future.
    pub(super) async fn tell_working(&self) -> Infallible {
        loop {
            sleep(WORKING_EVERY).await;
            // Whoever waits finds out by itself when the connection is gone.
            let _unheard = self.say(&Message::Working, &[]).await;
        }
    }

    /// The same, until the other process speaks or is gone: it has nothing to say before we are done.
    pub(super) async fn tell_working_unless_left(&mut self) -> HandOverError {
        loop {
            match self.hear("waiting", WORKING_EVERY).await {
                Err(HandOverError::Late(_)) => {}
                Err(error) => return error,
                Ok(said) => return HandOverError::Unexpected(said.to_string()),
            }
            if let Err(error) = self.say(&Message::Working, &[]).await {
                return error;
            }
        }
    }

    /// The descriptors that came with the lines so far.
    pub(super) fn descriptors(&mut self) -> Vec<OwnedFd> {
        std::mem::take(&mut self.descriptors)
    }

    async fn line(&mut self) -> Result<Message, HandOverError> {
        loop {
            if let Some(end) = self.heard.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.heard.drain(..=end).collect();
                let line = String::from_utf8_lossy(&line).trim_end().to_owned();
                return match Message::parse(&line) {
                    Some(Message::Refused(why)) => Err(HandOverError::Refused(why)),
                    Some(message) => Ok(message),
                    None => Err(HandOverError::Unexpected(line)),
                };
            }
            if self.heard.len() > MOST_BYTES {
                return Err(HandOverError::Unexpected("a line without an end".to_owned()));
            }
            self.read().await?;
        }
    }

    async fn read(&mut self) -> io::Result<()> {
        let mut bytes = [0; 512];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_DESCRIPTORS))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let read = self.stream.async_io(Interest::READABLE, || {
            let flags = RecvFlags::CMSG_CLOEXEC;
            Ok(recvmsg(&self.stream, &mut [IoSliceMut::new(&mut bytes)], &mut control, flags)?.bytes)
        });
        let read = read.await?;
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(descriptors) = message {
                self.descriptors.extend(descriptors);
            }
        }
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.heard.extend(bytes.iter().take(read));
        Ok(())
    }
}
