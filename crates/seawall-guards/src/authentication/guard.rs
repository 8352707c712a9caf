//! The decision on who a request is from.

use std::sync::Arc;

use http::{
    HeaderMap, HeaderValue,
    header::{AUTHORIZATION, CACHE_CONTROL, COOKIE, SET_COOKIE},
};
use seawall_core::{
    authenticator::{Credential, Credentials, Found, Presented, Refreshed, invalid_credential},
    clock::Now,
    http::{strip_own_fields, strip_own_fields_but},
    meter::{Handle, Metric, MetricKind},
    principal::{PROOF, Principal, PrincipalKind},
    reply::{BoxFuture, PortError, Reply},
    settings::{BadSetting, Secret, Values},
};

use super::{
    bearer,
    config::{WHEN_UNAVAILABLE, WhenUnavailable},
    cookie::{self, Sent},
    jwt,
    problems::{self, unavailable},
};
use crate::{
    AnswerHead, Context, Guard, Head, Needs, Verdict,
    engine::{Settle, Shared},
};

/// How long the store may take to say whose a session is, in microseconds.
const PATIENCE_US: u64 = 3_000_000;

/// What a client says of its own calls of language models. Seawall's paths learn who asks by other means than fields, so these are no more
/// than words there; the application would take them for ours.
const CLIENTS_WORDS: [&str; 2] = ["x-seawall-project", "x-seawall-conversation"];

/// Credentials that could not be looked up.
pub static FAILURES: Metric = Metric {
    name: "seawall_authentication_failures",
    help: "Requests with a credential that could not be looked up, because the store did not answer.",
    kind: MetricKind::Counter,
    labels: &[],
};

/// Finds out who a request is from.
#[derive(Debug)]
pub struct AuthenticationGuard {
    deciding: Option<Deciding>,
    /// Whether Seawall answers itself.
    own_path: bool,
}

/// What the decision takes; shared with answers that come later.
#[derive(Clone, Debug)]
struct Deciding {
    credentials: Credentials,
    when_unavailable: WhenUnavailable,
    failures: Handle,
}

impl AuthenticationGuard {
    /// Reads the settings. Without credentials of this installation, every request is nobody's.
    ///
    /// # Errors
    /// [`BadSetting`] when they are not checked settings of the section.
    pub fn read(values: &Values, shared: &Shared) -> Result<Self, BadSetting> {
        let Shared { meter, credentials, .. } = shared;
        let when_unavailable = values.get(&WHEN_UNAVAILABLE)?;
        let deciding = |credentials| Deciding { credentials, when_unavailable, failures: meter.series(&FAILURES, &[]) };
        Ok(Self { deciding: credentials.clone().map(deciding), own_path: false })
    }

    /// On Seawall's own paths, which read the cookie that nobody else gets.
    #[must_use]
    pub fn on_own_path(self, own_path: bool) -> Self {
        Self { own_path, ..self }
    }
}

impl Guard for AuthenticationGuard {
    fn head(&self, head: &mut Head, context: &mut Context) -> Verdict {
        if self.own_path {
            strip_own_fields_but(&mut head.headers, &CLIENTS_WORDS);
        } else {
            strip_own_fields(&mut head.headers);
        }
        if let Some(certificate) = &context.peer.certificate {
            for (name, value) in certificate.told_fields() {
                head.headers.insert(name, value.clone());
            }
        }
        let Some(deciding) = &self.deciding else { return Verdict::Pass };
        if !self.own_path {
            deciding.withhold(head);
        }
        deciding.head(head, context)
    }

    fn dress(&self, answer: &mut AnswerHead, context: &Context) {
        give_cookies(&mut answer.headers, &context.cookies);
    }

    fn needs(&self) -> Needs {
        Needs { dresses: true, ..Needs::default() }
    }
}

impl Deciding {
    /// The cookies beside that of the session are Seawall's alone.
    fn withhold(&self, head: &mut Head) {
        if !head.headers.contains_key(COOKIE) || !cookie::any_beside(&head.headers, &self.credentials.cookie) {
            return;
        }
        for withheld in &*self.credentials.withheld {
            if cookie::find(&head.headers, withheld) != Sent::Nothing {
                cookie::remove(&mut head.headers, withheld);
            }
        }
    }

