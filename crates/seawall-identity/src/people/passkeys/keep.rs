//! Passkeys listed, renamed and removed, by their owner and by operators.

use seawall_core::{facts::Facts, principal::Principal};
use seawall_store::{Cause, Lane, StoreError, Tx, audit::Entry};
use serde_json::{Map, json};

use super::{
    super::{EndOthers, People, cause, factors::lacks_own},
    facts_of, of_user,
    register::passkey_name,
};
use crate::{
    IdentityError,
    factors::{table as factors, tickets},
    mail::Notice,
    oidc,
    passkeys::{Passkey, table},
    sessions::table::Which,
    users::table as users,
};

/// What removing one came to.
enum Came {
    Removed,
    SecondFactorFirst,
    LastWayIn,
    None,
}

impl People {
    /// The passkeys of a user, the oldest first.
    ///
    /// # Errors
    /// [`IdentityError::Store`].
    pub async fn passkeys(&self, user_id: &str) -> Result<Vec<Passkey>, IdentityError> {
        let user_id = user_id.to_owned();
        Ok(self.0.db.read::<_, StoreError>(Lane::Interactive, move |tx| table::of_user(tx, &user_id)).await?)
    }

    /// How many users have passkeys that they cannot use, because passkeys are switched off.
    ///
    /// # Errors
    /// [`IdentityError::Store`].
    pub async fn stranded_passkeys(&self) -> Result<u64, IdentityError> {
        if self.0.settings.passkeys.is_some() {
            return Ok(0);
        }
        let owners = self.0.db.read::<_, StoreError>(Lane::Interactive, table::owners).await?;
        Ok(u64::try_from(owners).unwrap_or(0))
    }

    /// Calls one of the principal's passkeys otherwise.
    ///
    /// # Errors
    /// [`IdentityError::NoPasskey`], [`IdentityError::Invalid`].
    pub async fn rename_passkey(
        &self,
        facts: &Facts,
        principal: &Principal,
        id: &str,
        name: &str,
    ) -> Result<Passkey, IdentityError> {
        let (name, wanted, user_id) = (passkey_name(name)?, id.to_owned(), principal.id.to_string());
        let renamed = self.write(cause(facts), move |tx| {
            let Some(passkey) = of_user(tx, &user_id, &wanted)? else { return Ok(None) };
            table::rename(tx, &user_id, &wanted, &name)?;
            let called = |name: &str| Map::from_iter([("name".to_owned(), json!(name))]);
            let entry = Entry::new("passkey.renamed", "passkey", &*wanted);
            tx.audit(entry.changed(called(&passkey.name), called(&name)).personal(&*user_id, &["name"]))?;
            of_user(tx, &user_id, &wanted)
        });
        renamed.await?.ok_or_else(|| IdentityError::NoPasskey(id.to_owned()))
    }

    /// Removes one of the principal's passkeys; other sessions end.
    ///
    /// # Errors
    /// [`IdentityError::ConfirmFirst`], [`IdentityError::SecondFactorFirst`], [`IdentityError::NoPasskey`], [`IdentityError::LastWayIn`] when it is the only way to sign in.
    pub async fn remove_own_passkey(
        &self,
        facts: &Facts,
        principal: &Principal,
        id: &str,
    ) -> Result<(), IdentityError> {
        self.fresh(principal)?;
        let (people, by, wanted) = (self.clone(), principal.clone(), id.to_owned());
        let removed = self.write(cause(facts), move |tx| {
            // Holds the row of the user: of the last two, two requests at once remove one.
            users::touch(tx, &by.id)?;
            if lacks_own(tx, &by)? {
                return Ok(Came::SecondFactorFirst);
            }
            let have = table::of_user(tx, &by.id)?;
            let Some(passkey) = have.iter().find(|passkey| passkey.id == wanted) else { return Ok(Came::None) };
            let has_password = users::by_id(tx, &by.id)?.is_some_and(|known| known.user.has_password);
            let mut others = have.iter().filter(|other| other.id != wanted);
            let way_in = has_password || others.any(|other| people.signs_in(other)) || oidc::table::any(tx, &by.id)?;
            if !way_in {
                return Ok(Came::LastWayIn);
            }
            people.remove_passkey_within(tx, passkey)?;
            people.factors_changed(tx, &by, EndOthers::Yes)?;
            Ok(Came::Removed)
        });
        match removed.await? {
            Came::Removed => Ok(()),
            Came::SecondFactorFirst => Err(IdentityError::SecondFactorFirst),
            Came::LastWayIn => Err(IdentityError::LastWayIn),
            Came::None => Err(IdentityError::NoPasskey(id.to_owned())),
        }
    }

    /// Removes one of a user's passkeys, the last one too: all its sessions end. `seawall user reset` then lets it in.
    ///
    /// # Errors
    /// [`IdentityError::NoUser`], [`IdentityError::NoPasskey`].
    pub async fn remove_passkey(&self, cause: &Cause, user: &str, id: &str) -> Result<(), IdentityError> {
        let (user, people, wanted) = (self.find(user).await?, self.clone(), id.to_owned());
        let removed = self.write(cause.clone(), move |tx| {
            users::touch(tx, &user.id)?;
            let Some(passkey) = of_user(tx, &user.id, &wanted)? else { return Ok(false) };
            people.remove_passkey_within(tx, &passkey)?;
            tickets::void(tx, &user.id)?;
            people.end_sessions(tx, &user.id, &Which::All, "passkey removed")?;
            Ok(true)
        });
        if removed.await? { Ok(()) } else { Err(IdentityError::NoPasskey(id.to_owned())) }
    }

    /// Whether a passkey is a way in by itself.
    pub(in super::super) fn signs_in(&self, passkey: &Passkey) -> bool {
        self.0.settings.passkeys.is_some() && passkey.user_verified
    }

    /// Removes all passkeys of a user; answers whether there were some.
    pub(in super::super) fn remove_passkeys_within(&self, tx: &mut Tx<'_>, user_id: &str) -> Result<bool, StoreError> {
        let have = table::of_user(tx, user_id)?;
        for passkey in &have {
            self.remove_passkey_within(tx, passkey)?;
        }
        Ok(!have.is_empty())
    }

    fn remove_passkey_within(&self, tx: &mut Tx<'_>, passkey: &Passkey) -> Result<(), StoreError> {
        let user_id = &passkey.user_id;
        table::remove(tx, user_id, &passkey.id)?;
        // Recovery codes serve beside a factor, and are nothing by themselves.
        if !factors::has_one(tx, user_id)? {
            factors::remove(tx, user_id)?;
        }
        let entry = Entry::new("user.factor_removed", "user", &**user_id).removed(facts_of(passkey));
        tx.audit(entry.personal(&**user_id, &["name"]))?;
        self.notify(tx, user_id, Notice::PasskeyRemoved, None)
    }
}
