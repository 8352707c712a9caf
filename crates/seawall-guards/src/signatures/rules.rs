//! What a route asks of signatures; shared by the guard and by its looks at bodies.

use std::{borrow::Cow, sync::Arc};

use http::{HeaderName, HeaderValue, header::WWW_AUTHENTICATE};
use seawall_core::{
    clock::Now,
    limit::{Ask, Methods, Per, Quota, RateKey, RateStore, ScopedQuota, Standing},
    problem::Problem,
    reply::{PortError, Reply},
    settings::{BadSetting, Span, Values},
    signatures::Component,
};

use super::{
    config::{COMPONENTS, REQUIRE, WHEN_UNAVAILABLE, WINDOW, WhenUnavailable},
    key::{Key, Use},
    outcome::{Outcome, Outcomes, Refusal},
    problems::{REFUSED, UNAVAILABLE},
    replay::{Mark, Noted, Seen},
};
use crate::{Context, Head, Settle, Shared, Verdict};

/// How far the clock of whoever signs may be ahead, in seconds.
const AHEAD_S: u64 = 60;

/// How long the shared counters may take, in microseconds.
const PATIENCE_US: u64 = 3_000_000;

static ACCEPT_SIGNATURE: HeaderName = HeaderName::from_static("accept-signature");

/// By what the application learns whose key it was. What a client sends by this name is removed with all that only Seawall writes.
static SIGNED_BY: HeaderName = HeaderName::from_static("x-seawall-signature-key");

/// What a route asks of signatures.
#[derive(Debug)]
pub(super) struct Rules {
    pub(super) keys: Vec<Key>,
    /// What must be covered, but for the digest of the body.
    pub(super) components: Vec<Component>,
    /// Whether a body must be covered by its digest.
    pub(super) digest: bool,
    window_s: u64,
    window: Span,
    when_unavailable: WhenUnavailable,
    seen: Seen,
    shared: Option<Arc<dyn RateStore>>,
    quotas: [ScopedQuota; 1],
    unnamed: Outcomes,
    /// What is accepted, for callers that sign by RFC 9421.
    accepted: Option<HeaderValue>,
}

impl Rules {
    /// Reads the settings; nothing when no signature is asked for.
    pub(super) fn read(
        values: &Values,
        entries: &[(String, Values)],
        shared: &Shared,
    ) -> Result<Option<Self>, BadSetting> {
        let names = values.get(&REQUIRE)?;
        if names.is_empty() {
            return Ok(None);
        }
        let bad = |reason: String| BadSetting { key: REQUIRE.key(), reason };
        let mut keys: Vec<Key> = Vec::with_capacity(names.len());
        for name in &names {
            let entry = entries.iter().find(|(own, _)| own == name);
            let (_, values) = entry.ok_or_else(|| {
                bad(format!("there is no key \"{}\"; write `[signatures.NAME]`", name.escape_debug()))
            })?;
            let key = Key::read(name, values, &*shared.meter)?;
            let id = |key: &Key| match &key.used {
                Use::Message { id, .. } => Some(id.clone()),
                Use::Webhook { .. } => None,
            };
            if id(&key).is_none() && names.len() > 1 {
                return Err(bad(format!(
                    "`{name}` is the key of a preset, which stands alone; give it a route of its own"
                )));
            }
            if keys.iter().any(|other| id(other) == id(&key)) {
                return Err(bad(format!("`{name}` has the `key_id` of another of these keys")));
            }
            keys.push(key);
        }
        let window = values.get(&WINDOW)?;
        let components = values.get(&COMPONENTS)?;
        let by_message = keys.iter().any(|key| matches!(key.used, Use::Message { .. }));
        let is_digest = |component: &Component| matches!(component, Component::Field(name) if name == "content-digest");
        let quota = Quota {
            limit: 1,
            // From a clock that is ahead a signature comes earlier than it was made.
            window: Span::from_ms(window.ms().saturating_add(AHEAD_S * 1_000)),
            per: Per::Key,
            methods: Methods::Any,
        };
        Ok(Some(Self {
            keys,
            digest: components.iter().any(is_digest),
            accepted: by_message.then(|| accepted(&components)).flatten(),
            components: components.into_iter().filter(|component| !is_digest(component)).collect(),
            window_s: window.ms().div_ceil(1_000),
            window,
            when_unavailable: values.get(&WHEN_UNAVAILABLE)?,
            seen: shared.signatures.clone(),
            shared: shared.local_rates.is_some().then(|| Arc::clone(&shared.rates)),
            quotas: [ScopedQuota::named("signatures", quota)],
            unnamed: Outcomes::new(&*shared.meter, "none"),
        }))
    }

