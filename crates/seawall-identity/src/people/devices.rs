//! Devices: asked for, approved by whoever owns one, fetched, renamed and revoked.

use seawall_core::{
    facts::Facts,
    http::ClientKey,
    principal::{Principal, Revoked},
};
use seawall_store::{
    Cause, Lane, StoreError, Tx,
    audit::{Entry, Outcome},
};
use serde_json::{Map, Value, json};

use super::{People, cause};
use crate::{
    IdentityError,
    attempts::table::{self as attempts, Attempt, OWN},
    devices::{
        Code, Device, DeviceText, LONGEST_NAME,
        codes::{self, INTERVAL_US, LIFE_US, Pairing, Polled},
        table::{self as devices, Fresh, MOST_OF_A_USER},
    },
    keys::form::id_of,
    sessions::{Token, digest_of},
};

/// A device that asks to be paired.
#[derive(Debug)]
pub struct Asking {
    /// What it calls itself.
    pub name: String,
}

/// With what a device is paired.
#[derive(Debug)]
pub struct Begun {
    /// For the person, as it is shown.
    pub code: String,
    /// For the device alone, which asks with it.
    pub secret: Token,
    /// For how many seconds both hold.
    pub expires_in: u64,
    /// How many seconds the device waits between two questions.
    pub interval: u64,
}

/// A device that a code belongs to, as it is shown before it is approved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// What it calls itself.
    pub name: String,
    /// From where it asked.
    pub address: String,
    /// Until when the code holds, in microseconds since 1970-01-01T00:00:00Z.
    pub expires_at: i64,
}

/// A device that was paired.
#[derive(Debug)]
pub struct Paired {
    /// As it is kept.
    pub device: Device,
    /// For the device, this once.
    pub text: DeviceText,
}

/// What a code came to.
enum Typed {
    Right(Box<Pairing>),
    Wrong,
    Paused(u64),
}

impl People {
    /// A device asks to be paired. Only hashes of its secret and of the code are kept.
    ///
    /// # Errors
    /// [`IdentityError::Invalid`] for a name that is none; [`IdentityError::TooManyPairings`] when too many of one address are under way, and
    /// [`IdentityError::Crowded`] when there are too many at all.
    pub async fn begin_device(&self, facts: &Facts, asking: Asking) -> Result<Begun, IdentityError> {
        let name = device_name(&asking.name)?;
        let code = Code::new().map_err(IdentityError::Random)?;
        let secret = Token::new().map_err(IdentityError::Random)?;
        let (code_digest, secret_digest) = (self.code_digest(&code), secret.digest());
        let address = facts.client.to_canonical().to_string();
        let begun = self.write(cause(facts), move |tx| {
            let begun = codes::begin(tx, (&code_digest, &secret_digest), &name, &address)?;
            if begun == codes::Begun::Yes {
                // From where it asks is the entry's own address; what it is called is told once it is known whose it is.
                tx.audit(Entry::new("device.asked", "device", "pairing"))?;
            }
            Ok(begun)
        });
        match begun.await? {
            codes::Begun::Yes => {}
            codes::Begun::Crowded => return Err(IdentityError::Crowded),
            codes::Begun::Spent { until_us } => {
                let wait_us = until_us.saturating_sub(self.now_us()).max(0);
                let retry_after = u64::try_from(wait_us / 1_000_000).unwrap_or_default() + 1;
                return Err(IdentityError::TooManyPairings { retry_after });
            }
        }
        let seconds = |us: i64| u64::try_from(us / 1_000_000).unwrap_or_default();
        Ok(Begun { code: code.shown(), secret, expires_in: seconds(LIFE_US), interval: seconds(INTERVAL_US) })
    }

