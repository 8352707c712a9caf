//! The first administrator: there is no default account, so whoever starts Seawall is told how the first user is made.

use seawall_core::Environment;
use seawall_identity::people::People;
use seawall_store::Cause;

/// Says once how the first user is made, when there is nobody. A token stands in the log in development alone: logs are read by many.
pub(super) async fn tell(people: &People, environment: Environment, prefix: &str) {
    let offered = match people.empty().await {
        Ok(false) => return,
        Ok(true) if environment == Environment::Development => people.offer_first(&Cause::system("start")).await,
        Ok(true) => Ok(None),
        Err(error) => Err(error),
    };
    match offered {
        Ok(Some(offer)) => tracing::warn!(
            "there is no user yet; within 30 minutes, POST {prefix}/auth/first with {{\"token\": \"{}\", \"name\": …, \"password\": …}} makes the first administrator; so does `seawall user add NAME --role admin`",
            offer.token.expose()
        ),
        Ok(None) => {
            tracing::warn!("there is no user yet; `seawall user add NAME --role admin` makes the first administrator");
        }
        Err(error) => tracing::warn!(%error, "whether there is a user could not be found out"),
    }
}
