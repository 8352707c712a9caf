//! Programs of people: an API key of this installation calls as its owner, for what its scopes name.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

use seawall_core::{
    authenticator::{Authenticator, Credential, Found, Presented},
    clock::{Clock, Now},
    limit::{Ask, RateStore},
    principal::{Principal, PrincipalKind},
    problem::Problem,
    reply::{PortError, Reply},
    scope::Scope,
};
use seawall_guards::rate_limit::LIMITED;
use seawall_outbound::{Caller, Identified, May, Shown};

use crate::app::identity::Identity;

/// What API keys of this installation begin with.
const OURS: &[u8] = b"sw_";

/// Where calls come from: the listener is one of this machine, so a key that is bound to other networks holds here nowhere.
const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// How long the store may take to say whose a key is, and how often it was used, in microseconds.
const PATIENCE_US: u64 = 3_000_000;

/// Knows API keys, and how often each may call.
#[derive(Clone, Debug)]
pub(super) struct Programs {
    identity: Identity,
    rates: Arc<dyn RateStore>,
    clock: Arc<dyn Clock>,
}

impl Programs {
    /// Keys that `identity` knows, counted in `rates` together with what they ask of the application.
    pub(super) fn new(identity: Identity, rates: Arc<dyn RateStore>, clock: Arc<dyn Clock>) -> Self {
        Self { identity, rates, clock }
    }

    /// Whether a key is meant to be one of this installation.
    pub(super) fn own(key: &[u8]) -> bool {
        key.starts_with(OURS)
    }

    /// Whose key it is, and what it may ask for.
    pub(super) fn identify(&self, shown: Shown<'_>) -> Reply<Identified> {
        let now = self.clock.now();
        let deadline_us = now.monotonic_us.saturating_add(PATIENCE_US);
        let presented = Presented { credential: Credential::Key(shown.key), client: HERE, now, deadline_us };
        let found = self.identity.authenticate(&presented);
        let user = shown.user_token.map(|token| self.identity.proven(token));
        let own = self.clone();
        Reply::Later(Box::pin(async move {
            let Found::Principal(principal) = answered(found).await? else { return Ok(Identified::WrongKey) };
            if principal.kind != PrincipalKind::ApiKey {
                return Ok(Identified::WrongKey);
            }
            if user.is_some_and(|user| user.as_ref() != Some(principal.user_id())) {
                return Ok(Identified::WrongUser);
            }
            if let Some(refused) = own.limited(&principal, now, deadline_us).await? {
                return Ok(Identified::Refused(refused));
            }
            let scopes = principal.scopes.iter().flat_map(|scopes| scopes.iter());
            let may = May::of_scopes(scopes.map(Scope::as_str));
            let user = Some(Arc::clone(principal.user_id()));
            Ok(Identified::Caller(Caller { key: Arc::clone(&principal.id), user, may }))
        }))
    }

    /// Counts a call by the key's own rate and the tier of its organisation; the refusal when it fits them no more.
    async fn limited(
        &self,
        principal: &Principal,
        now: Now,
        deadline_us: u64,
    ) -> Result<Option<Box<Problem>>, PortError> {
        let Some(limits) = &principal.limits else { return Ok(None) };
        let quotas = &limits.of(true).quotas;
        let asked = self.rates.take(&Ask { keys: principal.rate_keys, quotas, cost: 1, now, deadline_us });
        let standing = answered(asked).await?;
        let seconds = standing.reset_us.div_ceil(1_000_000).max(1);
        let problem = || Problem::new(&LIMITED).detail("This key has made as many calls as it may for now.");
        Ok((!standing.accepted).then(|| Box::new(problem().retry_after(seconds))))
    }
}

async fn answered<T>(reply: Reply<T>) -> Result<T, PortError> {
    match reply {
        Reply::Ready(answer) => answer,
        Reply::Later(wait) => wait.await,
    }
}