    /// Which device a code belongs to, for whoever is about to approve it.
    ///
    /// # Errors
    /// [`IdentityError::DeviceRefused`], after five wrong codes from one source for 15 minutes.
    pub async fn look_at_device(&self, facts: &Facts, typed: &str) -> Result<Place, IdentityError> {
        let (people, own, code) = (self.clone(), facts.clone(), Code::parse(typed));
        let typed = self.write(cause(facts), move |tx| people.judge_typed(tx, &own, code.as_ref()));
        match typed.await? {
            Typed::Right(pairing) => Ok(place(&pairing)),
            Typed::Wrong => Err(IdentityError::DeviceRefused { retry_after: None }),
            Typed::Paused(seconds) => Err(IdentityError::DeviceRefused { retry_after: Some(seconds) }),
        }
    }

    /// The principal approves the device of a code: it is theirs, and acts for the organisation that they act for.
    ///
    /// # Errors
    /// [`IdentityError::DeviceRefused`]; [`IdentityError::Invalid`] when the principal has as many devices as may be.
    pub async fn approve_device(
        &self,
        facts: &Facts,
        principal: &Principal,
        typed: &str,
    ) -> Result<Place, IdentityError> {
        let (people, own, code) = (self.clone(), facts.clone(), Code::parse(typed));
        let user_id = principal.id.to_string();
        let organisation = principal.membership.as_ref().map(|membership| membership.organisation.to_string());
        let approved = self.write(cause(facts), move |tx| {
            let pairing = match people.judge_typed(tx, &own, code.as_ref())? {
                Typed::Right(pairing) => pairing,
                other => return Ok((other, true)),
            };
            if devices::held(tx, &user_id)? >= MOST_OF_A_USER {
                return Ok((Typed::Right(pairing), false));
            }
            if !codes::approve(tx, &pairing.code_digest, &user_id, organisation.as_deref())? {
                return Ok((Typed::Wrong, true));
            }
            let after = Map::from_iter([
                ("user".to_owned(), json!(user_id)),
                ("organisation".to_owned(), json!(organisation)),
                ("name".to_owned(), json!(pairing.name)),
                ("address".to_owned(), json!(pairing.address)),
            ]);
            let entry = Entry::new("device.approved", "device", "pairing").made(after);
            tx.audit(entry.personal(&*user_id, &["name", "address"]))?;
            Ok((Typed::Right(pairing), true))
        });
        match approved.await? {
            (Typed::Right(pairing), true) => Ok(place(&pairing)),
            (Typed::Right(_), false) => Err(IdentityError::Invalid(format!(
                "a user has {MOST_OF_A_USER} devices that hold at most; revoke one that is not used"
            ))),
            (Typed::Wrong, _) => Err(IdentityError::DeviceRefused { retry_after: None }),
            (Typed::Paused(seconds), _) => Err(IdentityError::DeviceRefused { retry_after: Some(seconds) }),
        }
    }

    /// A device asks whether somebody approved it; when somebody did, it gets its credential, once.
    ///
    /// # Errors
    /// [`IdentityError::DevicePending`] until somebody does; [`IdentityError::DeviceRefused`] for a secret that does not hold.
    pub async fn fetch_device(&self, facts: &Facts, secret: &str) -> Result<Paired, IdentityError> {
        let refused = || IdentityError::DeviceRefused { retry_after: None };
        let digest = digest_of(secret.as_bytes()).ok_or_else(refused)?;
        let now_us = self.now_us();
        let known = self.0.db.read::<_, StoreError>(Lane::Interactive, move |tx| codes::by_secret(tx, &digest, now_us));
        // What nobody asked for costs no write.
        if known.await?.is_none() {
            return Err(refused());
        }
        let text = DeviceText::new().map_err(IdentityError::Random)?;
        let (people, made) = (self.clone(), text.clone());
        let fetched = self.write(cause(facts), move |tx| {
            let now = tx.at_us();
            let Some(pairing) = codes::by_secret(tx, &digest, now)? else { return Ok(None) };
            let polled = pairing.polled(now);
            let interval_us = match polled {
                Polled::Approved => return Ok(people.pair(tx, &pairing, &made)?.map(|device| (polled, Some(device)))),
                Polled::SlowDown { interval_us } => Some(interval_us),
                Polled::Pending => None,
            };
            codes::note(tx, &pairing.code_digest, interval_us)?;
            Ok(Some((polled, None)))
        });
        match fetched.await? {
            Some((_, Some(device))) => Ok(Paired { device, text }),
            Some((Polled::SlowDown { interval_us }, None)) => {
                let seconds = u64::try_from(interval_us / 1_000_000).unwrap_or_default();
                Err(IdentityError::DevicePending { slow_down: Some(seconds) })
            }
            Some((_, None)) => Err(IdentityError::DevicePending { slow_down: None }),
            None => Err(refused()),
        }
    }

