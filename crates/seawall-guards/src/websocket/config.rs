//! Section `[websocket]`.

use std::sync::Arc;

use http::StatusCode;
use seawall_core::{
    limit::{BytePace, MessagePace},
    problem::{Fault, ProblemType, Severity},
    settings::{Complaint, Field, Literal, Section, Situation, Size, Span, Values},
};

use super::WebsocketGuard;
use crate::{GuardEntry, ReportOnly, engine::MODE};

pub(super) const PING: Field<Span> = Field::new(
    "ping",
    Literal::Text("30s"),
    "How often the client is pinged (checklist WK-7: 30 s). Its answers do not reach the application.",
)
.between("100ms", "1h");
pub(super) const SILENCE: Field<Span> = Field::new(
    "silence",
    Literal::Text("90s"),
    "After how long without a byte from the client its socket is closed (checklist WK-7: 90 s). Longer than `ping`, or nobody could answer in time. It does not count while the client has yet to take the rest of a frame, in which nobody can be asked, or while what it said waits for the application; then `tunnel_idle` does.",
)
.between("200ms", "1day");
pub(super) const MAX_MESSAGE: Field<Size> = Field::new(
    "max_message",
    Literal::Text("1 MiB"),
    "How large a message of the client may be, over all its frames (checklist WK-7: 1 MB). A larger one closes the socket with 1009.",
)
.between("1 B", "1 GiB");
pub(super) const MAX_ANSWER: Field<Size> =
    Field::new("max_answer", Literal::Text("16 MiB"), "How large a message of the application may be.")
        .between("1 B", "1 GiB");
pub(super) const MESSAGES: Field<MessagePace> = Field::new(
    "messages",
    Literal::Text("6000/min"),
    "How many messages, pings among them, a client may send over one socket. More close it with 1008.",
);
pub(super) const BYTES: Field<BytePace> = Field::new(
    "bytes",
    Literal::Text("100 MB/min"),
    "How many bytes a client may send over one socket. More close it with 1008.",
);
pub(super) const CLIENT_MESSAGES: Field<MessagePace> = Field::new(
    "client_messages",
    Literal::Unset,
    "How many messages one client may send over all its sockets together: those of a person who is known, with API keys and devices, or of an address. Unset by default.",
);
pub(super) const CLIENT_BYTES: Field<BytePace> = Field::new(
    "client_bytes",
    Literal::Unset,
    "How many bytes one client may send over all its sockets together: those of a person who is known, with API keys and devices, or of an address. Unset by default.",
);

/// The section.
pub const SECTION: Section = Section::new(
    "websocket",
    "WebSockets: their handshake, their frames, how much and how fast.",
    &[
        MODE.spec(),
        PING.spec(),
        SILENCE.spec(),
        MAX_MESSAGE.spec(),
        MAX_ANSWER.spec(),
        MESSAGES.spec(),
        BYTES.spec(),
        CLIENT_MESSAGES.spec(),
        CLIENT_BYTES.spec(),
    ],
)
.per_route()
.with_demands(demands);

/// A handshake that breaks the rules.
pub static INVALID_HANDSHAKE: ProblemType = ProblemType {
    slug: "invalid-handshake",
    code: "INVALID_HANDSHAKE",
    status: StatusCode::BAD_REQUEST,
    title: "This request cannot open a WebSocket",
    retryable: false,
    fault: Fault::Client,
    severity: Severity::Low,
    documentation: "The request asks for a WebSocket, but not as RFC 6455 wants it: with GET over HTTP/1.1, `Upgrade: websocket` alone, one \
        `Sec-WebSocket-Version: 13`, one `Sec-WebSocket-Key` of 16 bytes in base64, and different tokens in `Sec-WebSocket-Protocol`. The \
        detail says what is wrong. For another version the answer is 426 and names the one there is.\n\nBrowsers and libraries do this \
        right; a proxy in between may have changed the request.",
};

/// A socket that breaks a rule after it was opened.
pub static SOCKET_CLOSED: ProblemType = ProblemType {
    slug: "socket-closed",
    code: "SOCKET_CLOSED",
    status: StatusCode::BAD_REQUEST,
    title: "This WebSocket broke a rule and would have been closed",
    retryable: false,
    fault: Fault::Client,
    severity: Severity::Low,
    documentation: "No answer has this problem: `seawall report` names sockets so that would have been closed while `[websocket]` only \
        reports. In place of a status stands the code of the close: 1002 for frames that are not as RFC 6455 wants them, 1007 for text that is not \
        UTF-8, 1008 for too much in too short a time, 1009 for too large a message; 502 for an application that answers the handshake wrongly. \
        After that the socket passes unread, or uncounted, and is not told again.\n\nFor the operator: what is right for your clients and too \
        large or too much here is `max_message`, `max_answer`, `messages`, `bytes`, `client_messages` and `client_bytes` in `[websocket]`, for all or for a route.",
};

/// The catalogue entry.
pub static ENTRY: GuardEntry = GuardEntry {
    name: "websocket",
    summary: "Checks handshakes and every frame of WebSockets; bounds messages, pings clients, ends what is silent.",
    section: &SECTION,
    problems: &[&INVALID_HANDSHAKE, &SOCKET_CLOSED],
    metrics: &[],
    report_only: ReportOnly::Yes,
    build: |build| {
        let guard = {
            // Messages are far too many to ask another machine about each.
            let rates = build.shared.of_this_process().rates;
            WebsocketGuard::read(build.values, build.mode, build.scope, rates)?
        };
        Ok(Some(Arc::new(guard)))
    },
};

/// The defaults, to change from.
#[must_use]
pub fn values() -> Values {
    Values::defaults(&SECTION)
}

/// A client needs time to answer a ping.
fn demands(values: &Values, _: &Situation) -> Vec<Complaint> {
    let (Ok(ping), Ok(silence)) = (values.get(&PING), values.get(&SILENCE)) else { return Vec::new() };
    if silence > ping {
        return Vec::new();
    }
    let what =
        format!("`silence` ({silence}) is not longer than `ping` ({ping}), so clients that answer would be closed");
    vec![Complaint { key: Some(SILENCE.key()), what, help: "make it twice or three times `ping`".to_owned() }]
}
