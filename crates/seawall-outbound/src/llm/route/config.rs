//! Sections `[llm.route.NAME]`.

use std::{collections::BTreeSet, time::Duration};

use seawall_core::settings::{
    BadSetting, Complaint, Field, Literal, Raw, Section, Setting, Shape, Situation, Span, Values,
};

use super::{end::End, limits::Limits};
use crate::llm::drain::WhenLeft;

/// The route of calls that name none.
pub(crate) const DEFAULT: &str = "default";

/// What begins the path of a call that names no route.
pub(crate) const VERSIONS: [&str; 2] = ["v1", "v1beta"];

const MODELS: Field<Vec<String>> = Field::new(
    "models",
    Literal::Texts(&[]),
    "Who is asked, in this order: names of `[llm.model.NAME]`, or \"PROVIDER/MODEL\". One of them that the call names is asked first; any other name in the call is ignored. Empty, the call's model is asked.",
);
const WEIGHTS: Field<Vec<Weight>> = Field::new(
    "weights",
    Literal::Texts(&[]),
    "One number for each of `models`, such as [3, 1]: who is asked first is drawn by them, and the others follow in order. Empty, the first of `models` is asked first.",
);
const FALLBACK: Field<Vec<End>> = Field::new(
    "fallback",
    Literal::Texts(&["unreachable", "busy", "late", "limited", "failing"]),
    "After which ends of a provider the next of `models` is asked, once its own attempts are over: `unreachable` (no connection, or it ended before an answer), `busy` (left alone by its breaker, or no place), `late` (no answer in time), \
     `limited` (429), `failing` (408 and 5xx), `refused` (401, 402, 403, 404). A stream that fails before it says anything counts as none; never once an answer has begun to speak.",
);
const TIMEOUT: Field<Span> = Field::new(
    "timeout",
    Literal::Unset,
    "How long all that are asked may take together, up to the last byte of the answer. Unset, the `timeout` of the first one's provider.",
)
.between("10ms", "1h");
const IMAGE_TIMEOUT: Field<Span> = Field::new(
    "image_timeout",
    Literal::Unset,
    "How long each image of a call may take (checklist ST-9). Unset, `image_timeout` of `[llm]`.",
)
.between("1s", "1h");
const MAX_INPUT_CHARACTERS: Field<u64> = Field::new(
    "max_input_characters",
    Literal::Unset,
    "How many characters the texts of a call's messages may have together (checklist ST-5); longer ones are answered 413. Unset, any number.",
)
.between("1", "100000000");
const MAX_INPUT_TOKENS: Field<u64> = Field::new(
    "max_input_tokens",
    Literal::Unset,
    "How many tokens a question may have, estimated: four characters are one, and an image 1,600. Longer ones are answered 413. Unset, any number.",
)
.between("1", "100000000");
const MAX_OUTPUT_TOKENS: Field<u64> = Field::new(
    "max_output_tokens",
    Literal::Unset,
    "How many tokens an answer may have; it is written into calls that say none or more. Unset, as many as they say.",
)
.between("1", "1000000");
const ROUNDS: Field<u64> = Field::new(
    "rounds",
    Literal::Unset,
    "How many answers a conversation (`X-Seawall-Conversation`) gets (checklist ST-6: 5). A question beyond them is answered with an empty message, and no error. Unset, any number.",
)
.between("1", "10000");
const AT_ONCE: Field<u64> =
    Field::new("at_once", Literal::Unset, "Calls of the route that may be under way at once. Unset, any number.")
        .between("1", "100000");
const WAITING: Field<u64> = Field::new(
    "waiting",
    Literal::Integer(256),
    "Calls of the route that may wait for their turn; those beyond are answered 503.",
)
.between("0", "100000");
const EXPOSE: Field<bool> = Field::new(
    "expose",
    Literal::Flag(false),
    "Whether people who signed in, their devices, and programs with a key of the scope `llm` or `llm:NAME` may call the route on the public listener, as `PREFIX/llm/NAME/v1/…`. It needs `models`, `max_output_tokens`, an `[llm.budget.NAME]` with `of = \"user\"`, and `enabled` in `[identity]`.",
);

const WHEN_LEFT: Field<WhenLeft> = Field::new(
    "when_left",
    Literal::Text("cancel"),
    "What becomes of a call whose caller leaves: `cancel` ends it at once, and what it used is estimated; `drain` reads its answer to the end, within its time, so that the provider tells.",
);
const LOG_PROMPTS: Field<bool> = Field::new(
    "log_prompts",
    Literal::Flag(false),
    "Whether what is asked and answered by this route is in the log: one event for each call, with at most 4,000 bytes of either, and without what names itself a secret. Everything else stands there as people wrote it.",
);

/// The sections.
pub static ROUTES: Section = Section::new(
    "llm.route",
    "Routes of calls of language models, called as `/llm/NAME/v1/…`: who is asked, who else when that fails, how long questions and answers may be, and how many rounds a conversation has. \
     `[llm.route.default]` is for calls of `/llm/v1/…`.",
    &[],
)
.with_entries(&[
    MODELS.spec(),
    WEIGHTS.spec(),
    FALLBACK.spec(),
    TIMEOUT.spec(),
    IMAGE_TIMEOUT.spec(),
    MAX_INPUT_CHARACTERS.spec(),
    MAX_INPUT_TOKENS.spec(),
    MAX_OUTPUT_TOKENS.spec(),
    ROUNDS.spec(),
    AT_ONCE.spec(),
    WAITING.spec(),
    EXPOSE.spec(),
    WHEN_LEFT.spec(),
    LOG_PROMPTS.spec(),
])
.with_entry_demands(demands);

