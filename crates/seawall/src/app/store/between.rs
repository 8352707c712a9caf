//! What carries messages between this node and others, by what is configured.

use seawall_core::meter::Meter;
use seawall_store::{
    DatabaseUrl,
    counters::RedisUrl,
    messages::{Messages, Status},
};
use serde_json::{Value, json};

use super::{StoreFault, StorePlace};

/// Over Redis when it is configured, over the database's notifications when it is one of PostgreSQL; a SQLite file belongs to one
/// process, which has nobody to tell.
///
/// # Errors
/// [`StoreFault`].
pub(crate) fn messages(place: &StorePlace, meter: &dyn Meter) -> Result<Messages, Box<StoreFault>> {
    carried(place.store.redis.as_ref(), &place.url, meter)
}

fn carried(redis: Option<&RedisUrl>, url: &DatabaseUrl, meter: &dyn Meter) -> Result<Messages, Box<StoreFault>> {
    let messages = match (redis, url) {
        (Some(redis), _) => Messages::over_redis(redis.clone(), meter).map_err(StoreFault::Messages),
        (None, DatabaseUrl::Postgres(server)) => {
            Messages::over_postgres(server, meter).map_err(|source| StoreFault::Open { url: url.to_string(), source })
        }
        (None, DatabaseUrl::Sqlite(_)) => Ok(Messages::in_process(meter)),
    };
    messages.map_err(Box::new)
}

/// How they fare, as operators are told.
pub(super) fn shown(messages: &Messages) -> Value {
    let Status { connected, fault, sent, heard, lost, missed } = messages.status();
    json!({
        "carrier": messages.carrier(),
        "place": messages.place(),
        "connected": connected,
        "fault": fault,
        "sent": sent,
        "heard": heard,
        "lost": lost,
        "missed": missed,
    })
}

#[cfg(test)]
mod tests {
    use seawall_core::meter::NoMeter;

    use super::*;

    #[tokio::test]
    async fn redis_carries_before_postgresql_and_a_file_needs_nobody() {
        let file = DatabaseUrl::parse("sqlite://seawall.db").unwrap();
        let server = DatabaseUrl::parse("postgres://seawall:s3cret@127.0.0.1:1/seawall?sslmode=disable").unwrap();
        let redis = RedisUrl::parse("redis://:s3cret@127.0.0.1:1/").unwrap();
        for (redis, url, carrier, connected) in [
            (None, &file, Value::Null, true),
            (None, &server, json!("postgresql"), false),
            (Some(&redis), &file, json!("redis"), false),
            (Some(&redis), &server, json!("redis"), false),
        ] {
            let told = shown(&carried(redis, url, &NoMeter).unwrap());
            assert_eq!((&told["carrier"], &told["connected"]), (&carrier, &json!(connected)), "{told}");
            assert!(!told.to_string().contains("s3cret"), "{told}");
        }
    }
}