    /// A key decides; then a token in the `Authorization` field, when it is one of ours; else the cookie does.
    fn head(&self, head: &mut Head, context: &mut Context) -> Verdict {
        let reply = match bearer::find(&head.headers) {
            Sent::Nothing => return self.token(head, context),
            Sent::Once(key) => self.authenticate(Credential::Key(key), context),
            Sent::Ambiguous => Reply::Ready(Ok(Found::Nobody)),
        };
        // Whosever it is, the application has no use for it, nor for a session beside it.
        bearer::remove(&mut head.headers);
        self.remove_cookies(head);
        match reply {
            Reply::Ready(found) => self.key(found, head, context),
            Reply::Later(wait) => self.later(wait, Self::key),
        }
    }

    /// A program that shows a key means it, so what does not hold is refused.
    fn key(&self, found: Result<Found, PortError>, head: &mut Head, context: &mut Context) -> Verdict {
        match found {
            Ok(Found::Principal(principal)) => self.admit(principal, head, context),
            Ok(Found::Elsewhere) => Verdict::Refuse(problems::elsewhere()),
            Ok(Found::Nobody | Found::Foreign | Found::Refused) => Verdict::Refuse(Box::new(invalid_credential())),
            Err(error) => self.refuse_unproven(error, context),
        }
    }

    fn token(&self, head: &mut Head, context: &mut Context) -> Verdict {
        let Some(token) = jwt::find(&head.headers) else { return self.cookies(head, context) };
        match self.authenticate(Credential::Token(token), context) {
            Reply::Ready(found) => self.bearer(found, head, context),
            Reply::Later(wait) => self.later(wait, Self::bearer),
        }
    }

    fn bearer(&self, found: Result<Found, PortError>, head: &mut Head, context: &mut Context) -> Verdict {
        if found == Ok(Found::Foreign) {
            return self.cookies(head, context);
        }
        // Whoever it shows, the application has no use for it, nor for a session beside it. Nor is it known to be another issuer's
        // when it could not be looked at.
        head.headers.remove(AUTHORIZATION);
        self.remove_cookies(head);
        match found {
            // Who has to show something expired to get something fresh is let through as nobody.
            Ok(Found::Refused) if self.credentials.open_paths.iter().any(|path| **path == *head.uri.path()) => {
                Verdict::Pass
            }
            Ok(Found::Refused) => Verdict::Refuse(Box::new(invalid_credential())),
            other => self.judge(other, head, context),
        }
    }

    fn cookies(&self, head: &mut Head, context: &mut Context) -> Verdict {
        if !head.headers.contains_key(COOKIE) {
            return Verdict::Pass;
        }
        let Credentials { cookie, refresh, .. } = &self.credentials;
        let beside = refresh.as_ref().map_or(Sent::Nothing, |refresh| cookie::find(&head.headers, &refresh.name));
        if let Sent::Once(value) = beside {
            context.refresh = std::str::from_utf8(value).ok().map(|value| Secret::from(value.to_owned()));
        }
        let reply = match cookie::find(&head.headers, cookie) {
            Sent::Nothing if beside == Sent::Nothing => return Verdict::Pass,
            Sent::Nothing | Sent::Ambiguous => Reply::Ready(Ok(Found::Nobody)),
            Sent::Once(value) => {
                let credential = if refresh.is_some() { Credential::Token(value) } else { Credential::Session(value) };
                self.authenticate(credential, context)
            }
        };
        context.by_cookie = true;
        // Whosever it is, the application has no use for it.
        self.remove_cookies(head);
        match reply {
            Reply::Ready(found) => self.judge_cookie(found, head, context),
            Reply::Later(wait) => self.later(wait, Self::judge_cookie),
        }
    }

    /// A cookie that does not hold is nobody's, as if none had been sent; unless the one beside it gives another.
    fn judge_cookie(&self, found: Result<Found, PortError>, head: &mut Head, context: &mut Context) -> Verdict {
        let nobody = matches!(found, Ok(Found::Nobody | Found::Elsewhere | Found::Foreign | Found::Refused));
        let (Some(refresh), Some(token), true) = (&self.credentials.refresh, &context.refresh, nobody) else {
            return self.judge(found, head, context);
        };
        match refresh.refresher.refresh(token.expose().as_bytes(), &presented(Credential::Token(b""), context)) {
            Reply::Ready(refreshed) => self.refreshed(refreshed, head, context),
            Reply::Later(wait) => self.later(wait, Self::refreshed),
        }
    }

