//! Routes: what holds for calls of one kind, by the name in their path, `/llm/NAME/v1/…`.
//!
//! | file | what it holds |
//! |---|---|
//! | `config.rs` | sections `[llm.route.NAME]` |
//! | `order.rs` | who is asked, in which order |
//! | `end.rs` | after which ends the next is asked |
//! | `limits.rs` | how long questions and answers may be |
//! | `rounds.rs`, `over.rs` | rounds of conversations, and what is answered after the last |

mod config;
mod end;
mod limits;
mod order;
pub(crate) mod over;
mod rounds;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use seawall_core::{
    meter::{Metric, MetricKind},
    problem::Problem,
};
use seawall_resilience::{Bulkhead, Deadline, Permit};

use super::{
    drain::WhenLeft,
    operation::Operation,
    target::{Directory, Question, Target},
    transcript,
};
use crate::{
    caller::Caller,
    problem::{CONVERSATION_NEEDED, KEY_LIMITED, NO_ROOM, NO_SUCH_ROUTE},
};
use config::{DEFAULT, VERSIONS};
use rounds::Conversation;

pub(crate) use config::RouteSettings;
pub use config::{ROUTES, exposed, logging};
pub(crate) use end::End;
pub(crate) use rounds::{Round, Rounds};

/// Calls that went on to the next of a route.
pub(crate) static FALLBACKS: Metric = Metric {
    name: "seawall_llm_fallbacks",
    help: "Calls of language models that went on to the next model of their route, by the provider that failed and how.",
    kind: MetricKind::Counter,
    labels: &["gen_ai_provider_name", "reason"],
};

/// Which model answered, as its provider calls it.
pub(crate) static SERVED_MODEL: HeaderName = HeaderName::from_static("x-seawall-model");

/// The routes of one configuration.
#[derive(Debug)]
pub(crate) struct Routes {
    named: BTreeMap<String, Arc<Route>>,
    /// That of calls which name none, where none is configured for them.
    plain: Arc<Route>,
}

/// One route.
#[derive(Debug)]
pub(crate) struct Route {
    settings: RouteSettings,
    name: Arc<str>,
    places: Option<Bulkhead>,
}

/// A call on its way: its route, and who is asked.
#[derive(Debug)]
pub(crate) struct Led {
    pub(crate) route: Arc<Route>,
    pub(crate) first: Target,
    /// Those that are asked next, in this order.
    pub(crate) rest: Vec<Target>,
}

/// Whose turn it is in a conversation.
#[derive(Debug)]
pub(crate) enum Turn {
    /// Rounds are not counted.
    Uncounted,
    Round(Round),
    /// All rounds are over.
    Over,
}

/// The route that a path names, when it does, and the rest, from its version on. `path` is what follows `/llm`.
pub(crate) fn split(path: &str) -> (Option<&str>, &str) {
    let split = || {
        let (name, rest) = path.strip_prefix('/')?.split_once('/')?;
        let version = rest.split('/').next()?;
        let names = !VERSIONS.contains(&name) && VERSIONS.contains(&version);
        names.then(|| (name, path.get(name.len() + 1..).unwrap_or_default()))
    };
    split().map_or((None, path), |(name, rest)| (Some(name), rest))
}

impl Routes {
    /// The routes of these settings. Who is on one that stays keeps the place.
    ///
    /// # Errors
    /// A sentence: a route names a model that nobody has.
    pub(crate) fn new(
        settings: Vec<RouteSettings>,
        directory: &Directory,
        earlier: Option<&Self>,
    ) -> Result<Self, String> {
        let mut named = BTreeMap::new();
        for settings in settings {
            if let Some(model) = settings.models.iter().find(|model| !directory.knows(model)) {
                let known = directory.names().collect::<Vec<_>>().join(", ");
                return Err(format!(
                    "[llm.route.{}] names \"{}\", which is neither a name of [llm.model.NAME] ({known}) nor \"PROVIDER/MODEL\" of an [llm.provider.NAME]",
                    settings.name,
                    model.escape_debug()
                ));
            }
            let known = earlier.and_then(|earlier| earlier.named.get(&settings.name));
            let known = known.and_then(|known| known.places.clone());
            named.insert(settings.name.clone(), Arc::new(Route::new(settings, known)));
        }
        let plain = RouteSettings { name: DEFAULT.to_owned(), ..RouteSettings::default() };
        Ok(Self { named, plain: Arc::new(Route::new(plain, None)) })
    }

