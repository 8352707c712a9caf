//! Borders that the layout of crates alone does not draw: only the store names a database driver, and config names no guard.

use super::finding::Finding;
use super::manifest;
use super::tree::{File, Tree};

const STORE: &str = "seawall-store";
const CONFIG: &str = "seawall-config";

/// Packages that speak to a database or to a shared cache.
const DRIVERS: [&str; 19] = [
    "bb8-postgres",
    "bb8-redis",
    "deadpool-postgres",
    "deadpool-redis",
    "diesel",
    "fred",
    "libsqlite3-sys",
    "mongodb",
    "mysql",
    "mysql_async",
    "postgres",
    "r2d2_sqlite",
    "redis",
    "rusqlite",
    "sea-orm",
    "sqlite",
    "sqlx",
    "tokio-postgres",
    "tokio-rusqlite",
];

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let guards: Vec<&str> = tree.files().iter().filter_map(guard_name).collect();
    let config = tree.files().iter().filter(|file| file.crate_folder() == Some(CONFIG) && file.crate_source());
    let named = config.flat_map(|file| guards_named_in(file, &guards));
    tree.files().iter().filter(|file| file.name() == "Cargo.toml").flat_map(drivers_in).chain(named).collect()
}

fn drivers_in(file: &File) -> Vec<Finding> {
    // Example applications are not ours to keep portable: they use what such an application uses.
    if matches!(file.crate_folder(), None | Some(STORE)) {
        return Vec::new();
    }
    let used = manifest::read(file.text()).dependencies;
    let drivers = used.into_iter().filter(|(_, name)| DRIVERS.contains(&name.as_str()));
    drivers
        .map(|(line, name)| {
            Finding::new(
                file.path(),
                line,
                format!("the database driver `{name}`"),
                "use seawall-store's `Db` or a port of core",
            )
        })
        .collect()
}

/// A guard is a folder of seawall-guards with a `guard.rs` in it.
fn guard_name(file: &File) -> Option<&str> {
    file.path().strip_prefix("crates/seawall-guards/src/")?.strip_suffix("/guard.rs")
}

/// Config cannot import a guard (the layout sees to that), so what is left are names in strings: `"cors"` or `"cors.origins"`.
fn guards_named_in(file: &File, guards: &[&str]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, line) in file.lines_outside_tests() {
        for text in &line.strings {
            let section = text.split('.').next().unwrap_or(text);
            if guards.contains(&section) {
                let what = format!("config names the guard `{section}`");
                findings.push(Finding::new(
                    file.path(),
                    number,
                    what,
                    "let the guard declare it through core's `Section`",
                ));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reports(files: &[(&str, &str)]) -> Vec<String> {
        check(&Tree::of(files)).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_database_driver_outside_the_store_is_found() {
        let text = "[dependencies]\nrusqlite.workspace = true\n";
        assert_eq!(
            reports(&[("crates/seawall-identity/Cargo.toml", text)]),
            [
                "crates/seawall-identity/Cargo.toml:2: the database driver `rusqlite`; use seawall-store's `Db` or a port of core"
            ]
        );
        assert!(reports(&[("crates/seawall-store/Cargo.toml", text)]).is_empty());
        assert!(reports(&[("examples/notes/Cargo.toml", text)]).is_empty());
    }

    #[test]
    fn a_guard_named_by_config_is_found() {
        let guard = ("crates/seawall-guards/src/rate_limit/guard.rs", "");
        let config = |text| [guard, ("crates/seawall-config/src/merge.rs", text)];
        for text in ["const A: &str = \"rate_limit\";", "const A: &str = \"rate_limit.limits\";"] {
            assert_eq!(
                reports(&config(text)),
                [
                    "crates/seawall-config/src/merge.rs:1: config names the guard `rate_limit`; let the guard declare it through core's `Section`"
                ]
            );
        }
        assert!(reports(&config("// like rate_limit\nconst A: &str = \"rate_limits\";")).is_empty());
        assert!(reports(&config("#[cfg(test)]\nmod tests {\n    const A: &str = \"rate_limit\";\n}")).is_empty());
    }
}