    fn refreshed(
        &self,
        refreshed: Result<Option<Refreshed>, PortError>,
        head: &mut Head,
        context: &mut Context,
    ) -> Verdict {
        let found = refreshed.map(|refreshed| match refreshed {
            Some(Refreshed { principal, cookies }) => {
                context.cookies = cookies;
                Found::Principal(principal)
            }
            None => Found::Nobody,
        });
        self.judge(found, head, context)
    }

    fn judge(&self, found: Result<Found, PortError>, head: &mut Head, context: &mut Context) -> Verdict {
        match found {
            Ok(Found::Principal(principal)) => self.admit(principal, head, context),
            Ok(Found::Nobody | Found::Elsewhere | Found::Foreign | Found::Refused) => Verdict::Pass,
            Err(error) => self.unproven(error, context),
        }
    }

    fn unproven(&self, error: PortError, context: &mut Context) -> Verdict {
        match self.when_unavailable {
            WhenUnavailable::Anonymous => {
                self.failures.increment();
                context.unproven = Some(error);
                Verdict::Pass
            }
            WhenUnavailable::Closed => self.refuse_unproven(error, context),
        }
    }

    fn refuse_unproven(&self, error: PortError, context: &mut Context) -> Verdict {
        self.failures.increment();
        context.unproven = Some(error);
        Verdict::Refuse(unavailable(error))
    }

    /// Makes it the principal's request, and tells the application.
    fn admit(&self, principal: Arc<Principal>, head: &mut Head, context: &mut Context) -> Verdict {
        match self.tell(&mut head.headers, &principal, context.now) {
            Ok(()) => {
                context.principal = Some(principal);
                Verdict::Pass
            }
            // A program means to be somebody, so it never passes as nobody.
            Err(error) if principal.kind != PrincipalKind::User => self.refuse_unproven(error, context),
            Err(error) => self.unproven(error, context),
        }
    }

    /// Tells the application whose request it is; all of it, or nothing.
    fn tell(&self, headers: &mut HeaderMap, principal: &Principal, now: Now) -> Result<(), PortError> {
        if let Some(prover) = &self.credentials.prover {
            headers.insert(&PROOF, prover.prove(principal, now).ok_or(PortError::Unavailable)?);
        }
        for (name, value) in principal.told_fields() {
            headers.insert(name, value.clone());
        }
        Ok(())
    }

    fn authenticate(&self, credential: Credential<'_>, context: &Context) -> Reply<Found> {
        self.credentials.authenticator.authenticate(&presented(credential, context))
    }

    fn remove_cookies(&self, head: &mut Head) {
        if !head.headers.contains_key(COOKIE) {
            return;
        }
        cookie::remove(&mut head.headers, &self.credentials.cookie);
        if let Some(refresh) = &self.credentials.refresh {
            cookie::remove(&mut head.headers, &refresh.name);
        }
    }

    /// Goes on once the answer is here.
    fn later<T: Send + 'static>(
        &self,
        wait: BoxFuture<'static, Result<T, PortError>>,
        go_on: fn(&Self, Result<T, PortError>, &mut Head, &mut Context) -> Verdict,
    ) -> Verdict {
        let own = self.clone();
        Verdict::Later(Box::pin(async move {
            let answer = wait.await;
            Box::new(move |head: &mut Head, context: &mut Context| go_on(&own, answer, head, context)) as Settle
        }))
    }
}

fn presented<'a>(credential: Credential<'a>, context: &Context) -> Presented<'a> {
    let now = context.now;
    let deadline_us = now.monotonic_us.saturating_add(PATIENCE_US).min(context.deadline_us);
    Presented { credential, client: context.client, now, deadline_us }
}

/// Gives cookies with an answer that does not set them itself, and keeps such an answer out of every cache.
fn give_cookies(headers: &mut HeaderMap, cookies: &[HeaderValue]) {
    fn name(cookie: &HeaderValue) -> &[u8] {
        cookie.as_bytes().split(|&byte| byte == b'=').next().unwrap_or_default()
    }
    for cookie in cookies {
        if !headers.get_all(SET_COOKIE).iter().any(|set| name(set) == name(cookie)) {
            headers.append(SET_COOKIE, cookie.clone());
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
    }
}
