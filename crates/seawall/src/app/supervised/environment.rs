//! The application's environment: ours, without our own settings, and what is set for it.

use super::SupervisedSettings;
use crate::app::notify;

/// What variables of Seawall's own begin with. Secrets may be among them, which are none of the application's business.
const OWN: &str = "SEAWALL__";

/// The variable that tells the application where to listen.
pub(super) const HOST: &str = "HOST";

/// The variables that the application is given, its address aside.
pub(super) fn given(settings: &SupervisedSettings, inherited: &[(String, String)]) -> Vec<(String, String)> {
    let own = |name: &str| {
        name.get(..OWN.len()).is_some_and(|start| start.eq_ignore_ascii_case(OWN)) || notify::OWN.contains(&name)
    };
    let replaced = |name: &str| settings.set.iter().any(|(set, _)| set == name);
    let kept = inherited.iter().filter(|(name, _)| !own(name) && !replaced(name));
    kept.chain(&settings.set).cloned().collect()
}

/// The required variables that the application would not have, or only empty ones, in the order they are written.
#[must_use]
pub fn missing(settings: &SupervisedSettings, inherited: &[(String, String)]) -> Vec<String> {
    let given = given(settings, inherited);
    let has = |wanted: &str| {
        wanted == HOST
            || wanted == settings.port_variable
            || given.iter().any(|(name, value)| name == wanted && !value.trim().is_empty())
    };
    settings.required.iter().filter(|name| !has(name)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::supervised::plan::tests::settings;

    fn pairs(all: &[(&str, &str)]) -> Vec<(String, String)> {
        all.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    #[test]
    fn it_is_ours_without_our_settings_and_with_what_is_set() {
        let mut settings = settings("true");
        settings.set = pairs(&[("NODE_ENV", "production")]);
        let inherited = pairs(&[
            ("PATH", "/bin"),
            ("SEAWALL__ADMIN__TOKEN", "s3cret"),
            ("seawall__x", "y"),
            ("NODE_ENV", "test"),
            ("NOTIFY_SOCKET", "/run/systemd/notify"),
        ]);
        assert_eq!(given(&settings, &inherited), pairs(&[("PATH", "/bin"), ("NODE_ENV", "production")]));
    }

    #[test]
    fn every_missing_variable_is_named() {
        let mut settings = settings("true");
        settings.required = ["A", "EMPTY", "B", "C", "PORT", "HOST"].map(str::to_owned).to_vec();
        settings.set = pairs(&[("C", "set")]);
        assert_eq!(missing(&settings, &pairs(&[("A", "1"), ("EMPTY", " ")])), ["EMPTY", "B"]);
    }
}
