//! Serving as a process: the runtime of the control plane, the log, signals, and the end.

use std::{
    io::{ErrorKind, IsTerminal, Write, stderr, stdin},
    net::TcpListener,
    panic,
    time::Duration,
};

use seawall::{
    app::{App, AppError, Running, hand_over::HandOver, reload::Trigger},
    cli::{CliError, Serve, World},
    demo::{self, llm::Llm},
};
use seawall_telemetry::log::{self, LevelHandle};
use tokio::{
    runtime::{Builder, Runtime},
    signal::unix::{Signal, SignalKind, signal},
};

/// Threads of the control plane: it never carries traffic.
const CONTROL_THREADS: usize = 2;

/// How long work that waits for the disk may take at the end, when everything that has to be done is done.
const END_LIMIT: Duration = Duration::from_secs(2);

/// Does what needs a runtime; gives the exit code.
pub(super) fn serve(what: Serve, world: &mut World<'_>) -> Result<u8, CliError> {
    let runtime = Builder::new_multi_thread()
        .worker_threads(CONTROL_THREADS)
        .thread_name("seawall-control")
        .enable_all()
        .build()?;
    let code = match what {
        Serve::Status(ask) => answered(&runtime.block_on(ask.answer())?, world),
        Serve::Reload(ask) => {
            let (answer, code) = runtime.block_on(ask.answer())?;
            answered(&answer, world).map(|_| code)
        }
        Serve::Report(ask) => answered(&runtime.block_on(ask.answer())?, world),
        Serve::Models(ask) => answered(&runtime.block_on(ask.answer())?, world),
        Serve::Restart(ask) => answered(&runtime.block_on(ask.answer())?, world),
        Serve::Store(ask) => told(runtime.block_on(ask.run(world.out))),
        Serve::Supervised(ask) => answered(&runtime.block_on(ask.answer())?, world),
        Serve::Llm { listener, banner } => runtime.block_on(play(listener, &banner)),
        Serve::App { app, banner, demo } => {
            let temporary = demo.is_some().then(|| app.directory().to_owned());
            let level = install_log(&app)?;
            let code = run(&runtime, app.with_level(level), demo, |running| banner.render(running));
            if let Some(temporary) = temporary {
                // What the demonstration leaves behind is in the system's temporary directory.
                let _stays = std::fs::remove_dir_all(temporary);
            }
            code
        }
    };
    // A copy of a large database that is being made for a backup is made again later, and nobody waits for it.
    runtime.shutdown_timeout(END_LIMIT);
    code
}

/// Whoever read the answer may have heard enough.
fn told(outcome: Result<u8, CliError>) -> Result<u8, CliError> {
    match outcome {
        Err(CliError::Io(error)) if error.kind() == ErrorKind::BrokenPipe => Ok(0),
        outcome => outcome,
    }
}

fn answered(answer: &str, world: &mut World<'_>) -> Result<u8, CliError> {
    match world.out.write_all(answer.as_bytes()) {
        // Whoever read the answer has heard enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(0),
        written => Ok(written.map(|()| 0)?),
    }
}

/// The fake LLM, until a signal. Nothing of it is worth finishing.
async fn play(listener: TcpListener, banner: &str) -> Result<u8, CliError> {
    let mut signals = Signals::listen();
    let _unheard = stderr().write_all(banner.as_bytes());
    let llm = Llm::default();
    tokio::select! {
        served = llm.serve(listener) => served?,
        () = signals.next() => {}
    }
    Ok(0)
}

/// The log of the whole process, and panics into it.
fn install_log(app: &App) -> Result<LevelHandle, CliError> {
    let (subscriber, level) = log::adjustable(app.output(), &app.log_settings().level);
    tracing::subscriber::set_global_default(subscriber).map_err(std::io::Error::other)?;
    panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let message = panic.payload_as_str().unwrap_or("a panic without a message");
        let trace = std::backtrace::Backtrace::force_capture().to_string();
        tracing::error!(panic.message = message, panic.place = place, panic.trace = trace, "a thread panicked");
    }));
    Ok(level)
}

fn run(
    runtime: &Runtime,
    app: App,
    demo: Option<TcpListener>,
    banner: impl Fn(&Running) -> String,
) -> Result<u8, CliError> {
    let sample = demo.map(|listener| runtime.spawn(demo::serve(listener)));
    let code = runtime.block_on(async {
        // Heard from before anything is said to run: a signal that comes at once must not end the process by itself.
        let mut signals = Signals::listen();
        let mut running = tokio::select! {
            started = app.start() => started?,
            // An application that was not ready yet is ended by the drop of its start.
            () = signals.next() => return Ok(0),
        };
        if let Some(inherited) = running.take_standard_error()
            && let Err(error) = rustix::stdio::dup2_stderr(inherited)
        {
            tracing::warn!(error = %error, "the standard error of the process that served before cannot be used");
        }
        // Log lines go to the standard output; what is meant for a person stays apart from them.
        let _unheard = stderr().write_all(banner(&running).as_bytes());
        let notifier = running.notifier().clone();
        notifier.ready(format_args!("serving {}", running.url()));
        let alive = tokio::spawn(notifier.clone().keep_alive());
        let (ended, told) = until_end(&mut running, &mut signals).await;
        // Already said, unless it ended by a fault.
        notifier.stopping();
        end_application(&mut running, &mut signals, told).await;
        running.close_store().await;
        let finished = running.finish();
        alive.abort();
        ended.and(finished).map(|()| 0).or_else(report)
    });
    if let Some(sample) = sample {
        sample.abort();
    }
    Ok(code?)
}

