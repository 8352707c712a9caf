//! Section `[identity]`.

use seawall_core::{
    Environment,
    limit::Quota,
    scope::Scope,
    settings::{
        BadSetting, Complaint, Field, Literal, Raw, Secret, Section, Setting, Shape, Situation, Span, Values, choice,
        too_short,
    },
};

use crate::{
    attempts::{BruteForce, Spraying},
    keys::KeyKind,
    mail::{MailSettings, SiteUrl},
    organisations::Tiers,
    passkeys::{PasskeySettings, RelyingParty},
    password::PasswordPolicy,
    sessions::Preset,
    tokens::{Browser, SignInPage, TokenName},
};

/// Whether people can sign in.
pub const ENABLED: Field<bool> = Field::new(
    "enabled",
    Literal::Flag(false),
    "Whether people can sign in. It turns on sessions, API keys and the paths under `PREFIX/auth/`; users are added with `seawall user add`.",
)
.needs_restart();
const SESSIONS: Field<Preset> = Field::new(
    "sessions",
    Literal::Text("standard"),
    "How long sessions hold: \"strict\" 15 minutes without use and 8 hours at all, \"standard\" 12 hours and 7 days, \"relaxed\" 7 days and 90 days. Sessions keep the limits they were begun with.",
)
.needs_restart();
const COOKIE: Field<CookieName> = Field::new(
    "cookie",
    Literal::Text("seawall"),
    "The name of the session cookie. Over https it is written with `__Host-` before it, so that no other host can set it.",
)
.needs_restart();
const REGISTRATION: Field<Registration> = Field::new(
    "registration",
    Literal::Text("closed"),
    "Who adds users: with \"closed\" operators do, with \"open\" anybody can register under a name of their choice, without a role.",
)
.needs_restart();
const PASSWORD_LEAST: Field<u64> = Field::new(
    "password_least",
    Literal::Integer(8),
    "How many characters a password has at least. Take 15 where nothing but the password is asked (NIST SP 800-63B-4).",
)
.between("8", "64")
.needs_restart();
/// How often one may try to sign in, change a password, or register.
pub const SIGN_IN_LIMITS: Field<Vec<Quota>> = Field::new(
    "sign_in_limits",
    Literal::Texts(&["10/min per ip"]),
    "How many requests to sign in, to change a password and to register are accepted in any window, in place of `limits` in `[rate_limit]`. Beyond that, five failed attempts at one name from one source are followed by a pause of 15 minutes.",
);
const SCOPES: Field<Vec<Scope>> = Field::new(
    "scopes",
    Literal::Texts(&[]),
    "What API keys can be given for, such as \"orders:read\": names of your own, which routes require by \"scope orders:read\" in `[access]`.",
)
.needs_restart();
const ATTEMPTS_KEY: Field<Secret> = Field::new(
    "attempts_key",
    Literal::Unset,
    "The secret with which names are hashed where failed attempts are counted, and from which the keys are made that seal signing keys and second factors, derive refresh tokens and sign the cookies of known devices. Unset, it is made once and kept in `identity.key` in the `data` directory. Several nodes on one database need the same, or each counts by itself, refreshes only its own tokens, and knows only the second factors and devices that it enrolled.",
)
.needs_restart();

const BROWSER: Field<Browser> = Field::new(
    "browser",
    Literal::Text("session"),
    "What browsers keep: with \"session\" one cookie that means nothing by itself; with \"tokens\" an access token of 15 minutes and a refresh token, in two cookies that no script reads. The first is simpler and holds as well; take the second where a rule asks for it.",
)
.needs_restart();
const SIGNED: Field<bool> = Field::new(
    "signed",
    Literal::Flag(false),
    "Whether the application is given proof of who asks: `X-Seawall-Token`, a JWT of 60 seconds signed with a key of `PREFIX/auth/jwks.json`. Turn it on where others than Seawall can reach the application.",
)
.needs_restart();
const ISSUER: Field<TokenName> = Field::new(
    "issuer",
    Literal::Text("seawall"),
    "The `iss` of tokens, and the `aud` of access tokens: best the public address of the site, such as \"https://app.example\". Access tokens of another issuer hold no longer once it is changed.",
)
.needs_restart();
const AUDIENCE: Field<TokenName> = Field::new(
    "audience",
    Literal::Text("application"),
    "The `aud` of `X-Seawall-Token`: what the application checks, so that proof for one application is none for another.",
)
.needs_restart();
const SIGN_IN_PAGE: Field<SignInPage> = Field::new(
    "sign_in_page",
    Literal::Unset,
    "The page where people sign in: a path such as \"/login\", or an address. `PREFIX/auth/forward?redirect` sends browsers there, with `return_to` where a trusted proxy said what was asked for.",
)
.needs_restart();
const BRUTE_FORCE: Field<BruteForce> = Field::new(
    "brute_force",
    Literal::Text("layered"),
    "How guessing is held up. \"simple\": five failed attempts at one name from one source are followed by a pause of 15 minutes. \"layered\" adds a pause for a source that fails at many names, and ever longer delays for a name that is attacked from many sources; devices that their owners signed in on before are not held up by either.",
)
.needs_restart();
const SPRAY_ACCOUNTS: Field<u64> = Field::new(
    "spray_accounts",
    Literal::Integer(20),
    "At how many names one source (IPv4 address, IPv6 /64) may fail within `spray_pause` before it is not heard for as long. Many people behind one address who mistype are few of them at a time.",
)
.between("3", "10000")
.needs_restart();
const SPRAY_PAUSE: Field<Span> = Field::new(
    "spray_pause",
    Literal::Text("15min"),
    "How long the names at which one source failed are counted together, and how long it is paused when they are too many.",
)
.between("1min", "1day")
.needs_restart();
const AUTHENTICATOR_NAME: Field<String> = Field::new(
    "authenticator_name",
    Literal::Text("Seawall"),
    "What authenticator apps show beside the name: the application's name, as its users know it.",
)
.needs_restart();

