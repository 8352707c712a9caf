//! The side of the process that serves: it listens for a successor, or starts one, and hands over to it.

use std::{
    net::TcpListener,
    os::{
        fd::{AsFd, BorrowedFd},
        unix::net::UnixListener as StdUnixListener,
    },
    sync::Arc,
    time::Duration,
};

use axum::Router;
use tokio::{
    net::UnixListener,
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
    time::{sleep, timeout},
};

use super::{
    HandOverError, HandOverMeters, Phase, Program, Step,
    fresh::Fresh,
    handle::Wish,
    link::Link,
    message::{Message, Offered, PROTOCOL},
};
use crate::app::{AppError, DataDirectory, acceptor::Acceptor, admin, notify::Notifier};

/// How long a successor that we started may take until it is heard: it reads its configuration before.
const ARRIVAL_LIMIT: Duration = Duration::from_secs(60);

/// How long a process that has connected may take to say what it wants.
const HELLO_LIMIT: Duration = Duration::from_secs(5);

/// How long a successor may take until it could serve. What runs before its application has limits of its own, and nobody
/// waits meanwhile: this process serves.
const READY_LIMIT: Duration = Duration::from_secs(60 * 60);

/// How long a successor may be silent before it serves once everything is its own, and how long it may take while it says that it is at
/// work: it may have to copy and to migrate the store. Clients wait in the kernel's queue meanwhile.
const TAKEN_SILENCE: Duration = Duration::from_secs(10);
const TAKEN_LIMIT: Duration = Duration::from_secs(10 * 60);

/// How long a successor that failed may take to say why and end.
const END_LIMIT: Duration = Duration::from_secs(5);

/// What is handed over, and to whom.
#[derive(Debug)]
pub(in crate::app) struct Predecessor {
    /// Each with its name and the address that was configured for it.
    pub(in crate::app) listeners: Vec<(&'static str, String, TcpListener)>,
    /// In the order in which they are given.
    pub(in crate::app) steps: Vec<Step>,
    pub(in crate::app) phase: watch::Sender<Phase>,
    pub(in crate::app) data: Arc<DataDirectory>,
    pub(in crate::app) program: Program,
    /// Who accepts at the admin socket and what it answers, should it have to be bound again.
    pub(in crate::app) admin: (Acceptor, Router),
    pub(in crate::app) meters: HandOverMeters,
    pub(in crate::app) notifier: Notifier,
}

impl Predecessor {
    /// Listens for a successor. The descriptors are held until the task has ended, or was told that the server ends.
    pub(in crate::app) fn listen(
        self,
        socket: StdUnixListener,
        wishes: mpsc::Receiver<Wish>,
    ) -> Result<JoinHandle<()>, AppError> {
        let socket = UnixListener::from_std(socket)
            .map_err(|source| AppError::Data { path: self.data.hand_over_path(), source })?;
        Ok(tokio::spawn(Task { predecessor: self, socket }.run(wishes)))
    }
}

/// One successor on its way.
#[derive(Default)]
struct Attempt {
    /// When it was started here.
    fresh: Option<Fresh>,
    link: Option<Link>,
}

struct Task {
    predecessor: Predecessor,
    socket: UnixListener,
}

impl Task {
    async fn run(mut self, mut wishes: mpsc::Receiver<Wish>) {
        while *self.predecessor.phase.borrow() != Phase::Left {
            let ended = tokio::select! {
                link = arrival(&self.socket) => {
                    self.attempt(Attempt { fresh: None, link: Some(link) }, &mut wishes).await.1
                }
                wish = wishes.recv() => match wish {
                    Some(Wish::Restart(reply)) => match Fresh::start(&self.predecessor.program) {
                        Ok(fresh) => {
                            let attempt = Attempt { fresh: Some(fresh), link: None };
                            let (outcome, ended) = self.attempt(attempt, &mut wishes).await;
                            // Whoever asked may have left.
                            let _left = reply.send(outcome);
                            ended
                        }
                        Err(error) => {
                            let _left = reply.send(Err(self.failed(error)));
                            None
                        }
                    },
                    Some(Wish::End(reply)) => Some(reply),
                    None => return,
                },
            };
            if let Some(reply) = ended {
                // Before the answer, so that closing the listener closes it.
                drop(self);
                let _gone = reply.send(());
                return;
            }
        }
    }