    /// Whether people outside may call this one.
    pub(crate) fn exposes(&self, name: &str) -> bool {
        self.named.get(name).is_some_and(|route| route.settings.expose)
    }

    /// Whether answers of this one are read to their end when whoever asked leaves.
    pub(crate) fn drains(&self, name: Option<&str>) -> bool {
        let route = self.named.get(name.unwrap_or(DEFAULT));
        route.is_some_and(|route| route.settings.when_left == WhenLeft::Drain)
    }

    /// The route of a call, by the name in its path.
    ///
    /// # Errors
    /// `llm-route-unknown`.
    pub(crate) fn find(&self, name: Option<&str>) -> Result<Arc<Route>, Box<Problem>> {
        let found = self.named.get(name.unwrap_or(DEFAULT));
        let route = found.or_else(|| name.is_none().then_some(&self.plain)).ok_or_else(|| {
            let known = self.named.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
            let known =
                if known.is_empty() { "There is none.".to_owned() } else { format!("The routes are: {known}.") };
            Problem::new(&NO_SUCH_ROUTE).detail(known)
        })?;
        Ok(Arc::clone(route))
    }
}

impl Route {
    fn new(settings: RouteSettings, known: Option<Bulkhead>) -> Self {
        let places = settings.places.map(|places| resized(known, places));
        Self { name: settings.name.as_str().into(), settings, places }
    }

    /// The body, with no answer asked for that is longer than the route gives.
    pub(crate) fn shortened(&self, operation: Operation, body: Bytes) -> Bytes {
        self.settings.limits.shortened(operation, body)
    }

    /// The question as it may be logged, where the route logs prompts.
    pub(crate) fn logged(&self, operation: Operation, body: &[u8]) -> Option<Arc<str>> {
        (self.settings.log_prompts && operation.costs()).then(|| transcript::question(body))
    }

    /// As a path names it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The same, for rows and budgets.
    pub(crate) fn label(&self) -> Arc<str> {
        Arc::clone(&self.name)
    }

    /// Who is asked, when the caller may ask them, and the question is not too long.
    ///
    /// # Errors
    /// A problem in words for the caller.
    pub(crate) fn lead(
        self: &Arc<Self>,
        directory: &Directory,
        question: &Question<'_>,
        caller: &Caller,
    ) -> Result<Led, Box<Problem>> {
        let (dialect, operation) = (question.asked.dialect, question.asked.operation);
        let named = question.model();
        let targets = if self.settings.models.is_empty() {
            vec![directory.target(dialect, named)?]
        } else {
            let RouteSettings { models, weights, .. } = &self.settings;
            let order = order::of(models, weights, named, |sum| fastrand::u32(..sum));
            order.into_iter().map(|model| directory.target(dialect, Some(model))).collect::<Result<_, _>>()?
        };
        let granted = |target: &Target| {
            let lists = operation == Operation::Models && caller.may.any_model();
            lists || caller.may.route(&self.name) || target.names().any(|name| caller.may.model(&name))
        };
        let mut targets = targets.into_iter().filter(granted);
        let first = targets.next().ok_or_else(|| {
            let asked = named.unwrap_or_default();
            tracing::warn!(
                llm.route = &*self.name,
                caller.key = &*caller.key,
                "a program asked for what its key does not list"
            );
            let detail = format!("The key \"{}\" may not ask \"{asked}\" by the route \"{}\".", caller.key, self.name);
            Problem::new(&KEY_LIMITED).detail(detail)
        })?;
        if operation.costs() {
            self.settings.limits.check(&self.name, &question.body)?;
        }
        Ok(Led { route: Arc::clone(self), first, rest: targets.collect() })
    }

