//! The chain of hashes.

use aws_lc_rs::digest::{self, SHA256};

use super::Record;

/// A SHA-256 hash.
pub(super) type Hash = [u8; 32];

/// What the first entry follows.
pub(super) const ORIGIN: Hash = [0; 32];

/// Tells these hashes from any others, and this form of the chain from later ones.
const DOMAIN: &[u8] = b"seawall audit chain 1";

/// The hash of an entry at its place, after the one before it. Every field goes in with its length before it, and a missing one
/// otherwise than an empty one, so that no two entries are the same bytes.
pub(super) fn hash(previous: &Hash, seq: i64, record: &Record) -> Hash {
    let mut context = digest::Context::new(&SHA256);
    context.update(DOMAIN);
    context.update(previous);
    context.update(&seq.to_be_bytes());
    context.update(&record.at_us.to_be_bytes());
    let fields = [
        Some(&record.id),
        Some(&record.actor_kind),
        record.actor_id.as_ref(),
        record.address.as_ref(),
        record.request_id.as_ref(),
        Some(&record.action),
        Some(&record.object_kind),
        Some(&record.object_id),
        Some(&record.outcome),
        record.before.as_ref(),
        record.after.as_ref(),
    ];
    for field in fields {
        match field {
            None => context.update(&[0]),
            Some(text) => {
                context.update(&[1]);
                context.update(&(text.len() as u64).to_be_bytes());
                context.update(text.as_bytes());
            }
        }
    }
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    hash
}
