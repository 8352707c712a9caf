//! What operators do with users.

use seawall_core::{principal::Role, settings::Secret};
use seawall_store::{Cause, Lane, StoreError, Tx, audit::Entry};
use serde_json::{Map, Value, json};

use super::People;
use crate::{
    IdentityError,
    mail::Email,
    sessions::{Session, table::Which},
    users::{Name, User, roles, table as users},
};

/// A user that is to be added.
#[derive(Debug)]
pub struct NewUser {
    /// The name, as it was typed.
    pub name: String,
    /// The e-mail address.
    pub email: Option<String>,
    /// What the user may do.
    pub roles: Vec<Role>,
    /// What the user signs in with; without it, the user cannot yet.
    pub password: Option<Secret>,
}

/// How a user's roles are to change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RolesChange {
    /// These, and no others.
    Set(Vec<Role>),
    /// Some more, and some less.
    Change {
        /// These too.
        add: Vec<Role>,
        /// These no longer.
        remove: Vec<Role>,
    },
}

impl People {
    /// Adds a user.
    ///
    /// # Errors
    /// [`IdentityError`], among others when another has the name or the password may not be chosen.
    pub async fn add(&self, cause: &Cause, new: NewUser) -> Result<User, IdentityError> {
        let name = Name::parse(&new.name)?;
        let given = roles::in_order(new.roles).map_err(IdentityError::Invalid)?;
        let email = new.email.as_deref().map(Email::parse).transpose().map_err(IdentityError::Invalid)?;
        let email = email.map(|email| email.as_str().to_owned());
        let hash = match &new.password {
            Some(password) => {
                self.check_password(password, &name, email.as_deref())?;
                Some(self.0.passwords.hash(password).await?)
            }
            None => None,
        };
        let added = self.write(cause.clone(), move |tx| {
            if users::by_name(tx, name.key())?.is_some() {
                return Ok(None);
            }
            let id = tx.fresh_id()?;
            let (email, password_hash) = (email.as_deref(), hash.as_deref());
            users::add(tx, &users::Fresh { id: &id, name: &name, email, roles: &given, password_hash })?;
            let mut after = shown(&given, false);
            after.insert("name".to_owned(), json!(name.shown()));
            after.insert("email".to_owned(), json!(email));
            tx.audit(Entry::new("user.added", "user", &*id).made(after).personal(&*id, &["name", "email"]))?;
            Ok(users::by_id(tx, &id)?.map(|known| known.user))
        });
        match added.await {
            Err(StoreError::Conflict(_)) => Err(IdentityError::NameTaken),
            other => other?.ok_or(IdentityError::NameTaken),
        }
    }

    /// Users in the order in which they were added, after one of them.
    ///
    /// # Errors
    /// [`IdentityError::Store`].
    pub async fn list(&self, after: Option<String>, limit: u32) -> Result<Vec<User>, IdentityError> {
        let after = after.unwrap_or_default();
        Ok(self.0.db.read::<_, StoreError>(Lane::Interactive, move |tx| users::page(tx, &after, limit)).await?)
    }

    /// The user of this id or name.
    ///
    /// # Errors
    /// [`IdentityError::NoUser`].
    pub async fn find(&self, which: &str) -> Result<User, IdentityError> {
        let wanted = which.to_owned();
        let found = self.0.db.read::<_, StoreError>(Lane::Interactive, move |tx| {
            if let Some(known) = users::by_id(tx, &wanted)? {
                return Ok(Some(known.user));
            }
            let Ok(name) = Name::parse(&wanted) else { return Ok(None) };
            Ok(users::by_name(tx, name.key())?.map(|known| known.user))
        });
        found.await?.ok_or_else(|| IdentityError::NoUser(which.to_owned()))
    }

