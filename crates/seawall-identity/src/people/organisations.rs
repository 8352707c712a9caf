//! Organisations: added, given members and a tier, removed by operators; and which one a person acts for.

use seawall_core::{
    facts::Facts,
    membership::Tier,
    principal::{Principal, Role},
    settings::nearest,
};
use seawall_store::{Cause, Lane, StoreError, Tx, audit::Entry};
use serde_json::{Map, Value, json};

use super::{
    People, SignedIn, cause,
    confirm::signed_in,
    opening::{ActsFor, Proves, Successor},
};
use crate::{
    IdentityError,
    organisations::{
        Member, Organisation,
        table::{self as organisations, MOST_MEMBERS, MOST_OF_A_USER},
    },
    sessions::Token,
    users::Name,
};

/// Organisations that are removed take what acts for them along.
const REMOVED: &str = "organisation.removed";

impl People {
    /// Adds an organisation.
    ///
    /// # Errors
    /// [`IdentityError::NameTaken`], [`IdentityError::BadName`], [`IdentityError::Invalid`] for a tier that is not configured.
    pub async fn add_organisation(
        &self,
        cause: &Cause,
        name: &str,
        tier: Option<&str>,
    ) -> Result<Organisation, IdentityError> {
        let (name, tier) = (Name::parse(name)?, tier.map(|tier| self.tier(tier)).transpose()?);
        let added = self.write(cause.clone(), move |tx| {
            if organisations::find(tx, "", name.key())?.is_some() {
                return Ok(None);
            }
            let id = tx.fresh_id()?;
            organisations::add(tx, &id, name.shown(), name.key(), tier.as_ref())?;
            let after = Map::from_iter([
                ("name".to_owned(), json!(name.shown())),
                ("tier".to_owned(), json!(tier.as_ref().map(Tier::as_str))),
            ]);
            tx.audit(Entry::new("organisation.added", "organisation", &*id).made(after))?;
            organisations::find(tx, &id, "")
        });
        match added.await {
            Err(StoreError::Conflict(_)) => Err(IdentityError::NameTaken),
            other => other?.ok_or(IdentityError::NameTaken),
        }
    }

    /// Organisations in the order in which they were added, after one of them.
    ///
    /// # Errors
    /// [`IdentityError::Store`].
    pub async fn list_organisations(&self, after: String, limit: u32) -> Result<Vec<Organisation>, IdentityError> {
        Ok(self.0.db.read::<_, StoreError>(Lane::Interactive, move |tx| organisations::page(tx, &after, limit)).await?)
    }

    /// The organisation of this id or name.
    ///
    /// # Errors
    /// [`IdentityError::NoOrganisation`].
    pub async fn organisation(&self, which: &str) -> Result<Organisation, IdentityError> {
        let wanted = which.to_owned();
        let found = self.0.db.read::<_, StoreError>(Lane::Interactive, move |tx| {
            let key = Name::parse(&wanted).map(|name| name.key().to_owned()).unwrap_or_default();
            organisations::find(tx, &wanted, &key)
        });
        found.await?.ok_or_else(|| IdentityError::NoOrganisation(which.to_owned()))
    }

    /// The members of an organisation, after one of them.
    ///
    /// # Errors
    /// [`IdentityError::NoOrganisation`].
    pub async fn members(&self, which: &str, after: String, limit: u32) -> Result<Vec<Member>, IdentityError> {
        let id = self.organisation(which).await?.id;
        let read = self
            .0
            .db
            .read::<_, StoreError>(Lane::Interactive, move |tx| organisations::members(tx, &id, &after, limit));
        Ok(read.await?)
    }

    /// The organisations of a user, the first first.
    ///
    /// # Errors
    /// [`IdentityError::Store`].
    pub async fn organisations_of(&self, user_id: &str) -> Result<Vec<Member>, IdentityError> {
        let user_id = user_id.to_owned();
        Ok(self.0.db.read::<_, StoreError>(Lane::Interactive, move |tx| organisations::of_user(tx, &user_id)).await?)
    }

