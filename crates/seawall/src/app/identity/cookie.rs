//! Whether the session cookie travels over https alone.

use seawall_config::Config;
use seawall_core::Environment;
use seawall_guards::client_address;
use seawall_identity::{IdentitySettings, http::SessionCookie};

use crate::app::{AppError, encryption};

/// The cookie. Over https, Seawall's own or that of a proxy in front, it is protected by all that browsers offer. Without, it is a plain
/// one, and only a development environment permits that.
///
/// # Errors
/// [`AppError::SessionsInClear`] otherwise.
pub(super) fn of(config: &Config, settings: &IdentitySettings) -> Result<SessionCookie, AppError> {
    let behind_proxy = !client_address::trusted(config.values(&client_address::SECTION))?.is_empty();
    let secure = behind_proxy || encryption::configured(config)?;
    if settings.enabled && !secure && config.environment() != Environment::Development {
        return Err(AppError::SessionsInClear);
    }
    Ok(SessionCookie::new(&settings.cookie, secure))
}
