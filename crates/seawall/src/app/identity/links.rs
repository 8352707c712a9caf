//! What links in mail begin with: the site's address as configured, never what a request says of its host.

use seawall_config::Config;
use seawall_core::Environment;
use seawall_identity::IdentitySettings;
use seawall_proxy::{ServerSettings, spelled};

use crate::app::{AppError, encryption, mail};

/// The site's address and the path below which people ask; nothing where nobody said where the site is.
pub(super) fn site(
    config: &Config,
    settings: &IdentitySettings,
    server: &ServerSettings,
) -> Result<Option<String>, AppError> {
    let site = match &settings.url {
        Some(url) => url.as_str().to_owned(),
        None if config.environment() == Environment::Development => {
            let scheme = if encryption::configured(config)? { "https" } else { "http" };
            format!("{scheme}://{}", server.listen)
        }
        None => return Ok(None),
    };
    Ok(Some(format!("{site}{}/auth", spelled(&server.prefix))))
}

/// The same for links in mail; nothing where no mail is sent.
pub(super) fn of(
    config: &Config,
    settings: &IdentitySettings,
    site: Option<&String>,
) -> Result<Option<String>, AppError> {
    if !settings.enabled || !mail::goes(config)? {
        return Ok(None);
    }
    if site.is_none() {
        tracing::warn!(
            "[mail] is there and `url` in [identity] is not, so no links can be made and no letters are sent"
        );
    }
    Ok(site.cloned())
}
