//! One answer for the GETs of one caller that are alike and come at the same time: one of them asks the application.
//!
//! Each goes through its own guards on both ways; only the application's answer, as it came, is shared. Whoever waits in vain asks for
//! itself, so that nothing worse comes of waiting than the wait.

use std::sync::Arc;

use http::{Response, response};
use seawall_core::problem::Problem;
use seawall_guards::{Policy, conditional};

use super::{
    Exchange,
    answer::{FromUpstream, Payload},
    upload::Upload,
};
use crate::core::{Flight, Seat, Shared};

/// How a request goes on that may share its answer.
pub(super) enum Joined {
    /// It has another's.
    Has(Arc<Shared>),
    /// It asks the application, for others too.
    Leads(Leading),
    /// It asks for itself.
    Alone,
}

/// A request that others may wait for.
#[derive(Debug)]
pub(super) struct Leading {
    flight: Flight,
    most_bytes: u64,
}

impl Exchange {
    /// Waits for the answer to a request that is alike, when there is one on its way.
    pub(super) async fn join(&mut self, upload: &Upload) -> Joined {
        let Some(alike) = self.context.conditional.alike.take().filter(|_| upload.length() == Some(0)) else {
            return Joined::Alone;
        };
        let mut other = match self.core.flights.join(alike.key) {
            Seat::Leads(flight) => return Joined::Leads(Leading { flight, most_bytes: alike.most_bytes }),
            Seat::Alone => return Joined::Alone,
            Seat::Follows(other) => other,
        };
        let wait = alike.wait.min(self.left());
        let landed = tokio::time::timeout(wait, other.wait_for(Option::is_some)).await;
        match landed.ok().and_then(Result::ok).and_then(|landed| landed.clone()) {
            Some(shared) => {
                self.core.meters.coalesced.increment();
                Joined::Has(shared)
            }
            None => {
                self.core.meters.coalesced_in_vain.increment();
                Joined::Alone
            }
        }
    }

    /// Passes on what another was answered.
    pub(super) async fn pass_on_shared(&mut self, policy: &Policy, shared: &Shared) -> Response<Payload> {
        let (mut head, ()) = Response::new(()).into_parts();
        head.status = shared.status;
        head.headers.clone_from(&shared.headers);
        let stop = match policy.answer(&mut head, &mut self.context) {
            None => self.hold_whole(policy, &mut head, &shared.body).await,
            stop => stop,
        };
        match stop {
            Some(stop) => self.stopped(stop),
            None => Response::from_parts(head, Payload::Whole(shared.body.clone())),
        }
    }

    /// Gives the answer to those who wait for it, when it is one to share. It is read whole first; nobody waits when nobody has joined.
    pub(super) async fn share(&mut self, sharing: Sharing, body: &mut FromUpstream) -> Result<(), Box<Problem>> {
        let Sharing { leading, shared } = sharing;
        if let Some(whole) = self.read_whole(body, leading.most_bytes).await?
            && !body.trailed()
        {
            leading.flight.land(Shared { body: whole, ..shared });
        }
        Ok(())
    }
}

/// An answer that others wait for, without its body.
#[derive(Debug)]
pub(super) struct Sharing {
    leading: Leading,
    shared: Shared,
}

impl Leading {
    /// Whether the answer with this head is shared. When not, those who wait hear so at once.
    pub(super) fn sharing(self, head: &response::Parts) -> Option<Sharing> {
        let shares = self.flight.close() && conditional::shareable(head, self.most_bytes);
        shares.then(|| Sharing {
            shared: Shared { status: head.status, headers: head.headers.clone(), body: bytes::Bytes::new() },
            leading: self,
        })
    }
}
