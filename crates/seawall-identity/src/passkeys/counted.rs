//! Ceremonies of passkeys, counted by what they were for and what they came to.

use seawall_core::meter::{Handle, Meter, Metric, MetricKind};

use crate::IdentityError;

/// Ceremonies that were answered.
pub static CEREMONIES: Metric = Metric {
    name: "seawall_passkey_ceremonies",
    help: "Answered ceremonies of passkeys, by kind (register, sign_in, second, confirm) and outcome: done, refused, paused after too many failures, and failed for what is not of the one who asked.",
    kind: MetricKind::Counter,
    labels: &["kind", "outcome"],
};

/// What a ceremony is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Register,
    SignIn,
    Second,
    Confirm,
}

impl Kind {
    const ALL: [(Self, &str); 4] =
        [(Self::Register, "register"), (Self::SignIn, "sign_in"), (Self::Second, "second"), (Self::Confirm, "confirm")];
}

const OUTCOMES: [&str; 4] = ["done", "refused", "paused", "failed"];

/// Counts them.
#[derive(Debug)]
pub(crate) struct Ceremonies(Vec<(Kind, &'static str, Handle)>);

impl Ceremonies {
    pub(crate) fn new(meter: &dyn Meter) -> Self {
        let of_kind = |(kind, word): (Kind, &'static str)| {
            OUTCOMES.map(|outcome| (kind, outcome, meter.series(&CEREMONIES, &[word, outcome])))
        };
        Self(Kind::ALL.into_iter().flat_map(of_kind).collect())
    }

    /// Counts one, and gives back what it came to.
    pub(crate) fn counted<T>(&self, kind: Kind, came: Result<T, IdentityError>) -> Result<T, IdentityError> {
        let outcome = outcome(came.as_ref().err());
        let mut own = self.0.iter().filter(|(known, word, _)| (*known, *word) == (kind, outcome));
        own.by_ref().for_each(|(_, _, counter)| counter.increment());
        came
    }
}

fn outcome(error: Option<&IdentityError>) -> &'static str {
    match error {
        None => "done",
        Some(IdentityError::PasskeyRefused { retry_after: Some(_) }) => "paused",
        Some(
            IdentityError::NoPasskeys
            | IdentityError::Crowded
            | IdentityError::Busy { .. }
            | IdentityError::Store(_)
            | IdentityError::Password(_)
            | IdentityError::Cipher
            | IdentityError::Random(_),
        ) => "failed",
        Some(_) => "refused",
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use seawall_core::meter::Series;

    use super::*;
    use crate::passkeys::Refusal;

    #[derive(Debug, Default)]
    struct Counts(Arc<Mutex<Vec<String>>>);

    #[derive(Debug)]
    struct One(String, Arc<Mutex<Vec<String>>>);

    impl Series for One {
        fn add(&self, _value: i64) {
            self.1.lock().unwrap().push(self.0.clone());
        }
    }

    impl Meter for Counts {
        fn series(&self, metric: &'static Metric, values: &[&str]) -> Handle {
            assert_eq!(metric.labels.len(), values.len());
            Handle::new(Arc::new(One(values.join(" "), Arc::clone(&self.0))))
        }
    }

    #[test]
    fn each_ceremony_counts_once_by_its_kind_and_what_it_came_to() {
        let counts = Counts::default();
        let ceremonies = Ceremonies::new(&counts);
        ceremonies.counted(Kind::Register, Ok(())).unwrap();
        let paused = IdentityError::PasskeyRefused { retry_after: Some(1) };
        ceremonies.counted::<()>(Kind::SignIn, Err(paused)).unwrap_err();
        let wrong = IdentityError::PasskeyRefused { retry_after: None };
        ceremonies.counted::<()>(Kind::Second, Err(wrong)).unwrap_err();
        ceremonies.counted::<()>(Kind::Register, Err(IdentityError::PasskeyInvalid(Refusal::Challenge))).unwrap_err();
        ceremonies.counted::<()>(Kind::Confirm, Err(IdentityError::Crowded)).unwrap_err();
        let expected = ["register done", "sign_in paused", "second refused", "register refused", "confirm failed"];
        assert_eq!(*counts.0.lock().unwrap(), expected);
    }
}