    /// Until when a signature is taken that was made at this time, in seconds since 1970-01-01T00:00:00Z; not when it is too old, or of
    /// a time to come.
    pub(super) fn fresh(&self, created: i64, key: usize, now: Now) -> Result<u64, Refusal> {
        let stale = |detail: Cow<'static, str>| Err(Refusal::new(Outcome::Stale, Some(key), detail));
        let now_s = now.unix_us / 1_000_000;
        let Ok(created) = u64::try_from(created) else { return stale("The signature was made before 1970.".into()) };
        let until = created.saturating_add(self.window_s);
        if until < now_s {
            let old = now_s.saturating_sub(created);
            return stale(format!("The signature is {old} s old, and holds for {} here.", self.window).into());
        }
        if created > now_s.saturating_add(AHEAD_S) {
            let ahead = created.saturating_sub(now_s);
            return stale(
                format!("The signature was made {ahead} s in the future; set the clock of whoever signs.").into(),
            );
        }
        Ok(until)
    }

    /// The problem of a refusal, which is counted.
    pub(super) fn refuse(&self, refusal: Refusal) -> Box<Problem> {
        let Refusal { outcome, key, detail } = refusal;
        key.and_then(|key| self.keys.get(key)).map_or(&self.unnamed, |key| &key.outcomes).count(outcome);
        if outcome == Outcome::Unavailable {
            return Box::new(Problem::new(&UNAVAILABLE).inside(detail).retry_after(1));
        }
        let problem = Problem::new(&REFUSED).detail(detail);
        let problem = problem.header(WWW_AUTHENTICATE, HeaderValue::from_static("Signature"));
        Box::new(match &self.accepted {
            Some(accepted) => problem.header(ACCEPT_SIGNATURE.clone(), accepted.clone()),
            None => problem,
        })
    }

    /// Everything holds: the request is let in when it comes for the first time. Without a time there is nothing to remember.
    pub(super) fn settle(
        self: Arc<Self>,
        key: usize,
        mark: Mark,
        until_unix_s: Option<u64>,
        head: &mut Head,
        context: &mut Context,
    ) -> Verdict {
        let Some(until_unix_s) = until_unix_s else { return self.let_in(key, head, context) };
        match self.seen.note(mark, until_unix_s, context.now.unix_us / 1_000_000) {
            Noted::First => {}
            Noted::Again => return self.again(key),
            Noted::Full => {
                let detail = "as many signatures are remembered as can be";
                return Verdict::Refuse(self.refuse(Refusal::new(Outcome::Unavailable, Some(key), detail)));
            }
        }
        let Some(shared) = &self.shared else { return self.let_in(key, head, context) };
        let now = context.now;
        let ask = Ask {
            keys: RateKey::key(&sixteen(mark)).into(),
            quotas: &self.quotas,
            cost: 1,
            now,
            deadline_us: now.monotonic_us.saturating_add(PATIENCE_US).min(context.deadline_us),
        };
        match shared.take(&ask) {
            Reply::Ready(answer) => self.answered(answer, key, head, context),
            Reply::Later(wait) => Verdict::Later(Box::pin(async move {
                let answer = wait.await;
                Box::new(move |head: &mut Head, context: &mut Context| self.answered(answer, key, head, context))
                    as Settle
            })),
        }
    }

    fn answered(
        &self,
        answer: Result<Standing, PortError>,
        key: usize,
        head: &mut Head,
        context: &mut Context,
    ) -> Verdict {
        match answer {
            Ok(standing) if standing.accepted => self.let_in(key, head, context),
            Ok(_) => self.again(key),
            Err(_) if self.when_unavailable == WhenUnavailable::Local => self.let_in(key, head, context),
            Err(error) => {
                Verdict::Refuse(self.refuse(Refusal::new(Outcome::Unavailable, Some(key), error.to_string())))
            }
        }
    }

    fn again(&self, key: usize) -> Verdict {
        let detail = "The request came before; each attempt has to be signed anew.";
        Verdict::Refuse(self.refuse(Refusal::new(Outcome::Replayed, Some(key), detail)))
    }

    fn let_in(&self, key: usize, head: &mut Head, context: &mut Context) -> Verdict {
        if let Some(key) = self.keys.get(key) {
            key.outcomes.count(Outcome::Verified);
            head.headers.insert(&SIGNED_BY, key.header.clone());
            context.signed_by = Some(Arc::clone(&key.name));
        }
        Verdict::Pass
    }
}

/// `Accept-Signature` (RFC 9421 section 5.1).
fn accepted(components: &[Component]) -> Option<HeaderValue> {
    let covered = components.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    HeaderValue::try_from(format!("sig=({covered});created;keyid")).ok()
}

/// Twelve bytes of the mark, as the sixteen that name a key.
fn sixteen(mark: Mark) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    STANDARD.encode(mark.first_chunk::<12>().map_or(&mark[..], |chunk| chunk.as_slice()))
}
