//! Pages: signing in and one's account for people with a browser, without JavaScript but for passkeys, which browsers give to scripts
//! alone. They are another way to ask [`People`] for the same things as the JSON beside them.
//!
//! A form is read by [`visit::Sent`] alone, which refuses what pages of other sites post. What changed something is answered by a way to a
//! page (303), so that reloading repeats nothing; but for secrets that are shown once, which stand in the answer itself and are kept nowhere.
//!
//! To add a part of the account, such as keys: a module with its routes, and a line in [`layout::PARTS`].
//!
//! [`People`]: crate::people::People

mod account;
mod assets;
mod config;
mod confirm;
mod devices;
mod elsewhere;
mod factors;
mod form;
mod keys;
mod layout;
mod letters;
mod markup;
mod organisations;
mod passkey;
mod passkey_sign_in;
mod passkeys;
mod picture;
mod register;
mod sessions;
mod sign_in;
mod site;
mod theme;
mod token;
mod visit;

use axum::Router;

pub use config::{PageSettings, SECTION};
pub use theme::{Theme, ThemeError};

pub(super) use assets::routes as assets;
pub(super) use sign_in::STEP;
pub(super) use sign_in::second_factor as to_second_factor;
pub(super) use visit::FORM;

use site::Site;

use super::account::Desk;

/// Where the pages are below the path below which people ask.
pub(super) const BELOW: &str = "pages";

/// The routes below `prefix`: all, or those that links in mail lead to.
pub(super) fn routes(prefix: &str, desk: &Desk, theme: &std::sync::Arc<Theme>) -> Router {
    let site = Site::new(prefix, desk.clone(), theme);
    let base = site.base.clone();
    let mut router = letters::routes(prefix, &base, theme.enabled);
    if theme.enabled {
        router = router
            .merge(sign_in::routes(&base))
            .merge(register::routes(&base, &site))
            .merge(confirm::routes(&base))
            .merge(account::routes(&base))
            .merge(sessions::routes(&base))
            .merge(factors::routes(&base))
            .merge(passkeys::routes(&base))
            .merge(passkey_sign_in::routes(&base))
            .merge(keys::routes(&base))
            .merge(devices::routes(&base))
            .merge(organisations::routes(&base))
            .merge(elsewhere::routes(&base));
    }
    router.with_state(site)
}