    /// Takes the next round of the call's conversation, where rounds are counted.
    ///
    /// # Errors
    /// `llm-conversation-needed`; `outbound-no-room` while the store does not answer.
    pub(crate) async fn turn(
        &self,
        operation: Operation,
        conversation: Option<&str>,
        caller: &Caller,
        rounds: &Rounds,
    ) -> Result<Turn, Box<Problem>> {
        let Some(most) = self.settings.rounds.filter(|_| operation.talks()) else { return Ok(Turn::Uncounted) };
        let needed = || {
            let detail = format!("The route \"{}\" counts rounds of conversations.", self.name);
            Problem::new(&CONVERSATION_NEEDED).detail(detail)
        };
        let conversation = Conversation {
            caller: Arc::clone(&caller.key),
            user: caller.user.clone().unwrap_or_default(),
            route: Arc::clone(&self.name),
            name: conversation.ok_or_else(needed)?.to_owned(),
        };
        let taken = rounds.take(conversation, most).await;
        let taken = taken.map_err(|error| Problem::new(&NO_ROOM).retry_after(1).inside(error.to_string()))?;
        Ok(taken.map_or(Turn::Over, Turn::Round))
    }

    /// A place among the calls of the route, where they are bounded.
    ///
    /// # Errors
    /// `outbound-no-room`.
    pub(crate) async fn place(&self, deadline: Deadline) -> Result<Option<Permit>, Box<Problem>> {
        let Some(places) = &self.places else { return Ok(None) };
        let full = |error: seawall_resilience::BulkheadFull| {
            let detail = format!("The route is \"{}\".", self.name);
            Problem::new(&NO_ROOM).retry_after(1).detail(detail).inside(error.to_string())
        };
        Ok(Some(places.acquire(deadline).await.map_err(full)?))
    }

    /// Whether the next is asked after any end.
    pub(crate) fn falls_back(&self) -> bool {
        !self.settings.fallback.is_empty()
    }

    /// Whether the next is asked after such an end.
    pub(crate) fn goes_on(&self, end: End) -> bool {
        self.settings.fallback.contains(&end)
    }

    /// How many tokens an answer may have whose call does not say; nothing where nobody does. `otherwise` is what holds for all routes.
    pub(crate) fn output(&self, otherwise: Option<u64>) -> Option<u64> {
        let own = self.settings.limits.output;
        own.map(|own| otherwise.map_or(own, |other| own.min(other))).or(otherwise)
    }

    /// How long a call may take, and each image of one, where the route says so.
    pub(crate) const fn times(&self) -> (Option<Duration>, Option<Duration>) {
        (self.settings.timeout, self.settings.image_timeout)
    }
}

/// Places of this size: those that are known, so that whoever has one keeps it.
pub(crate) fn resized(known: Option<Bulkhead>, (at_once, waiting): (usize, usize)) -> Bulkhead {
    let places = known.unwrap_or_else(|| Bulkhead::new(at_once, waiting));
    places.resize(at_once);
    places.let_wait(waiting);
    places
}

/// A model's name in an answer; nothing where no field can hold it.
pub(crate) fn served(model: &str) -> Option<HeaderValue> {
    HeaderValue::from_str(model).ok().filter(|_| !model.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stands_before_the_version() {
        for (path, name, rest) in [
            ("/v1/chat/completions", None, "/v1/chat/completions"),
            ("/refine/v1/chat/completions", Some("refine"), "/v1/chat/completions"),
            ("/refine/v1beta/models/m:generateContent", Some("refine"), "/v1beta/models/m:generateContent"),
            ("/v1beta/models/v1:generateContent", None, "/v1beta/models/v1:generateContent"),
            ("/v1/v1/x", None, "/v1/v1/x"),
            ("/refine/v2/x", None, "/refine/v2/x"),
            ("/a/b/v1/x", None, "/a/b/v1/x"),
            ("/refine", None, "/refine"),
            ("//v1/x", Some(""), "/v1/x"),
            ("", None, ""),
        ] {
            assert_eq!(split(path), (name, rest), "{path}");
        }
    }
}
