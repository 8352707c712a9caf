//! API keys: made, rotated and taken back by their owners and by operators.

use seawall_core::principal::Revoked;
use seawall_store::{Cause, Lane, StoreError, Tx, audit::Entry};
use serde_json::{Map, Value, json};

use super::People;
use crate::{
    IdentityError,
    keys::{
        ApiKey, KeyText, NewKey, Overlap, Wish,
        form::id_of,
        table::{self as keys, MOST_OF_A_USER},
    },
    organisations::table as organisations,
    users::table as users,
};

/// A key that was made.
#[derive(Debug)]
pub struct MadeKey {
    /// As it is kept.
    pub key: ApiKey,
    /// For whoever it was made for, this once.
    pub text: KeyText,
}

/// Why a transaction made no key.
enum NotMade {
    NoUser,
    NoKey,
    Ended,
    TooMany,
}

impl People {
    /// Makes a key of a user.
    ///
    /// # Errors
    /// [`IdentityError::InvalidField`], among others when a scope is not known; [`IdentityError::Invalid`] when its owner has as many as may be; [`IdentityError::NoUser`].
    pub async fn add_key(&self, cause: &Cause, user_id: &str, new: &NewKey) -> Result<MadeKey, IdentityError> {
        let wish = Wish::of(new, &self.0.settings.scopes)?;
        if let Some(organisation) = &wish.organisation {
            self.check_member(organisation, user_id).await?;
        }
        let text = KeyText::new(self.0.settings.key_kind).map_err(IdentityError::Random)?;
        let (people, owner, made) = (self.clone(), user_id.to_owned(), text.clone());
        let key = self.write(cause.clone(), move |tx| people.begin_key(tx, &made, &owner, &wish, None)).await?;
        let key = key.map_err(|why| why.error(user_id))?;
        Ok(MadeKey { key, text })
    }

    /// Makes a successor of a key, with the same settings and as long a life; the key itself goes on for a while. Its open sockets
    /// close, so that none of them outlives it.
    ///
    /// # Errors
    /// [`IdentityError::NoKey`] when the owner has no such key; [`IdentityError::KeyEnded`] when it does not hold, or has a successor.
    pub async fn rotate_key(
        &self,
        cause: &Cause,
        owner: Option<&str>,
        id: &str,
        overlap: Overlap,
    ) -> Result<MadeKey, IdentityError> {
        let text = KeyText::new(self.0.settings.key_kind).map_err(IdentityError::Random)?;
        let (people, owner, old, made) = (self.clone(), owner.map(str::to_owned), id.to_owned(), text.clone());
        let rotated =
            self.write(cause.clone(), move |tx| people.replace_key(tx, owner.as_deref(), &old, &made, overlap));
        let key = rotated.await?.map_err(|why| why.error(id))?;
        Ok(MadeKey { key, text })
    }

    /// Takes a key back, at once. One that had been already stays so.
    ///
    /// # Errors
    /// [`IdentityError::NoKey`] when the owner has no such key.
    pub async fn revoke_key(&self, cause: &Cause, owner: Option<&str>, id: &str) -> Result<ApiKey, IdentityError> {
        let (people, owner, wanted) = (self.clone(), owner.map(str::to_owned), id.to_owned());
        let revoked = self.write(cause.clone(), move |tx| {
            let Some(key) = owned(tx, owner.as_deref(), &wanted)? else { return Ok(None) };
            if keys::revoke(tx, &key.id)? {
                let (before, after) = (json!(null), json!(tx.at_us()));
                let at = |at| Map::from_iter([("revoked_at".to_owned(), at)]);
                tx.audit(Entry::new("key.revoked", "api_key", &*key.id).changed(at(before), at(after)))?;
                people.void_key(tx, &key.id);
            }
            keys::by_id(tx, &key.id)
        });
        revoked.await?.ok_or_else(|| IdentityError::NoKey(id.to_owned()))
    }

    /// A user's keys, the latest first.
    ///
    /// # Errors
    /// [`IdentityError::Store`].
    pub async fn keys_of(&self, user_id: &str) -> Result<Vec<ApiKey>, IdentityError> {
        let user_id = user_id.to_owned();
        Ok(self.0.db.read::<_, StoreError>(Lane::Interactive, move |tx| keys::of_user(tx, &user_id)).await?)
    }

    /// All keys in the order in which they were made, after one of them.
    ///
    /// # Errors
    /// [`IdentityError::Store`].
    pub async fn list_keys(&self, after: (i64, String), limit: u32) -> Result<Vec<ApiKey>, IdentityError> {
        Ok(self.0.db.read::<_, StoreError>(Lane::Interactive, move |tx| keys::page(tx, &after, limit)).await?)
    }

    /// Lets what is known of a user's keys in memory be read again: the user has changed.
    pub(super) fn forget_keys(&self, tx: &mut Tx<'_>, user_id: &str) -> Result<(), StoreError> {
        let ids = keys::ids(tx, user_id)?;
        tx.void(self.0.authenticator.keys.keys(), ids.iter().filter_map(|id| id_of(id)));
        self.forget_devices(tx, user_id)
    }

