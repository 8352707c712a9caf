//! Where calls go: the providers and models of the configuration, and a call's request as one of them gets it.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use http::{
    HeaderValue,
    header::{ACCEPT_ENCODING, AUTHORIZATION, CONTENT_LENGTH, COOKIE, EXPECT, HOST},
    request,
};
use seawall_core::{
    http::{hop, own_field},
    problem::Problem,
    resilience::Keyed,
};
use seawall_resilience::Bulkhead;

use super::{
    config::{ModelSettings, ProviderSettings},
    fields::{signed, without_key},
    operation::{Asked, Dialect, Operation},
    price::OwnPrice,
    route::resized,
    sketch::{Changes, OutputLimit, Sketch},
};
use crate::{
    endpoint::{Endpoint, Outgoing, Surroundings},
    problem::{BAD_CALL, NO_SUCH_MODEL},
};

/// Who can be asked.
#[derive(Debug)]
pub(crate) struct Directory {
    providers: BTreeMap<String, Arc<Provider>>,
    models: BTreeMap<String, ModelSettings>,
    /// The models whose calls at once are bounded, by name.
    places: BTreeMap<String, Bulkhead>,
}

/// One provider.
#[derive(Debug)]
pub(crate) struct Provider {
    pub(crate) settings: ProviderSettings,
    pub(crate) name: Arc<str>,
    pub(crate) endpoint: Endpoint,
}

/// Where a call goes.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) provider: Arc<Provider>,
    /// As the provider calls it.
    pub(crate) model: String,
    pub(crate) price: OwnPrice,
    /// What the configuration calls it, where it has a name there.
    pub(crate) entry: Option<String>,
    /// Where its calls at once are bounded.
    pub(crate) places: Option<Bulkhead>,
}

/// A call as it came, read.
#[derive(Debug)]
pub(crate) struct Question<'a> {
    pub(crate) asked: Asked<'a>,
    /// Nothing where there is no body.
    pub(crate) sketch: Option<Sketch>,
    pub(crate) head: request::Parts,
    pub(crate) body: Bytes,
}

impl Question<'_> {
    /// The model, as the call names it.
    pub(crate) fn model(&self) -> Option<&str> {
        self.asked.model.or_else(|| self.sketch.as_ref()?.model.as_deref())
    }

    /// How long the answer may be, in tokens, where the call says so.
    pub(crate) fn most_output(&self) -> Option<u64> {
        self.sketch.as_ref()?.most_output
    }

    /// How many answers or images are asked for.
    pub(crate) fn count(&self) -> u64 {
        self.sketch.as_ref().map_or(1, |sketch| sketch.count)
    }
}

impl Directory {
    /// The providers and models of these settings. What an earlier directory learnt of providers that stay is kept.
    ///
    /// # Errors
    /// A sentence: a model names a provider that is not there.
    pub(crate) fn new(
        providers: Vec<ProviderSettings>,
        models: Vec<ModelSettings>,
        earlier: Option<&Self>,
        around: &Surroundings,
    ) -> Result<Self, String> {
        let made = providers.into_iter().map(|settings| {
            let known = earlier.and_then(|earlier| earlier.providers.get(&settings.name));
            let known = known.map(|known| &known.endpoint);
            let endpoint = Endpoint::new(&settings.name, settings.endpoint.clone(), known, around);
            let name: Arc<str> = settings.name.as_str().into();
            (settings.name.clone(), Arc::new(Provider { settings, name, endpoint }))
        });
        let providers: BTreeMap<_, _> = made.collect();
        if let Some(model) = models.iter().find(|model| !providers.contains_key(&model.provider)) {
            let ModelSettings { name, provider, .. } = model;
            return Err(format!("[llm.model.{name}] names \"{provider}\", and there is no [llm.provider.{provider}]"));
        }
        let known = |name: &str| earlier.and_then(|earlier| earlier.places.get(name)).cloned();
        let places =
            models.iter().filter_map(|model| Some((model.name.clone(), resized(known(&model.name), model.places?))));
        let places = places.collect();
        let models = models.into_iter().map(|model| (model.name.clone(), model)).collect();
        Ok(Self { providers, models, places })
    }

    /// The models that the configuration names, by provider and as that calls them.
    pub(crate) fn configured(&self) -> impl Iterator<Item = (String, String)> {
        self.models.values().map(|model| (model.provider.clone(), model.called.clone()))
    }

    /// The models of the configuration with their names, or those that calls of each dialect would find by this one.
    pub(crate) fn offers(&self, model: Option<&str>) -> Vec<(String, Target)> {
        let names = model.map_or_else(|| self.names().collect(), |model| vec![model]);
        let mut offers: Vec<(String, Target)> = Vec::new();
        for (name, dialect) in names.into_iter().flat_map(|name| Dialect::ALL.map(|dialect| (name, dialect))) {
            let Ok(target) = self.target(dialect, Some(name)) else { continue };
            let same = |(other, known): &(String, Target)| {
                (other.as_str(), &known.provider.name, &known.model) == (name, &target.provider.name, &target.model)
            };
            if !offers.iter().any(same) {
                offers.push((name.to_owned(), target));
            }
        }
        offers
    }