    /// Keeps a user out and ends all its sessions, or lets it in again.
    ///
    /// # Errors
    /// [`IdentityError::NoUser`].
    pub async fn set_disabled(&self, cause: &Cause, id: String, disabled: bool) -> Result<User, IdentityError> {
        let people = self.clone();
        self.change(cause, id, move |tx, user| {
            users::set_disabled(tx, &user.id, disabled)?;
            people.forget_keys(tx, &user.id)?;
            if disabled {
                people.end_sessions(tx, &user.id, &Which::All, "user disabled")?;
                people.close_on_commit(tx, &user.id);
            }
            let action = if disabled { "user.disabled" } else { "user.enabled" };
            let (before, after) = (shown(&user.roles, user.disabled), shown(&user.roles, disabled));
            tx.audit(Entry::new(action, "user", &*user.id).changed(before, after))
        })
        .await
    }

    /// Changes what a user may do, from its next request on.
    ///
    /// # Errors
    /// [`IdentityError::NoUser`], [`IdentityError::Invalid`] for more roles than a user can have.
    pub async fn change_roles(&self, cause: &Cause, id: String, change: RolesChange) -> Result<User, IdentityError> {
        let most = match &change {
            RolesChange::Set(given) => given.clone(),
            RolesChange::Change { add, .. } => {
                let user = self.find(&id).await?;
                user.roles.into_iter().chain(add.iter().cloned()).collect()
            }
        };
        roles::in_order(most).map_err(IdentityError::Invalid)?;
        let people = self.clone();
        self.change(cause, id, move |tx, user| {
            let given = changed(&user.roles, &change);
            users::set_roles(tx, &user.id, &given)?;
            people.forget_and_close(tx, &user.id)?;
            let (before, after) = (shown(&user.roles, user.disabled), shown(&given, user.disabled));
            tx.audit(Entry::new("user.roles_changed", "user", &*user.id).changed(before, after))
        })
        .await
    }

    /// Ends all sessions of a user, or one; answers how many.
    ///
    /// # Errors
    /// [`IdentityError::NoUser`], [`IdentityError::NoSession`].
    pub async fn sign_out_user(
        &self,
        cause: &Cause,
        id: String,
        session: Option<String>,
    ) -> Result<usize, IdentityError> {
        let user = self.find(&id).await?;
        let people = self.clone();
        let which = session.clone().map_or(Which::All, Which::One);
        let ended =
            self.write(cause.clone(), move |tx| people.end_sessions(tx, &user.id, &which, "ended by an operator"));
        match (ended.await?, session) {
            (0, Some(session)) => Err(IdentityError::NoSession(session)),
            (count, _) => Ok(count),
        }
    }

    /// A user's sessions that hold.
    ///
    /// # Errors
    /// [`IdentityError::NoUser`].
    pub async fn sessions_of(&self, which: &str) -> Result<Vec<Session>, IdentityError> {
        let user = self.find(which).await?;
        self.sessions(&user.id).await
    }

    /// Changes a user as it is in the transaction; answers it as it is then.
    pub(super) async fn change(
        &self,
        cause: &Cause,
        id: String,
        mut change: impl FnMut(&mut Tx<'_>, &User) -> Result<(), StoreError> + Send + 'static,
    ) -> Result<User, IdentityError> {
        let user = self.find(&id).await?;
        let changed = self.write(cause.clone(), move |tx| {
            let Some(known) = users::by_id(tx, &user.id)? else { return Ok(None) };
            change(tx, &known.user)?;
            Ok(users::by_id(tx, &user.id)?.map(|known| known.user))
        });
        changed.await?.ok_or(IdentityError::NoUser(id))
    }
}

/// The roles after a change.
fn changed(before: &[Role], change: &RolesChange) -> Vec<Role> {
    let mut given = match change {
        RolesChange::Set(given) => given.clone(),
        RolesChange::Change { add, remove } => {
            before.iter().chain(add).filter(|role| !remove.contains(role)).cloned().collect()
        }
    };
    given.sort_unstable();
    given.dedup();
    given
}

/// A user as the audit log has it.
fn shown(given: &[Role], disabled: bool) -> Map<String, Value> {
    let given: Vec<_> = given.iter().map(Role::as_str).collect();
    Map::from_iter([("roles".to_owned(), json!(given)), ("disabled".to_owned(), json!(disabled))])
}
