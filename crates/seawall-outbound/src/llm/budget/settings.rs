//! Sections `[llm.budget.NAME]`.

use std::sync::Arc;

use seawall_core::settings::{
    BadSetting, Complaint, Field, Literal, Raw, Section, Setting, Shape, Situation, Values, choice,
};

use super::period::{Per, Zone};
use crate::llm::{
    alert::{self, Webhook},
    money::Money,
};

const AMOUNT: Field<Money> =
    Field::new("amount", Literal::Unset, "How much may be spent in each period, in dollars, such as \"50\".");
const PER: Field<Per> =
    Field::new("per", Literal::Text("day"), "How long a period is: a day or a month of the calendar.");
const TIME_ZONE: Field<Zone> =
    Field::new("time_zone", Literal::Text("UTC"), "Where days and months begin: a name such as \"Europe/Berlin\".");
const OF: Field<Of> = Field::new(
    "of",
    Literal::Text("all"),
    "Whose calls share one amount: those of `all`, or of each `user`, `project`, `caller`, `model`, `provider` or `route`. Calls that name no user or project share one amount; those that name no route count as `default`.",
);
const TELL_AT: Field<Vec<Percent>> = Field::new(
    "tell_at",
    Literal::Texts(&["80%", "95%", "100%"]),
    "At which parts of the amount it is told, once in each period: in the log and in the audit log, and to `webhook`.",
);

/// The sections.
pub static BUDGETS: Section = Section::new(
    "llm.budget",
    "What calls of language models may cost. A call is made only if what it can cost at most is left in every budget that it is in; else it is answered 402.",
    &[],
)
.with_entries(&[AMOUNT.spec(), PER.spec(), TIME_ZONE.spec(), OF.spec(), TELL_AT.spec(), alert::WEBHOOK.spec(), alert::WEBHOOK_SECRET.spec()])
.with_entry_demands(demands);

/// Whose calls share an amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Of {
    All,
    User,
    Project,
    Caller,
    Model,
    Provider,
    Route,
}

impl Of {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::User => "user",
            Self::Project => "project",
            Self::Caller => "caller",
            Self::Model => "model",
            Self::Provider => "provider",
            Self::Route => "route",
        }
    }
}

impl Setting for Of {
    const SHAPE: Shape = Shape::Choice(&["all", "user", "project", "caller", "model", "provider", "route"]);

    fn read(raw: &Raw) -> Result<Self, String> {
        let all = [Self::All, Self::User, Self::Project, Self::Caller, Self::Model, Self::Provider, Self::Route];
        choice(raw, &all.map(|of| (of.word(), of)))
    }
}

/// A part of an amount, in percent: 1 to 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Percent(pub(crate) u8);

impl Setting for Percent {
    const SHAPE: Shape = Shape::Text("percentage", "80%");

    fn read(raw: &Raw) -> Result<Self, String> {
        let wrong = || "expected a percentage from \"1%\" to \"100%\"".to_owned();
        let Raw::Text(text) = raw else { return Err(wrong()) };
        let percent: u8 = text.trim().strip_suffix('%').and_then(|number| number.parse().ok()).ok_or_else(wrong)?;
        if (1..=100).contains(&percent) { Ok(Self(percent)) } else { Err(wrong()) }
    }
}

/// A budget, as configured.
#[derive(Clone, Debug)]
pub(crate) struct BudgetSettings {
    pub(crate) name: String,
    pub(crate) amount: Money,
    pub(crate) per: Per,
    pub(crate) zone: Zone,
    pub(crate) of: Of,
    /// Rising.
    pub(crate) tell_at: Vec<Percent>,
    /// Who is told besides the logs.
    pub(crate) webhook: Option<Webhook>,
}

impl BudgetSettings {
    /// Reads all. Those without a webhook of their own use the one that all share.
    pub(crate) fn read(entries: &[(String, Values)], shared: Option<&Webhook>) -> Result<Vec<Arc<Self>>, BadSetting> {
        let one = |(name, values): &(String, Values)| {
            let mut tell_at = values.get(&TELL_AT)?;
            tell_at.sort_unstable();
            Ok(Arc::new(Self {
                name: name.clone(),
                amount: values.get(&AMOUNT)?,
                per: values.get(&PER)?,
                zone: values.get(&TIME_ZONE)?,
                of: values.get(&OF)?,
                tell_at,
                webhook: Webhook::read(values)?.or_else(|| shared.cloned()),
            }))
        };
        entries.iter().map(one).collect()
    }
}

/// Whether one of the budgets gives each user an amount.
///
/// # Errors
/// [`BadSetting`] when they are not checked settings.
pub fn bounds_users(entries: &[(String, Values)]) -> Result<bool, BadSetting> {
    let all = entries.iter().map(|(_, values)| values.get(&OF)).collect::<Result<Vec<_>, _>>()?;
    Ok(all.contains(&Of::User))
}

fn demands(name: &str, values: &Values, _: &Situation) -> Vec<Complaint> {
    let unset = matches!(values.find(&AMOUNT), Ok(None));
    let complaint = Complaint {
        key: None,
        what: format!("nothing says how much \"{name}\" is"),
        help: "write amount = \"50\", in dollars".to_owned(),
    };
    unset.then_some(complaint).into_iter().chain(alert::demands(values)).collect()
}