    /// A user's devices, the latest first.
    ///
    /// # Errors
    /// [`IdentityError::Store`].
    pub async fn devices_of(&self, user_id: &str) -> Result<Vec<Device>, IdentityError> {
        let user_id = user_id.to_owned();
        Ok(self.0.db.read::<_, StoreError>(Lane::Interactive, move |tx| devices::of_user(tx, &user_id)).await?)
    }

    /// All devices in the order in which they were paired, after one of them.
    ///
    /// # Errors
    /// [`IdentityError::Store`].
    pub async fn list_devices(&self, after: (i64, String), limit: u32) -> Result<Vec<Device>, IdentityError> {
        Ok(self.0.db.read::<_, StoreError>(Lane::Interactive, move |tx| devices::page(tx, &after, limit)).await?)
    }

    /// Calls a device something else.
    ///
    /// # Errors
    /// [`IdentityError::NoDevice`] when the owner has no such device; [`IdentityError::Invalid`] for a name that is none.
    pub async fn rename_device(
        &self,
        cause: &Cause,
        owner: &str,
        id: &str,
        name: &str,
    ) -> Result<Device, IdentityError> {
        let (name, owner, wanted) = (device_name(name)?, owner.to_owned(), id.to_owned());
        let renamed = self.write(cause.clone(), move |tx| {
            let Some(device) = owned(tx, Some(&owner), &wanted)? else { return Ok(None) };
            devices::rename(tx, &device.id, &name)?;
            let called = |name: &str| Map::from_iter([("name".to_owned(), json!(name))]);
            let entry = Entry::new("device.renamed", "device", &*device.id);
            tx.audit(entry.changed(called(&device.name), called(&name)).personal(&*owner, &["name"]))?;
            devices::by_id(tx, &device.id)
        });
        renamed.await?.ok_or_else(|| IdentityError::NoDevice(id.to_owned()))
    }

    /// Revokes a device, at once; its sockets close. One that had been already stays so.
    ///
    /// # Errors
    /// [`IdentityError::NoDevice`] when the owner has no such device.
    pub async fn revoke_device(&self, cause: &Cause, owner: Option<&str>, id: &str) -> Result<Device, IdentityError> {
        let (people, owner, wanted) = (self.clone(), owner.map(str::to_owned), id.to_owned());
        let revoked = self.write(cause.clone(), move |tx| {
            let Some(device) = owned(tx, owner.as_deref(), &wanted)? else { return Ok(None) };
            if devices::revoke(tx, &device.id)? {
                let at = |at: Value| Map::from_iter([("revoked_at".to_owned(), at)]);
                let entry = Entry::new("device.revoked", "device", &*device.id);
                tx.audit(entry.changed(at(Value::Null), at(json!(tx.at_us()))))?;
                people.void_device(tx, &device.id);
            }
            devices::by_id(tx, &device.id)
        });
        revoked.await?.ok_or_else(|| IdentityError::NoDevice(id.to_owned()))
    }

    /// Lets what is known of a user's devices in memory be read again: the user has changed.
    pub(super) fn forget_devices(&self, tx: &mut Tx<'_>, user_id: &str) -> Result<(), StoreError> {
        let ids = devices::ids(tx, user_id)?;
        tx.void(self.0.authenticator.devices.devices(), ids.iter().filter_map(|id| id_of(id)));
        Ok(())
    }

    /// Ends all devices of a user who is deleted.
    pub(super) fn end_devices(&self, tx: &mut Tx<'_>, user_id: &str) -> Result<(), StoreError> {
        let ids = devices::ids(tx, user_id)?;
        devices::forget(tx, user_id)?;
        codes::forget(tx, user_id)?;
        for id in ids {
            self.void_device(tx, &id);
        }
        Ok(())
    }

