//! The parts of a crate's `Cargo.toml` that rules look at, read line by line: this workspace writes one key per line.

/// What a manifest says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Manifest {
    pub(crate) name: Option<(usize, String)>,
    pub(crate) workspace_lints: bool,
    /// Packages needed to build the crate (normal and build dependencies, for any target), with their lines.
    pub(crate) dependencies: Vec<(usize, String)>,
}

/// The table a line stands in.
enum Table {
    Package,
    Lints,
    Dependencies,
    /// `[dependencies.NAME]`; the name may be replaced by a `package` key.
    Dependency,
    Other,
}

pub(crate) fn read(text: &str) -> Manifest {
    let mut manifest = Manifest::default();
    let mut table = Table::Other;
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if let Some(header) = line.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
            table = open(header, index + 1, &mut manifest);
        } else if let Some((key, value)) = line.split_once('=') {
            read_key(&table, index + 1, key.trim(), value.trim(), &mut manifest);
        }
    }
    manifest
}

fn open(header: &str, line: usize, manifest: &mut Manifest) -> Table {
    // The target of `[target.'cfg(unix)'.dependencies]` does not matter here.
    let name = header.rsplit_once("'.").map_or(header, |(_, name)| name);
    match name.split_once('.') {
        None => match name {
            "package" => Table::Package,
            "lints" => Table::Lints,
            "dependencies" | "build-dependencies" => Table::Dependencies,
            _ => Table::Other,
        },
        Some(("dependencies" | "build-dependencies", dependency)) => {
            manifest.dependencies.push((line, unquoted(dependency)));
            Table::Dependency
        }
        Some(_) => Table::Other,
    }
}

fn read_key(table: &Table, line: usize, key: &str, value: &str, manifest: &mut Manifest) {
    match (table, key) {
        (Table::Package, "name") => manifest.name = Some((line, unquoted(value))),
        (Table::Lints, "workspace") | (Table::Other, "lints.workspace") => manifest.workspace_lints |= value == "true",
        (Table::Dependency, "package") => {
            if let Some(last) = manifest.dependencies.last_mut() {
                last.1 = unquoted(value);
            }
        }
        // A line that begins with a quote continues a list of features.
        (Table::Dependencies, _) if !key.starts_with(['"', '\'', '#']) => {
            let name = key.split('.').next().unwrap_or(key);
            manifest.dependencies.push((line, renamed(value).unwrap_or_else(|| unquoted(name))));
        }
        _ => {}
    }
}

/// The package behind `name = { package = "…" }`.
fn renamed(value: &str) -> Option<String> {
    let (_, after) = value.split_once("package")?;
    after.trim_start().strip_prefix('=').and_then(|quoted| quoted.split('"').nth(1)).map(str::to_owned)
}

fn unquoted(text: &str) -> String {
    text.trim().trim_matches(['"', '\'']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_crate_needs_is_read_in_every_spelling() {
        let text = "\
[package]
name = \"seawall-x\"
[lints]
workspace = true
[dependencies]
seawall-core.workspace = true
other = { package = \"seawall-store\", path = \"../b\", features = [
  \"c=d\",
] }
# seawall-note = \"1\"
[dependencies.renamed]
package = \"rusqlite\"
[target.'cfg(unix)'.dependencies]
rustix.workspace = true
[build-dependencies]
cc = \"1\"
[dev-dependencies]
proptest.workspace = true
";
        let manifest = read(text);
        assert_eq!(manifest.name, Some((2, "seawall-x".to_owned())));
        assert!(manifest.workspace_lints);
        let names: Vec<(usize, &str)> =
            manifest.dependencies.iter().map(|(line, name)| (*line, name.as_str())).collect();
        assert_eq!(names, [(6, "seawall-core"), (7, "seawall-store"), (11, "rusqlite"), (14, "rustix"), (16, "cc")]);
    }

    #[test]
    fn a_manifest_that_says_nothing_is_read_as_such() {
        assert_eq!(read("[package]\nversion = \"1\"\n[lints.rust]\nunsafe_code = \"warn\"\n"), Manifest::default());
    }
}