    /// Gives a user a role in an organisation, or takes the user out of it; it holds from the next request on.
    ///
    /// # Errors
    /// [`IdentityError::NoOrganisation`], [`IdentityError::NoUser`]; [`IdentityError::Invalid`] when one more is too many.
    pub async fn set_member(
        &self,
        cause: &Cause,
        which: &str,
        user: &str,
        role: Option<Role>,
    ) -> Result<(), IdentityError> {
        let (organisation, user) = (self.organisation(which).await?, self.find(user).await?);
        let people = self.clone();
        let changed = self.write(cause.clone(), move |tx| {
            let before = organisations::role(tx, &organisation.id, &user.id)?;
            match &role {
                Some(_) if before.is_none() && !organisations::has_room(tx, &organisation.id, &user.id)? => {
                    return Ok(false);
                }
                Some(role) => organisations::set_role(tx, &organisation.id, &user.id, role)?,
                None => organisations::leave(tx, &organisation.id, &user.id)?,
            }
            let shown = |role: Option<&str>| {
                Map::from_iter([("user".to_owned(), json!(user.id)), ("role".to_owned(), json!(role))])
            };
            let (before, after) = (shown(before.as_deref()), shown(role.as_ref().map(Role::as_str)));
            let entry = Entry::new("organisation.member_changed", "organisation", &*organisation.id);
            tx.audit(entry.changed(before, after))?;
            people.forget_and_close(tx, &user.id)?;
            Ok(true)
        });
        if changed.await? {
            return Ok(());
        }
        Err(IdentityError::Invalid(format!(
            "an organisation has {MOST_MEMBERS} members at most, and a user {MOST_OF_A_USER} organisations"
        )))
    }

    /// Gives an organisation another tier, or none; it holds for all its members from the next request on, and what they have open closes.
    ///
    /// # Errors
    /// [`IdentityError::NoOrganisation`]; [`IdentityError::Invalid`] for a tier that is not configured.
    pub async fn set_tier(
        &self,
        cause: &Cause,
        which: &str,
        tier: Option<&str>,
    ) -> Result<Organisation, IdentityError> {
        let tier = tier.map(|tier| self.tier(tier)).transpose()?;
        let organisation = self.organisation(which).await?;
        let people = self.clone();
        let changed = self.write(cause.clone(), move |tx| {
            let Some(before) = organisations::find(tx, &organisation.id, "")? else { return Ok(None) };
            organisations::set_tier(tx, &before.id, tier.as_ref())?;
            let shown = |tier: Option<&str>| Map::from_iter([("tier".to_owned(), json!(tier))]);
            let (old, new) = (shown(before.tier.as_deref()), shown(tier.as_ref().map(Tier::as_str)));
            tx.audit(Entry::new("organisation.tier_changed", "organisation", &*before.id).changed(old, new))?;
            // What a socket was let in for may be asked of a tier, so those that are open come back with the one that holds.
            if before.tier.as_deref() != tier.as_ref().map(Tier::as_str) {
                people.forget_and_close_members(tx, &before.id)?;
            }
            organisations::find(tx, &before.id, "")
        });
        changed.await?.ok_or_else(|| IdentityError::NoOrganisation(which.to_owned()))
    }

    /// Removes an organisation. Its members stay; keys and devices that act for it hold no longer.
    ///
    /// # Errors
    /// [`IdentityError::NoOrganisation`].
    pub async fn remove_organisation(&self, cause: &Cause, which: &str) -> Result<Organisation, IdentityError> {
        let organisation = self.organisation(which).await?;
        let people = self.clone();
        let removed = self.write(cause.clone(), move |tx| {
            let Some(before) = organisations::find(tx, &organisation.id, "")? else { return Ok(None) };
            let members = people.forget_and_close_members(tx, &before.id)?;
            organisations::remove(tx, &before.id)?;
            let shown = Map::from_iter([
                ("name".to_owned(), json!(before.name)),
                ("tier".to_owned(), json!(before.tier)),
                ("members".to_owned(), Value::from(members)),
            ]);
            tx.audit(Entry::new(REMOVED, "organisation", &*before.id).removed(shown))?;
            Ok(Some(before))
        });
        removed.await?.ok_or_else(|| IdentityError::NoOrganisation(which.to_owned()))
    }

