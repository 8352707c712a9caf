//! Letters on both engines: the times of their links, and what the store has of them.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use seawall_core::{
    clock::Clock,
    mail::{Letter, Mailer, Unsent},
    meter::NoMeter,
    reply::BoxFuture,
};
use seawall_identity::{
    IdentityError,
    mail::{Postman, TOPIC},
};
use seawall_store::{
    Cause,
    outbox::{Delivery, Outbox},
};

use crate::support::{Ground, Node, PASSWORD, facts, on_both};

/// Keeps letters.
#[derive(Clone, Debug, Default)]
struct Kept(Arc<Mutex<Vec<Letter>>>);

impl Mailer for Kept {
    fn send(&self, letter: Letter) -> BoxFuture<'static, Result<(), Unsent>> {
        self.0.lock().unwrap().push(letter);
        Box::pin(async { Ok(()) })
    }
}

impl Kept {
    async fn until(&self, count: usize) -> Vec<Letter> {
        while self.0.lock().unwrap().len() < count {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        self.0.lock().unwrap().clone()
    }
}

fn deliver(ground: &Ground, node: &Node) -> (Kept, Outbox) {
    let kept = Kept::default();
    let postman = Postman::new(node.people.clone(), Arc::new(kept.clone()));
    let clock: Arc<dyn Clock> = Arc::clone(&ground.clock) as _;
    let delivery = Delivery { topic: TOPIC, handler: Arc::new(postman) };
    (kept, Outbox::start(&ground.db, vec![delivery], &clock, &NoMeter))
}

/// Returns once nothing waits to be sent.
async fn quiet(outbox: &Outbox) {
    while outbox.waiting().await.unwrap().0 > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn token(letter: &Letter) -> String {
    let (_, token) = letter.text.split_once('#').unwrap();
    token.lines().next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn links_hold_for_their_time_and_not_a_moment_longer() {
    on_both(async |ground| {
        let node = ground.people().await;
        let (kept, outbox) = deliver(ground, &node);
        let user = node.add("ann", &[]).await;
        node.people.set_email(&Cause::operator(), user.id.clone(), Some("Ann@Example.org")).await.unwrap();
        let asks = facts("192.0.2.1", None);
        let other = || "a rather different one".to_owned().into();
        for (letters, age) in [(1, 30 * 60 * 1_000), (2, 30 * 60 * 1_000 - 1)] {
            node.people.forgot(&asks, "ann@EXAMPLE.org").await.unwrap();
            let token = token(&kept.until(letters).await[letters - 1]);
            // A letter that is still under way would be sent again: its time is over with the clock's step.
            quiet(&outbox).await;
            ground.clock.advance(Duration::from_millis(age));
            let chosen = node.people.reset(&asks, &token, other()).await;
            assert_eq!(chosen.is_ok(), letters == 2, "{chosen:?}");
        }
        let told = kept.until(3).await;
        assert!(told[2].subject.contains("password") && told[2].to == "Ann@example.org", "{}", told[2].text);

        let signed_in = node.try_sign_in("ann", "a rather different one", "192.0.2.1").await.unwrap();
        kept.until(4).await;
        let principal = node.whose(signed_in.token.expose()).await.unwrap();
        node.people.want_email(&asks, &principal, "new@example.org").await.unwrap();
        let token = token(&kept.until(5).await[4]);
        quiet(&outbox).await;
        ground.clock.advance(Duration::from_secs(24 * 3_600));
        let taken = node.people.verify_email(&asks, &token).await;
        assert!(matches!(taken, Err(IdentityError::LinkRefused)), "{taken:?}");
        let old = node.people.want_email(&asks, &principal, "new@example.org").await;
        assert!(matches!(old, Err(IdentityError::ConfirmFirst)), "{old:?}");
        let shown = node.people.email(&user.id).await.unwrap();
        assert_eq!((shown.email.as_deref(), shown.wanted), (Some("Ann@example.org"), None));
        outbox.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_outbox_holds_neither_what_was_typed_nor_a_token() {
    on_both(async |ground| {
        let node = ground.people().await;
        node.add("ann", &[]).await;
        node.people.forgot(&facts("192.0.2.1", None), PASSWORD).await.unwrap();
        let read = |tx: &mut seawall_store::ReadTx<'_>| tx.all::<(String,)>("SELECT payload FROM outbox", &[]);
        let payloads =
            ground.db.read::<_, seawall_store::StoreError>(seawall_store::Lane::Interactive, read).await.unwrap();
        assert_eq!(payloads.len(), 1);
        assert!(payloads[0].0.contains("forgotten") && !payloads[0].0.contains("horse"), "{}", payloads[0].0);
        // Nobody is meant: it is done, and no letter comes of it.
        let (kept, outbox) = deliver(ground, &node);
        quiet(&outbox).await;
        assert_eq!(kept.until(0).await.len(), 0);
        outbox.stop().await;
    })
    .await;
}
