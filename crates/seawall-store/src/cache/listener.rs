//! Hearing what other nodes have made void.

use std::sync::Arc;

use super::{
    CacheKey,
    shared::Shared,
    text::{self, Told},
};
use crate::messages::{Message, Subscription};

/// Listens until it is aborted.
pub(super) async fn listen<K: CacheKey, V: Clone>(shared: Arc<Shared<K, V>>, mut messages: Subscription) {
    loop {
        let told = match messages.next().await {
            Message::Text(text) => text::read(&text),
            Message::Missed => Told::Everything,
        };
        match told {
            Told::Keys(keys) => shared.forget(&keys, &shared.meters.others),
            Told::Everything => shared.forget_all(&shared.meters.others),
        }
    }
}