    /// The principal acts for another of its organisations, or for none: in a session that takes the place of its own.
    ///
    /// # Errors
    /// [`IdentityError::NoOrganisation`] when it belongs to no such organisation; [`IdentityError::NoUser`] when its session has ended.
    pub async fn act_for(
        &self,
        facts: &Facts,
        principal: &Principal,
        which: Option<&str>,
        user_agent: Option<String>,
    ) -> Result<SignedIn, IdentityError> {
        let organisation = match which {
            Some(which) => Some(self.own_organisation(which, &principal.id).await?),
            None => None,
        };
        let token = Token::new().map_err(IdentityError::Random)?;
        let (people, own, principal, digest) = (self.clone(), facts.clone(), principal.clone(), token.digest());
        let user_id = principal.id.to_string();
        let switched = self.write(cause(facts), move |tx| {
            let successor = Successor {
                digest,
                user_agent: user_agent.as_deref(),
                acts_for: ActsFor::Of(organisation.clone()),
                proves: Proves::AsBefore,
                why: "organisation switched",
            };
            let Some((user, begun)) = people.replace_session(tx, &own, &principal, successor)? else {
                return Ok(None);
            };
            let before = principal.membership.as_ref().map(|membership| &*membership.organisation);
            let shown = |id: Option<&str>| Map::from_iter([("organisation".to_owned(), json!(id))]);
            let entry = Entry::new("session.organisation_changed", "session", &*begun.id);
            tx.audit(entry.changed(shown(before), shown(organisation.as_deref())))?;
            Ok(Some((user, begun)))
        });
        signed_in(switched.await?, token, &user_id)
    }

    /// The id of a user's organisation, by its id or name. One that the user does not belong to is as one that is not there: neither the
    /// answer nor the looks that it takes tell them apart.
    async fn own_organisation(&self, which: &str, user_id: &str) -> Result<String, IdentityError> {
        let (wanted, user_id) = (which.to_owned(), user_id.to_owned());
        let key = Name::parse(which).map(|name| name.key().to_owned()).unwrap_or_default();
        let read = self.0.db.read::<_, StoreError>(Lane::Interactive, move |tx| {
            organisations::of_user_called(tx, &user_id, &wanted, &key)
        });
        read.await?.ok_or_else(|| IdentityError::NoOrganisation(which.to_owned()))
    }

    /// Refuses an organisation that a user does not belong to, as if it were not there.
    pub(super) async fn check_member(&self, organisation: &str, user_id: &str) -> Result<(), IdentityError> {
        let (wanted, user_id) = (organisation.to_owned(), user_id.to_owned());
        let role =
            self.0.db.read::<_, StoreError>(Lane::Interactive, move |tx| organisations::role(tx, &wanted, &user_id));
        role.await?.map(drop).ok_or_else(|| IdentityError::NoOrganisation(organisation.to_owned()))
    }

    /// Lets what is known of all members in memory be read again, and closes what they have open; answers how many there are.
    fn forget_and_close_members(&self, tx: &mut Tx<'_>, id: &str) -> Result<usize, StoreError> {
        let members = organisations::member_ids(tx, id)?;
        members.iter().try_for_each(|user_id| self.forget_and_close(tx, user_id))?;
        Ok(members.len())
    }

    /// A tier that is configured.
    fn tier(&self, text: &str) -> Result<Tier, IdentityError> {
        let tier = Tier::parse(text).map_err(IdentityError::Invalid)?;
        let known = &self.0.settings.tiers;
        if known.knows(&tier) {
            return Ok(tier);
        }
        let help = match nearest(text, known.names()) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => "write it as [identity.tiers.NAME] into the configuration, and restart".to_owned(),
        };
        Err(IdentityError::Invalid(format!("there is no tier \"{tier}\"; {help}")))
    }
}