const URL: Field<SiteUrl> = Field::new(
    "url",
    Literal::Unset,
    "Where people reach the site, such as \"https://app.example\": links in mail begin with it, and issuers send people back to it. Never taken from what a request says of its host. Unset while an application is developed, it is the address that Seawall listens on.",
)
.needs_restart();
const NOTICES: Field<bool> = Field::new(
    "notices",
    Literal::Flag(true),
    "Whether people are told by mail that somebody signed in from a device that was not seen before, and that a password, a second factor or an address was changed. It needs [mail].",
)
.needs_restart();

/// The section.
pub static SECTION: Section = Section::new(
    "identity",
    "Who uses the application: users, passwords, sessions and API keys.",
    &[
        ENABLED.spec(),
        SESSIONS.spec(),
        COOKIE.spec(),
        REGISTRATION.spec(),
        PASSWORD_LEAST.spec(),
        SIGN_IN_LIMITS.spec(),
        SCOPES.spec(),
        ATTEMPTS_KEY.spec(),
        BROWSER.spec(),
        SIGNED.spec(),
        ISSUER.spec(),
        AUDIENCE.spec(),
        SIGN_IN_PAGE.spec(),
        BRUTE_FORCE.spec(),
        SPRAY_ACCOUNTS.spec(),
        SPRAY_PAUSE.spec(),
        AUTHENTICATOR_NAME.spec(),
        URL.spec(),
        NOTICES.spec(),
    ],
)
.with_demands(demands);

/// The name of a cookie (RFC 6265 section 4.1.1), without a prefix that browsers give a meaning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CookieName(String);

impl CookieName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Setting for CookieName {
    const SHAPE: Shape = Shape::Text("cookie name", "seawall");

    fn read(raw: &Raw) -> Result<Self, String> {
        let Raw::Text(text) = raw else { return Err(format!("expected text, found {}", raw.kind())) };
        let sign = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        let fits = (1..=64).contains(&text.len()) && text.bytes().all(sign);
        if !fits || text.starts_with("__") {
            return Err(format!(
                "\"{text}\" is no name of a cookie; use letters, digits, -, _ and ., 64 at most, and no __ before it"
            ));
        }
        Ok(Self(text.clone()))
    }
}

/// Who adds users.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registration {
    /// Operators.
    Closed,
    /// Anybody adds themselves.
    Open,
}

impl Setting for Registration {
    const SHAPE: Shape = Shape::Choice(&["closed", "open"]);

    fn read(raw: &Raw) -> Result<Self, String> {
        choice(raw, &[("closed", Self::Closed), ("open", Self::Open)])
    }
}

/// What the section says.
#[derive(Clone, Debug)]
pub struct IdentitySettings {
    /// Whether people can sign in.
    pub enabled: bool,
    /// How long sessions hold.
    pub sessions: Preset,
    /// The name of the cookie, without a prefix.
    pub cookie: CookieName,
    /// Who adds users.
    pub registration: Registration,
    /// Which passwords may be chosen.
    pub passwords: PasswordPolicy,
    /// What API keys can be given for.
    pub scopes: Vec<Scope>,
    /// For which environments the keys are that are made and taken here.
    pub key_kind: KeyKind,
    /// What names are hashed with, when it is given.
    pub attempts_key: Option<Secret>,
    /// What browsers keep.
    pub browser: Browser,
    /// Whether the application is given proof.
    pub signed: bool,
    /// Who issues tokens.
    pub issuer: TokenName,
    /// For whom proof is meant.
    pub audience: TokenName,
    /// Where people sign in.
    pub sign_in_page: Option<SignInPage>,
    /// How guessing is held up.
    pub brute_force: BruteForce,
    /// When one source has failed at too many names.
    pub spraying: Spraying,
    /// What authenticator apps show.
    pub authenticator_name: String,
    /// What tiers of organisations allow.
    pub tiers: Tiers,
    /// Where people reach the site.
    pub url: Option<SiteUrl>,
    /// Which letters are sent.
    pub mail: MailSettings,
    /// Where people ask, as issuers send them back: the address of the site, and the path.
    pub site: Option<String>,
    /// The site as passkeys know it, when people can have some.
    pub passkeys: Option<RelyingParty>,
}

