//! What happens in the same moment on a server, where transactions see only what was committed before each of their statements.

use std::{
    sync::{Arc, mpsc},
    time::Duration,
};

use seawall_identity::people::SignInStep;
use seawall_store::{Cause, Lane, StoreError, Tx};
use tokio::{sync::oneshot, task::JoinHandle};

use crate::support::{Ground, PASSWORD, facts, on_both};

const HERE: &str = "192.0.2.1";

/// A transaction that has done something, and is not committed before it is let go.
pub(crate) struct Held {
    go: mpsc::Sender<()>,
    task: JoinHandle<()>,
}

impl Held {
    pub(crate) async fn after(
        ground: &Ground,
        mut done: impl FnMut(&mut Tx<'_>) -> Result<(), StoreError> + Send + 'static,
    ) -> Self {
        let (go, gone) = mpsc::channel::<()>();
        let (tell, told) = oneshot::channel();
        let (db, mut tell) = (ground.db.clone(), Some(tell));
        let task = tokio::spawn(async move {
            let cause = Cause::system("test");
            let held = db.write::<_, StoreError>(&cause, move |tx| {
                done(tx)?;
                if let Some(tell) = tell.take() {
                    tell.send(()).unwrap();
                }
                let _let_go = gone.recv();
                Ok(())
            });
            held.await.unwrap();
        });
        told.await.unwrap();
        Self { go, task }
    }

    pub(crate) async fn commit(self) {
        drop(self.go);
        self.task.await.unwrap();
    }
}

/// Returns once so many transactions wait for others.
pub(crate) async fn until_waiting(ground: &Ground, count: i64) {
    let waiting = async || {
        let read = ground.db.read::<_, StoreError>(Lane::Background, |tx| {
            let (waiting,): (i64,) = tx.one("SELECT COUNT(DISTINCT pid) FROM pg_locks WHERE NOT granted", &[])?;
            Ok(waiting)
        });
        read.await.unwrap()
    };
    while waiting().await < count {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_ends_all_sessions_ends_one_that_is_being_renewed_too() {
    on_both(async |ground| {
        if !ground.shared() {
            return;
        }
        let node = ground.people().await;
        let user = node.add("ann", &[]).await;
        let ann = node.whose(node.sign_in("ann").await.token.expose()).await.unwrap();
        // From here on, whoever has written a session waits for this lock before it commits.
        let trigger = |tx: &mut Tx<'_>| {
            tx.execute(
                "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS
                 'BEGIN PERFORM pg_advisory_xact_lock(7); RETURN NULL; END'",
                &[],
            )?;
            tx.execute("CREATE TRIGGER waits AFTER INSERT ON sessions FOR EACH ROW EXECUTE FUNCTION wait()", &[])
        };
        ground.db.write::<_, StoreError>(&Cause::system("test"), trigger).await.unwrap();
        let held = Held::after(ground, |tx| {
            let (locked,): (bool,) = tx.one("SELECT pg_try_advisory_xact_lock(7)", &[])?;
            assert!(locked);
            Ok(())
        })
        .await;
        let (people, own, principal) = (node.people.clone(), facts(HERE, Some(Arc::clone(&ann))), Arc::clone(&ann));
        let renewed = tokio::spawn(async move { people.act_for(&own, &principal, None, None).await });
        until_waiting(ground, 1).await;
        let people = node.people.clone();
        let ended = tokio::spawn(async move { people.sign_out_user(&Cause::operator(), "ann".to_owned(), None).await });
        until_waiting(ground, 2).await;
        held.commit().await;
        let renewed = renewed.await.unwrap().unwrap();
        assert_eq!(ended.await.unwrap().unwrap(), 1, "the one that was begun meanwhile");
        assert_eq!(node.whose(renewed.token.expose()).await, None);
        assert!(node.people.sessions(&user.id).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_factor_that_is_enrolled_while_somebody_signs_in_is_asked_for() {
    on_both(async |ground| {
        if !ground.shared() {
            return;
        }
        let node = ground.people().await;
        let id = node.add("ann", &[]).await.id;
        let enrolled = Held::after(ground, move |tx| {
            tx.execute("UPDATE users SET version = version + 1 WHERE id = $1", &[&id])?;
            let sql = "INSERT INTO totp_factors (user_id, key_id, sealed_seed, created_at, confirmed_at)
                       VALUES ($1, 'k', $2, 1, 1)";
            tx.execute(sql, &[&id, &vec![0_u8; 32]]).map(drop)
        })
        .await;
        let people = node.people.clone();
        let asked = seawall_identity::people::SignIn {
            name: "ann".to_owned(),
            password: PASSWORD.to_owned().into(),
            user_agent: None,
            device: None,
        };
        let signing_in = tokio::spawn(async move { people.sign_in(&facts(HERE, None), asked).await });
        until_waiting(ground, 1).await;
        enrolled.commit().await;
        let step = signing_in.await.unwrap().unwrap();
        assert!(matches!(step, SignInStep::SecondFactor(_)), "the password alone signed in");
    })
    .await;
}
