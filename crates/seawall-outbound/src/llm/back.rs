//! An answer on its way back: what the last that was asked gave, as the application gets it.

use http::{
    HeaderMap, HeaderName, HeaderValue, Response,
    header::{CONTENT_LENGTH, CONTENT_TYPE},
    response,
};
use http_body_util::BodyExt;
use seawall_core::{http::strip_own_fields, problem::Problem};

use super::{
    account::Account,
    fields::cleaned,
    operation::Operation,
    record::Outcome,
    refusal::SHOULD_RETRY,
    route::{Round, SERVED_MODEL, served},
    stream::Streamed,
    target::{Provider, Target},
    translate::Translation,
    watch::Watch,
    whole::Whole,
};
use crate::{
    endpoint::{Answer, CallError},
    problem::{IMAGE_LATE, LATE, of},
    service::Answered,
};

static ATTEMPTS: HeaderName = HeaderName::from_static("x-seawall-attempts");
static SERVED_BY: HeaderName = HeaderName::from_static("x-seawall-provider");

/// How an answer comes back to its caller.
#[derive(Debug)]
pub(super) enum Back {
    /// Byte by byte; `hides_usage` says that usage was asked for on the caller's behalf.
    AsItCame {
        hides_usage: bool,
    },
    Translated(Translation),
}

/// What the last that was asked gave, as the application gets it.
pub(super) async fn given(
    target: &Target,
    ended: Result<Answer, CallError>,
    mut account: Account,
    back: Back,
    round: &mut Option<Round>,
) -> Result<Answered, Box<Problem>> {
    let mut answer = match ended {
        Ok(answer) => answer,
        Err(error) => return Err(failed(&target.provider, &error, account).into()),
    };
    strip_own_fields(&mut answer.head.headers);
    let (before, good) = (account.attempts_before(), answer.head.status.is_success());
    let mut told = HeaderMap::new();
    if let Some(round) = round.take_if(|_| good) {
        round.told(&mut told);
        account.in_round(round);
    }
    let mut answered = match back {
        Back::AsItCame { hides_usage } => passed_on(&target.provider, answer, account, hides_usage)?,
        Back::Translated(translation) => translated(&target.provider, answer, account, translation).await?,
    };
    answered.attempts = answered.attempts.saturating_add(before);
    let headers = answered.response.headers_mut();
    headers.extend(told);
    headers.insert(&ATTEMPTS, HeaderValue::from(answered.attempts));
    if let Some(model) = served(&target.model) {
        headers.insert(&SERVED_MODEL, model);
    }
    if !good && before > 0 {
        // All of the list were asked as often as may be.
        headers.insert(&SHOULD_RETRY, HeaderValue::from_static("false"));
    }
    Ok(answered)
}

/// What is answered, and recorded, where a provider gave no answer.
fn failed(provider: &Provider, error: &CallError, mut account: Account) -> Problem {
    let mut problem = of(error, &provider.name);
    if account.operation() == Operation::Images && problem.kind.slug == LATE.slug {
        problem.kind = &IMAGE_LATE;
    }
    account.failed(problem.status().as_u16(), error.attempts());
    account.settle(Outcome::Failed, Some(error.to_string()));
    tracing::warn!(outbound.name = &*provider.name, %error, "a provider gave no answer");
    problem.header(SHOULD_RETRY.clone(), HeaderValue::from_static("false"))
}

/// A provider's answer, as the application gets it.
fn passed_on(
    provider: &Provider,
    answer: Answer,
    mut account: Account,
    hides_usage: bool,
) -> Result<Answered, Box<Problem>> {
    let Answer { mut head, body, attempts } = answer;
    account.answered(head.status.as_u16(), attempts);
    cleaned(&mut head)?;
    marked(&mut head, provider, attempts);
    let good = head.status.is_success();
    let events = |kind: &HeaderValue| kind.as_bytes().starts_with(b"text/event-stream");
    let body = if good && head.headers.get(CONTENT_TYPE).is_some_and(events) {
        head.headers.remove(CONTENT_LENGTH);
        let watch = Watch::new(account.dialect(), account.operation(), hides_usage);
        Streamed::new(body, watch, account).boxed_unsync()
    } else {
        Whole::new(body, good, account).boxed_unsync()
    };
    Ok(Answered { response: Response::from_parts(head, body), attempts })
}

/// A provider's answer, as an application that speaks another dialect gets it.
async fn translated(
    provider: &Provider,
    answer: Answer,
    mut account: Account,
    translation: Translation,
) -> Result<Answered, Box<Problem>> {
    let attempts = answer.attempts;
    account.answered(answer.head.status.as_u16(), attempts);
    let (mut head, body) = translation.pass(answer, account).await?;
    marked(&mut head, provider, attempts);
    Ok(Answered { response: Response::from_parts(head, body), attempts })
}

/// Says on an answer who gave it, and whether it is worth another try.
fn marked(head: &mut response::Parts, provider: &Provider, attempts: u32) {
    head.headers.insert(&ATTEMPTS, HeaderValue::from(attempts));
    if let Ok(name) = HeaderValue::from_str(&provider.name) {
        head.headers.insert(&SERVED_BY, name);
    }
    if !head.status.is_success() && attempts >= provider.settings.endpoint.retry.attempts {
        // A client that tried again too would make nine attempts of three.
        head.headers.insert(&SHOULD_RETRY, HeaderValue::from_static("false"));
    }
}
