//! Sections `[llm]`, `[llm.provider.NAME]` and `[llm.model.NAME]`.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use http::HeaderValue;
use seawall_core::{
    resilience::{Backoff, BreakerSettings, RetryRules},
    settings::{
        BadSetting, Complaint, Field, Literal, Raw, Secret, Section, Setting, Shape, Situation, Span, Values, choice,
    },
};
use seawall_resilience::Clocks;
use seawall_store::retention::Rule;

use super::{
    alert::{self, Webhook},
    budget::BudgetSettings,
    cache::CacheSettings,
    money::Money,
    operation::Dialect,
    price::{Ceiling, OwnPrice},
    price_tables::PRICES_FILE,
    route::RouteSettings,
};
use crate::{client::Reach, endpoint::EndpointSettings, external::BaseUrl, tables};

/// Statuses by which a provider says that it may be well in a moment: 529 is Anthropic's, for more than it can do.
const PASSING: [u16; 7] = [408, 429, 500, 502, 503, 504, 529];

const CEILING_INPUT: Field<Money> = Field::new(
    "unknown_input_price",
    Literal::Text("20"),
    "What a million tokens of the question cost, in dollars, for a model whose price nobody knows. Such a model is never free; the log warns of it.",
);
const CEILING_OUTPUT: Field<Money> =
    Field::new("unknown_output_price", Literal::Text("100"), "The same of the answer.");
const CEILING_IMAGE: Field<Money> =
    Field::new("unknown_image_price", Literal::Text("0.5"), "What one image costs, in dollars, where nobody knows.");

const MOST_OUTPUT: Field<u64> = Field::new(
    "most_output_tokens",
    Literal::Integer(16_384),
    "How many tokens an answer may have whose call does not say, where there is a budget: it is written into the call, because nobody can reserve for an answer without an end. A call that is translated for Anthropic, which wants a limit, gets it, too.",
)
.between("1", "1000000");

const IMAGE_TIMEOUT: Field<Span> = Field::new(
    "image_timeout",
    Literal::Text("60s"),
    "How long each image of a call may take (checklist ST-9: 60 s); for these calls it stands in the place of the provider's `timeout`.",
)
.between("1s", "1h");
const KEEP: Field<Span> = Field::new(
    "keep",
    Literal::Text("400days"),
    "How long the row of a call is kept. What is let go of is in no sum of `seawall llm usage` any more.",
)
.between("1day", "3650days")
.needs_restart();

/// The section of what all calls share.
pub static SECTION: Section = Section::new(
    "llm",
    "Calls of language models, as `/llm/v1/…` of the outbound listener, in the words of OpenAI, Anthropic or Gemini.",
    &[
        CEILING_INPUT.spec(),
        CEILING_OUTPUT.spec(),
        CEILING_IMAGE.spec(),
        PRICES_FILE.spec(),
        MOST_OUTPUT.spec(),
        IMAGE_TIMEOUT.spec(),
        KEEP.spec(),
        alert::WEBHOOK.spec(),
        alert::WEBHOOK_SECRET.spec(),
    ],
)
.with_demands(|values, _| alert::demands(values).into_iter().collect());

const KIND: Field<Kind> = Field::new(
    "kind",
    Literal::Text("openai"),
    "Whose words it speaks: OpenAI's, as most servers do (vLLM, Ollama and others), Anthropic's or Gemini's.",
);
const RESPONSES: Field<bool> = Field::new(
    "responses",
    Literal::Flag(true),
    "Whether a server that speaks OpenAI's words has `/v1/responses`, too. Of one that has chat completions alone, `false` lets calls of responses be translated to those.",
);
const URL: Field<BaseUrl> = Field::new(
    "url",
    Literal::Unset,
    "Where it is, without the version: \"http://127.0.0.1:11434\". Unset, where its maker has it.",
);
const KEY: Field<Secret> = Field::new(
    "key",
    Literal::Unset,
    "The provider's key, which Seawall adds to each call; the application never has it.",
);
const TIMEOUT: Field<Span> = Field::new(
    "timeout",
    Literal::Text("60s"),
    "How long all attempts of a call may take together, up to the last byte of the answer (checklist PL-9: 60 s).",
)
.between("10ms", "1h");
const CONNECT_TIMEOUT: Field<Span> = Field::new(
    "connect_timeout",
    Literal::Text("5s"),
    "How long resolving the name, connecting and encrypting may take.",
)
.between("1ms", "5min");
const FIRST_BYTE_TIMEOUT: Field<Span> =
    Field::new("first_byte_timeout", Literal::Text("60s"), "How long the answer of one attempt may take to begin.")
        .between("1ms", "1h");
