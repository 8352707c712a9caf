//! Accounts elsewhere that a user can sign in with: linked, seen, and taken away again.

use std::sync::Arc;

use seawall_core::{facts::Facts, principal::Principal};
use seawall_store::{Actor, Cause, Lane, StoreError, Tx, audit::Entry};
use serde_json::{Map, Value, json};

use super::{People, cause, request_cause};
use crate::{
    IdentityError,
    mail::Notice,
    oidc::{
        IssuerSettings, Subject,
        table::{self, Account, MOST_OF_A_USER},
    },
    passkeys::table as passkeys,
    users::table as users,
};

/// An account elsewhere, as its owner and operators see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// By what it is named here; it opens nothing.
    pub id: String,
    /// What the configuration calls its issuer, while it does.
    pub name: Option<String>,
    /// The issuer.
    pub issuer: String,
    /// What the issuer calls the account.
    pub subject: String,
    /// Since when, in microseconds since 1970-01-01T00:00:00Z.
    pub created_at: i64,
}

/// What a link came to.
enum Linked {
    Done,
    Elsewhere,
    TooMany,
}

/// Why a transaction took no link away.
enum Kept {
    NoLink,
    LastWay,
}

impl People {
    /// Links an account to the principal, and tells it by mail: whoever has the account signs in as the principal from here on.
    pub(super) async fn link(
        &self,
        facts: &Facts,
        principal: &Principal,
        settings: &IssuerSettings,
        subject: Subject,
        user_agent: Option<String>,
    ) -> Result<(), IdentityError> {
        self.fresh(principal)?;
        let (people, user_id) = (self.clone(), principal.id.to_string());
        let (issuer, name) = (settings.issuer.clone(), settings.name.clone());
        let cause = request_cause(Actor::User(Arc::clone(&principal.id)), facts.client, facts);
        let linked = self.write(cause, move |tx| {
            users::hold(tx, &user_id)?;
            let own = table::of_user(tx, &user_id)?;
            if own.iter().any(|account| account.issuer == issuer && account.subject == subject.subject) {
                return Ok(Linked::Done);
            }
            if own.len() >= MOST_OF_A_USER as usize {
                return Ok(Linked::TooMany);
            }
            if !table::link(tx, &issuer, &subject.subject, &user_id)? {
                return Ok(Linked::Elsewhere);
            }
            let after = Map::from_iter([("issuer".to_owned(), json!(name))]);
            tx.audit(Entry::new("user.linked", "user", &*user_id).made(after))?;
            people.notify(tx, &user_id, Notice::AccountLinked, user_agent.as_deref())?;
            Ok(Linked::Done)
        });
        match linked.await? {
            Linked::Done => Ok(()),
            Linked::Elsewhere => Err(IdentityError::LinkedElsewhere),
            Linked::TooMany => Err(IdentityError::Invalid(format!(
                "a user has {MOST_OF_A_USER} accounts elsewhere at most; unlink one"
            ))),
        }
    }

    /// The accounts of a user, the first first.
    ///
    /// # Errors
    /// [`IdentityError::Store`].
    pub async fn links(&self, user_id: &str) -> Result<Vec<Link>, IdentityError> {
        let user_id = user_id.to_owned();
        let read = self.0.db.read::<_, StoreError>(Lane::Interactive, move |tx| table::of_user(tx, &user_id));
        Ok(read.await?.into_iter().map(|account| self.shown_link(account)).collect())
    }

    /// Takes an account away from the principal. The last way of signing in stays.
    ///
    /// # Errors
    /// [`IdentityError::ConfirmFirst`], [`IdentityError::NoLink`], [`IdentityError::LastWayIn`].
    pub async fn unlink(&self, facts: &Facts, principal: &Principal, id: &str) -> Result<(), IdentityError> {
        self.fresh(principal)?;
        let (user_id, wanted) = (principal.id.to_string(), id.to_owned());
        let people = self.clone();
        let unlinked = self.write(cause(facts), move |tx| {
            users::hold(tx, &user_id)?;
            let own = table::of_user(tx, &user_id)?;
            let Some(account) = own.iter().find(|account| account.id() == wanted) else { return Ok(Err(Kept::NoLink)) };
            let has_password = users::by_id(tx, &user_id)?.is_some_and(|known| known.user.has_password);
            let has_passkey = passkeys::of_user(tx, &user_id)?.iter().any(|passkey| people.signs_in(passkey));
            if !has_password && !has_passkey && own.len() == 1 {
                return Ok(Err(Kept::LastWay));
            }
            take_away(tx, &user_id, account, "by its owner")?;
            users::touch(tx, &user_id).map(Ok)
        });
        match unlinked.await? {
            Ok(()) => Ok(()),
            Err(Kept::NoLink) => Err(IdentityError::NoLink(id.to_owned())),
            Err(Kept::LastWay) => Err(IdentityError::LastWayIn),
        }
    }

    /// An operator takes an account away from a user, or all; answers how many. Sessions that were begun with it go on.
    ///
    /// # Errors
    /// [`IdentityError::NoUser`], [`IdentityError::NoLink`].
    pub async fn remove_links(&self, cause: &Cause, user: &str, id: Option<String>) -> Result<usize, IdentityError> {
        let (user, wanted) = (self.find(user).await?, id.clone());
        let removed = self.write(cause.clone(), move |tx| {
            users::hold(tx, &user.id)?;
            let mut own = table::of_user(tx, &user.id)?;
            own.retain(|account| wanted.as_ref().is_none_or(|wanted| account.id() == *wanted));
            own.iter().try_for_each(|account| take_away(tx, &user.id, account, "by an operator"))?;
            if !own.is_empty() {
                users::touch(tx, &user.id)?;
            }
            Ok(own.len())
        });
        match (removed.await?, id) {
            (0, Some(id)) => Err(IdentityError::NoLink(id)),
            (count, _) => Ok(count),
        }
    }

    fn shown_link(&self, account: Account) -> Link {
        let mut issuers = self.0.issuers.get().into_iter().flatten();
        let name = issuers.find(|issuer| issuer.settings.issuer == account.issuer);
        Link {
            id: account.id(),
            name: name.map(|issuer| issuer.settings.name.clone()),
            issuer: account.issuer,
            subject: account.subject,
            created_at: account.created_at,
        }
    }
}

/// Takes all accounts away from a user whose password is chosen anew: one of them may be how a stranger comes in.
pub(super) fn drop_all(tx: &mut Tx<'_>, user_id: &str) -> Result<(), StoreError> {
    let own = table::of_user(tx, user_id)?;
    own.iter().try_for_each(|account| take_away(tx, user_id, account, "password reset"))
}

fn take_away(tx: &mut Tx<'_>, user_id: &str, account: &Account, why: &'static str) -> Result<(), StoreError> {
    table::unlink(tx, user_id, account)?;
    let before: Map<String, Value> =
        Map::from_iter([("issuer".to_owned(), json!(account.issuer)), ("why".to_owned(), json!(why))]);
    tx.audit(Entry::new("user.unlinked", "user", user_id).removed(before))
}
