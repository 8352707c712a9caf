//! What calls used and cost, as their rows say: sums by day, model, user and the like, and the rows themselves.

use seawall_store::{Db, FromRow, Lane, ReadTx, Row, StoreError};
use serde_json::{Value, json};

use super::money::Money;

/// Microseconds in a day.
const DAY_US: i64 = 86_400_000_000;

/// The most lines of an answer.
pub const MOST_LINES: i64 = 1_000;

/// By what calls are added up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// The day on which they were made, in UTC.
    Day,
    /// The model, as its provider calls it.
    Model,
    /// The provider.
    Provider,
    /// The user for whom they were made.
    User,
    /// What the application called the project.
    Project,
    /// The application's key.
    Caller,
    /// The route; nothing for calls of a time when rows had none.
    Route,
}

impl By {
    /// All, with the words that choose them.
    pub const WORDS: [(&str, Self); 7] = [
        ("day", Self::Day),
        ("model", Self::Model),
        ("provider", Self::Provider),
        ("user", Self::User),
        ("project", Self::Project),
        ("caller", Self::Caller),
        ("route", Self::Route),
    ];

    /// The one with this word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(known, _)| *known == word).map(|(_, by)| *by)
    }

    const fn sql(self) -> &'static str {
        macro_rules! sums {
            ($key:literal) => {
                concat!(
                    "SELECT ", $key, ", COUNT(*), CAST(SUM(CASE WHEN outcome IN ('answered', 'cached') THEN 0 ELSE 1 END) AS BIGINT), ",
                    "CAST(SUM(input_tokens) AS BIGINT), CAST(SUM(cached_read_tokens) AS BIGINT), CAST(SUM(output_tokens) AS BIGINT), ",
                    "CAST(SUM(images) AS BIGINT), CAST(SUM(cost_nanos) AS BIGINT), CAST(SUM(CASE WHEN estimated THEN 1 ELSE 0 END) AS BIGINT) ",
                    "FROM llm_calls WHERE made_at >= $1 AND made_at < $2 GROUP BY 1 ORDER BY 8 DESC, 1 LIMIT $3"
                )
            };
        }
        match self {
            Self::Day => sums!("CAST(made_at / 86400000000 AS TEXT)"),
            Self::Model => sums!("model"),
            Self::Provider => sums!("provider"),
            Self::User => sums!("user_id"),
            Self::Project => sums!("project"),
            Self::Caller => sums!("caller"),
            Self::Route => sums!("route"),
        }
    }
}

/// What calls with something in common used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What they have in common; nothing where a call named none.
    pub key: Option<String>,
    /// How many there were.
    pub calls: i64,
    /// Of those, how many brought no answer to its end.
    pub failed: i64,
    /// Tokens of questions.
    pub input_tokens: i64,
    /// Of those, read from a provider's cache.
    pub cached_read_tokens: i64,
    /// Tokens of answers.
    pub output_tokens: i64,
    /// Images.
    pub images: i64,
    /// What they cost.
    pub cost: Money,
    /// How many of the calls were counted by an estimate.
    pub estimated: i64,
}

impl FromRow for Line {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            key: row.at(0)?,
            calls: row.at(1)?,
            failed: row.at(2)?,
            input_tokens: row.at(3)?,
            cached_read_tokens: row.at(4)?,
            output_tokens: row.at(5)?,
            images: row.at(6)?,
            cost: Money::from_nanos(u64::try_from(row.at::<i64>(7)?).unwrap_or_default()),
            estimated: row.at(8)?,
        })
    }
}

impl Line {
    /// As programs read it.
    #[must_use]
    pub fn json(&self) -> Value {
        json!({
            "key": self.key, "calls": self.calls, "failed": self.failed, "input_tokens": self.input_tokens,
            "cached_read_tokens": self.cached_read_tokens, "output_tokens": self.output_tokens, "images": self.images,
            "cost": self.cost.to_string(), "estimated": self.estimated,
        })
    }
}

/// What calls from `from_us` on and before `until_us` (microseconds since 1970-01-01T00:00:00Z) used, the dearest first; at most
/// [`MOST_LINES`]. Days are named as dates.
///
/// # Errors
/// [`StoreError`].
pub async fn usage(db: &Db, by: By, from_us: i64, until_us: i64) -> Result<Vec<Line>, StoreError> {
    let read = move |tx: &mut ReadTx<'_>| tx.all::<Line>(by.sql(), &[&from_us, &until_us, &MOST_LINES]);
    let mut lines = db.read(Lane::Background, read).await?;
    if by == By::Day {
        for line in &mut lines {
            line.key = line.key.as_deref().and_then(date);
        }
        lines.sort_by(|one, other| one.key.cmp(&other.key));
    }
    Ok(lines)
}