const IDLE_TIMEOUT: Field<Span> = Field::new(
    "idle_timeout",
    Literal::Text("30s"),
    "How long an answer may pause in its middle before its end is told as a failure.",
)
.between("1ms", "1h");
const ATTEMPTS: Field<u64> = Field::new(
    "attempts",
    Literal::Integer(3),
    "Attempts in all (checklist ST-2): after 408, 429, 500, 502, 503, 504, 529, and when nothing came; none once an answer has begun.",
)
.between("1", "10");
const BACKOFF: Field<Span> = Field::new(
    "backoff",
    Literal::Text("1s"),
    "The longest wait before the second attempt; each further one may be twice as long, up to 5 s. What a provider asks for by `Retry-After` is waited for, unless the time is over before.",
)
.between("1ms", "1min");
const AT_ONCE: Field<u64> =
    Field::new("at_once", Literal::Integer(256), "Calls that may be under way at once.").between("1", "100000");
const WAITING: Field<u64> =
    Field::new("waiting", Literal::Integer(256), "Calls that may wait for their turn; those beyond are answered 503.")
        .between("0", "100000");
const PRIVATE_ADDRESSES: Field<bool> = Field::new(
    "private_addresses",
    Literal::Flag(false),
    "Whether the name may lead to this machine or its networks. An address or `localhost` in `url` is meant as it stands.",
);

/// The sections of providers.
pub static PROVIDERS: Section = Section::new("llm.provider", "Providers of language models.", &[])
    .with_entries(&[
        KIND.spec(),
        RESPONSES.spec(),
        URL.spec(),
        KEY.spec(),
        TIMEOUT.spec(),
        CONNECT_TIMEOUT.spec(),
        FIRST_BYTE_TIMEOUT.spec(),
        IDLE_TIMEOUT.spec(),
        ATTEMPTS.spec(),
        BACKOFF.spec(),
        AT_ONCE.spec(),
        WAITING.spec(),
        PRIVATE_ADDRESSES.spec(),
    ])
    .with_entry_demands(demands);

const PROVIDER: Field<String> =
    Field::new("provider", Literal::Unset, "The provider that has it: a name of `[llm.provider.NAME]`.");
const NAME: Field<String> =
    Field::new("name", Literal::Unset, "What the provider calls it; unset, as it is called here.");
const INPUT_PRICE: Field<Money> = Field::new(
    "input_price",
    Literal::Unset,
    "What a million tokens of the question cost, in dollars; unset, what the table of prices says that is shipped.",
);
const OUTPUT_PRICE: Field<Money> = Field::new("output_price", Literal::Unset, "The same of the answer.");
const IMAGE_PRICE: Field<Money> = Field::new("image_price", Literal::Unset, "What one image costs, in dollars.");
const MODEL_AT_ONCE: Field<u64> = Field::new(
    "at_once",
    Literal::Unset,
    "Calls of this name that may be under way at once. Unset, as many as its provider may have.",
)
.between("1", "100000");
const MODEL_WAITING: Field<u64> = Field::new(
    "waiting",
    Literal::Integer(256),
    "Calls of this name that may wait for their turn; those beyond are answered 503.",
)
.between("0", "100000");