    /// Hands over to one successor. Gives whoever wished meanwhile that the server ends.
    async fn attempt(
        &mut self,
        mut attempt: Attempt,
        wishes: &mut mpsc::Receiver<Wish>,
    ) -> (Result<u32, Arc<HandOverError>>, Option<oneshot::Sender<()>>) {
        let (prepared, mut ended) = tokio::select! {
            prepared = self.prepare(&mut attempt) => (prepared, None),
            ended = told_to_end(wishes) => (Err(HandOverError::Ending), ended),
        };
        let given = match prepared {
            Ok(()) => self.give(&mut attempt, wishes, &mut ended).await,
            Err(error) => Err(error),
        };
        let outcome = match given {
            Ok(successor) => {
                self.predecessor.meters.given.increment();
                tracing::info!(successor.pid = successor, "handed over; what is in flight here is finished");
                Ok(successor)
            }
            Err(error) => Err(self.failed(attempt.reason(error).await)),
        };
        (outcome, ended)
    }

    fn failed(&self, error: HandOverError) -> Arc<HandOverError> {
        self.predecessor.meters.failed.increment();
        let reason = error.text();
        tracing::error!(error = reason, "there was no hand-over; this process goes on");
        Arc::new(error)
    }

    /// Everything that may still fail: nothing changes here.
    async fn prepare(&self, attempt: &mut Attempt) -> Result<(), HandOverError> {
        if let Some(fresh) = &mut attempt.fresh {
            tracing::info!(successor.pid = fresh.pid(), "a successor was started");
            attempt.link = Some(arrival_of(&self.socket, fresh).await?);
        }
        let started_here = attempt.fresh.is_some();
        let Some(link) = &mut attempt.link else { return Err(HandOverError::Late("connecting")) };
        match link.hear("saying what it is", HELLO_LIMIT).await? {
            Message::Hello { protocol: PROTOCOL, version } => {
                tracing::info!(successor.pid = link.peer(), successor.version = version, "a successor gets ready");
            }
            other => return Err(HandOverError::Unexpected(other.to_string())),
        }
        self.offer(link, started_here).await?;
        let heard = tokio::select! {
            heard = link.hear("getting ready", READY_LIMIT) => heard?,
            () = refuse_all(&self.socket) => return Err(HandOverError::Busy),
        };
        if heard != Message::Ready {
            return Err(HandOverError::Unexpected(heard.to_string()));
        }
        tokio::select! {
            () = settle_all(&self.predecessor.steps) => Ok(()),
            left = link.tell_working_unless_left() => Err(left),
            () = refuse_all(&self.socket) => Err(HandOverError::Busy),
        }
    }

    async fn offer(&self, link: &Link, started_here: bool) -> Result<(), HandOverError> {
        let listeners = &self.predecessor.listeners;
        let mut offered: Vec<_> = listeners
            .iter()
            .map(|(name, asked, _)| Offered { name: (*name).to_owned(), asked: asked.clone() })
            .collect();
        let mut descriptors: Vec<BorrowedFd<'_>> = listeners.iter().map(|(_, _, listener)| listener.as_fd()).collect();
        let own = std::io::stderr();
        if started_here {
            // Its own is a pipe to us, which ends when we do.
            offered.push(Offered { name: "stderr".to_owned(), asked: "-".to_owned() });
            descriptors.push(own.as_fd());
        }
        link.say(&Message::Offer(offered), &descriptors).await
    }

    /// Lets go of everything. From here on the successor is not interrupted, unless it is at work for long and the server shall end.
    async fn give(
        &mut self,
        attempt: &mut Attempt,
        wishes: &mut mpsc::Receiver<Wish>,
        ended: &mut Option<oneshot::Sender<()>>,
    ) -> Result<u32, HandOverError> {
        let Some(link) = &mut attempt.link else { return Err(HandOverError::Late("connecting")) };
        let (given, all) = tokio::select! {
            given = give_all(&self.predecessor.steps) => given,
            never = link.tell_working() => match never {},
        };
        if let Err(error) = all {
            self.take_back(given).await;
            return Err(error);
        }
        let taken = match link.say(&Message::Released, &[]).await {
            Ok(()) => tokio::select! {
                taken = link.hear_at_work("serving", TAKEN_SILENCE, TAKEN_LIMIT) => taken,
                told = told_to_end_later(wishes) => {
                    *ended = told;
                    Err(HandOverError::Ending)
                }
            },
            Err(error) => Err(error),
        };
        let error = match taken {
            Ok(Message::Taken) => {
                self.predecessor.notifier.handed_over(link.peer());
                self.predecessor.phase.send_replace(Phase::Left);
                return Ok(link.peer());
            }
            Ok(other) => HandOverError::Unexpected(other.to_string()),
            Err(error) => error,
        };
        if let Some(fresh) = &mut attempt.fresh {
            fresh.kill().await;
        }
        if self.take_back(given).await {
            return Err(error);
        }
        tracing::warn!("the successor did not say that it serves, but it has the data directory, so it does");
        self.predecessor.notifier.handed_over(link.peer());
        self.predecessor.phase.send_replace(Phase::Left);
        Ok(link.peer())
    }

