//! The pages where people sign in: what they look like, where browsers are sent, and how often their forms may be posted.

use std::{path::Path, sync::Arc};

use seawall_config::Config;
use seawall_core::onward::SignInPages;
use seawall_identity::{
    IdentitySettings,
    http::{PAGES_SECTION, PageSettings, Theme},
};

use crate::app::AppError;

/// Where passwords, codes and tokens are tried, below the prefix.
pub(super) const TRIED: [&str; 14] = [
    "POST auth/pages/sign-in",
    "POST auth/pages/sign-in/code",
    "POST auth/pages/sign-in/passkey",
    "POST auth/pages/sign-in/code/passkey",
    "POST auth/pages/sign-in/code/offer",
    "POST auth/pages/register",
    "POST auth/pages/forgot",
    "POST auth/pages/reset",
    "POST auth/pages/verify",
    "POST auth/pages/confirm",
    "POST auth/pages/confirm/passkey",
    "POST auth/pages/account/password",
    "POST auth/pages/account/passkeys",
    "POST auth/pages/account/address",
];

/// Where codes of people who are signed in are tried.
pub(super) const CODES: [&str; 3] = [
    "POST auth/pages/account/factors/app/confirm",
    "POST auth/pages/account/devices/look",
    "POST auth/pages/account/devices/approve",
];

/// The other forms, below the prefix.
pub(super) const POSTED: [&str; 14] = [
    "POST auth/pages/sign-out",
    "POST auth/pages/sign-in/offer",
    "POST auth/pages/account/passkeys/name",
    "POST auth/pages/account/passkeys/remove",
    "POST auth/pages/account/sessions",
    "POST auth/pages/account/factors/app",
    "POST auth/pages/account/factors/remove",
    "POST auth/pages/account/factors/recovery",
    "POST auth/pages/account/keys",
    "POST auth/pages/account/keys/revoke",
    "POST auth/pages/account/devices/revoke",
    "POST auth/pages/account/organisations",
    "POST auth/pages/account/elsewhere",
    "POST auth/pages/account/elsewhere/unlink",
];

/// What the pages look like.
///
/// # Errors
/// [`AppError::Theme`] when a file cannot be shown.
pub(super) fn theme(config: &Config, settings: &IdentitySettings, directory: &Path) -> Result<Arc<Theme>, AppError> {
    let pages = PageSettings::read(config.values(&PAGES_SECTION))?;
    Ok(Arc::new(Theme::load(&pages, &settings.authenticator_name, directory)?))
}

/// Where a browser is sent that a route does not let in yet: a page of the operator's own where one is named.
pub(super) fn ways(theme: &Theme, settings: &IdentitySettings, prefix: &str) -> Option<SignInPages> {
    let base = format!("{prefix}/auth/pages");
    let (sign_in, back) = match &settings.sign_in_page {
        Some(page) => (page.as_str().into(), "return_to"),
        None => (format!("{base}/sign-in").into(), "next"),
    };
    theme.enabled().then(|| SignInPages { sign_in, back, confirm: format!("{base}/confirm").into() })
}

/// A route of these under the prefix.
pub(super) fn under(prefix: &str, path: &str) -> String {
    match path.split_once(' ') {
        Some((method, path)) => format!("{method} {prefix}/{path}"),
        None => format!("{prefix}/{path}"),
    }
}