/// The sections of models.
pub static MODELS: Section = Section::new(
    "llm.model",
    "Names of models that calls may use beside the providers' own: where each is, what it is called there, and what it costs.",
    &[],
)
.with_entries(&[
    PROVIDER.spec(),
    NAME.spec(),
    INPUT_PRICE.spec(),
    OUTPUT_PRICE.spec(),
    IMAGE_PRICE.spec(),
    MODEL_AT_ONCE.spec(),
    MODEL_WAITING.spec(),
])
.with_entry_demands(model_demands);

/// Whose words a provider speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Kind(Dialect);

impl Setting for Kind {
    const SHAPE: Shape = Shape::Choice(&["openai", "anthropic", "gemini"]);

    fn read(raw: &Raw) -> Result<Self, String> {
        let words =
            [Dialect::OpenAi, Dialect::Anthropic, Dialect::Gemini].map(|dialect| (dialect.word(), Self(dialect)));
        choice(raw, &words)
    }
}

/// What is configured of language models.
#[derive(Clone, Debug)]
pub struct LlmSettings {
    pub(crate) ceiling: Ceiling,
    pub(crate) prices_file: Option<PathBuf>,
    pub(crate) providers: Vec<ProviderSettings>,
    pub(crate) models: Vec<ModelSettings>,
    pub(crate) budgets: Vec<Arc<BudgetSettings>>,
    pub(crate) routes: Vec<RouteSettings>,
    pub(crate) most_output: u64,
    pub(crate) image_timeout: Duration,
    pub(crate) cache: Option<CacheSettings>,
}

/// The named entries of the sections.
#[derive(Clone, Copy, Debug)]
pub struct LlmEntries<'a> {
    /// `[llm.provider.NAME]`
    pub providers: &'a [(String, Values)],
    /// `[llm.model.NAME]`
    pub models: &'a [(String, Values)],
    /// `[llm.budget.NAME]`
    pub budgets: &'a [(String, Values)],
    /// `[llm.route.NAME]`
    pub routes: &'a [(String, Values)],
    /// `[llm.cache]`
    pub cache: &'a Values,
}

/// A provider.
#[derive(Clone, Debug)]
pub(crate) struct ProviderSettings {
    pub(crate) name: String,
    pub(crate) dialect: Dialect,
    /// Whether it has OpenAI's responses, where it speaks OpenAI's words.
    pub(crate) responses: bool,
    pub(crate) base: BaseUrl,
    pub(crate) key: Option<Secret>,
    pub(crate) endpoint: EndpointSettings,
}

/// A model.
#[derive(Clone, Debug)]
pub(crate) struct ModelSettings {
    pub(crate) name: String,
    pub(crate) provider: String,
    pub(crate) called: String,
    pub(crate) price: OwnPrice,
    /// Calls at once, and how many may wait.
    pub(crate) places: Option<(usize, usize)>,
}

/// What is let go of: rows of calls that were made longer ago than is configured.
///
/// # Errors
/// [`BadSetting`] when they are not checked settings.
pub fn retention(shared: &Values) -> Result<Rule, BadSetting> {
    Ok(Rule { keep: shared.get(&KEEP)?.duration(), ..tables::CALLS })
}

impl LlmSettings {
    /// Reads all; nothing when there is no provider.
    ///
    /// # Errors
    /// [`BadSetting`] when they are not checked settings.
    pub fn read(shared: &Values, entries: LlmEntries<'_>) -> Result<Option<Self>, BadSetting> {
        let LlmEntries { providers, models, budgets, routes, cache } = entries;
        if providers.is_empty() {
            return Ok(None);
        }
        let ceiling = Ceiling {
            input: shared.get(&CEILING_INPUT)?,
            output: shared.get(&CEILING_OUTPUT)?,
            image: shared.get(&CEILING_IMAGE)?,
        };
        let providers = providers.iter().map(|(name, values)| provider(name, values)).collect::<Result<_, _>>()?;
        let models = models.iter().map(|(name, values)| model(name, values)).collect::<Result<_, _>>()?;
        let budgets = BudgetSettings::read(budgets, Webhook::read(shared)?.as_ref())?;
        let routes = RouteSettings::read(routes)?;
        let image_timeout = shared.get(&IMAGE_TIMEOUT)?.duration();
        let prices_file = shared.find(&PRICES_FILE)?.map(PathBuf::from);
        let (most_output, cache) = (shared.get(&MOST_OUTPUT)?, CacheSettings::read(cache)?);
        Ok(Some(Self { ceiling, prices_file, providers, models, budgets, routes, most_output, image_timeout, cache }))
    }

