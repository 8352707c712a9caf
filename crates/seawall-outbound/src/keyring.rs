//! Sections `[outbound.caller.NAME]`: keys of programs that may not ask for everything.

use std::sync::Arc;

use seawall_core::settings::{BadSetting, Complaint, Field, Literal, Secret, Section, Situation, Values, too_short};
use subtle::ConstantTimeEq;

use crate::{
    exposed::PUBLIC,
    may::{Grants, May, NamePattern},
};

/// What the key of `[outbound]` itself is called in rows and budgets.
const APPLICATION: &str = "application";

const KEY: Field<Secret> =
    Field::new("key", Literal::Unset, "What the program shows with each call, in the place of the application's key.");
const MODELS: Field<Vec<NamePattern>> = Field::new(
    "models",
    Literal::Texts(&[]),
    "Models that it may ask by any route, and without one: names of `[llm.model.NAME]`, the providers' own, or \"PROVIDER/MODEL\"; with * at the end all that begin so.",
);
const ROUTES: Field<Vec<NamePattern>> = Field::new(
    "routes",
    Literal::Texts(&[]),
    "Routes of `[llm.route.NAME]` that it may call, with all that they ask; `default` is that of calls which name none.",
);
const SERVICES: Field<Vec<NamePattern>> =
    Field::new("services", Literal::Texts(&[]), "Services of `[outbound.NAME]` that it may call.");

/// The sections.
pub static CALLERS: Section = Section::new(
    "outbound.caller",
    "Keys for several programs, each with what it may ask for: what is not listed is answered 403. The name is that in rows and in budgets `of = \"caller\"`. The key of `[outbound]` may ask for everything.",
    &[],
)
.with_entries(&[KEY.spec(), MODELS.spec(), ROUTES.spec(), SERVICES.spec()])
.with_entry_demands(demands);

/// A program that may call, as configured.
#[derive(Clone, Debug)]
pub struct CallerSettings {
    name: String,
    key: Secret,
    may: May,
}

impl CallerSettings {
    /// Reads all.
    ///
    /// # Errors
    /// [`BadSetting`] when they are not checked settings.
    pub fn read(entries: &[(String, Values)]) -> Result<Vec<Self>, BadSetting> {
        let one = |(name, values): &(String, Values)| {
            let grants =
                Grants { models: values.get(&MODELS)?, routes: values.get(&ROUTES)?, services: values.get(&SERVICES)? };
            Ok(Self { name: name.clone(), key: values.get(&KEY)?, may: May::listed(grants) })
        };
        entries.iter().map(one).collect()
    }
}

/// The keys of one configuration.
#[derive(Debug, Default)]
pub(crate) struct Keyring(Vec<(Secret, Arc<str>, May)>);

impl Keyring {
    /// The keys of these settings.
    ///
    /// # Errors
    /// A sentence: two programs have one key.
    pub(crate) fn new(settings: Vec<CallerSettings>) -> Result<Self, String> {
        let mut keys: Vec<(Secret, Arc<str>, May)> = Vec::with_capacity(settings.len());
        for CallerSettings { name, key, may } in settings {
            if let Some((_, other, _)) = keys.iter().find(|(known, ..)| known.expose() == key.expose()) {
                return Err(format!(
                    "[outbound.caller.{other}] and [outbound.caller.{name}] have the same key, so nobody could tell them apart"
                ));
            }
            keys.push((key, name.into(), may));
        }
        Ok(Self(keys))
    }

    /// Whose key it is, and what it may ask for. Takes as long for near misses as for far ones.
    pub(crate) fn find(&self, shown: &[u8]) -> Option<(Arc<str>, May)> {
        let same = |key: &Secret| bool::from(key.expose().as_bytes().ct_eq(shown));
        self.0.iter().find(|(key, ..)| same(key)).map(|(_, name, may)| (Arc::clone(name), may.clone()))
    }
}

fn demands(name: &str, values: &Values, situation: &Situation) -> Vec<Complaint> {
    let mut complaints: Vec<_> = too_short(values, situation, "key", &KEY).into_iter().collect();
    if matches!(values.find(&KEY), Ok(None)) {
        complaints.push(Complaint {
            key: None,
            what: format!("nothing says what \"{name}\" shows"),
            help: "write key_file = \"FILE\"; make a key with: openssl rand -hex 32".to_owned(),
        });
    }
    if name == APPLICATION {
        complaints.push(Complaint {
            key: None,
            what: format!("\"{APPLICATION}\" is the name of the key of [outbound]"),
            help: "choose another name".to_owned(),
        });
    }
    if name == PUBLIC {
        complaints.push(Complaint {
            key: None,
            what: format!("\"{PUBLIC}\" is the name of people who call exposed routes"),
            help: "choose another name".to_owned(),
        });
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(name: &str, key: &str) -> CallerSettings {
        let may = May::listed(Grants::default());
        CallerSettings { name: name.to_owned(), key: Secret::from(key.to_owned()), may }
    }

    #[test]
    fn a_key_is_found_whole_and_only_one_has_it() {
        let keyring = Keyring::new(vec![caller("one", "aaaa"), caller("two", "bbbb")]).unwrap();
        assert_eq!(keyring.find(b"bbbb").unwrap().0.as_ref(), "two");
        for wrong in ["", "bbb", "bbbbb", "BBBB"] {
            assert_eq!(keyring.find(wrong.as_bytes()), None, "{wrong}");
        }
        let same = Keyring::new(vec![caller("one", "aaaa"), caller("two", "aaaa")]).unwrap_err();
        assert!(same.contains("one") && same.contains("two") && !same.contains("aaaa"), "{same}");
    }
}
