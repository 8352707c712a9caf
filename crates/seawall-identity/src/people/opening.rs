//! Beginning a session, and beginning one in the place of another.

use seawall_core::{facts::Facts, principal::Principal};
use seawall_store::{StoreError, Tx, audit::Entry};
use serde_json::{Map, json};

use super::People;
use crate::{
    organisations::table as organisations,
    sessions::{
        Session,
        table::{self as sessions, Begun, Which},
    },
    users::{User, table as users},
};

/// For which organisation a session acts that is begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ActsFor {
    /// The first that its user belongs to, as whoever signs in begins.
    First,
    /// This one, or none.
    Of(Option<String>),
}

impl ActsFor {
    /// The one that a principal acts for.
    pub(super) fn as_before(principal: &Principal) -> Self {
        Self::Of(principal.membership.as_ref().map(|membership| membership.organisation.to_string()))
    }
}

/// What a session proves that takes the place of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proves {
    /// Who it is, in this moment.
    Anew,
    /// What the other did, and it lasts no longer.
    AsBefore,
}

/// A session that takes the place of another.
pub(super) struct Successor<'a> {
    pub(super) digest: [u8; 32],
    pub(super) user_agent: Option<&'a str>,
    pub(super) acts_for: ActsFor,
    pub(super) proves: Proves,
    /// Why the other ends.
    pub(super) why: &'static str,
}

impl People {
    /// Begins a session of a user, whose row is held from here on: whoever ends all of them ends this one too.
    pub(super) fn begin_session(
        &self,
        tx: &mut Tx<'_>,
        facts: &Facts,
        user_id: &str,
        digest: [u8; 32],
        user_agent: Option<&str>,
        acts_for: ActsFor,
    ) -> Result<Session, StoreError> {
        users::hold(tx, user_id)?;
        let organisation = match acts_for {
            ActsFor::First => organisations::first(tx, user_id)?,
            ActsFor::Of(organisation) => organisation,
        };
        let (id, limits, at) = (tx.fresh_id()?, self.0.settings.sessions.limits(), tx.at_us());
        let organisation = organisation.as_deref();
        let begun = Begun { id: &id, digest, user_id, limits, address: facts.client, user_agent, organisation };
        sessions::begin(tx, &begun)?;
        self.end_surplus(tx, user_id)?;
        let after = Map::from_iter([
            ("user".to_owned(), json!(user_id)),
            ("organisation".to_owned(), json!(organisation)),
            ("idle_us".to_owned(), json!(limits.idle_us)),
            ("expires_at".to_owned(), json!(at.saturating_add(limits.absolute_us))),
        ]);
        tx.audit(Entry::new("session.began", "session", &*id).made(after))?;
        sessions::by_id(tx, &id)?.ok_or(StoreError::NoRow)
    }

    /// Ends the principal's session and begins another in its place, with the second factor that it had; nothing when it has ended
    /// meanwhile.
    pub(super) fn replace_session(
        &self,
        tx: &mut Tx<'_>,
        facts: &Facts,
        principal: &Principal,
        successor: Successor<'_>,
    ) -> Result<Option<(User, Session)>, StoreError> {
        let Some(session) = &principal.session else { return Ok(None) };
        // The user before the session, as whoever ends all of its sessions does: else both would wait for each other.
        users::hold(tx, &principal.id)?;
        let which = Which::One(session.to_string());
        if self.end_sessions(tx, &principal.id, &which, successor.why)? == 0 {
            return Ok(None);
        }
        let Successor { digest, user_agent, acts_for, proves, .. } = successor;
        let begun = self.begin_session(tx, facts, &principal.id, digest, user_agent, acts_for)?;
        if principal.second_factor {
            sessions::second_factor(tx, &begun.id)?;
        }
        if proves == Proves::AsBefore {
            let at = |us: u64| i64::try_from(us).unwrap_or(i64::MAX);
            let proven = (at(principal.authenticated_at_unix_us), principal.expires_at_unix_us.map(at));
            sessions::keep_proof(tx, &begun.id, proven)?;
        }
        let begun = sessions::by_id(tx, &begun.id)?.ok_or(StoreError::NoRow)?;
        Ok(users::by_id(tx, &principal.id)?.map(|known| (known.user, begun)))
    }

    /// The session that the request came with ends: another takes its place (ASVS 5.0, 7.2.4).
    pub(super) fn end_presented(&self, tx: &mut Tx<'_>, facts: &Facts) -> Result<(), StoreError> {
        let Some(principal) = &facts.principal else { return Ok(()) };
        let Some(session) = &principal.session else { return Ok(()) };
        self.end_sessions(tx, &principal.id, &Which::One((**session).to_owned()), "replaced").map(drop)
    }
}
