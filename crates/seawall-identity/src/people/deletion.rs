//! Deleting a user: who it was is forgotten, here and in the audit log; that there was one stays.

use seawall_core::principal::Role;
use seawall_store::{
    Cause,
    audit::{self, Entry},
};
use serde_json::{Map, json};

use super::{People, app_sessions};
use crate::{
    IdentityError,
    factors::table as factors,
    import, mail, oidc,
    organisations::table as organisations,
    passkeys,
    sessions::table::{self as sessions, Which},
    users::{User, table as users},
};

impl People {
    /// Deletes a user: all sessions and keys end, second factors, name, address and password are removed, and what the audit log has of them is
    /// erased. Its id stays in the log, and is never given again.
    ///
    /// # Errors
    /// [`IdentityError::NoUser`].
    pub async fn delete(&self, cause: &Cause, id: String) -> Result<User, IdentityError> {
        let user = self.find(&id).await?;
        let people = self.clone();
        let deleted = self.write(cause.clone(), move |tx| {
            let Some(known) = users::by_id(tx, &user.id)? else { return Ok(None) };
            let user = known.user;
            people.end_sessions(tx, &user.id, &Which::All, "user deleted")?;
            people.end_keys(tx, &user.id)?;
            people.end_devices(tx, &user.id)?;
            app_sessions::forget(tx, &user.id)?;
            organisations::leave_all(tx, &user.id)?;
            sessions::forget_places(tx, &user.id)?;
            passkeys::table::forget(tx, &user.id)?;
            factors::remove(tx, &user.id)?;
            import::forget(tx, &user.id)?;
            mail::table::forget(tx, &user.id)?;
            oidc::table::forget(tx, &user.id)?;
            Self::void_given(tx, &user.id)?;
            people.clear_codes(tx, &user.id)?;
            users::delete(tx, &user.id)?;
            let roles: Vec<_> = user.roles.iter().map(Role::as_str).collect();
            let before =
                Map::from_iter([("roles".to_owned(), json!(roles)), ("disabled".to_owned(), json!(user.disabled))]);
            tx.audit(Entry::new("user.deleted", "user", &*user.id).removed(before))?;
            audit::erase_within(tx, &user.id)?;
            people.close_on_commit(tx, &user.id);
            Ok(Some(user))
        });
        deleted.await?.ok_or(IdentityError::NoUser(id))
    }
}
