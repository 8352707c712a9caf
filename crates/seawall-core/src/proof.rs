//! Proof of a principal for the application behind, kept with the principal for as long as it may be given.

use std::{
    fmt,
    sync::{PoisonError, RwLock},
};

use http::HeaderValue;

/// What was signed last, and until when it is given.
#[derive(Default)]
pub struct Proof(RwLock<Option<(HeaderValue, i64)>>);

impl Proof {
    /// What was kept, when it may be given at this second.
    #[must_use]
    pub fn get(&self, now_s: i64) -> Option<HeaderValue> {
        let kept = self.0.read().unwrap_or_else(PoisonError::into_inner);
        kept.as_ref().filter(|(_, until_s)| now_s < *until_s).map(|(value, _)| value.clone())
    }

    /// Keeps it until then.
    pub fn keep(&self, value: HeaderValue, until_s: i64) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some((value, until_s));
    }
}

// Another principal signs anew.
impl Clone for Proof {
    fn clone(&self) -> Self {
        Self::default()
    }
}

// It follows from the rest of the principal.
impl PartialEq for Proof {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Proof {}

// It is good for a minute.
impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Proof")
    }
}
