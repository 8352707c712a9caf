//! A WebSocket between client and application: both directions pumped frame by frame, the client pinged, and the end brought
//! about in the right order, whoever brings it about.
//!
//! One task has a whole socket. When a socket must end, the application hears so first; what it still has to say passes, and
//! only then the client gets its Close frame with the reason, so that answers to good messages are not lost.

mod allowance;
mod pump;
mod reported;
mod watch;

use std::{rc::Rc, sync::Arc, time::Duration};

use seawall_core::{
    limit::RateKey,
    request_id::RequestId,
    websocket::{CloseCode, close},
};
use seawall_guards::websocket::SocketRules;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::timeout,
};

use crate::{
    core::{Core, Gate},
    meters::SocketEnd,
};
use allowance::Allowance;
use pump::{Pump, Stop};
pub(super) use reported::Reported;
pub(super) use watch::expired;
use watch::{Alarm, Pulse};

/// How long each side may take for its part of the end.
const GOODBYE: Duration = Duration::from_secs(2);

/// How long each step of the end may take once whoever opened the socket may not have it any more (checklist RG-19: within a
/// second of the revocation).
const CUT: Duration = Duration::from_millis(250);

/// What is known of a socket from its handshake.
#[derive(Clone, Debug)]
pub(super) struct Opened {
    pub(super) rules: Arc<SocketRules>,
    /// Where broken rules are told; nothing when they are enforced.
    pub(super) reported: Option<Rc<Reported>>,
    /// By what all sockets of whoever opened it are counted together.
    pub(super) owner: RateKey,
    pub(super) request_id: RequestId,
    /// How long both sides may be silent.
    pub(super) idle: Duration,
}

/// Why a socket ends.
#[derive(Debug)]
enum End {
    /// The client's direction stopped.
    Client(Stop),
    /// The application's direction stopped.
    Application(Stop),
    /// Time is over.
    Alarm(Alarm),
}

/// Lets client and application talk until one of them ends it, a rule does, or the server drains.
pub(super) async fn run<A, B>(core: &Rc<Core>, opened: &Opened, gate: &Gate, client: A, application: B)
where
    A: AsyncRead + AsyncWrite,
    B: AsyncRead + AsyncWrite,
{
    let (client_reads, client_writes) = tokio::io::split(client);
    let (application_reads, application_writes) = tokio::io::split(application);
    let pulse = Pulse::new();
    let mut allowance = Allowance::new(Rc::clone(core), opened);
    let mut up = Pump::of_client(client_reads, application_writes, &opened.rules, opened.reported.clone());
    let mut down = Pump::of_application(application_reads, client_writes, &opened.rules, opened.reported.clone());
    let end = {
        let alarm = watch::alarm(core, opened, gate, &pulse);
        tokio::select! {
            stop = up.run(core, &pulse, Some(&mut allowance)) => End::Client(stop),
            stop = down.run(core, &pulse, None) => End::Application(stop),
            alarm = alarm => End::Alarm(alarm),
        }
    };
    tell(core, opened, &end);
    if let Some(reported) = &opened.reported {
        reported.ends();
    }
    let going = CloseCode::GOING_AWAY;
    match end {
        End::Client(Stop::Closed) => {
            let _late = timeout(GOODBYE, down.run(core, &pulse, None)).await;
        }
        End::Application(Stop::Closed) => {
            let _late = timeout(GOODBYE, up.run(core, &pulse, None)).await;
        }
        End::Client(Stop::Ended) => {
            up.shut_down(GOODBYE).await;
            let _late = timeout(GOODBYE, down.run(core, &pulse, None)).await;
        }
        End::Application(Stop::Ended) => {
            down.shut_down(GOODBYE).await;
            let _late = timeout(GOODBYE, up.run(core, &pulse, None)).await;
        }
        End::Client(stop) => part(core, &pulse, (&mut up, going), (&mut down, stop.code()), GOODBYE).await,
        End::Application(stop) => {
            part(core, &pulse, (&mut up, stop.code()), (&mut down, CloseCode::INTERNAL_ERROR), GOODBYE).await;
        }
        End::Alarm(Alarm::Revoked | Alarm::Expired) => {
            part(core, &pulse, (&mut up, going), (&mut down, CloseCode::POLICY_VIOLATION), CUT).await;
        }
        End::Alarm(_) => part(core, &pulse, (&mut up, going), (&mut down, going), GOODBYE).await,
    }
    up.shut_down(GOODBYE).await;
    down.shut_down(GOODBYE).await;
    // A client that is still sending when its connection closes is reset by the system, and might never read why.
    let _late = timeout(GOODBYE, up.drain()).await;
}

/// Says goodbye to the application, lets pass what it still has to say, then says goodbye to the client.
async fn part<A, B, C, D>(
    core: &Rc<Core>,
    pulse: &Pulse,
    (up, to_application): (&mut Pump<A, B>, CloseCode),
    (down, to_client): (&mut Pump<C, D>, CloseCode),
    limit: Duration,
) where
    A: AsyncRead + Unpin,
    B: AsyncWrite + Unpin,
    C: AsyncRead + Unpin,
    D: AsyncWrite + Unpin,
{
    let key = core.random.borrow_mut().u32(..).to_ne_bytes();
    if !up.say(|| close(to_application, "", Some(key))) {
        // Inside a frame nothing can be said; the end of the connection says it.
        up.shut_down(limit).await;
    }
    if timeout(limit, up.flush()).await.is_ok_and(|flushed| flushed.is_ok()) {
        down.keep_close();
        let _late = timeout(limit, down.run(core, pulse, None)).await;
    }
    let _inside_a_frame = down.say(|| close(to_client, "", None));
    let _late = timeout(limit, down.flush()).await;
}

/// Counts the end, and logs it when a rule brought it about.
fn tell(core: &Core, opened: &Opened, end: &End) {
    let ended = end.reason();
    core.meters.socket_ended(ended);
    let rule = match end {
        End::Client(stop) | End::Application(stop) => stop.rule(),
        End::Alarm(Alarm::Silent) => Some("the client was silent for too long".to_owned()),
        End::Alarm(_) => None,
    };
    let Some(reason) = rule else { return };
    tracing::info!(
        request.id = opened.request_id.as_str(),
        socket.end = ended.word(),
        reason = reason.as_str(),
        "a websocket was closed"
    );
}

impl End {
    /// Who or what brought it about.
    const fn reason(&self) -> SocketEnd {
        match self {
            Self::Client(Stop::Closed | Stop::Ended) => SocketEnd::Client,
            Self::Application(Stop::Closed | Stop::Ended) => SocketEnd::Application,
            Self::Client(Stop::Refused(violation)) if violation.close_code().value() == CloseCode::TOO_BIG.value() => {
                SocketEnd::TooBig
            }
            Self::Client(Stop::Refused(_)) => SocketEnd::ClientProtocol,
            Self::Client(Stop::TooFast(_)) | Self::Application(Stop::TooFast(_)) => SocketEnd::TooFast,
            Self::Application(Stop::Refused(_)) => SocketEnd::ApplicationProtocol,
            Self::Alarm(Alarm::Silent) => SocketEnd::Silent,
            Self::Alarm(Alarm::Idle) => SocketEnd::Idle,
            Self::Alarm(Alarm::Drained) => SocketEnd::Drained,
            Self::Alarm(Alarm::Revoked) => SocketEnd::Revoked,
            Self::Alarm(Alarm::Expired) => SocketEnd::Expired,
        }
    }
}
