//! The handshake's guard, and the rules it gives to the tunnel that follows.

use std::{sync::Arc, time::Duration};

use http::{
    HeaderValue,
    header::{SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_VERSION},
};
use seawall_core::{
    Mode,
    limit::{Quota, RateStore, ScopedQuota},
    problem::Problem,
    settings::{BadSetting, Size, Values},
    websocket::{Limits, handshake},
};

use super::config::{
    BYTES, CLIENT_BYTES, CLIENT_MESSAGES, INVALID_HANDSHAKE, MAX_ANSWER, MAX_MESSAGE, MESSAGES, PING, SILENCE,
};
use crate::{Context, Guard, Head, Needs, Verdict};

/// What holds for the frames of a WebSocket.
#[derive(Clone, Debug)]
pub struct SocketRules {
    /// Whether a broken rule ends the socket or is only counted.
    pub mode: Mode,
    /// How often the client is pinged.
    pub ping: Duration,
    /// How long it may send nothing.
    pub silence: Duration,
    /// What a message of the client may hold.
    pub client: Limits,
    /// What a message of the application may hold.
    pub application: Limits,
    /// Messages that one socket may send.
    pub messages: Quota,
    /// Kibibytes that one socket may send.
    pub kibibytes: Quota,
    /// Messages that one client may send over all its sockets.
    pub client_messages: Option<ScopedQuota>,
    /// Kibibytes that one client may send over all its sockets.
    pub client_kibibytes: Option<ScopedQuota>,
    /// Where those are counted.
    pub rates: Arc<dyn RateStore>,
}

/// Checks handshakes.
#[derive(Debug)]
pub struct WebsocketGuard {
    rules: Arc<SocketRules>,
}

impl WebsocketGuard {
    /// Reads the settings.
    ///
    /// # Errors
    /// [`BadSetting`] when they are not checked settings of the section.
    pub fn read(values: &Values, mode: Mode, policy: &str, rates: Arc<dyn RateStore>) -> Result<Self, BadSetting> {
        let limits =
            |field| values.get(field).map(|size: Size| Limits { message_bytes: size.bytes(), ..Limits::default() });
        let scoped = |kind, quota| ScopedQuota::named(&format!("websocket {kind}\n{policy}"), quota);
        let rules = SocketRules {
            mode,
            ping: values.get(&PING)?.duration(),
            silence: values.get(&SILENCE)?.duration(),
            client: limits(&MAX_MESSAGE)?,
            application: limits(&MAX_ANSWER)?,
            messages: values.get(&MESSAGES)?.quota(),
            kibibytes: values.get(&BYTES)?.quota(),
            client_messages: values.find(&CLIENT_MESSAGES)?.map(|pace| scoped("messages", pace.quota())),
            client_kibibytes: values.find(&CLIENT_BYTES)?.map(|pace| scoped("bytes", pace.quota())),
            rates,
        };
        Ok(Self { rules: Arc::new(rules) })
    }
}

impl Guard for WebsocketGuard {
    fn head(&self, head: &mut Head, _context: &mut Context) -> Verdict {
        if !handshake::asked(&head.headers) {
            return Verdict::Pass;
        }
        match handshake::check(&head.method, head.version, &head.headers) {
            Ok(_) => {
                // What is not offered cannot be chosen: no compression, so no message unfolds to more than it seems.
                head.headers.remove(SEC_WEBSOCKET_EXTENSIONS);
                Verdict::Pass
            }
            Err(fault) => {
                let problem = Problem::new(&INVALID_HANDSHAKE).with_status(fault.status()).detail(fault.to_string());
                let version = HeaderValue::from_static(handshake::VERSION);
                Verdict::Refuse(Box::new(problem.header(SEC_WEBSOCKET_VERSION, version)))
            }
        }
    }

    fn needs(&self) -> Needs {
        Needs { sockets: Some(Arc::clone(&self.rules)), ..Needs::default() }
    }
}