    /// Takes back what was given, the last first. Whether it could: not when the successor has the data directory.
    async fn take_back(&mut self, given: usize) -> bool {
        let all = given == self.predecessor.steps.len();
        for step in self.predecessor.steps.iter().take(given).rev() {
            if let Err(error) = step.take_back().await {
                tracing::error!(error = %error, "the {} could not be taken back", step.what());
                if step.decides() {
                    return false;
                }
            }
        }
        if all && let Err(error) = self.bind_again() {
            tracing::error!(error = %error, "operators cannot reach this process over its sockets any more");
        }
        true
    }

    /// The successor may have put its own sockets in the place of ours.
    fn bind_again(&mut self) -> Result<(), AppError> {
        let data = &self.predecessor.data;
        let (acceptor, router) = self.predecessor.admin.clone();
        tokio::spawn(admin::serve_unix(acceptor, admin::bind_unix(&data.socket_path())?, router));
        let path = data.hand_over_path();
        let socket = UnixListener::from_std(admin::bind_unix(&path)?);
        self.socket = socket.map_err(|source| AppError::Data { path, source })?;
        Ok(())
    }
}

impl Attempt {
    /// Why it failed: for a process that was started here, how it ended, if it did.
    async fn reason(&mut self, error: HandOverError) -> HandOverError {
        let over = matches!(error, HandOverError::Link(_) | HandOverError::Refused(_) | HandOverError::Ended { .. });
        if let Some(link) = self.link.take().filter(|_| !over) {
            // It may be gone already.
            let _unheard = link.say(&Message::Refused(error.text()), &[]).await;
        }
        let Some(fresh) = &mut self.fresh else { return error };
        let ended = if matches!(error, HandOverError::Link(_)) {
            timeout(END_LIMIT, fresh.ended()).await.unwrap_or(error)
        } else {
            error
        };
        fresh.kill().await;
        ended
    }
}

/// Waits for all that has to end before anything is given.
async fn settle_all(steps: &[Step]) {
    for step in steps {
        step.settled().await;
    }
}

/// Gives step after step; says how many were given.
async fn give_all(steps: &[Step]) -> (usize, Result<(), HandOverError>) {
    for (given, step) in steps.iter().enumerate() {
        if let Err(source) = step.give().await {
            return (given, Err(HandOverError::Step { what: step.what(), source }));
        }
    }
    (steps.len(), Ok(()))
}

/// The next process of our user that connects.
async fn arrival(socket: &UnixListener) -> Link {
    loop {
        match socket.accept().await.map_err(HandOverError::Link).and_then(|(stream, _)| Link::new(stream)) {
            Ok(link) => return link,
            Err(error) => {
                tracing::warn!(error = error.text(), "a process that wants to take over was not heard");
                sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// The process that was started here, when it connects; others are told that they come too late.
async fn arrival_of(socket: &UnixListener, fresh: &mut Fresh) -> Result<Link, HandOverError> {
    let pid = fresh.pid();
    let arrives = async {
        loop {
            let link = arrival(socket).await;
            if link.peer() == pid {
                return link;
            }
            refuse(link).await;
        }
    };
    tokio::select! {
        arrived = timeout(ARRIVAL_LIMIT, arrives) => arrived.map_err(|_| HandOverError::Late("connecting")),
        ended = fresh.ended() => Err(ended),
    }
}

/// Tells a process that it comes too late. It is heard first: closed before, its words would break the connection, and ours be lost.
async fn refuse(mut link: Link) {
    let _whatever = link.hear("saying what it is", HELLO_LIMIT).await;
    let _unheard = link.say(&Message::Refused(HandOverError::Busy.to_string()), &[]).await;
}

async fn refuse_all(socket: &UnixListener) {
    loop {
        refuse(arrival(socket).await).await;
    }
}

/// Waits until the server ends, and gives who wants to know; refuses meanwhile what else is wished.
async fn told_to_end(wishes: &mut mpsc::Receiver<Wish>) -> Option<oneshot::Sender<()>> {
    loop {
        match wishes.recv().await {
            Some(Wish::Restart(reply)) => {
                let _left = reply.send(Err(HandOverError::Busy.into()));
            }
            Some(Wish::End(reply)) => return Some(reply),
            None => return None,
        }
    }
}

/// The same, once a successor that has everything has taken longer than is usual: it is about to serve, so it is let be until then.
async fn told_to_end_later(wishes: &mut mpsc::Receiver<Wish>) -> Option<oneshot::Sender<()>> {
    sleep(TAKEN_SILENCE).await;
    told_to_end(wishes).await
}