    /// Ends all keys of a user who is deleted.
    pub(super) fn end_keys(&self, tx: &mut Tx<'_>, user_id: &str) -> Result<(), StoreError> {
        let ids = keys::ids(tx, user_id)?;
        keys::forget(tx, user_id)?;
        for id in ids {
            self.void_key(tx, &id);
        }
        Ok(())
    }

    fn replace_key(
        &self,
        tx: &mut Tx<'_>,
        owner: Option<&str>,
        id: &str,
        text: &KeyText,
        overlap: Overlap,
    ) -> Result<Result<ApiKey, NotMade>, StoreError> {
        let Some(old) = owned(tx, owner, id)? else { return Ok(Err(NotMade::NoKey)) };
        let now = tx.at_us();
        if old.state(now) != "holds" || !keys::succeed(tx, &old.id, text.id(), now.saturating_add(overlap.0))? {
            return Ok(Err(NotMade::Ended));
        }
        let rotated = keys::by_id(tx, &old.id)?.ok_or(StoreError::NoRow)?;
        tx.audit(Entry::new("key.rotated", "api_key", &*old.id).changed(shown(&old, None), shown(&rotated, None)))?;
        self.void_key(tx, &old.id);
        let wish = Wish {
            label: old.label.clone(),
            scopes: old.scopes.iter().map(seawall_core::scope::Scope::as_str).collect::<Vec<_>>().join(","),
            networks: old.networks.join(","),
            rate: old.rate.clone(),
            organisation: None,
            lasts_us: old.expires_at.map(|at| at.saturating_sub(old.created_at)),
        };
        self.begin_key(tx, text, &old.user_id, &wish, Some(&old.id))
    }

    fn begin_key(
        &self,
        tx: &mut Tx<'_>,
        text: &KeyText,
        user_id: &str,
        wish: &Wish,
        predecessor: Option<&str>,
    ) -> Result<Result<ApiKey, NotMade>, StoreError> {
        if users::by_id(tx, user_id)?.is_none() {
            return Ok(Err(NotMade::NoUser));
        }
        let now = tx.at_us();
        // Who rotates has two for a while.
        if predecessor.is_none() && keys::held(tx, user_id, now)? >= MOST_OF_A_USER {
            return Ok(Err(NotMade::TooMany));
        }
        keys::add(tx, text, user_id, wish)?;
        match predecessor {
            Some(old) => organisations::inherit_key(tx, old, text.id())?,
            None => organisations::give_key(tx, text.id(), user_id, wish.organisation.as_deref())?,
        }
        let key = keys::by_id(tx, text.id())?.ok_or(StoreError::NoRow)?;
        tx.audit(Entry::new("key.added", "api_key", &*key.id).made(shown(&key, predecessor)))?;
        // Somebody may have asked for this id before there was such a key.
        tx.void(self.0.authenticator.keys.keys(), id_of(&key.id));
        Ok(Ok(key))
    }

    /// A key changes: what is known of it is void, and its sockets close.
    fn void_key(&self, tx: &mut Tx<'_>, id: &str) {
        tx.void(self.0.authenticator.keys.keys(), id_of(id));
        let (revoker, revoked) = (self.0.revoker.clone(), Revoked::Principal(id.into()));
        tx.on_commit(move || revoker.tell(&revoked));
    }
}

impl NotMade {
    fn error(&self, of: &str) -> IdentityError {
        match self {
            Self::NoUser => IdentityError::NoUser(of.to_owned()),
            Self::NoKey => IdentityError::NoKey(of.to_owned()),
            Self::Ended => IdentityError::KeyEnded(of.to_owned()),
            Self::TooMany => IdentityError::Invalid(format!(
                "a user has {MOST_OF_A_USER} keys that hold at most; revoke one that is not used"
            )),
        }
    }
}

/// The key of this id, when this owner has it; of anybody when none is named.
fn owned(tx: &mut Tx<'_>, owner: Option<&str>, id: &str) -> Result<Option<ApiKey>, StoreError> {
    let key = keys::by_id(tx, id)?;
    Ok(key.filter(|key| owner.is_none_or(|owner| owner == key.user_id)))
}

/// A key as the audit log has it.
fn shown(key: &ApiKey, predecessor: Option<&str>) -> Map<String, Value> {
    let scopes: Vec<_> = key.scopes.iter().map(seawall_core::scope::Scope::as_str).collect();
    let mut shown = Map::from_iter([
        ("user".to_owned(), json!(key.user_id)),
        ("label".to_owned(), json!(key.label)),
        ("scopes".to_owned(), json!(scopes)),
        ("networks".to_owned(), json!(key.networks)),
        ("rate".to_owned(), json!(key.rate)),
        ("organisation".to_owned(), json!(key.organisation_id)),
        ("expires_at".to_owned(), json!(key.expires_at)),
        ("successor".to_owned(), json!(key.successor)),
    ]);
    if let Some(predecessor) = predecessor {
        shown.insert("predecessor".to_owned(), json!(predecessor));
    }
    shown
}
