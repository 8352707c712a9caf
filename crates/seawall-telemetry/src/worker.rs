//! A thread of our own behind a bounded channel, which can be told to finish what is left.

use std::{
    convert::Infallible,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, Receiver, RecvTimeoutError, Sender, SyncSender},
    },
    thread,
    time::Duration,
};

use crate::TelemetryError;

/// What a worker's channel carries.
pub(crate) enum Message<T> {
    /// Something to do.
    Work(T),
    /// Wakes the worker, so that it sees that it shall finish.
    Finish,
}

/// The worker's side of the channel.
pub(crate) struct Inbox<T> {
    receiver: Receiver<Message<T>>,
    finishing: Arc<AtomicBool>,
    /// Held by the worker; its end tells [`Worker::finish`] that nothing is left.
    _alive: Sender<Infallible>,
}

/// The owner's side: the only one who may end the worker.
pub(crate) struct Worker<T> {
    sender: SyncSender<Message<T>>,
    finishing: Arc<AtomicBool>,
    ended: Receiver<Infallible>,
}

impl<T: Send + 'static> Worker<T> {
    /// Starts a thread that takes at most `room` waiting messages.
    pub(crate) fn start(
        name: &'static str,
        room: usize,
        work: impl FnOnce(Inbox<T>) + Send + 'static,
    ) -> Result<Self, TelemetryError> {
        let (sender, receiver) = mpsc::sync_channel(room);
        let (alive, ended) = mpsc::channel();
        let finishing = Arc::new(AtomicBool::new(false));
        let inbox = Inbox { receiver, finishing: Arc::clone(&finishing), _alive: alive };
        thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || work(inbox))
            .map_err(|source| TelemetryError::Thread { name, source })?;
        Ok(Self { sender, finishing, ended })
    }

    /// A way to the worker.
    pub(crate) fn sender(&self) -> SyncSender<Message<T>> {
        self.sender.clone()
    }

    /// Lets the worker do what waits, and ends it; gives up waiting after `limit`.
    pub(crate) fn finish(self, limit: Duration) -> Result<(), TelemetryError> {
        self.finishing.store(true, Ordering::Release);
        // A full channel needs no wake: the worker looks at the flag after every message.
        let _ = self.sender.try_send(Message::Finish);
        match self.ended.recv_timeout(limit) {
            Err(RecvTimeoutError::Disconnected) => Ok(()),
            Err(RecvTimeoutError::Timeout) => Err(TelemetryError::Unfinished),
            Ok(never) => match never {},
        }
    }
}

impl<T> fmt::Debug for Worker<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Worker")
    }
}

impl<T> Inbox<T> {
    /// The next piece of work; nothing when the worker shall end.
    pub(crate) fn next(&self) -> Option<T> {
        loop {
            let message = if self.finishing.load(Ordering::Acquire) {
                self.receiver.try_recv().ok()?
            } else {
                self.receiver.recv().ok()?
            };
            if let Message::Work(work) = message {
                return Some(work);
            }
        }
    }

    /// The next piece of work, if it comes within `limit`.
    #[cfg(feature = "otlp")]
    pub(crate) fn next_within(&self, limit: Duration) -> Option<T> {
        match self.receiver.recv_timeout(limit).ok()? {
            Message::Work(work) => Some(work),
            Message::Finish => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finishing_does_what_waits_first() {
        let (done, seen) = mpsc::channel();
        let worker = Worker::start("test", 8, move |inbox: Inbox<u32>| {
            while let Some(work) = inbox.next() {
                done.send(work).unwrap();
            }
        })
        .unwrap();
        let sender = worker.sender();
        for work in 0..8 {
            assert!(sender.send(Message::Work(work)).is_ok());
        }
        worker.finish(Duration::from_secs(10)).unwrap();
        assert_eq!(seen.iter().collect::<Vec<_>>(), (0..8).collect::<Vec<_>>());
        assert!(sender.try_send(Message::Work(9)).is_err(), "an ended worker takes nothing more");
    }

    #[test]
    fn a_stuck_worker_is_not_waited_for() {
        let (release, stuck) = mpsc::channel::<()>();
        let worker = Worker::start("test", 1, move |_: Inbox<u32>| {
            let _ = stuck.recv();
        })
        .unwrap();
        let outcome = worker.finish(Duration::from_millis(10));
        assert!(matches!(outcome, Err(TelemetryError::Unfinished)));
        drop(release);
    }
}
