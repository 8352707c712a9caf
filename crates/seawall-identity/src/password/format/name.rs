//! The names of formats, for reports, metrics and messages.

use std::fmt;

use crate::password::PasswordError;

/// How a password was stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names say it, and `name` has the words")]
pub enum Format {
    Argon2id,
    Argon2i,
    Argon2d,
    Peppered,
    Wrapped,
    Bcrypt,
    BcryptSha256,
    WordPressBcrypt,
    DjangoBcrypt,
    DjangoBcryptSha256,
    Scrypt,
    BetterAuthScrypt,
    NodeScrypt,
    WerkzeugScrypt,
    DjangoScrypt,
    FirebaseScrypt,
    Pbkdf2,
    PasslibPbkdf2,
    WerkzeugPbkdf2,
    DjangoPbkdf2,
    LdapPbkdf2,
    AspNetV2,
    AspNetV3,
    Keycloak,
    DjangoArgon2,
    Md5Crypt,
    Apr1,
    Sha256Crypt,
    Sha512Crypt,
    Phpass,
    Drupal7,
    LdapDigest,
    DjangoDigest,
    WerkzeugDigest,
    Digest,
    Plain,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 36] = [
        Self::Argon2id,
        Self::Argon2i,
        Self::Argon2d,
        Self::Peppered,
        Self::Wrapped,
        Self::Bcrypt,
        Self::BcryptSha256,
        Self::WordPressBcrypt,
        Self::DjangoBcrypt,
        Self::DjangoBcryptSha256,
        Self::Scrypt,
        Self::BetterAuthScrypt,
        Self::NodeScrypt,
        Self::WerkzeugScrypt,
        Self::DjangoScrypt,
        Self::FirebaseScrypt,
        Self::Pbkdf2,
        Self::PasslibPbkdf2,
        Self::WerkzeugPbkdf2,
        Self::DjangoPbkdf2,
        Self::LdapPbkdf2,
        Self::AspNetV2,
        Self::AspNetV3,
        Self::Keycloak,
        Self::DjangoArgon2,
        Self::Md5Crypt,
        Self::Apr1,
        Self::Sha256Crypt,
        Self::Sha512Crypt,
        Self::Phpass,
        Self::Drupal7,
        Self::LdapDigest,
        Self::DjangoDigest,
        Self::WerkzeugDigest,
        Self::Digest,
        Self::Plain,
    ];

    /// The name as reports and metrics have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Argon2id => "argon2id",
            Self::Argon2i => "argon2i",
            Self::Argon2d => "argon2d",
            Self::Peppered => "argon2id_peppered",
            Self::Wrapped => "argon2id_wrapped",
            Self::Bcrypt => "bcrypt",
            Self::BcryptSha256 => "bcrypt_sha256",
            Self::WordPressBcrypt => "wordpress_bcrypt",
            Self::DjangoBcrypt => "django_bcrypt",
            Self::DjangoBcryptSha256 => "django_bcrypt_sha256",
            Self::Scrypt => "scrypt",
            Self::BetterAuthScrypt => "better_auth_scrypt",
            Self::NodeScrypt => "node_scrypt",
            Self::WerkzeugScrypt => "werkzeug_scrypt",
            Self::DjangoScrypt => "django_scrypt",
            Self::FirebaseScrypt => "firebase_scrypt",
            Self::Pbkdf2 => "pbkdf2",
            Self::PasslibPbkdf2 => "passlib_pbkdf2",
            Self::WerkzeugPbkdf2 => "werkzeug_pbkdf2",
            Self::DjangoPbkdf2 => "django_pbkdf2",
            Self::LdapPbkdf2 => "ldap_pbkdf2",
            Self::AspNetV2 => "aspnet_identity_v2",
            Self::AspNetV3 => "aspnet_identity_v3",
            Self::Keycloak => "keycloak",
            Self::DjangoArgon2 => "django_argon2",
            Self::Md5Crypt => "md5_crypt",
            Self::Apr1 => "apr1",
            Self::Sha256Crypt => "sha256_crypt",
            Self::Sha512Crypt => "sha512_crypt",
            Self::Phpass => "phpass",
            Self::Drupal7 => "drupal7",
            Self::LdapDigest => "ldap_digest",
            Self::DjangoDigest => "django_digest",
            Self::WerkzeugDigest => "werkzeug_digest",
            Self::Digest => "digest",
            Self::Plain => "plain",
        }
    }

    pub(crate) const fn malformed(self, why: &'static str) -> PasswordError {
        PasswordError::Malformed { format: self, why }
    }

    /// Refuses what demands more than is computed.
    pub(crate) fn bound(
        self,
        what: &'static str,
        value: impl Into<u64>,
        limit: impl Into<u64>,
    ) -> Result<(), PasswordError> {
        let (value, limit) = (value.into(), limit.into());
        if value > limit { Err(PasswordError::TooExpensive { format: self, what, value, limit }) } else { Ok(()) }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_format_is_listed_in_its_place_under_a_name_of_its_own() {
        for (place, format) in Format::ALL.into_iter().enumerate() {
            assert_eq!(format as usize, place, "{format}");
        }
        assert_eq!(Format::ALL.map(Format::name).into_iter().collect::<HashSet<_>>().len(), Format::ALL.len());
    }
}
