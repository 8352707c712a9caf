//! One direction of a WebSocket: reads what one side sends, lets pass what keeps the rules, writes it to the other.
//!
//! A pump may be dropped out of [`Pump::run`] at any await and run again: what was read and not written stays in it.

use std::{collections::VecDeque, io, io::IoSlice, rc::Rc, time::Duration};

use bytes::{Buf, Bytes, BytesMut};
use seawall_core::websocket::{CloseCode, ControlKind, FrameReader, Piece, Sender, Violation};
use seawall_guards::websocket::SocketRules;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::timeout,
};

use super::{allowance::Allowance, reported::Reported, watch::Pulse};
use crate::core::Core;

/// Read at once from a side that says much, and from one that says little, so that many idle sockets are cheap.
const MOST_READ: usize = 16 * 1024;
const LEAST_READ: usize = 1_024;

/// Parts written with one call.
const MOST_PARTS: usize = 16;

/// One direction.
#[derive(Debug)]
pub(super) struct Pump<R, W> {
    from: R,
    to: W,
    sender: Sender,
    /// Nothing when rules are enforced.
    reported: Option<Rc<Reported>>,
    /// Nothing once the sender broke a rule and is only reported: from then on bytes pass unread.
    reader: Option<FrameReader>,
    /// Read, and not yet taken apart.
    input: BytesMut,
    read_size: usize,
    /// Found right, and not yet written.
    output: VecDeque<Bytes>,
    /// Whether the sender's Close frame is kept back, because another takes its place.
    keeps_close: bool,
    shut: bool,
}

/// Why a direction stopped.
#[derive(Debug)]
pub(super) enum Stop {
    /// Its sender said Close, and that was passed on.
    Closed,
    /// One of the two connections ended without it.
    Ended,
    /// Its sender broke a rule.
    Refused(Violation),
    /// Its sender sent too many of these in too short a time.
    TooFast(&'static str),
}

impl Stop {
    /// What whoever caused it is told.
    pub(super) const fn code(&self) -> CloseCode {
        match self {
            Self::Closed | Self::Ended => CloseCode::GOING_AWAY,
            Self::Refused(violation) => violation.close_code(),
            Self::TooFast(_) => CloseCode::POLICY_VIOLATION,
        }
    }

