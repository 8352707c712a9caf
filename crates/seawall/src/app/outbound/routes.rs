//! What calls of language models used and what they cost, for operators: `/api/llm/usage`, `/api/llm/calls` and `/api/llm/prices`.

use axum::{
    Json, Router,
    extract::{Query, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};
use seawall_core::clock::{Clock, Now};
use seawall_outbound::{
    Outbound,
    llm::{
        PricesFile,
        ledger::{self, By, Line},
    },
};
use seawall_store::{Db, StoreError};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// The days that are added up unless others are asked for.
const DAYS: i64 = 30;

/// The rows of an answer unless so many are asked for.
const ROWS: i64 = 100;

/// What the routes look into.
#[derive(Clone, Debug)]
struct Desk {
    db: Db,
    clock: Arc<dyn Clock>,
    /// Nothing where there is nothing to call.
    outbound: Option<Outbound>,
}

/// The routes.
pub(in crate::app) fn router(db: Db, clock: Arc<dyn Clock>, outbound: Option<Outbound>) -> Router {
    Router::new()
        .route("/api/llm/usage", get(usage))
        .route("/api/llm/calls", get(calls))
        .route("/api/llm/prices", get(prices))
        .with_state(Desk { db, clock, outbound })
}

#[derive(Debug, Deserialize)]
struct Wanted {
    by: Option<String>,
    /// The first day, in UTC.
    from: Option<String>,
    /// The last day.
    until: Option<String>,
    format: Option<String>,
}

async fn usage(State(desk): State<Desk>, Query(wanted): Query<Wanted>) -> Result<Response, Refused> {
    let word = wanted.by.as_deref().unwrap_or("day");
    let known = || By::WORDS.map(|(word, _)| word).join(", ");
    let by = By::parse(word).ok_or_else(|| Refused::Wish(format!("`by` is one of {}", known())))?;
    let (from, until) = days(&wanted, desk.clock.now())?;
    let until_us = start_of(until.checked_add(1.day()).map_err(|_| no_day("until"))?)?;
    let lines = ledger::usage(&desk.db, by, start_of(from)?, until_us).await?;
    match wanted.format.as_deref() {
        Some("csv") => Ok(([(header::CONTENT_TYPE, "text/csv; charset=utf-8")], csv(word, &lines)).into_response()),
        None | Some("json") => {
            let data = lines.iter().map(Line::json).collect::<Vec<_>>();
            Ok(Json(json!({ "by": word, "from": from.to_string(), "until": until.to_string(), "data": data }))
                .into_response())
        }
        Some(_) => Err(Refused::Wish("`format` is json or csv".to_owned())),
    }
}

/// The first and the last day.
fn days(wanted: &Wanted, now: Now) -> Result<(Date, Date), Refused> {
    let day = |name, text: &Option<String>| {
        text.as_deref().map(|text| text.parse::<Date>().map_err(|_| no_day(name))).transpose()
    };
    let now_us = i64::try_from(now.unix_us).unwrap_or(i64::MAX);
    let today = Timestamp::from_microsecond(now_us).map_err(|_| no_day("until"))?.to_zoned(TimeZone::UTC).date();
    let until = day("until", &wanted.until)?.unwrap_or(today);
    let from = match day("from", &wanted.from)? {
        Some(from) => from,
        None => until.checked_sub((DAYS - 1).days()).map_err(|_| no_day("from"))?,
    };
    Ok((from, until))
}

fn start_of(day: Date) -> Result<i64, Refused> {
    day.to_zoned(TimeZone::UTC).map(|start| start.timestamp().as_microsecond()).map_err(|_| no_day("from"))
}

fn no_day(name: &str) -> Refused {
    Refused::Wish(format!("`{name}` is a day such as 2026-01-31"))
}

fn csv(by: &str, lines: &[Line]) -> String {
    let head = format!("{by},calls,failed,input_tokens,cached_read_tokens,output_tokens,images,cost,estimated\r\n");
    lines.iter().fold(head, |mut text, line| {
        let Line { calls, failed, input_tokens, cached_read_tokens, output_tokens, images, cost, estimated, .. } = line;
        let key = cell(line.key.as_deref().unwrap_or_default());
        text.push_str(&format!(
            "{key},{calls},{failed},{input_tokens},{cached_read_tokens},{output_tokens},{images},{cost},{estimated}\r\n"
        ));
        text
    })
}

/// A text as a cell (RFC 4180). What spreadsheets would take for a formula is kept from being one.
fn cell(text: &str) -> String {
    let text = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() };
    if text.contains(['"', ',', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[derive(Debug, Deserialize)]
struct Page {
    /// The id of the last row of the page before.
    after: Option<String>,
    limit: Option<i64>,
}

async fn calls(State(desk): State<Desk>, Query(page): Query<Page>) -> Result<Json<Value>, Refused> {
    let rows = ledger::calls(&desk.db, page.after.unwrap_or_default(), page.limit.unwrap_or(ROWS)).await?;
    let next = rows.last().and_then(|row| row.get("id")).cloned();
    Ok(Json(json!({ "data": rows, "next": next })))
}

#[derive(Debug, Deserialize)]
struct Named {
    model: Option<String>,
}

async fn prices(State(desk): State<Desk>, Query(named): Query<Named>) -> Json<Value> {
    let data = desk.outbound.as_ref().map(|outbound| outbound.prices(named.model.as_deref())).unwrap_or_default();
    let file = desk.outbound.as_ref().and_then(Outbound::prices_file);
    let file = file.map(|file| prices_file(&file, desk.clock.now()));
    Json(json!({ "data": data, "file": file }))
}

/// A file of prices: where it is, and how old.
pub(in crate::app) fn prices_file(file: &PricesFile, now: Now) -> Value {
    let changed_at_s = i64::try_from(file.changed_at_s).unwrap_or(i64::MAX);
    let changed_at = Timestamp::from_second(changed_at_s).map(|at| at.to_string()).ok();
    let age_s = (now.unix_us / 1_000_000).saturating_sub(file.changed_at_s);
    json!({ "path": file.path.display().to_string(), "models": file.models, "changed_at": changed_at, "age_s": age_s })
}

/// Why there is no answer.
#[derive(Debug)]
enum Refused {
    Wish(String),
    Store(StoreError),
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let (status, error) = match self {
            Self::Wish(wrong) => (StatusCode::BAD_REQUEST, wrong),
            Self::Store(error) => (StatusCode::SERVICE_UNAVAILABLE, error.to_string()),
        };
        (status, Json(json!({ "error": error }))).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_text_and_no_formula() {
        assert_eq!((cell("gpt-5").as_str(), cell("a,\"b\"").as_str()), ("gpt-5", "\"a,\"\"b\"\"\""));
        assert_eq!(cell("=1+1"), "'=1+1");
    }
}
