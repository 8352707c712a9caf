//! Section `[identity.passkeys]`.

use seawall_core::settings::{BadSetting, Field, Literal, Raw, Section, Setting, Shape, Values, choice};

pub(super) const ENABLED: Field<bool> = Field::new(
    "enabled",
    Literal::Flag(true),
    "Whether people can sign in with passkeys: keys on their devices that serve one site alone. It needs to be known where the site is: `url` in `[identity]`.",
)
.needs_restart();
pub(super) const RP_ID: Field<RpId> = Field::new(
    "rp_id",
    Literal::Unset,
    "The domain that passkeys are for: the host of `url` in `[identity]`, or a domain above it, such as \"example.com\" for \"https://app.example.com\". Unset, it is the host. Passkeys of one domain do not serve another, so whoever changes it makes all of them void.",
)
.needs_restart();
pub(super) const RP_NAME: Field<String> = Field::new(
    "rp_name",
    Literal::Unset,
    "What devices call the site when a passkey is made. Unset, it is `authenticator_name` of `[identity]`.",
)
.needs_restart();
pub(super) const USER_VERIFICATION: Field<UserVerification> = Field::new(
    "user_verification",
    Literal::Text("required"),
    "Whether a device has to verify its user by a PIN or biometrics: with \"required\" always, with \"preferred\" where it can, with \"discouraged\" not. The last two let plain security keys serve as second factors; whoever signs in with a passkey alone is verified always.",
)
.needs_restart();
pub(super) const ORIGINS: Field<Vec<PageOrigin>> = Field::new(
    "origins",
    Literal::Texts(&[]),
    "Origins of pages that may use passkeys besides that of `url` in `[identity]`, such as \"https://account.example.com\"; on the domain of `rp_id`, or below it.",
)
.needs_restart();

/// The section.
pub static SECTION: Section = Section::new(
    "identity.passkeys",
    "Passkeys: signing in by a key on a device, without a password or beside it.",
    &[ENABLED.spec(), RP_ID.spec(), RP_NAME.spec(), USER_VERIFICATION.spec(), ORIGINS.spec()],
);

/// Whether a device has to verify its user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserVerification {
    /// It has to.
    Required,
    /// It does where it can.
    Preferred,
    /// It is not asked to.
    Discouraged,
}

impl UserVerification {
    /// As options of ceremonies have it.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::Preferred => "preferred",
            Self::Discouraged => "discouraged",
        }
    }
}

impl Setting for UserVerification {
    const SHAPE: Shape = Shape::Choice(&["required", "preferred", "discouraged"]);

    fn read(raw: &Raw) -> Result<Self, String> {
        let words = [("required", Self::Required), ("preferred", Self::Preferred), ("discouraged", Self::Discouraged)];
        choice(raw, &words)
    }
}

/// A domain that passkeys are for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RpId(String);

impl RpId {
    /// The domain.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Setting for RpId {
    const SHAPE: Shape = Shape::Text("domain", "example.com");

    fn read(raw: &Raw) -> Result<Self, String> {
        let Raw::Text(text) = raw else { return Err(format!("expected text, found {}", raw.kind())) };
        if domain(text) {
            return Ok(Self(text.clone()));
        }
        Err(format!(
            "\"{}\" is no domain that passkeys can be for; write one in lower case, such as \"example.com\", without scheme and port; browsers take no IP address",
            text.escape_debug()
        ))
    }
}

/// The origin of a page, as browsers write it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageOrigin(String);

impl PageOrigin {
    /// The origin of an address.
    pub(super) fn of(address: &str) -> Option<Self> {
        let uri = address.parse::<http::Uri>().ok()?;
        let (scheme, host) = (uri.scheme_str()?, uri.host()?.to_ascii_lowercase());
        let plain = match (scheme, uri.port_u16()) {
            ("https", None | Some(443)) | ("http", None | Some(80)) => format!("{scheme}://{host}"),
            ("https" | "http", Some(port)) => format!("{scheme}://{host}:{port}"),
            _ => return None,
        };
        Some(Self(plain))
    }

    /// The same on another host.
    pub(super) fn at_host(&self, host: &str) -> Self {
        Self(self.0.replacen(self.host(), host, 1))
    }

    /// The origin.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its host.
    pub(super) fn host(&self) -> &str {
        let behind = self.0.split_once("://").map_or("", |(_, behind)| behind);
        // An address of IPv6 has colons within its brackets.
        match behind.find(']') {
            Some(at) => behind.get(..=at).unwrap_or(behind),
            None => behind.split(':').next().unwrap_or(behind),
        }
    }
}

impl Setting for PageOrigin {
    const SHAPE: Shape = Shape::Text("origin", "https://account.example.com");

    fn read(raw: &Raw) -> Result<Self, String> {
        let Raw::Text(text) = raw else { return Err(format!("expected text, found {}", raw.kind())) };
        // Browsers offer passkeys to pages over https, and to this machine's.
        let fits = |origin: &Self| {
            origin.as_str() == text && (text.starts_with("https://") || text.starts_with("http://localhost"))
        };
        Self::of(text).filter(fits).ok_or_else(|| {
            let shown = text.escape_debug();
            format!("\"{shown}\" is no origin of a page with passkeys; write one such as \"https://account.example.com\", without a path or a slash")
        })
    }
}

/// What the section says.
#[derive(Clone, Debug)]
pub struct PasskeySettings {
    /// Whether there are passkeys.
    pub enabled: bool,
    /// For which domain, when it is given.
    pub rp_id: Option<RpId>,
    /// What devices call the site, when it is given.
    pub rp_name: Option<String>,
    /// Whether devices verify their users.
    pub user_verification: UserVerification,
    /// Pages beside those of the site.
    pub origins: Vec<PageOrigin>,
}

impl PasskeySettings {
    /// Reads it.
    ///
    /// # Errors
    /// [`BadSetting`] when they are not checked settings of the section.
    pub fn read(values: &Values) -> Result<Self, BadSetting> {
        Ok(Self {
            enabled: values.get(&ENABLED)?,
            rp_id: values.find(&RP_ID)?,
            rp_name: values.find(&RP_NAME)?,
            user_verification: values.get(&USER_VERIFICATION)?,
            origins: values.get(&ORIGINS)?,
        })
    }
}

/// Whether a host is a domain, in the form in which browsers compare it.
pub(super) fn domain(host: &str) -> bool {
    let label = |label: &str| {
        let sign = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        (1..=63).contains(&label.len()) && label.bytes().all(sign) && !label.starts_with('-') && !label.ends_with('-')
    };
    let last = host.rsplit('.').next().unwrap_or_default();
    // The last label of an address of IPv4 is a number, and that of a domain is none.
    host.len() <= 253 && host.split('.').all(label) && !last.bytes().all(|byte| byte.is_ascii_digit())
}
