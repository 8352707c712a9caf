//! Where the workspace and its build output are.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::Failure;

/// The folder of the workspace's `Cargo.toml`.
pub(crate) fn root() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own).to_path_buf()
}

/// The build folder, as cargo sees it: the environment or a configuration file may have moved it.
pub(crate) fn target_directory() -> Result<PathBuf, Failure> {
    let output = Command::new("cargo")
        .args(["metadata", "--format-version", "1", "--no-deps"])
        .current_dir(root())
        .output()
        .map_err(|error| Failure::unavailable(format!("cannot run cargo metadata: {error}")))?;
    let text = String::from_utf8_lossy(&output.stdout);
    json_strings(&text, "target_directory")
        .pop()
        .map(PathBuf::from)
        .ok_or_else(|| Failure::broken(format!("cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr))))
}

/// Every value of the string member `name` in cargo's JSON output. Paths with a quote or backslash in them are not supported.
pub(crate) fn json_strings(json: &str, name: &str) -> Vec<String> {
    let start = format!("\"{name}\":\"");
    json.split(&start).skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn string_members_are_found_and_null_is_not() {
        let json = r#"{"executable":"/a/b","x":1}{"executable":null}{"executable":"/c"}"#;
        assert_eq!(json_strings(json, "executable"), ["/a/b", "/c"]);
    }
}
