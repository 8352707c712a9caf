//! Reads from a replica, which may be away.

use seawall_store::{DatabaseUrl, Lane, Options, StoreError};

use crate::support::{Store, open, server::Server};

async fn where_read(db: &seawall_store::Db, lane: Lane) -> Result<String, StoreError> {
    db.read(lane, |tx| tx.one::<(String,)>("SELECT name FROM place", &[])).await.map(|(name,)| name)
}

/// A server that says where it is. Two that know nothing of one another show best which one was asked.
async fn place(server: &Server, name: &'static str) {
    let db = open(&DatabaseUrl::parse(&server.url()).unwrap(), &Options::default()).unwrap();
    let made: Result<(), StoreError> = db
        .write(&crate::support::CAUSE, move |tx| {
            tx.execute("CREATE TABLE place (name TEXT NOT NULL)", &[])?;
            tx.execute("INSERT INTO place (name) VALUES ($1)", &[&name]).map(drop)
        })
        .await;
    made.unwrap();
    db.close();
}

#[tokio::test]
async fn what_may_be_old_is_read_from_the_replica_and_from_the_primary_while_that_is_away() {
    let (primary, replica) = (Server::start(), Server::start());
    place(&primary, "primary").await;
    place(&replica, "replica").await;
    let url = |server: &Server| DatabaseUrl::parse(&server.url()).unwrap();
    let options = Options { replica: url(&replica).postgres(), ..Options::default() };
    let db = open(&url(&primary), &options).unwrap();
    assert_eq!(where_read(&db, Lane::Replica).await.unwrap(), "replica");
    assert_eq!(where_read(&db, Lane::Interactive).await.unwrap(), "primary");
    assert_eq!(where_read(&db, Lane::Background).await.unwrap(), "primary");

    replica.stop();
    // The connection that was lost is told once; after that the primary is asked.
    let mut asked = where_read(&db, Lane::Replica).await;
    for _ in 0..4 {
        if asked.is_ok() {
            break;
        }
        asked = where_read(&db, Lane::Replica).await;
    }
    assert_eq!(asked.unwrap(), "primary");

    replica.start_again();
    let healed = async {
        while where_read(&db, Lane::Replica).await.unwrap() != "replica" {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), healed).await.expect("it is read there again");
}

#[tokio::test]
async fn without_a_replica_it_is_read_as_in_the_background() {
    let store = Store::sqlite(&Options::default());
    let (one,): (i64,) = store.db.read::<_, StoreError>(Lane::Replica, |tx| tx.one("SELECT 1", &[])).await.unwrap();
    assert_eq!(one, 1);
}