    /// Relative paths begin in this directory.
    #[must_use]
    pub fn within(mut self, directory: &Path) -> Self {
        self.prices_file = self.prices_file.map(|path| directory.join(path));
        self
    }
}

fn provider(name: &str, values: &Values) -> Result<ProviderSettings, BadSetting> {
    let span = |field| values.get(field).map(Span::duration);
    let places = |field| values.get(field).map(|number: u64| usize::try_from(number).unwrap_or(usize::MAX));
    let Kind(dialect) = values.get(&KIND)?;
    Ok(ProviderSettings {
        name: name.to_owned(),
        dialect,
        responses: values.get(&RESPONSES)?,
        base: values.find(&URL)?.unwrap_or_else(|| BaseUrl::of_https(makers_host(dialect))),
        key: values.find(&KEY)?,
        endpoint: EndpointSettings {
            clocks: Clocks {
                connect: span(&CONNECT_TIMEOUT)?,
                first_byte: span(&FIRST_BYTE_TIMEOUT)?,
                idle: span(&IDLE_TIMEOUT)?,
                total: span(&TIMEOUT)?,
            },
            reach: if values.get(&PRIVATE_ADDRESSES)? { Reach::Anywhere } else { Reach::Internet },
            retry: RetryRules {
                attempts: u32::try_from(values.get(&ATTEMPTS)?).unwrap_or(u32::MAX),
                statuses: PASSING.to_vec(),
            },
            backoff: Backoff { first: span(&BACKOFF)?, ..Backoff::default() },
            breaker: BreakerSettings::default(),
            places: (places(&AT_ONCE)?, places(&WAITING)?),
        },
    })
}

fn model(name: &str, values: &Values) -> Result<ModelSettings, BadSetting> {
    let places = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    let waiting = places(values.get(&MODEL_WAITING)?);
    Ok(ModelSettings {
        name: name.to_owned(),
        provider: values.get(&PROVIDER)?,
        called: values.find(&NAME)?.unwrap_or_else(|| name.to_owned()),
        price: OwnPrice {
            input: values.find(&INPUT_PRICE)?,
            output: values.find(&OUTPUT_PRICE)?,
            image: values.find(&IMAGE_PRICE)?,
        },
        places: values.find(&MODEL_AT_ONCE)?.map(|at_once| (places(at_once), waiting)),
    })
}

const fn makers_host(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::OpenAi => "api.openai.com",
        Dialect::Anthropic => "api.anthropic.com",
        Dialect::Gemini => "generativelanguage.googleapis.com",
    }
}

fn demands(name: &str, values: &Values, _: &Situation) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    let key = values.find(&KEY).ok().flatten();
    if key.as_ref().is_some_and(|key| HeaderValue::from_str(key.expose()).is_err()) {
        complaints.push(Complaint {
            key: Some(KEY.key()),
            what: "the key holds a character that no field may have".to_owned(),
            help: "write it as the provider gave it, on one line".to_owned(),
        });
    }
    let in_clear = values.find(&URL).ok().flatten().is_some_and(|url: BaseUrl| url.in_clear());
    if key.is_some() && in_clear {
        complaints.push(Complaint {
            key: Some(URL.key()),
            what: format!("the key of \"{name}\" would go over a network in clear"),
            help: "use https://".to_owned(),
        });
    }
    complaints
}

fn model_demands(name: &str, values: &Values, _: &Situation) -> Vec<Complaint> {
    let unset = matches!(values.find(&PROVIDER), Ok(None));
    let complaint = Complaint {
        key: None,
        what: format!("nothing says which provider has \"{name}\""),
        help: "write provider = \"NAME\", a name of [llm.provider.NAME]".to_owned(),
    };
    unset.then_some(complaint).into_iter().collect()
}
