//! The site as passkeys know it (the "relying party"): a domain, a name, and the origins of its pages. From the configuration alone,
//! never from what a request says of its host.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use seawall_core::settings::BadSetting;

use super::config::{ORIGINS, PageOrigin, PasskeySettings, RP_ID, UserVerification, domain};

/// The site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelyingParty {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) origins: Vec<PageOrigin>,
    pub(crate) user_verification: UserVerification,
}

impl RelyingParty {
    /// Of the settings and the address of the site; nothing where passkeys are off or nobody said where the site is. An address of this
    /// machine, on which an application is developed, is `localhost`: browsers make no passkeys for IP addresses.
    ///
    /// # Errors
    /// [`BadSetting`] when `rp_id` or `origins` do not belong to the site.
    pub fn of(settings: &PasskeySettings, site: Option<&str>, fallback_name: &str) -> Result<Option<Self>, BadSetting> {
        let Some(origin) = site.filter(|_| settings.enabled).and_then(PageOrigin::of).map(on_this_machine) else {
            return Ok(None);
        };
        let host = origin.host();
        if !domain(host) {
            return Ok(None);
        }
        let id = settings.rp_id.as_ref().map_or(host, |id| id.as_str()).to_owned();
        let within = |host: &str| host == id || host.strip_suffix(&id).is_some_and(|before| before.ends_with('.'));
        if !within(host) {
            let reason = format!("\"{id}\" is neither {host}, the host of the site, nor a domain above it");
            return Err(BadSetting { key: RP_ID.key(), reason });
        }
        if let Some(other) = settings.origins.iter().find(|origin| !within(origin.host())) {
            let reason = format!("\"{}\" is neither on {id}, the domain of passkeys, nor below it", other.as_str());
            return Err(BadSetting { key: ORIGINS.key(), reason });
        }
        let name = settings.rp_name.as_deref().unwrap_or(fallback_name).to_owned();
        let origins = [origin].into_iter().chain(settings.origins.iter().cloned()).collect();
        Ok(Some(Self { id, name, origins, user_verification: settings.user_verification }))
    }
}

fn on_this_machine(origin: PageOrigin) -> PageOrigin {
    let address = origin.host().trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().ok();
    let here = match address {
        Some(IpAddr::V4(address)) => address.is_loopback() || address == Ipv4Addr::UNSPECIFIED,
        Some(IpAddr::V6(address)) => address.is_loopback() || address == Ipv6Addr::UNSPECIFIED,
        None => false,
    };
    if here { origin.at_host("localhost") } else { origin }
}

#[cfg(test)]
mod tests {
    use seawall_core::settings::{Raw, Setting, Values};

    use super::{super::config::RpId, *};

    fn party(site: Option<&str>, rp_id: Option<&str>, origins: &[&str]) -> Result<Option<RelyingParty>, String> {
        let text = |text: &&str| Raw::Text((*text).to_owned());
        let mut settings = PasskeySettings::read(&Values::defaults(&super::super::SECTION)).unwrap();
        settings.rp_id = rp_id.map(|id| RpId::read(&text(&id)).unwrap());
        settings.origins = origins.iter().map(|origin| PageOrigin::read(&text(origin)).unwrap()).collect();
        RelyingParty::of(&settings, site, "App").map_err(|error| error.reason)
    }

    fn shown(site: &str, rp_id: Option<&str>, origins: &[&str]) -> (String, Vec<String>) {
        let party = party(Some(site), rp_id, origins).unwrap().unwrap();
        (party.id, party.origins.iter().map(|origin| origin.as_str().to_owned()).collect())
    }

    #[test]
    fn the_domain_and_the_origin_are_those_of_the_configured_address() {
        let origins = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        assert_eq!(
            shown("https://App.example/_seawall/auth", None, &[]),
            ("app.example".to_owned(), origins(&["https://app.example"]))
        );
        assert_eq!(
            shown("https://app.example:8443/x", Some("example"), &["https://account.example"]),
            ("example".to_owned(), origins(&["https://app.example:8443", "https://account.example"]))
        );
        for site in ["http://127.0.0.1:8080/x", "http://[::1]:8080", "http://0.0.0.0:8080", "http://localhost:8080"] {
            assert_eq!(shown(site, None, &[]), ("localhost".to_owned(), origins(&["http://localhost:8080"])), "{site}");
        }
    }

    #[test]
    fn without_a_domain_there_are_none_and_foreign_ones_are_refused() {
        assert_eq!(party(None, None, &[]), Ok(None));
        assert_eq!(party(Some("https://192.0.2.1/x"), None, &[]), Ok(None));
        for id in ["other.example", "pp.example", "x.app.example"] {
            assert!(party(Some("https://app.example"), Some(id), &[]).unwrap_err().contains(id), "{id}");
        }
        let error = party(Some("https://app.example"), None, &["https://app.example.evil"]).unwrap_err();
        assert!(error.contains("app.example.evil"), "{error}");
    }

    #[test]
    fn what_is_no_domain_or_origin_is_refused() {
        let text = |text: &str| Raw::Text(text.to_owned());
        for wrong in ["", "192.0.2.1", "[::1]", "Example.com", "example.com:443", "a..b", "-a.b", "https://a.b"] {
            assert!(RpId::read(&text(wrong)).is_err(), "{wrong}");
        }
        for wrong in ["", "*", "null", "http://app.example", "https://app.example/", "https://app.example:443"] {
            assert!(PageOrigin::read(&text(wrong)).is_err(), "{wrong}");
        }
    }
}
