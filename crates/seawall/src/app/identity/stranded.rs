//! People whose passkeys are kept and cannot be used, because passkeys are switched off since they were made.

use seawall_identity::people::People;

/// Says how many there are, when there are some.
pub(super) async fn tell(people: &People) {
    match people.stranded_passkeys().await {
        Ok(0) => {}
        Ok(users) => tracing::warn!(
            users,
            "passkeys are kept and cannot be used: whoever has no other way in is locked out, and whoever has no other second factor needs a recovery code; set `enabled` in [identity.passkeys] and `url` in [identity], or let people in with `seawall user reset NAME`"
        ),
        Err(error) => tracing::warn!(%error, "whether there are passkeys that cannot be used could not be found out"),
    }
}