/// What all calls of one key used that named this project, or those of one route, as long as their rows are kept; zeros where there are none.
///
/// # Errors
/// [`StoreError`].
pub async fn of_project(db: &Db, caller: &str, project: &str, route: Option<&str>) -> Result<Line, StoreError> {
    const SQL: &str = "SELECT MAX(project), COUNT(*), COALESCE(CAST(SUM(CASE WHEN outcome IN ('answered', 'cached') THEN 0 ELSE 1 END) AS BIGINT), 0), \
        COALESCE(CAST(SUM(input_tokens) AS BIGINT), 0), COALESCE(CAST(SUM(cached_read_tokens) AS BIGINT), 0), \
        COALESCE(CAST(SUM(output_tokens) AS BIGINT), 0), COALESCE(CAST(SUM(images) AS BIGINT), 0), COALESCE(CAST(SUM(cost_nanos) AS BIGINT), 0), \
        COALESCE(CAST(SUM(CASE WHEN estimated THEN 1 ELSE 0 END) AS BIGINT), 0) FROM llm_calls WHERE project = $1 AND caller = $2 \
        AND ($3 = '' OR route = $3)";
    let (caller, named, route) = (caller.to_owned(), project.to_owned(), route.unwrap_or_default().to_owned());
    let read = move |tx: &mut ReadTx<'_>| tx.one::<Line>(SQL, &[&named, &caller, &route]);
    let sums = db.read(Lane::Interactive, read).await?;
    Ok(Line { key: Some(project.to_owned()), ..sums })
}

/// The date of a day that is counted from 1970-01-01.
fn date(day: &str) -> Option<String> {
    let at = jiff::Timestamp::from_microsecond(day.parse::<i64>().ok()?.checked_mul(DAY_US)?).ok()?;
    Some(at.to_zoned(jiff::tz::TimeZone::UTC).date().to_string())
}

/// One call, as its row has it.
#[derive(Clone, Debug)]
struct Shown(Value);

impl FromRow for Shown {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let made_at = jiff::Timestamp::from_microsecond(row.at(1)?).map(|at| at.to_string()).unwrap_or_default();
        let cost = Money::from_nanos(u64::try_from(row.at::<i64>(19)?).unwrap_or_default());
        Ok(Self(json!({
            "id": row.at::<String>(0)?,
            "made_at": made_at,
            "request_id": row.at::<String>(2)?,
            "caller": row.at::<String>(3)?,
            "user": row.at::<Option<String>>(4)?,
            "project": row.at::<Option<String>>(5)?,
            "conversation": row.at::<Option<String>>(6)?,
            "provider": row.at::<String>(7)?,
            "model": row.at::<String>(8)?,
            "operation": row.at::<String>(9)?,
            "streamed": row.at::<bool>(10)?,
            "outcome": row.at::<String>(11)?,
            "status": row.at::<i64>(12)?,
            "error": row.at::<Option<String>>(13)?,
            "attempts": row.at::<i64>(14)?,
            "input_tokens": row.at::<i64>(15)?,
            "output_tokens": row.at::<i64>(16)?,
            "images": row.at::<i64>(17)?,
            "estimated": row.at::<bool>(18)?,
            "cost": cost.to_string(),
            "price_known": row.at::<bool>(20)?,
            "duration_us": row.at::<i64>(21)?,
            "first_token_us": row.at::<Option<i64>>(22)?,
            "route": row.at::<Option<String>>(23)?,
        })))
    }
}

/// The calls before one with this id, the latest first; those at the end when it is empty.
///
/// # Errors
/// [`StoreError`].
pub async fn calls(db: &Db, before: String, most: i64) -> Result<Vec<Value>, StoreError> {
    const SQL: &str = "SELECT id, made_at, request_id, caller, user_id, project, conversation, provider, model, operation, streamed, outcome, \
        status, error, attempts, input_tokens, output_tokens, images, estimated, cost_nanos, price_known, duration_us, first_token_us, route \
        FROM llm_calls WHERE $1 = '' OR id < $1 ORDER BY id DESC LIMIT $2";
    let most = most.clamp(1, MOST_LINES);
    let read = move |tx: &mut ReadTx<'_>| tx.all::<Shown>(SQL, &[&before, &most]);
    Ok(db.read(Lane::Background, read).await?.into_iter().map(|shown| shown.0).collect())
}
