//! A socket whose frames are only reported: the first rule that it breaks is told, for an ended socket breaks no other.

use std::cell::Cell;

use seawall_core::{request_id::RequestId, websocket::Sender};
use seawall_guards::report::SocketReport;

use super::pump::Stop;
use crate::core::Core;

/// Tells it, once.
#[derive(Debug)]
pub(in crate::exchange) struct Reported {
    request_id: RequestId,
    /// Nothing when as many guards of routes are remembered as may be.
    report: Option<SocketReport>,
    told: Cell<bool>,
}

impl Reported {
    pub(in crate::exchange) const fn new(request_id: RequestId, report: Option<SocketReport>) -> Self {
        Self { request_id, report, told: Cell::new(false) }
    }

    /// Whether nothing more is told of it.
    pub(super) const fn told(&self) -> bool {
        self.told.get()
    }

    /// It ends for another reason: no rule that is broken from now on would have ended it.
    pub(super) fn ends(&self) {
        self.told.set(true);
    }

    /// What this side did would have ended the socket.
    pub(super) fn would_end(&self, core: &Core, sender: Sender, stop: &Stop) {
        if let Some(rule) = stop.rule() {
            let side = match sender {
                Sender::Client => "client",
                Sender::Application => "application",
            };
            self.tell(core, stop.code().value(), &format!("the {side}: {rule}"));
        }
    }

    /// It would have ended with this code: of a close, or of the answer that would have stood in place of the application's.
    pub(in crate::exchange) fn tell(&self, core: &Core, code: u16, why: &str) {
        if self.told.replace(true) {
            return;
        }
        core.meters.sockets_reported.increment();
        tracing::info!(
            request.id = self.request_id.as_str(),
            socket.code = code,
            reason = why,
            "a websocket would have been closed, and is only reported"
        );
        if let Some(report) = &self.report {
            report.ended(code, why, core.clock.now().unix_us);
        }
    }
}
