//! That a part of a budget is spent: told in the audit log and the log, and to a webhook.
//!
//! A post is a message of the store's outbox, written in the transaction that charges the budget: whatever ends in between, it is delivered
//! at least once, under one id, and told once for each part in a period. It is signed as Standard Webhooks says.

mod courier;
mod settings;

use std::time::Duration;

use jiff::Timestamp;
use seawall_store::{StoreError, Tx, audit::Entry, outbox::Topic};
use serde_json::{Map, Value, json};

use super::{budget::Claim, money::Money};

pub(crate) use courier::Courier;
pub(crate) use settings::{WEBHOOK, WEBHOOK_SECRET, Webhook, demands};

/// Posts are messages of this topic: each attempt takes 10 s at most, and there are twelve, over some three hours.
pub(crate) static TOPIC: Topic = Topic { limit: Duration::from_secs(10), ..Topic::new("llm.budget_reached") };

/// Tells that so many percent of a budget are charged, with the change that charged them.
pub(crate) fn reached(tx: &mut Tx<'_>, claim: &Claim, percent: i64, charged: Money) -> Result<(), StoreError> {
    let Claim { budget, subject, period } = claim;
    let after = Map::from_iter([
        ("subject".to_owned(), json!(subject)),
        ("period".to_owned(), json!(period.name)),
        ("percent".to_owned(), json!(percent)),
        ("amount".to_owned(), json!(budget.amount.to_string())),
    ]);
    tx.audit(Entry::new("llm.budget_reached", "llm_budget", &budget.name).changed(Map::<String, Value>::new(), after))?;
    if budget.webhook.is_some() {
        let body = body(claim, percent, charged, tx.at_us());
        // In order for each whose budget it is; a receiver that is away holds up nobody else's.
        let key = format!("{} {subject}", budget.name);
        tx.outbox(&TOPIC, &key, &body.to_string())?;
    }
    let (name, subject, period) = (budget.name.clone(), subject.clone(), period.name.clone());
    tx.on_commit(move || {
        tracing::warn!(budget = name, subject, period, percent, "a part of a budget for language models is spent");
    });
    Ok(())
}

/// What is posted.
fn body(claim: &Claim, percent: i64, charged: Money, at_us: i64) -> Value {
    let Claim { budget, subject, period } = claim;
    let at = |us: i64| Timestamp::from_microsecond(us).map(|at| at.to_string()).ok();
    json!({
        "type": "llm.budget_reached",
        "timestamp": at(at_us),
        "data": {
            "budget": budget.name,
            "subject": Some(subject).filter(|subject| !subject.is_empty()),
            "percent": percent,
            "amount": budget.amount.to_string(),
            "spent": charged.to_string(),
            "period": period.name,
            "begins": at(period.begins_at_us),
            "ends": at(period.ends_at_us),
        },
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use seawall_core::settings::{Raw, Setting};

    use super::*;
    use crate::llm::budget::{BudgetSettings, Of, Per, Period, Zone};

    #[test]
    fn a_post_says_what_of_which_budget_is_spent_and_when_it_begins_anew() {
        let zone = Zone::read(&Raw::Text("Europe/Berlin".to_owned())).unwrap();
        let period = Period::at(1_795_342_400_000_000, Per::Month, &zone);
        let budget = BudgetSettings {
            name: "each".to_owned(),
            amount: Money::parse("50").unwrap(),
            per: Per::Month,
            zone,
            of: Of::User,
            tell_at: Vec::new(),
            webhook: None,
        };
        let claim = Claim { budget: Arc::new(budget), subject: "usr_1".to_owned(), period };
        let told = body(&claim, 80, Money::parse("40.5").unwrap(), 1_795_342_400_000_000);
        let expected = json!({
            "type": "llm.budget_reached",
            "timestamp": "2026-11-22T10:13:20Z",
            "data": {
                "budget": "each", "subject": "usr_1", "percent": 80, "amount": "50.00", "spent": "40.50",
                "period": "2026-11", "begins": "2026-10-31T23:00:00Z", "ends": "2026-11-30T23:00:00Z",
            },
        });
        assert_eq!(told, expected);
    }
}