/// The signals that end the process, the one that reloads its configuration, and the one that starts a successor.
struct Signals {
    terminate: Option<Signal>,
    interrupt: Option<Signal>,
    hang_up: Option<Signal>,
    user: Option<Signal>,
    /// Whether it was started from a terminal, which may go.
    terminal: bool,
    /// Whether a reload was wished when nobody could carry it out.
    reload: bool,
}

impl Signals {
    fn listen() -> Self {
        let listen = |kind| match signal(kind) {
            Ok(signal) => Some(signal),
            Err(error) => {
                tracing::warn!(error = %error, "a signal cannot be heard; it ends the process at once");
                None
            }
        };
        Self {
            terminate: listen(SignalKind::terminate()),
            interrupt: listen(SignalKind::interrupt()),
            hang_up: listen(SignalKind::hangup()),
            user: listen(SignalKind::user_defined2()),
            terminal: stdin().is_terminal(),
            reload: false,
        }
    }

    /// Waits for the next one that ends the process.
    async fn next(&mut self) {
        loop {
            match self.hear().await {
                Heard::End => return,
                Heard::Reload => self.reload = true,
                Heard::Restart => tracing::warn!("a server that is starting or ending is not restarted"),
            }
        }
    }

    /// Waits for the next one.
    async fn any(&mut self) -> Heard {
        if std::mem::take(&mut self.reload) { Heard::Reload } else { self.hear().await }
    }

    async fn hear(&mut self) -> Heard {
        tokio::select! {
            () = heard(&mut self.terminate) => Heard::End,
            () = heard(&mut self.interrupt) => Heard::End,
            // The same signal says that the terminal it was started from is gone, and then nobody is left to end it.
            () = heard(&mut self.hang_up) => if self.terminal && !stdin().is_terminal() { Heard::End } else { Heard::Reload },
            () = heard(&mut self.user) => Heard::Restart,
        }
    }
}

/// What a signal says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Heard {
    End,
    Reload,
    Restart,
}

async fn heard(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => {
            signal.recv().await;
        }
        None => std::future::pending().await,
    }
}

/// Serves until the first signal or until a successor does, finishes until the second; gives how many signals there were.
async fn until_end(running: &mut Running, signals: &mut Signals) -> (Result<(), AppError>, u32) {
    let mut hand_over = running.hand_over().cloned();
    let mut told = 0;
    loop {
        let heard = tokio::select! {
            ended = running.ended() => return (ended, told),
            () = left(&mut hand_over) => {
                // Being finished already, it ends at once at the next signal.
                (told, hand_over) = (told.max(1), None);
                running.leave().await;
                continue;
            }
            heard = signals.any() => heard,
        };
        match heard {
            // Beside this loop, so that a signal that ends the process is heard meanwhile. What came of it is in the log.
            Heard::Reload => {
                let reloader = running.reloader().clone();
                tokio::spawn(async move { reloader.reload(Trigger::Signal).await.is_ok() });
            }
            Heard::Restart => match running.hand_over().cloned() {
                Some(hand_over) => {
                    tokio::spawn(async move { hand_over.restart().await.is_ok() });
                }
                None => tracing::warn!("this server does not know how it was started, so it starts no successor"),
            },
            Heard::End => {
                told += 1;
                finish(running, told).await;
            }
        }
    }
}

async fn finish(running: &Running, told: u32) {
    if told == 1 {
        tracing::info!(
            "finishing: requests in flight are answered, connections are closed; a second signal ends at once"
        );
        running.drain().await;
    } else {
        running.force().await;
    }
}

/// Ends when another process serves.
async fn left(hand_over: &mut Option<HandOver>) {
    match hand_over {
        Some(hand_over) => hand_over.left().await,
        None => std::future::pending().await,
    }
}

/// Ends the application that Seawall started, last of all. Two signals, whenever they came, end it at once.
async fn end_application(running: &mut Running, signals: &mut Signals, told: u32) {
    if told < 2 {
        let left = 2 - told;
        let hurried = async {
            for _ in 0..left {
                signals.next().await;
            }
        };
        tokio::select! {
            () = running.stop_application() => return,
            () = hurried => {}
        }
    }
    running.kill_application().await;
}

/// A fault of the process itself: logged, and told by the exit code (checklist RG-3).
fn report(error: AppError) -> Result<u8, AppError> {
    if error.exit_code() != 1 {
        return Err(error);
    }
    tracing::error!(error = %error, "the server ended by a fault of its own");
    Ok(1)
}
