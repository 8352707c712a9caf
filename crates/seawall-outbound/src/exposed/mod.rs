//! Calls of models from outside: of people who signed in, their devices and their programs, on the public listener, by routes that are exposed.
//!
//! Whoever asks is a stranger who is known by name. So nothing is taken of a call but what its route is for:
//!
//! | file | what it holds |
//! |---|---|
//! | `asked.rs` | the fields of a call that are sent on |
//! | `reach.rs` | what a question may not ask of the provider |
//! | `shown.rs` | what is seen of an answer |

mod asked;
mod reach;
mod shown;

use std::sync::Arc;

use bytes::Bytes;
use http::{Response, request};
use seawall_core::{
    authenticator::not_signed_in,
    principal::{Principal, PrincipalKind},
    problem::Problem,
    request_id::RequestId,
    scope::Scope,
};

use crate::{
    body::Body,
    caller::Caller,
    llm::{self, Gateway, Refused},
    may::May,
    memory::{Held, Memory},
    problem::KEY_LIMITED,
    service::{Answered, Call},
};

/// What people who signed in are called in rows, and in budgets of each caller. Programs and devices are called by their ids.
pub(crate) const PUBLIC: &str = "public";

/// The scope of keys that may call every exposed route; with `:NAME` behind it, that of one.
const SCOPE: &str = "llm";

/// A call from outside, read whole.
#[derive(Debug)]
pub struct Outside<'a> {
    /// Its head.
    pub head: request::Parts,
    /// Its body.
    pub body: Bytes,
    /// What follows `PREFIX/llm` in its path.
    pub path: &'a str,
    /// Whose it is.
    pub principal: Option<&'a Principal>,
    /// Its id, for logs and rows.
    pub request_id: RequestId,
}

/// Answers a call. Nothing where no exposed route is meant, or what is asked costs nothing and so has no bound.
pub(crate) async fn answer<A>(
    call: Outside<'_>,
    models: &Gateway,
    memory: &Memory,
    ask: impl FnOnce(Call, Held) -> A,
) -> Result<Option<Response<Body>>, Box<Problem>>
where
    A: Future<Output = Result<Answered, Refused>>,
{
    let Outside { head, body, path, principal, request_id } = call;
    let (Some(route), rest) = llm::split(path) else { return Ok(None) };
    let asked = llm::asked(&head.method, rest, &head.headers).filter(|asked| asked.operation.costs());
    let Some(asked) = asked.filter(|_| models.exposes(route)) else { return Ok(None) };
    let caller = caller(principal, route)?;
    let held = memory.keep(body)?;
    let head = asked::sent_on(&head, path, &caller, &request_id)?;
    let key = Arc::clone(&caller.key);
    let answered = match reach::check(asked.operation, &held.bytes) {
        Ok(()) => ask(Call { head, body: held.bytes.clone(), caller }, held).await,
        Err(problem) => Err(Refused(Some(asked.dialect), problem)),
    };
    let response = match answered {
        Ok(Answered { response, .. }) => shown::answer(asked.dialect, response, request_id.as_str()).await,
        Err(Refused(_, problem)) => shown::refusal(asked.dialect, *problem, request_id.as_str()),
    };
    tracing::debug!(
        request.id = request_id.as_str(),
        caller.key = &*key,
        llm.route = route,
        http.status = response.status().as_u16(),
        "called from outside"
    );
    Ok(Some(response))
}

/// Who calls, when it may.
fn caller(principal: Option<&Principal>, route: &str) -> Result<Caller, Box<Problem>> {
    let principal = principal.ok_or_else(not_signed_in)?;
    let key = match principal.kind {
        PrincipalKind::User => PUBLIC.into(),
        PrincipalKind::ApiKey | PrincipalKind::Device => Arc::clone(&principal.id),
    };
    if !may(principal, route) {
        let detail = format!("It needs the scope \"{SCOPE}\" or \"{SCOPE}:{route}\".");
        return Err(Problem::new(&KEY_LIMITED).detail(detail).into());
    }
    // The route is all that there is to ask, and the scope was looked at.
    Ok(Caller { key, user: Some(Arc::clone(principal.user_id())), may: May::everything() })
}

/// Whether a credential holds for this route. A route's name that can be in no scope is opened by the general one alone.
fn may(principal: &Principal, route: &str) -> bool {
    let named = [SCOPE.to_owned(), format!("{SCOPE}:{route}")];
    named.iter().filter_map(|name| Scope::parse(name).ok()).any(|scope| principal.may(&scope))
}

#[cfg(test)]
mod tests {
    use seawall_core::principal::{KeyFacts, SessionFacts};

    use super::*;

    fn key(scopes: &[&str]) -> Principal {
        let scopes = scopes.iter().map(|name| Scope::parse(name).unwrap()).collect();
        let facts = KeyFacts { scopes, rate: None, made_at_unix_us: 1, expires_at_unix_us: None };
        Principal::key("key_1", "usr_1", "Ann", &[], facts).unwrap()
    }

    #[test]
    fn a_key_calls_the_routes_of_its_scopes_as_its_owner() {
        let asked = |scopes: &[&str]| caller(Some(&key(scopes)), "chat").map_err(|problem| problem.kind.slug);
        for scopes in [["llm"], ["llm:chat"]] {
            let caller = asked(&scopes).unwrap();
            assert_eq!((&*caller.key, caller.user.as_deref()), ("key_1", Some("usr_1")));
        }
        for scopes in [&[][..], &["orders:read"], &["llm:other", "llm.chat"]] {
            assert_eq!(asked(scopes), Err("outbound-key-limited"), "{scopes:?}");
        }
    }

    #[test]
    fn people_share_a_name_and_have_users_of_their_own() {
        let session = SessionFacts {
            id: "s".into(),
            authenticated_at_unix_us: 1,
            expires_at_unix_us: None,
            second_factor: false,
        };
        let ann = Principal::user("usr_1", "Ann", &[], session).unwrap();
        let caller = caller(Some(&ann), "chat").unwrap();
        assert_eq!((&*caller.key, caller.user.as_deref()), (PUBLIC, Some("usr_1")));
        assert_eq!(super::caller(None, "chat").unwrap_err().status(), http::StatusCode::UNAUTHORIZED);
    }
}
