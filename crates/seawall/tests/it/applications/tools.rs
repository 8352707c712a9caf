//! What tests find outside the workspace's own code: the repository, and the tools that `./test` installs.

use std::path::{Path, PathBuf};

/// The repository's root.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the workspace is there")
}

/// A file or folder beside the tests.
pub(crate) fn fixture(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(path)
}

/// A tool that `./test` installs, such as `express/node_modules`; nothing when it is not there.
pub(crate) fn installed(path: &str) -> Option<PathBuf> {
    let path = repository().join("target/test-tools").join(path);
    path.exists().then_some(path)
}

/// The first of these programs that is on the search path.
pub(crate) fn program(names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let found = |name: &&str| std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file());
    names.iter().find_map(found)
}

/// Says on the standard error why a test does not run; where `./test` has installed everything, that is a failure.
///
/// # Panics
/// When `CI` is `true`.
#[expect(clippy::print_stderr, reason = "a test that does not run says so to whoever reads its output")]
pub(crate) fn skip(what: &str) {
    const WAY_OUT: &str = "./test --prepare installs what tests need";
    assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "{what}; {WAY_OUT}");
    eprintln!("skipped: {what}; {WAY_OUT}");
}
