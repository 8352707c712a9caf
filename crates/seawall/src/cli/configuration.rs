//! Loading the configuration as a command sees it: the file, `.env`, variables, options.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use seawall_config::{Config, Inputs, Override, SourceText, load};
use seawall_core::settings::Raw;

use super::{CliError, World, arguments::FileOption, fault::Json};
use crate::app::catalogue;

/// The file that is read when none is named.
const DEFAULT_FILE: &str = "seawall.toml";

/// A configuration and where it came from.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) config: Config,
    /// The file, when there is one.
    pub(super) file: Option<PathBuf>,
    /// Where relative paths begin.
    pub(super) directory: PathBuf,
    /// The `.env` file, when there is one.
    pub(super) dotenv: Option<PathBuf>,
}

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

/// Loads the configuration.
pub(super) fn read(
    options: &FileOption,
    overrides: Vec<Override>,
    json: bool,
    world: &World<'_>,
) -> Result<Loaded, CliError> {
    let file = match &options.config {
        Some(named) => Some(source(&world.directory, named).map_err(|error| unreadable(named, &error))?),
        None => found(source(&world.directory, Path::new(DEFAULT_FILE)), DEFAULT_FILE)?,
    };
    let path = file.as_ref().map(|file| world.directory.join(&file.name));
    let directory = path.as_deref().and_then(Path::parent).unwrap_or(&world.directory).to_owned();
    let beside = file
        .as_ref()
        .and_then(|file| Path::new(&file.name).parent())
        .map_or_else(|| PathBuf::from(".env"), |parent| parent.join(".env"));
    let dotenv = found(source(&world.directory, &beside), ".env")?;
    let dotenv_path = dotenv.as_ref().map(|dotenv| world.directory.join(&dotenv.name));
    let read_file = |path: &Path| fs::read_to_string(world.directory.join(path));
    let inputs = Inputs { file, dotenv, variables: world.variables.clone(), overrides, read_file: &read_file };
    let json = if json { Json::Yes } else { Json::No };
    let config = load(&catalogue::schema(), inputs)
        .map_err(|diagnostics| CliError::Configuration(Box::new(diagnostics), json))?;
    Ok(Loaded { config, file: path, directory, dotenv: dotenv_path })
}

/// A file under the name the operator knows it by.
fn source(directory: &Path, name: &Path) -> io::Result<SourceText> {
    let text = fs::read_to_string(directory.join(name))?;
    Ok(SourceText::new(name.display().to_string(), text))
}

/// A file that need not be there.
fn found(read: io::Result<SourceText>, name: &str) -> Result<Option<SourceText>, CliError> {
    match read {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unreadable(Path::new(name), &error)),
    }
}

fn unreadable(path: &Path, error: &io::Error) -> CliError {
    CliError::Refused(format!(
        "cannot read {}: {error}\n  help: name a file that is there with --config, or make one with: seawall config example",
        path.display()
    ))
}
