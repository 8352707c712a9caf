//! Several nodes on one database: what one ends, the others let nobody in with, and their listeners hear of.

use std::time::Duration;

use seawall_core::principal::Revoked;
use seawall_store::Cause;
use tokio::time::timeout;

use crate::support::on_both;

#[tokio::test(flavor = "multi_thread")]
async fn what_ends_on_one_node_ends_on_the_other_within_a_second() {
    on_both(async |ground| {
        if !ground.shared() {
            return;
        }
        let (here, there) = (ground.people().await, ground.people().await);
        let user = here.add("ann", &[]).await;
        let signed_in = here.sign_in("ann").await;
        let token = signed_in.token.expose();
        assert!(here.whose(token).await.is_some() && there.whose(token).await.is_some());
        here.people.sign_out_user(&Cause::operator(), user.id, None).await.unwrap();
        assert_eq!(here.whose(token).await, None);
        let heard = timeout(Duration::from_secs(1), there.until_heard(1)).await.expect("the other node hears of it");
        assert_eq!(heard, [Revoked::Session(signed_in.session.id.into())]);
        let forgotten = async {
            while there.whose(token).await.is_some() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(Duration::from_secs(1), forgotten).await.expect("the other node forgets it");
    })
    .await;
}
