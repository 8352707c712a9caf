//! The decision on a request that has to be signed.

use std::sync::Arc;

use seawall_core::{
    problem::Problem,
    settings::{BadSetting, Values},
};

use super::{
    key::{Key, Use},
    look::Look,
    message,
    rules::Rules,
    webhook,
};
use crate::{Context, Expected, Guard, Head, Inspect, Needs, Shared, Verdict};

/// Refuses what is not signed, or not as the route asks.
#[derive(Debug)]
pub struct SignaturesGuard {
    rules: Arc<Rules>,
}

impl SignaturesGuard {
    /// Reads the settings of the section and of each key; nothing when no signature is asked for.
    ///
    /// # Errors
    /// [`BadSetting`] when a key is named that there is not, or that cannot be used with the others.
    pub fn read(values: &Values, entries: &[(String, Values)], shared: &Shared) -> Result<Option<Self>, BadSetting> {
        Ok(Rules::read(values, entries, shared)?.map(|rules| Self { rules: Arc::new(rules) }))
    }
}

impl Guard for SignaturesGuard {
    fn head(&self, head: &mut Head, context: &mut Context) -> Verdict {
        let rules = &*self.rules;
        let checked = match rules.keys.first() {
            Some(key @ Key { used: Use::Webhook { preset, secrets }, .. }) => {
                webhook::check(rules, key, *preset, secrets, (head, context))
            }
            _ => message::check(rules, head, context),
        };
        match checked {
            Ok(pending) => {
                context.signature = Some(Box::new(pending));
                Verdict::Pass
            }
            Err(refusal) => Verdict::Refuse(rules.refuse(refusal)),
        }
    }

    /// Of requests whose head holds; what was refused and goes on, because the guard only reports, is not looked at again.
    fn inspect(
        &self,
        _head: &mut Head,
        expected: &Expected,
        context: &mut Context,
    ) -> Result<Option<Box<dyn Inspect>>, Box<Problem>> {
        let Some(pending) = context.signature.take() else { return Ok(None) };
        Ok(Some(Box::new(Look::begin(&self.rules, *pending, expected)?)))
    }

    fn needs(&self) -> Needs {
        Needs { inspects: true, ..Needs::default() }
    }
}
