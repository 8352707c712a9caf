//! What can go wrong with users and sessions.

use std::time::Duration;

use seawall_store::StoreError;

use crate::{
    passkeys::Refusal,
    password::{PasswordError, PoolError, Refusal as PasswordRefusal},
    users::BadName,
};

/// What was attempted and why it failed.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The name and the password do not fit, or the user is kept out: nobody is told which.
    #[error("the name or the password is wrong, or this user may not sign in")]
    SignInRefused {
        /// After how many seconds another attempt is heard, when this one was not.
        retry_after: Option<u64>,
    },
    /// The password that holds was not given.
    #[error("the current password is wrong")]
    WrongPassword {
        /// After how many seconds another attempt is heard, when this one was not.
        retry_after: Option<u64>,
    },
    /// The code of a second factor is wrong, was used before, or too many came.
    #[error("the code is wrong, or was used before")]
    CodeRefused {
        /// After how many seconds another is heard, when this one was not.
        retry_after: Option<u64>,
    },
    /// The ticket with which a second factor was to be shown does not hold.
    #[error("the password has to be shown again")]
    PasswordAgain,
    /// What is asked for needs a younger proof of who asks.
    #[error("who asks has to be confirmed first")]
    ConfirmFirst,
    /// The token with which a password was to be chosen does not hold.
    #[error("the token is unknown, was used, or has expired")]
    ResetRefused,
    /// The token of a link in a mail does not hold.
    #[error("the link is unknown, was used, or has expired")]
    LinkRefused,
    /// No mail can be sent.
    #[error("mail is not sent here; set `url` in [mail], and `url` in [identity] to the address of the site")]
    NoMail,
    /// Too many mails were asked for.
    #[error("too many mails were asked for")]
    TooManyMails {
        /// After how many seconds another is sent.
        retry_after: u64,
    },
    /// No issuer of this name is configured, or nobody said where the site is.
    #[error(
        "no issuer is called so; name it as [identity.oidc.NAME], and `url` in [identity] as the address of the site"
    )]
    NoIssuer,
    /// What came from an issuer does not hold.
    #[error("what the issuer said does not hold: {0}")]
    IssuerRefused(String),
    /// The issuer cannot be asked.
    #[error("the issuer cannot be asked: {0}")]
    IssuerAway(String),
    /// Nobody has linked this account, and issuers make no users.
    #[error("no user is linked to this account")]
    NotLinked,
    /// Another user has linked this account.
    #[error("another user is linked to this account")]
    LinkedElsewhere,
    /// There are no passkeys here.
    #[error("passkeys are not used here; set `url` in [identity] to the address of the site, which has to be a domain")]
    NoPasskeys,
    /// A passkey does not sign in: nobody is told why.
    #[error("the passkey is not accepted; try again, or use another way")]
    PasskeyRefused {
        /// After how many seconds another attempt is heard, when this one was not.
        retry_after: Option<u64>,
    },
    /// A passkey that was made is not taken.
    #[error("the passkey is not taken: {0}")]
    PasskeyInvalid(Refusal),
    /// Somebody has the passkey.
    #[error("this passkey is registered already")]
    PasskeyTaken,
    /// There are as many as there may be.
    #[error("there are {0} passkeys, and more are not kept; remove one first")]
    TooManyPasskeys(usize),
    /// There is no such passkey.
    #[error("there is no passkey {0}")]
    NoPasskey(String),
    /// Without it nobody could sign in.
    #[error("it is the only way to sign in; choose a password first, add a passkey, or link another account")]
    LastWayIn,
    /// There is no such account elsewhere.
    #[error("there is no linked account {0}")]
    NoLink(String),
    /// What is asked for needs a session that was begun with a second factor.
    #[error("a code of the second factor has to be shown first")]
    SecondFactorFirst,
    /// There is an authenticator app already.
    #[error("an authenticator app is enrolled already; remove it first")]
    FactorExists,
    /// There is no second factor.
    #[error("there is no second factor")]
    NoFactor,
    /// More sign-ins are under way than may be.
    #[error("too many sign-ins are under way")]
    Crowded,
    /// More passwords wait to be hashed than may.
    #[error("too many people sign in at once")]
    Busy {
        /// When it is likely to work.
        retry_after: Duration,
    },
    /// The password may not be chosen.
    #[error(transparent)]
    PasswordRefused(#[from] PasswordRefusal),
    /// No user can have the name.
    #[error(transparent)]
    BadName(#[from] BadName),
    /// What was given is not of the form it has to have.
    #[error("{0}")]
    Invalid(String),
    /// The same of one field, by its name in JSON.
    #[error("{why}")]
    InvalidField {
        /// Which.
        field: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// Another user has the name.
    #[error("another user has this name")]
    NameTaken,
    /// There is no such user.
    #[error("there is no user {0}")]
    NoUser(String),
    /// There is no such session.
    #[error("there is no session {0}")]
    NoSession(String),
    /// There is no such key.
    #[error("there is no API key {0}")]
    NoKey(String),
    /// There is no such device.
    #[error("there is no device {0}")]
    NoDevice(String),
    /// Nobody has approved the device yet, or it asks too often.
    #[error("nobody has approved this device yet")]
    DevicePending {
        /// How many seconds it waits before it asks again, when it has asked too soon.
        slow_down: Option<u64>,
    },
    /// The code or the secret of a device does not hold.
    #[error("the code is unknown, was used, or has expired")]
    DeviceRefused {
        /// After how many seconds another is heard, when this one was not.
        retry_after: Option<u64>,
    },
    /// Too many devices of one address wait to be paired.
    #[error("too many devices from one address wait to be paired")]
    TooManyPairings {
        /// After how many seconds the first of them waits no more.
        retry_after: u64,
    },
    /// There is no such session of the application.
    #[error("there is no application session {0}")]
    NoAppSession(String),
    /// There is no such organisation, or it is not one's own.
    #[error("there is no organisation {0}")]
    NoOrganisation(String),
    /// A key that is to be rotated does not hold, or has been.
    #[error("the API key {0} does not hold any more, or has a successor already")]
    KeyEnded(String),
    /// The store.
    #[error("the store could not do it")]
    Store(#[from] StoreError),
    /// Passwords cannot be hashed or verified.
    #[error("the password could not be hashed")]
    Password(#[source] PoolError),
    /// The refresh token is unknown, has been used, or its session has ended.
    #[error("the refresh token does not hold, or holds no longer")]
    RefreshRefused,
    /// As many signing keys are there as may be.
    #[error("there are {0} signing keys, and more are not kept; wait until the oldest are no longer published")]
    TooManyKeys(usize),
    /// A key cannot be made, sealed or used.
    #[error("a signing key could not be made or used")]
    Cipher,
    /// The system gives no random bytes.
    #[error("the system gave no random bytes")]
    Random(#[source] getrandom::Error),
}

impl From<PoolError> for IdentityError {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Busy { retry_after } => Self::Busy { retry_after },
            other => Self::Password(other),
        }
    }
}

impl From<PasswordError> for IdentityError {
    fn from(error: PasswordError) -> Self {
        Self::Password(PoolError::Password(error))
    }
}