impl IdentitySettings {
    /// Reads it.
    ///
    /// # Errors
    /// [`BadSetting`] when they are not checked settings of the section.
    pub fn read(values: &Values) -> Result<Self, BadSetting> {
        let least = usize::try_from(values.get(&PASSWORD_LEAST)?).unwrap_or(usize::MAX);
        let passwords = PasswordPolicy::new(least)
            .map_err(|error| BadSetting { key: PASSWORD_LEAST.key(), reason: error.to_string() })?;
        Ok(Self {
            enabled: values.get(&ENABLED)?,
            sessions: values.get(&SESSIONS)?,
            cookie: values.get(&COOKIE)?,
            registration: values.get(&REGISTRATION)?,
            passwords,
            scopes: values.get(&SCOPES)?,
            key_kind: KeyKind::Live,
            attempts_key: values.find(&ATTEMPTS_KEY)?,
            browser: values.get(&BROWSER)?,
            signed: values.get(&SIGNED)?,
            issuer: values.get(&ISSUER)?,
            audience: values.get(&AUDIENCE)?,
            sign_in_page: values.find(&SIGN_IN_PAGE)?,
            brute_force: values.get(&BRUTE_FORCE)?,
            spraying: Spraying { accounts: values.get(&SPRAY_ACCOUNTS)?, pause_us: micros(values.get(&SPRAY_PAUSE)?) },
            authenticator_name: values.get(&AUTHENTICATOR_NAME)?,
            tiers: Tiers::default(),
            url: values.find(&URL)?,
            mail: MailSettings { links: None, notices: values.get(&NOTICES)? },
            site: None,
            passkeys: None,
        })
    }

    /// The same with tiers: the entries of [`crate::organisations::SECTION`].
    ///
    /// # Errors
    /// [`BadSetting`] when they are not checked settings of that section.
    pub fn with_tiers(self, entries: &[(String, Values)]) -> Result<Self, BadSetting> {
        Ok(Self { tiers: Tiers::read(entries)?, ..self })
    }

    /// The same for an environment: keys of production are not those of others.
    #[must_use]
    pub fn with_environment(self, environment: Environment) -> Self {
        Self { key_kind: KeyKind::of(environment), ..self }
    }

    /// The same where it is known where people reach the site: its address, and the path below which people ask.
    #[must_use]
    pub fn with_site(self, site: Option<String>) -> Self {
        Self { site, ..self }
    }

    /// The same with passkeys, where it is known where people reach the site.
    ///
    /// # Errors
    /// [`BadSetting`] when they do not belong to the site.
    pub fn with_passkeys(self, passkeys: &PasskeySettings) -> Result<Self, BadSetting> {
        let passkeys = RelyingParty::of(passkeys, self.site.as_deref(), &self.authenticator_name)?;
        Ok(Self { passkeys, ..self })
    }

    /// The same where mail can be sent, with links that begin so: the address of the site, and the path below which people ask.
    #[must_use]
    pub fn with_links(self, links: Option<String>) -> Self {
        Self { mail: MailSettings { links, ..self.mail }, ..self }
    }
}

fn demands(values: &Values, situation: &Situation) -> Vec<Complaint> {
    let short = too_short(values, situation, "attempts key", &ATTEMPTS_KEY);
    countless_limit(values).into_iter().chain(short).collect()
}

/// Who signs in is not known yet, so that only the address can be counted.
fn countless_limit(values: &Values) -> Option<Complaint> {
    let limits = values.get(&SIGN_IN_LIMITS).unwrap_or_default();
    let other = limits.iter().find(|quota| quota.per.principal())?;
    let what = format!("\"{other}\" counts nobody where people sign in, because it is not known yet who asks");
    Some(Complaint { key: Some(SIGN_IN_LIMITS.key()), what, help: "write \"per ip\"".to_owned() })
}

fn micros(span: Span) -> u64 {
    u64::try_from(span.duration().as_micros()).unwrap_or(u64::MAX)
}
