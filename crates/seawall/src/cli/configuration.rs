//! Loading the configuration as a command sees it: the file, `.env`, variables, options.

use seawall_config::Override;
use seawall_core::settings::Raw;

use super::{CliError, World, arguments::FileOption, fault::Json};
use crate::app::{ConfigSource, Loaded, SourceError};

/// One option as a value of the configuration.
pub(super) fn option(section: &str, key: &str, flag: &str, value: Option<&impl ToString>) -> Option<Override> {
    let value = Raw::Text(value?.to_string());
    Some(Override { section: section.to_owned(), key: key.to_owned(), value, name: flag.to_owned() })
}

/// What follows an option as a list of the configuration; nothing when nothing follows.
pub(super) fn words(section: &str, key: &str, flag: &str, words: &[String]) -> Option<Override> {
    let value = Raw::List(words.iter().cloned().map(Raw::Text).collect());
    let given = Override { section: section.to_owned(), key: key.to_owned(), value, name: flag.to_owned() };
    (!words.is_empty()).then_some(given)
}

/// Where the configuration comes from.
pub(super) fn source(options: &FileOption, overrides: Vec<Override>, world: &World<'_>) -> ConfigSource {
    ConfigSource {
        directory: world.directory.clone(),
        file: options.config.clone(),
        overrides,
        variables: world.variables.clone(),
        started_with: None,
    }
}

/// Loads the configuration.
pub(super) fn read(
    options: &FileOption,
    overrides: Vec<Override>,
    json: bool,
    world: &World<'_>,
) -> Result<Loaded, CliError> {
    load(&source(options, overrides, world), json)
}

/// Loads the configuration from its source.
pub(super) fn load(source: &ConfigSource, json: bool) -> Result<Loaded, CliError> {
    source.read().map_err(|error| match error {
        SourceError::Mistakes(mistakes) => {
            CliError::Configuration(mistakes, if json { Json::Yes } else { Json::No })
        }
        SourceError::Unreadable { path, source } => CliError::Refused(format!(
            "cannot read {}: {source}\n  help: name a file that is there with --config, or make one with: seawall config example",
            path.display()
        )),
    })
}
