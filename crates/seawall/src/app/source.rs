//! Where the configuration comes from, so that it can be read once more: the file, `.env`, variables, options.

use std::{
    fmt, fs,
    hash::{DefaultHasher, Hash, Hasher},
    io,
    path::{Path, PathBuf},
};

use seawall_config::{Config, Diagnostics, Inputs, Override, SourceText, load};
use seawall_core::{Environment, settings::Raw};

use super::catalogue;

/// The file that is read when none is named.
const DEFAULT_FILE: &str = "seawall.toml";

/// Where a configuration comes from.
#[derive(Clone)]
pub struct ConfigSource {
    /// Where the paths of files begin, as operators write them.
    pub directory: PathBuf,
    /// The file, when one is named; else `seawall.toml`, when it is there.
    pub file: Option<PathBuf>,
    /// Values from the command line.
    pub overrides: Vec<Override>,
    /// The process's environment.
    pub variables: Vec<(String, String)>,
    /// The fingerprint of the texts that a running process was started with.
    pub started_with: Option<u64>,
}

/// A configuration and where it came from.
#[derive(Debug)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// The file, when there is one.
    pub file: Option<PathBuf>,
    /// Where relative paths begin.
    pub directory: PathBuf,
    /// The `.env` file, when there is one.
    pub dotenv: Option<PathBuf>,
    /// A number that tells its texts from others.
    pub fingerprint: u64,
}

/// The texts that a configuration is read from.
#[derive(Clone, Debug)]
pub(super) struct Texts {
    file: Option<SourceText>,
    dotenv: Option<SourceText>,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// It has mistakes.
    #[error("the configuration has mistakes")]
    Mistakes(Box<Diagnostics>),
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// The file, as the operator knows it.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl ConfigSource {
    /// Reads the files and makes a configuration of them.
    ///
    /// # Errors
    /// [`SourceError`] with every mistake.
    pub fn read(&self) -> Result<Loaded, SourceError> {
        self.load(&self.texts()?, None)
    }

    /// The same source, for a process that runs: a file that was there must not be missing later, or the process would go on
    /// with the defaults.
    #[must_use]
    pub fn of_running(mut self, loaded: &Loaded) -> Self {
        if self.file.is_none() && loaded.file.is_some() {
            self.file = Some(PathBuf::from(DEFAULT_FILE));
        }
        self.started_with = Some(loaded.fingerprint);
        self
    }

    /// Reads the files.
    pub(super) fn texts(&self) -> Result<Texts, SourceError> {
        let unreadable = |path: &Path| {
            let path = path.to_owned();
            move |source| SourceError::Unreadable { path, source }
        };
        let file = match &self.file {
            Some(named) => Some(self.text(named).map_err(unreadable(named))?),
            None => optional(self.text(Path::new(DEFAULT_FILE))).map_err(unreadable(Path::new(DEFAULT_FILE)))?,
        };
        let beside = dotenv_of(file.as_ref().map(|file| Path::new(&file.name)));
        let dotenv = optional(self.text(&beside)).map_err(unreadable(&beside))?;
        Ok(Texts { file, dotenv })
    }

    /// Makes a configuration of texts; for another environment than theirs when one is given.
    pub(super) fn load(&self, texts: &Texts, environment: Option<Environment>) -> Result<Loaded, SourceError> {
        let Texts { file, dotenv } = texts.clone();
        let path = file.as_ref().map(|file| self.directory.join(&file.name));
        let directory = path.as_deref().and_then(Path::parent).unwrap_or(&self.directory).to_owned();
        let dotenv_path = dotenv.as_ref().map(|dotenv| self.directory.join(&dotenv.name));
        let held = environment.map(|environment| Override {
            section: String::new(),
            key: seawall_config::top::ENVIRONMENT.key().to_owned(),
            value: Raw::Text(environment.word().to_owned()),
            name: "the environment that runs".to_owned(),
        });
        let read_file = |path: &Path| fs::read_to_string(self.directory.join(path));
        let inputs = Inputs {
            file,
            dotenv,
            variables: self.variables.clone(),
            overrides: self.overrides.iter().cloned().chain(held).collect(),
            read_file: &read_file,
        };
        let config =
            load(&catalogue::schema(), inputs).map_err(|mistakes| SourceError::Mistakes(Box::new(mistakes)))?;
        Ok(Loaded { config, file: path, directory, dotenv: dotenv_path, fingerprint: texts.fingerprint() })
    }

    /// The files that are looked at for changes, whether they are there or not.
    pub(super) fn files(&self) -> [PathBuf; 2] {
        let file = self.file.clone().unwrap_or_else(|| PathBuf::from(DEFAULT_FILE));
        [self.directory.join(&file), self.directory.join(dotenv_of(Some(&file)))]
    }

    /// A file under the name the operator knows it by.
    fn text(&self, name: &Path) -> io::Result<SourceText> {
        let text = fs::read_to_string(self.directory.join(name))?;
        Ok(SourceText::new(name.display().to_string(), text))
    }
}

impl Texts {
    /// A number that changes with the texts.
    pub(super) fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        for text in [&self.file, &self.dotenv] {
            text.as_ref().map(|text| &text.text).hash(&mut hasher);
        }
        hasher.finish()
    }
}

/// The `.env` beside the file.
fn dotenv_of(file: Option<&Path>) -> PathBuf {
    file.and_then(Path::parent).map_or_else(|| PathBuf::from(".env"), |parent| parent.join(".env"))
}

/// A file that need not be there.
fn optional(read: io::Result<SourceText>) -> io::Result<Option<SourceText>> {
    match read {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

// Variables and options may be secret, so they are not shown.
impl fmt::Debug for ConfigSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConfigSource")
            .field("directory", &self.directory)
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}
