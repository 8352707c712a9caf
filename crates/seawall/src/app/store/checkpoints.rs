//! Signing the head of the audit log now and then, and having it carried out of the database's reach.

use std::{sync::Arc, time::Duration};

use seawall_core::{clock::Clock, meter::Meter};
use seawall_store::{
    Db, StoreError,
    audit::{self, Courier, DeliveryFault, Destination, Held, Signed, SigningKey, Webhook},
    backup::{Place, is_credential},
};
use tokio::{sync::watch, task::JoinSet, time};

use super::{StoreFault, StorePlace};

/// How often entries are sealed where the engine does not do so with each commit.
const SEAL_EVERY: Duration = Duration::from_millis(500);

/// Where checkpoints of this installation go: the file always, the others where they are configured.
///
/// # Errors
/// [`StoreFault::Checkpoints`] when one cannot be used as configured.
pub(crate) async fn destinations(
    place: &StorePlace,
    node: &str,
    variables: &[(String, String)],
) -> Result<Vec<Destination>, StoreFault> {
    let mut destinations = vec![Destination::file(place.checkpoint_file.clone(), node)];
    let fault = |key, reason| StoreFault::Checkpoints { key, reason };
    if let Some(url) = place.audit.checkpoint_store.clone() {
        let credentials: Vec<_> = variables.iter().filter(|(name, _)| is_credential(name)).cloned().collect();
        // A directory is made when it is missing.
        let parsed = tokio::task::spawn_blocking(move || Place::parse(&url, &credentials)).await;
        let bucket = parsed.map_err(|_| StoreFault::Died)?.map_err(|error| fault("checkpoint_store", error.chain()))?;
        destinations.push(Destination::bucket(bucket, node));
    }
    if let Some(url) = place.audit.checkpoint_webhook.clone() {
        let secret = place.audit.checkpoint_webhook_secret.clone();
        let webhook = Webhook::new(url, secret).map_err(|reason| fault("checkpoint_webhook", reason))?;
        destinations.push(Destination::webhook(webhook));
    }
    Ok(destinations)
}

/// All that the destinations hold.
///
/// # Errors
/// [`DeliveryFault`] when one of them cannot be read.
pub(super) async fn held(destinations: &[Destination]) -> Result<Held, DeliveryFault> {
    let mut all = Held::default();
    for destination in destinations {
        let held = destination.held().await?;
        all.checkpoints.extend(held.checkpoints);
        all.unreadable += held.unreadable;
    }
    Ok(all)
}

/// Seals entries until it is told to stop.
pub(super) async fn seal(db: Db, mut stopping: watch::Receiver<bool>) {
    let mut failing = false;
    loop {
        let ended = tokio::select! {
            _ = stopping.wait_for(|stop| *stop) => true,
            () = time::sleep(SEAL_EVERY) => false,
        };
        match audit::seal_waiting(&db).await {
            Ok(_) => failing = false,
            // At a hand-over the store is given away before this process ends.
            Err(StoreError::Closed) => {}
            Err(error) if !failing => {
                tracing::error!(%error, "entries of the audit log could not be sealed; it is tried again");
                failing = true;
            }
            Err(_) => {}
        }
        if ended {
            return;
        }
    }
}

/// What is signed, and who carries it.
pub(super) struct Signing {
    pub(super) db: Db,
    pub(super) key: Arc<SigningKey>,
    pub(super) every: Duration,
    pub(super) destinations: Vec<Destination>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) meter: Arc<dyn Meter>,
}

/// Signs until it is told to stop, and once more then; ends when what could be carried was.
pub(super) async fn sign(signing: Signing, mut stopping: watch::Receiver<bool>) {
    let Signing { db, key, every, destinations, clock, meter } = signing;
    let (tell, signed) = watch::channel(Signed::default());
    let mut couriers = JoinSet::new();
    for destination in destinations {
        let node = key.id().to_owned();
        let courier = Courier::new(db.clone(), destination, node, Arc::clone(&clock), &*meter);
        couriers.spawn(courier.run(signed.clone()));
    }
    drop(signed);
    loop {
        let last = tokio::select! {
            _ = stopping.wait_for(|stop| *stop) => true,
            () = time::sleep(every) => false,
        };
        let count = match audit::sign_head(&db, &key).await {
            Ok(signed) => u64::from(signed.is_some()),
            Err(StoreError::Closed) => 0,
            Err(error) => {
                tracing::error!(%error, "the audit log's head could not be signed; it is tried again");
                0
            }
        };
        if last || count > 0 {
            tell.send_modify(|signed| *signed = Signed { count: signed.count + count, last });
        }
        if last {
            break;
        }
    }
    while let Some(ended) = couriers.join_next().await {
        if ended.is_err() {
            tracing::error!("a courier of the audit log's checkpoints ended by a fault of its own");
        }
    }
}