    /// What a code comes to. It is counted before it is looked at; a right one is not counted.
    fn judge_typed(&self, tx: &mut Tx<'_>, facts: &Facts, code: Option<&Code>) -> Result<Typed, StoreError> {
        let source = self.0.key.made_for("device tries", &[&ClientKey::of(facts.client).bytes()[..]]);
        let last = match attempts::count(tx, &source, OWN)? {
            Attempt::Paused { retry_after } => return Ok(Typed::Paused(retry_after)),
            Attempt::Heard { last } => last,
        };
        let now = tx.at_us();
        let known = match code {
            Some(code) => codes::by_code(tx, &self.code_digest(code), now)?,
            None => None,
        };
        if let Some(pairing) = known {
            attempts::take_back(tx, &source)?;
            return Ok(Typed::Right(Box::new(pairing)));
        }
        let after = Map::from_iter([("why".to_owned(), json!("unknown code")), ("paused".to_owned(), json!(last))]);
        tx.audit(Entry::new("device.approved", "device", "pairing").made(after).with_outcome(Outcome::Refused))?;
        Ok(Typed::Wrong)
    }

    /// A device that somebody approved; nothing when it was fetched already, or that somebody is gone.
    fn pair(&self, tx: &mut Tx<'_>, pairing: &Pairing, text: &DeviceText) -> Result<Option<Device>, StoreError> {
        let Some(user_id) = pairing.user_id.as_deref() else { return Ok(None) };
        if !codes::take(tx, &pairing.code_digest)? {
            return Ok(None);
        }
        let organisation_id = pairing.organisation_id.as_deref();
        devices::add(
            tx,
            &Fresh { text, user_id, organisation_id, name: &pairing.name, paired_from: &pairing.address },
        )?;
        let device = devices::by_id(tx, text.id())?.ok_or(StoreError::NoRow)?;
        let after = Map::from_iter([
            ("user".to_owned(), json!(user_id)),
            ("organisation".to_owned(), json!(organisation_id)),
            ("name".to_owned(), json!(device.name)),
            ("paired_from".to_owned(), json!(device.paired_from)),
        ]);
        let entry = Entry::new("device.paired", "device", &*device.id).made(after);
        tx.audit(entry.personal(user_id, &["name", "paired_from"]))?;
        // Somebody may have asked for this id before there was such a device.
        tx.void(self.0.authenticator.devices.devices(), id_of(&device.id));
        Ok(Some(device))
    }

    /// What is kept of a code: a keyed hash, because so few signs would be found out from another.
    fn code_digest(&self, code: &Code) -> [u8; 32] {
        self.0.key.made_for("device code", &[code.signs()])
    }

    /// A device changes: what is known of it is void, and its sockets close.
    fn void_device(&self, tx: &mut Tx<'_>, id: &str) {
        tx.void(self.0.authenticator.devices.devices(), id_of(id));
        let (revoker, revoked) = (self.0.revoker.clone(), Revoked::Principal(id.into()));
        tx.on_commit(move || revoker.tell(&revoked));
    }
}

fn place(pairing: &Pairing) -> Place {
    Place { name: pairing.name.clone(), address: pairing.address.clone(), expires_at: pairing.expires_at }
}

/// The device of this id, when this owner has it; of anybody when none is named.
fn owned(tx: &mut Tx<'_>, owner: Option<&str>, id: &str) -> Result<Option<Device>, StoreError> {
    let device = devices::by_id(tx, id)?;
    Ok(device.filter(|device| owner.is_none_or(|owner| owner == device.user_id)))
}

/// A name that can be shown to people.
pub(super) fn device_name(name: &str) -> Result<String, IdentityError> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
        return Err(IdentityError::Invalid(format!(
            "a name has 1 to {LONGEST_NAME} characters, none of them a control"
        )));
    }
    Ok(name.to_owned())
}