    /// Whether a route may name this model.
    pub(crate) fn knows(&self, model: &str) -> bool {
        let prefixed = |(provider, rest): (&str, &str)| self.providers.contains_key(provider) && !rest.is_empty();
        self.models.contains_key(model) || model.split_once('/').is_some_and(prefixed)
    }

    /// The names that models have in the configuration.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.models.keys().map(String::as_str)
    }

    /// Who has the model that a call names.
    pub(crate) fn target(&self, dialect: Dialect, model: Option<&str>) -> Result<Target, Box<Problem>> {
        if let Some(settings) = model.and_then(|model| self.models.get(model)) {
            let gone = || Problem::new(&NO_SUCH_MODEL).detail(format!("\"{}\" has no provider.", settings.name));
            let provider = Arc::clone(self.providers.get(&settings.provider).ok_or_else(gone)?);
            let (entry, places) = (Some(settings.name.clone()), self.places.get(&settings.name).cloned());
            return Ok(Target { provider, model: settings.called.clone(), price: settings.price, entry, places });
        }
        let speaking = || self.providers.values().filter(|provider| provider.settings.dialect == dialect);
        // `PROVIDER/MODEL`, where there is such a provider; a model's own name may hold a slash as well.
        let prefixed = model.and_then(|model| {
            let (name, rest) = model.split_once('/')?;
            Some((self.providers.get(name)?, rest))
        });
        let (provider, model) = match prefixed {
            Some((provider, rest)) => (provider, rest),
            None => {
                let mut speaking = speaking();
                let nobody = || {
                    let detail = format!("No [llm.provider.NAME] speaks the words of {}.", dialect.word());
                    Problem::new(&NO_SUCH_MODEL).detail(detail)
                };
                let first = speaking.next().ok_or_else(nobody)?;
                if speaking.next().is_some() {
                    let detail = "Several providers speak these words; name one, as in \"PROVIDER/MODEL\", or make an [llm.model.NAME].";
                    return Err(Problem::new(&NO_SUCH_MODEL).detail(detail).into());
                }
                (first, model.unwrap_or_default())
            }
        };
        let (provider, model) = (Arc::clone(provider), model.to_owned());
        Ok(Target { provider, model, price: OwnPrice::default(), entry: None, places: None })
    }
}

impl Target {
    /// All names of the model: those that a key's list may have.
    pub(crate) fn names(&self) -> impl Iterator<Item = String> {
        let own = [format!("{}/{}", self.provider.name, self.model), self.model.clone()];
        self.entry.clone().into_iter().chain(own)
    }

    /// Where the call would say how long its answer may be; nothing where answers have no length.
    pub(crate) fn output_limit(&self, operation: Operation) -> Option<OutputLimit> {
        match operation {
            // OpenAI's own models want the one name, and many servers of its dialect know only the other.
            Operation::Chat if self.provider.settings.base.is_host("api.openai.com") => {
                Some(OutputLimit::Member("max_completion_tokens"))
            }
            Operation::Chat | Operation::Messages => Some(OutputLimit::Member("max_tokens")),
            Operation::Responses => Some(OutputLimit::Member("max_output_tokens")),
            Operation::Generate => Some(OutputLimit::OfGemini),
            Operation::Embeddings | Operation::Images | Operation::CountTokens | Operation::Models => None,
        }
    }

    /// The request as the provider gets it, with a length that the answer may have where it says none; and whether its usage was asked for on the caller's behalf.
    pub(crate) fn outgoing(
        &self,
        question: &Question<'_>,
        most_output: Option<u64>,
    ) -> Result<(Outgoing, bool), Box<Problem>> {
        let Question { asked, sketch, head, body } = question;
        let request::Parts { method, uri, headers, .. } = head;
        let (method, mut headers) = (method.clone(), headers.clone());
        hop::strip(&mut headers).map_err(|fault| Problem::new(&BAD_CALL).detail(fault.to_string()))?;
        let own: Vec<_> = headers.keys().filter(|name| own_field(name)).cloned().collect();
        for field in own.iter().chain(&[HOST, CONTENT_LENGTH, COOKIE, EXPECT, AUTHORIZATION]) {
            headers.remove(field);
        }
        // What is compressed cannot be looked at on its way.
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        signed(&mut headers, &self.provider.settings)?;
        let path = match asked.model {
            Some(model) if model != self.model => asked.path.replacen(model, &self.model, 1),
            _ => asked.path.to_owned(),
        };
        let query = uri.query().map(without_key).filter(|query| !query.is_empty());
        let uri = self.provider.settings.base.join(&path, query.as_deref());
        let uri = uri.ok_or_else(|| Problem::new(&BAD_CALL).detail("The model's name is no part of an address."))?;
        let hides_usage = sketch.as_ref().is_some_and(|sketch| sketch.lacks_usage(asked.dialect, asked.operation));
        let body = match sketch {
            Some(sketch) => {
                let most_output = most_output.filter(|_| sketch.most_output.is_none());
                let most_output = most_output.and_then(|most| Some((self.output_limit(asked.operation)?, most)));
                let changes = Changes { model: &self.model, ask_for_usage: hides_usage, most_output };
                sketch.written(body, &changes)
            }
            None => body.clone(),
        };
        // An image is here as a whole or not at all, so its head takes as long as it does.
        let patient = asked.operation == Operation::Images;
        Ok((Outgoing { method, uri, headers, body, keyed: Keyed::Yes, patient }, hides_usage))
    }
}
