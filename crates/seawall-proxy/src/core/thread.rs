//! The thread of one core: its runtime, its commands, its end.

use std::{io, net::TcpListener as StdListener, rc::Rc, thread, time::Duration};

use seawall_core::principal::Revoked;
use tokio::{
    net::TcpListener,
    runtime::{Builder, LocalOptions},
    sync::{mpsc, oneshot},
    time::Instant,
};

use super::{Core, CoreParts, Serving, accept};

/// How often log lines are handed over, old connections to the application are closed, and quiet clients' connections put to rest.
const TICK: Duration = Duration::from_millis(100);

/// How long kept connections are served on after another process took over. Whoever talks meanwhile is told to close by the
/// answer, so that no connection is closed in the very moment in which its client sends a request.
const FAREWELL: Duration = Duration::from_secs(1);

/// Commands that may wait; revocations come in crowds.
pub(crate) const COMMANDS: usize = 1_024;

/// What a core can be told.
#[derive(Debug)]
pub(crate) enum Command {
    /// Serve something else from now on, and say so.
    Replace(Box<Serving>, oneshot::Sender<()>),
    /// Serve this connection, because the core that accepted it has more than its share.
    Take(Arrived),
    /// What was opened with it ends.
    Revoked(Revoked),
    /// Tell each connection to close by its next answer, and go on accepting.
    Announce,
    /// Accept nothing until told otherwise, and say so: whoever connects waits in the kernel's queue. Connections are closed as soon as
    /// nothing is due on them, when that was announced.
    Rest(oneshot::Sender<()>),
    /// Accept again, and keep connections.
    Resume,
    /// Finish and end.
    Drain,
    /// Finish and end; another process accepts from the same socket.
    Leave,
    /// End at once.
    Force,
}

/// A connection that was accepted, on no core yet.
#[derive(Debug)]
pub(crate) struct Arrived {
    pub(super) stream: std::net::TcpStream,
    pub(super) peer: std::net::SocketAddr,
}

/// A core that runs.
#[derive(Debug)]
pub(crate) struct Running {
    /// Resolves when the core has ended; dropped without a word when its thread died.
    pub(crate) ended: oneshot::Receiver<()>,
    pub(crate) thread: thread::JoinHandle<()>,
}

/// Starts a core on a thread of its own.
pub(crate) fn start(parts: CoreParts, listener: StdListener, received: mpsc::Receiver<Command>) -> io::Result<Running> {
    let (end, ended) = oneshot::channel();
    let runtime = Builder::new_current_thread();
    let thread = thread::Builder::new().name(format!("seawall-core-{}", parts.index)).spawn(move || {
        seawall_telemetry::metrics::bind_core(parts.index);
        let mut runtime = runtime;
        match runtime.enable_all().build_local(LocalOptions::default()) {
            Ok(runtime) => {
                runtime.block_on(run(parts, listener, received));
                // Nobody listening means the plane itself is gone.
                let _gone = end.send(());
            }
            Err(error) => tracing::error!(error = %error, "the runtime of a core could not be made"),
        }
    })?;
    Ok(Running { ended, thread })
}

async fn run(parts: CoreParts, listener: StdListener, mut commands: mpsc::Receiver<Command>) {
    let core = Core::new(parts);
    let listener = match TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return tracing::error!(error = %error, "the listener could not be used"),
    };
    let ticking = tokio::task::spawn_local(tick(Rc::clone(&core)));
    match serve(&core, &listener, &mut commands).await {
        Then::Drain => finish(&core, Goodbye::Close(listener), &mut commands).await,
        Then::Leave => finish(&core, Goodbye::Leave(listener), &mut commands).await,
        Then::End => {}
    }
    ticking.abort();
    core.flush_log();
}

/// What comes after serving.
enum Then {
    Drain,
    Leave,
    End,
}

/// What becomes of the listening socket.
enum Goodbye {
    /// Nobody else has it: it is announced, then closed without resetting anyone.
    Close(TcpListener),
    /// Another process accepts from it: it is let go of at once, and what waits in its queue is that one's.
    Leave(TcpListener),
}

async fn serve(core: &Rc<Core>, listener: &TcpListener, commands: &mut mpsc::Receiver<Command>) -> Then {
    let mut accepting = std::pin::pin!(accept::accept(core, listener));
    let mut resting = false;
    loop {
        tokio::select! {
            () = &mut accepting, if !resting => {}
            command = commands.recv() => match command {
                Some(Command::Replace(serving, done)) => {
                    core.replace(*serving);
                    // Whoever asked may have gone.
                    let _unheard = done.send(());
                }
                Some(Command::Take(arrived)) => accept::take(core, arrived),
                Some(Command::Revoked(revoked)) => core.revoke(&revoked),
                Some(Command::Announce) => core.announce_end(),
                Some(Command::Rest(done)) => {
                    resting = true;
                    if core.ending() {
                        core.part();
                    }
                    let _unheard = done.send(());
                }
                Some(Command::Resume) => {
                    resting = false;
                    core.recant_end();
                }
                Some(Command::Drain) => return Then::Drain,
                Some(Command::Leave) => return Then::Leave,
                Some(Command::Force) | None => return Then::End,
            },
        }
    }
}

/// Announces the end, parts with the listener, and lets everyone finish within the limit.
async fn finish(core: &Rc<Core>, goodbye: Goodbye, commands: &mut mpsc::Receiver<Command>) {
    let settings = core.settings();
    let limit = settings.drain_timeout
        + match goodbye {
            Goodbye::Close(_) => settings.drain_delay,
            Goodbye::Leave(_) => FAREWELL,
        };
    let forced = async {
        while let Some(command) = commands.recv().await {
            match command {
                Command::Force => return,
                // It was accepted before the listener closed, so it is served.
                Command::Take(arrived) => accept::take(core, arrived),
                Command::Revoked(revoked) => core.revoke(&revoked),
                Command::Replace(..)
                | Command::Announce
                | Command::Rest(_)
                | Command::Resume
                | Command::Drain
                | Command::Leave => {}
            }
        }
    };
    let finished = async {
        core.announce_end();
        match goodbye {
            Goodbye::Close(listener) => {
                let delayed = tokio::time::timeout(settings.drain_delay, accept::accept(core, &listener)).await;
                debug_assert!(delayed.is_err(), "accepting ends only by the time limit");
                accept::close(core, &listener).await;
            }
            Goodbye::Leave(listener) => {
                // Invariant: no filter is attached to a socket that another process accepts from.
                drop(listener);
                tokio::time::sleep(FAREWELL).await;
            }
        }
        // Twice through the runtime: once for the driver to say what has come, once for connections to read it.
        for _ in 0..2 {
            tokio::task::yield_now().await;
        }
        core.close_connections();
        core.emptied().await;
    };
    tokio::select! {
        () = finished => {}
        () = forced => {}
        () = tokio::time::sleep(limit) => {
            tracing::warn!(connections = core.open_connections(), "draining took too long; the rest is cut off");
        }
    }
}

async fn tick(core: Rc<Core>) {
    loop {
        tokio::time::sleep(TICK).await;
        core.flush_log();
        let now = Instant::now();
        core.upstream.reap(now);
        core.talkers.rest_if_quiet(now);
    }
}