/// How often one is asked first, beside the others: 0 to 1000.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Weight(pub(crate) u32);

impl Setting for Weight {
    const SHAPE: Shape = Shape::Integer;

    fn read(raw: &Raw) -> Result<Self, String> {
        let Raw::Integer(number) = raw else { return Err(format!("expected a number, found {}", raw.kind())) };
        let weight = u32::try_from(*number).ok().filter(|weight| *weight <= 1_000);
        weight.map(Self).ok_or_else(|| format!("{number} is not between 0 and 1000"))
    }
}

/// A route, as configured.
#[derive(Clone, Debug, Default)]
pub(crate) struct RouteSettings {
    pub(crate) name: String,
    pub(crate) models: Vec<String>,
    /// Nothing, or one for each of the models.
    pub(crate) weights: Vec<Weight>,
    pub(crate) fallback: Vec<End>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) image_timeout: Option<Duration>,
    pub(crate) limits: Limits,
    pub(crate) rounds: Option<u64>,
    /// Calls at once, and how many may wait.
    pub(crate) places: Option<(usize, usize)>,
    /// Whether people outside may call it.
    pub(crate) expose: bool,
    pub(crate) when_left: WhenLeft,
    pub(crate) log_prompts: bool,
}

impl RouteSettings {
    /// Reads all.
    pub(crate) fn read(entries: &[(String, Values)]) -> Result<Vec<Self>, BadSetting> {
        entries.iter().map(|(name, values)| Self::one(name, values)).collect()
    }

    fn one(name: &str, values: &Values) -> Result<Self, BadSetting> {
        let span = |field| Ok(values.find(field)?.map(Span::duration));
        let waiting = places(values.get(&WAITING)?);
        Ok(Self {
            name: name.to_owned(),
            models: values.get(&MODELS)?,
            weights: values.get(&WEIGHTS)?,
            fallback: values.get(&FALLBACK)?,
            timeout: span(&TIMEOUT)?,
            image_timeout: span(&IMAGE_TIMEOUT)?,
            limits: Limits {
                characters: values.find(&MAX_INPUT_CHARACTERS)?,
                tokens: values.find(&MAX_INPUT_TOKENS)?,
                output: values.find(&MAX_OUTPUT_TOKENS)?,
            },
            rounds: values.find(&ROUNDS)?,
            places: values.find(&AT_ONCE)?.map(|at_once| (places(at_once), waiting)),
            expose: values.get(&EXPOSE)?,
            when_left: values.get(&WHEN_LEFT)?,
            log_prompts: values.get(&LOG_PROMPTS)?,
        })
    }
}

/// The routes that people outside may call.
///
/// # Errors
/// [`BadSetting`] when they are not checked settings.
pub fn exposed(entries: &[(String, Values)]) -> Result<Vec<&str>, BadSetting> {
    having(entries, &EXPOSE)
}

/// The routes that log what is asked and answered.
///
/// # Errors
/// [`BadSetting`] when they are not checked settings.
pub fn logging(entries: &[(String, Values)]) -> Result<Vec<&str>, BadSetting> {
    having(entries, &LOG_PROMPTS)
}

fn having<'a>(entries: &'a [(String, Values)], field: &Field<bool>) -> Result<Vec<&'a str>, BadSetting> {
    let mut names = Vec::new();
    for (name, values) in entries {
        if values.get(field)? {
            names.push(name.as_str());
        }
    }
    Ok(names)
}

fn places(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn demands(name: &str, values: &Values, _: &Situation) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    let mut complain = |field: Option<&'static str>, what: String, help: &str| {
        complaints.push(Complaint { key: field, what, help: help.to_owned() });
    };
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_';
    if VERSIONS.contains(&name) || !name.bytes().all(plain) {
        let what = format!("`{}` cannot be told from other paths", name.escape_debug());
        complain(None, what, "name the route by small letters, digits, - and _, and neither v1 nor v1beta");
    }
    // What cannot be read was told of by loading.
    let models = values.get(&MODELS).unwrap_or_default();
    let mut seen = BTreeSet::new();
    if let Some(twice) = models.iter().find(|model| !seen.insert(model.as_str())) {
        let what = format!("\"{}\" stands there twice", twice.escape_debug());
        complain(Some(MODELS.key()), what, "name each model once; its own attempts are `attempts` of its provider");
    }
    let weights = values.get(&WEIGHTS).unwrap_or_default();
    if !weights.is_empty() && weights.len() != models.len() {
        let what = format!("there are {} weights for {} models", weights.len(), models.len());
        complain(Some(WEIGHTS.key()), what, "write one for each of `models`, in their order");
    } else if !weights.is_empty() && weights.iter().all(|weight| weight.0 == 0) {
        complain(Some(WEIGHTS.key()), "nobody would be asked first".to_owned(), "give one of them more than 0");
    }
    if values.get(&EXPOSE).unwrap_or_default() {
        if models.is_empty() {
            let what = "whoever can sign in could ask any model, the dearest among them".to_owned();
            complain(Some(EXPOSE.key()), what, "write `models`: who is asked by this route, and nobody else");
        }
        if matches!(values.find(&MAX_OUTPUT_TOKENS), Ok(None)) {
            let what = "whoever can sign in could ask for answers of any length".to_owned();
            complain(Some(EXPOSE.key()), what, "write max_output_tokens = 1000, or what an answer needs");
        }
    }
    complaints
}
