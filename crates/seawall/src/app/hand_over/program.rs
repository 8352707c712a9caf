//! The program that a server starts as its successor: the same one, with the same arguments.

use std::{
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
};

/// The option that makes a process take over.
const TAKE_OVER: &str = "--take-over";

/// How this process was started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    pub(super) path: PathBuf,
    pub(super) arguments: Vec<OsString>,
}

impl Program {
    /// From the words it was started with. The path is the one that was typed, not what it led to then: a new version that was put
    /// in its place, or a symbolic link that leads elsewhere since, is what shall be started. `own` is used when the name leads nowhere.
    #[must_use]
    pub fn new(
        words: impl IntoIterator<Item = OsString>,
        directory: &Path,
        search: Option<&OsStr>,
        own: Option<PathBuf>,
    ) -> Option<Self> {
        let mut words = words.into_iter();
        let name = PathBuf::from(words.next()?);
        let named = if name.components().nth(1).is_some() || name.is_absolute() {
            Some(directory.join(&name))
        } else {
            let places = search.map(|search| std::env::split_paths(search).collect::<Vec<_>>()).unwrap_or_default();
            places.into_iter().map(|place| directory.join(place).join(&name)).find(|path| path.is_file())
        };
        let path = named.filter(|path| path.is_file()).or(own)?;
        Some(Self { path, arguments: with_take_over(words.collect()) })
    }
}

/// The arguments of the successor: the option stands behind the command, and not behind what is the application's.
fn with_take_over(mut arguments: Vec<OsString>) -> Vec<OsString> {
    let ours = arguments.iter().take_while(|argument| *argument != "--");
    if !ours.into_iter().any(|argument| argument == TAKE_OVER) && !arguments.is_empty() {
        arguments.insert(1, TAKE_OVER.into());
    }
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Vec<OsString> {
        words.iter().map(Into::into).collect()
    }

    #[test]
    fn the_option_is_added_once_and_never_to_the_applications_words() {
        for (given, expected) in [
            (&["run"][..], &["run", "--take-over"][..]),
            (&["run", "--to", "http://a"], &["run", "--take-over", "--to", "http://a"]),
            (&["run", "--take-over"], &["run", "--take-over"]),
            (&["run", "--", "a", "--take-over"], &["run", "--take-over", "--", "a", "--take-over"]),
        ] {
            assert_eq!(with_take_over(words(given)), words(expected));
        }
    }

    #[test]
    fn the_path_is_the_one_that_was_typed() {
        let found = |name: &str, search: Option<&str>, own: Option<&str>| {
            let directory = Path::new("/");
            let program =
                Program::new(words(&[name, "run"]), directory, search.map(OsStr::new), own.map(PathBuf::from));
            program.map(|program| program.path)
        };
        assert_eq!(found("sh", Some("/nowhere:/bin"), None), Some(PathBuf::from("/bin/sh")));
        assert_eq!(found("/bin/sh", None, Some("/other")), Some(PathBuf::from("/bin/sh")));
        assert_eq!(found("bin/sh", None, None), Some(PathBuf::from("/bin/sh")));
        assert_eq!(found("no-such-program", Some("/bin"), Some("/own")), Some(PathBuf::from("/own")));
        assert_eq!(found("no-such-program", None, None), None);
    }
}
