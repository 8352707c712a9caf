//! What a call claims: which budgets it is in, and what it can cost at most.

use std::sync::Arc;

use seawall_core::{clock::Now, problem::Problem};

use super::{BudgetSettings, Claim, Of, Period, Reservation, Spent, Treasury};
use crate::{
    llm::{account::Begun, operation::Operation, price::Prices, usage::Usage},
    problem::{BUDGET_SPENT, NO_ROOM},
};

/// The budgets of one configuration.
#[derive(Debug)]
pub(crate) struct Budgets {
    pub(crate) all: Vec<Arc<BudgetSettings>>,
    /// How long an answer may be, in tokens, whose call does not say.
    pub(crate) most_output: u64,
}

impl Budgets {
    /// How long an answer may be, in tokens, whose call does not say; nothing where nothing is reserved for it.
    pub(crate) fn most_output(&self) -> Option<u64> {
        (!self.all.is_empty()).then_some(self.most_output)
    }

    /// Reserves what a call can cost at most in so many attempts, in every budget that it is in. `most_output` is how long its answer may be, in
    /// tokens, where it says so.
    pub(crate) async fn reserve(
        &self,
        begun: &Begun,
        most_output: Option<u64>,
        attempts: u32,
        prices: &Prices,
        treasury: &Treasury,
    ) -> Result<Option<Reservation>, Spent> {
        if self.all.is_empty() || !begun.operation.costs() {
            return Ok(None);
        }
        let now_us = treasury.now_us();
        let claims = self.all.iter().map(|budget| Claim {
            subject: subject(budget.of, begun),
            period: Period::at(now_us, budget.per, &budget.zone),
            budget: Arc::clone(budget),
        });
        let answers =
            if matches!(begun.operation, Operation::Embeddings | Operation::Images) { 0 } else { begun.count };
        let most = Usage {
            input: begun.question.most_tokens(),
            output: most_output.unwrap_or(self.most_output).saturating_mul(answers),
            images: begun.images(),
            ..Usage::default()
        };
        let priced = |usage: &Usage| prices.cost(begun.dialect, &begun.model, begun.price, usage).money;
        // The attempts before the last one may have to be paid for although they were never answered.
        let others = u64::from(attempts).saturating_sub(1);
        let most = priced(&most).plus(priced(&begun.unheard()).times(others));
        treasury.reserve(&claims.collect::<Vec<_>>(), most).await.map(Some)
    }
}

/// On whom a call counts in a budget.
fn subject(of: Of, begun: &Begun) -> String {
    let named = |name: Option<&str>| name.unwrap_or_default().to_owned();
    match of {
        Of::All => String::new(),
        Of::User => named(begun.user.as_deref()),
        Of::Project => named(begun.project.as_deref()),
        Of::Caller => begun.caller.to_string(),
        Of::Model => begun.model.clone(),
        Of::Provider => begun.provider.to_string(),
        Of::Route => begun.route.to_string(),
    }
}

/// What is answered where nothing can be reserved.
pub(crate) fn unaffordable(spent: &Spent, now: Now) -> Problem {
    match spent {
        Spent::Spent { claim, left } => {
            let Claim { budget, period, .. } = &**claim;
            let ends_us = u64::try_from(period.ends_at_us).unwrap_or(u64::MAX);
            let end =
                jiff::Timestamp::from_microsecond(period.ends_at_us).map(|end| end.to_string()).unwrap_or_default();
            let detail = format!(
                "Of the {} dollars of the budget \"{}\", {left} are left, and the call may cost more. It begins anew at {end}.",
                budget.amount, budget.name
            );
            Problem::new(&BUDGET_SPENT)
                .detail(detail)
                .retry_after(ends_us.saturating_sub(now.unix_us).div_ceil(1_000_000))
        }
        Spent::Store(error) => Problem::new(&NO_ROOM).retry_after(1).inside(error.to_string()),
    }
}
