//! Checkpoints in an object store: one object each, which is never written over.

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::{Checkpoint, DeliveryFault, Held};
use crate::backup::Place;

/// The folder below the place.
const FOLDER: &str = "checkpoints";

/// Objects that are read at once.
const AT_ONCE: usize = 32;

/// Writes the object, unless it is there.
pub(super) async fn put(place: &Place, checkpoint: &Checkpoint) -> Result<(), DeliveryFault> {
    let (object, own) = (name(checkpoint), Bytes::from(checkpoint.to_json() + "\n"));
    match place.create(&object, own.clone()).await {
        Err(error) if error.exists_already() => {
            if place.read(&object).await? == own {
                Ok(())
            } else {
                Err(DeliveryFault::Occupied { object })
            }
        }
        other => Ok(other?),
    }
}

/// All checkpoints at the place.
pub(super) async fn read(place: &Place) -> Result<Held, DeliveryFault> {
    let names = place.list(FOLDER).await?;
    let reading = stream::iter(names).map(|name| async move { place.read(&name).await });
    let objects: Vec<Bytes> = reading.buffered(AT_ONCE).try_collect().await?;
    let read = |bytes: &Bytes| Checkpoint::from_json(std::str::from_utf8(bytes).ok()?);
    let (good, bad): (Vec<_>, Vec<_>) = objects.iter().map(read).partition(Option::is_some);
    Ok(Held { checkpoints: good.into_iter().flatten().collect(), unreadable: bad.len() })
}

/// Sorts like the places in the chain. The time is in it, because a store that was restored signs the same places again.
fn name(checkpoint: &Checkpoint) -> String {
    format!("{FOLDER}/{:020}-{:016}.json", checkpoint.seq, checkpoint.at_us)
}
