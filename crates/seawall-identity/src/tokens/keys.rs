//! Which key signs and which are published, at a time: a decision without IO.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};

use super::{LIFE_S, key::Key};

/// How long a key is published before it signs: twice as long as others may keep the list.
pub(crate) const AHEAD_US: i64 = 600 * 1_000_000;

/// How long others may keep the list of keys.
pub(crate) const KEPT: Duration = Duration::from_secs(300);

/// How long a key signs unless another is made by hand.
pub(crate) const TERM_US: i64 = 90 * 24 * 3_600 * 1_000_000;

/// How long tokens of a key that another has replaced may still be good: their life, and what clocks differ by.
const AFTER_US: i64 = (LIFE_S + 60) * 1_000_000;

/// The keys of an installation, those of other nodes' secrets included. The oldest first.
#[derive(Debug)]
pub(crate) struct Keys {
    tag: String,
    keys: Vec<Arc<Key>>,
}

impl Keys {
    pub(crate) fn new(tag: String, mut keys: Vec<Arc<Key>>) -> Self {
        keys.sort_by(|one, other| (one.signs_at, &one.kid).cmp(&(other.signs_at, &other.kid)));
        Self { tag, keys }
    }

    /// What the ids of this installation's own keys begin with.
    pub(crate) fn tag(&self) -> &str {
        &self.tag
    }

    /// All that are known.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Key> {
        self.keys.iter().map(|key| &**key)
    }

    /// Whether one is known.
    pub(crate) fn knows(&self, kid: &str) -> bool {
        self.keys.iter().any(|key| *key.kid == *kid)
    }

    /// The one that signs here.
    pub(crate) fn signer(&self, now_us: i64) -> Option<&Arc<Key>> {
        self.keys.iter().rev().find(|key| key.signs_at <= now_us && key.opened())
    }

    /// Whether another is to be made.
    pub(crate) fn due(&self, now_us: i64) -> bool {
        let newest = self.keys.iter().rev().find(|key| key.opened());
        newest.is_none_or(|newest| now_us >= newest.signs_at.saturating_add(TERM_US - AHEAD_US))
    }

    /// Until when a key's tokens may be good, as far as is known.
    pub(crate) fn ends_at(&self, key: &Key) -> i64 {
        let series = |kid: &str| kid.split_once('.').map(|(tag, _)| tag.to_owned());
        let own = series(&key.kid);
        let later = |other: &&Arc<Key>| (other.signs_at, &other.kid) > (key.signs_at, &key.kid);
        let next = self.keys.iter().filter(later).find(|other| series(&other.kid) == own);
        let replaced = next.map_or(i64::MAX, |next| next.signs_at.saturating_add(AFTER_US));
        // One of a secret that was lost is replaced by none.
        replaced.min(key.signs_at.saturating_add(TERM_US + TERM_US / 3))
    }

    /// What others verify tokens with (RFC 7517).
    pub(crate) fn published(&self, now_us: i64) -> Value {
        let keys: Vec<Value> = self.all().filter(|key| now_us < self.ends_at(key)).map(Key::jwk).collect();
        json!({ "keys": keys })
    }
}