    /// The rule that brought it about.
    pub(super) fn rule(&self) -> Option<String> {
        match self {
            Self::Closed | Self::Ended => None,
            Self::Refused(violation) => Some(violation.to_string()),
            Self::TooFast(what) => Some(format!("too many {what} in too short a time")),
        }
    }
}

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Pump<R, W> {
    /// The direction from the client to the application.
    pub(super) fn of_client(from: R, to: W, rules: &SocketRules, reported: Option<Rc<Reported>>) -> Self {
        Self::new(from, to, Sender::Client, FrameReader::new(Sender::Client, rules.client), reported)
    }

    /// The direction from the application to the client.
    pub(super) fn of_application(from: R, to: W, rules: &SocketRules, reported: Option<Rc<Reported>>) -> Self {
        Self::new(from, to, Sender::Application, FrameReader::new(Sender::Application, rules.application), reported)
    }

    fn new(from: R, to: W, sender: Sender, reader: FrameReader, reported: Option<Rc<Reported>>) -> Self {
        Self {
            from,
            to,
            sender,
            reported,
            reader: Some(reader),
            input: BytesMut::new(),
            read_size: LEAST_READ,
            output: VecDeque::new(),
            keeps_close: false,
            shut: false,
        }
    }

    /// Passes on what the sender says until it ends or breaks a rule.
    pub(super) async fn run(&mut self, core: &Rc<Core>, pulse: &Pulse, mut allowance: Option<&mut Allowance>) -> Stop {
        loop {
            if self.pass_on(pulse).await.is_err() {
                return Stop::Ended;
            }
            if self.closed() {
                return Stop::Closed;
            }
            let pings = self.sender == Sender::Application && self.between_frames();
            tokio::select! {
                biased;
                ping = pulse.ping(), if pings => {
                    self.output.push_back(ping);
                    continue;
                }
                read = read(&mut self.from, &mut self.input, self.read_size) => match read {
                    Ok(bytes) if bytes > 0 => self.read_size = if bytes >= self.read_size { MOST_READ } else { LEAST_READ },
                    _ => return Stop::Ended,
                },
            }
            if self.sender == Sender::Client {
                pulse.heard();
            }
            if let Err(stop) = self.take(core, pulse, allowance.as_deref_mut()).await {
                // What came before was right, and is passed on.
                let _gone = self.flush().await;
                return stop;
            }
        }
    }

    /// Writes what is to be written, and says meanwhile whether the client can be asked and heard.
    async fn pass_on(&mut self, pulse: &Pulse) -> io::Result<()> {
        if self.output.is_empty() {
            return Ok(());
        }
        // In the midst of a frame there is no place for a ping.
        let waits = self.sender == Sender::Client || !self.between_frames();
        if waits {
            pulse.hold_up(true);
        }
        let flushed = self.flush().await;
        if waits {
            pulse.hold_up(false);
        }
        flushed
    }

    /// Takes what was read apart.
    async fn take(
        &mut self,
        core: &Rc<Core>,
        pulse: &Pulse,
        mut allowance: Option<&mut Allowance>,
    ) -> Result<(), Stop> {
        loop {
            let Some(reader) = &mut self.reader else {
                let unread = self.input.split().freeze();
                pulse.moved();
                self.output.extend((!unread.is_empty()).then_some(unread));
                return Ok(());
            };
            let piece = match reader.next(&mut self.input) {
                Ok(Some(piece)) => piece,
                Ok(None) => return Ok(()),
                Err(violation) => {
                    let stop = Stop::Refused(violation);
                    let Some(reported) = &self.reported else { return Err(stop) };
                    reported.would_end(core, self.sender, &stop);
                    self.reader = None;
                    pulse.unread(self.sender);
                    continue;
                }
            };
            let (messages, wire) = match piece {
                Piece::Data { wire, starts_message, .. } => (u32::from(starts_message), wire),
                // The answer to our own ping is nobody else's business.
                Piece::Control { kind: ControlKind::Pong, payload, .. }
                    if self.sender == Sender::Client && pulse.answered(&payload) =>
                {
                    continue;
                }
                Piece::Control { kind: ControlKind::Close { .. }, .. } if self.keeps_close => continue,
                Piece::Control { wire, .. } => (1, wire),
            };
            if let Some(allowance) = allowance.as_deref_mut()
                && !self.reported.as_ref().is_some_and(|reported| reported.told())
                && let Err(what) = allowance.take(messages, wire.len()).await
            {
                let stop = Stop::TooFast(what);
                let Some(reported) = &self.reported else { return Err(stop) };
                reported.would_end(core, self.sender, &stop);
            }
            pulse.moved();
            self.output.push_back(wire);
        }
    }

    /// Whether the sender has said Close.
    fn closed(&self) -> bool {
        self.reader.as_ref().is_some_and(FrameReader::closed)
    }

    /// Whether a frame of our own may follow what was passed on.
    fn between_frames(&self) -> bool {
        self.reader.as_ref().is_some_and(FrameReader::between_frames)
    }

    /// Says something of our own, where that is possible: between frames, and before a Close. Whether it was.
    pub(super) fn say(&mut self, frame: impl FnOnce() -> Bytes) -> bool {
        let possible = self.between_frames() && (!self.closed() || self.keeps_close);
        if possible {
            self.output.push_back(frame());
        }
        possible
    }

    /// From now on the sender's Close frame ends the pump and is not passed on.
    pub(super) const fn keep_close(&mut self) {
        self.keeps_close = true;
    }

    /// Writes what is to be written.
    pub(super) async fn flush(&mut self) -> io::Result<()> {
        if self.output.is_empty() {
            return Ok(());
        }
        while !self.output.is_empty() {
            let mut parts = [IoSlice::new(&[]); MOST_PARTS];
            let used = self.output.len().min(MOST_PARTS);
            for (slot, part) in parts.iter_mut().zip(&self.output) {
                *slot = IoSlice::new(part);
            }
            let written = self.to.write_vectored(parts.get(..used).unwrap_or_default()).await?;
            if written == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            self.wrote(written);
        }
        self.to.flush().await
    }

    fn wrote(&mut self, mut bytes: usize) {
        while let Some(first) = self.output.front_mut() {
            if first.len() > bytes {
                first.advance(bytes);
                return;
            }
            bytes -= first.len();
            self.output.pop_front();
        }
    }

    /// Ends the connection it writes to, after what is to be written.
    pub(super) async fn shut_down(&mut self, limit: Duration) {
        if !std::mem::replace(&mut self.shut, true) {
            let ending = async {
                let _gone = self.flush().await;
                let _gone = self.to.shutdown().await;
            };
            let _late = timeout(limit, ending).await;
        }
    }

    /// Reads to the end of the connection and throws it away.
    pub(super) async fn drain(&mut self) {
        while let Ok(1..) = read(&mut self.from, &mut self.input, MOST_READ).await {
            self.input.clear();
        }
    }
}

/// Reads into room for `size` bytes; an empty buffer gives its memory back first.
async fn read(from: &mut (impl AsyncRead + Unpin), input: &mut BytesMut, size: usize) -> io::Result<usize> {
    if input.is_empty() && input.capacity() > size {
        *input = BytesMut::new();
    }
    input.reserve(size);
    from.read_buf(input).await
}
