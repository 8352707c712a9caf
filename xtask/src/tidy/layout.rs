//! Crates: which may use which, what their folders are called, and that all are linted alike.

use super::finding::Finding;
use super::manifest::{self, Manifest};
use super::tree::{File, Tree};

/// What a crate may use of this workspace.
enum Uses {
    Any,
    Only(&'static [&'static str]),
}

/// The Layout table of the design. Domain crates do not import one another: they meet in core's ports and in the store's transactions.
const LAYOUT: [(&str, Uses); 17] = [
    ("seawall-core", Uses::Only(&[])),
    ("seawall-guards", Uses::Only(&["seawall-core"])),
    ("seawall-resilience", Uses::Only(&["seawall-core"])),
    ("seawall-config", Uses::Only(&["seawall-core"])),
    ("seawall-telemetry", Uses::Only(&["seawall-core"])),
    ("seawall-store", Uses::Only(&["seawall-core"])),
    ("seawall-identity", Uses::Only(&["seawall-core", "seawall-store"])),
    ("seawall-records", Uses::Only(&["seawall-core", "seawall-store"])),
    ("seawall-jobs", Uses::Only(&["seawall-core", "seawall-store", "seawall-resilience"])),
    ("seawall-outbound", Uses::Only(&["seawall-core", "seawall-store", "seawall-resilience"])),
    ("seawall-rooms", Uses::Only(&["seawall-core", "seawall-store"])),
    ("seawall-proxy", Uses::Only(&["seawall-core", "seawall-guards", "seawall-resilience", "seawall-telemetry"])),
    (
        "seawall-console",
        Uses::Only(&[
            "seawall-core",
            "seawall-telemetry",
            "seawall-store",
            "seawall-identity",
            "seawall-records",
            "seawall-jobs",
            "seawall-outbound",
            "seawall-rooms",
        ]),
    ),
    ("seawall-scan", Uses::Only(&["seawall-core", "seawall-config"])),
    ("seawall", Uses::Any),
    ("seawall-testkit", Uses::Any),
    ("seawall-fuzz", Uses::Only(&["seawall-core", "seawall-guards"])),
];

/// Belongs under `[dev-dependencies]` only.
const FOR_TESTS: &str = "seawall-testkit";

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files().iter().filter(|file| file.name() == "Cargo.toml") {
        let manifest = manifest::read(file.text());
        if let Some(folder) = crate_folder(file) {
            findings.extend(own_name(file, folder, &manifest));
            findings.extend(uses(file, folder, &manifest));
        }
        if manifest.name.is_some() && !manifest.workspace_lints {
            findings.push(Finding::new(
                file.path(),
                1,
                "the crate is not linted like the others",
                "add `[lints]` with `workspace = true`",
            ));
        }
    }
    findings
}

fn crate_folder(file: &File) -> Option<&str> {
    file.crate_folder().filter(|folder| file.path() == format!("crates/{folder}/Cargo.toml"))
}

fn own_name(file: &File, folder: &str, manifest: &Manifest) -> Option<Finding> {
    match &manifest.name {
        Some((_, name)) if name == folder => None,
        Some((line, name)) => Some(Finding::new(
            file.path(),
            *line,
            format!("package `{name}` in the folder `{folder}`"),
            "call both the same",
        )),
        None => Some(Finding::new(file.path(), 1, "the package has no name", format!("add `name = \"{folder}\"`"))),
    }
}

fn uses(file: &File, folder: &str, manifest: &Manifest) -> Vec<Finding> {
    let Some((_, permitted)) = LAYOUT.iter().find(|(name, _)| *name == folder) else {
        let remedy = "add the crate to the Layout table in DESIGN.md and to LAYOUT in xtask/src/tidy/layout.rs";
        return vec![Finding::new(file.path(), 1, format!("`{folder}` is not in the layout"), remedy)];
    };
    let ours = |name: &str| name == "seawall" || name.starts_with("seawall-");
    let used = manifest.dependencies.iter().filter(|(_, name)| ours(name));
    used.filter_map(|(line, name)| {
        refuse(folder, permitted, name).map(|(what, remedy)| Finding::new(file.path(), *line, what, remedy))
    })
    .collect()
}

fn refuse(folder: &str, permitted: &Uses, name: &str) -> Option<(String, String)> {
    if name == FOR_TESTS {
        return Some((format!("`{folder}` is built with `{name}`"), "move it to [dev-dependencies]".to_owned()));
    }
    match permitted {
        Uses::Any => None,
        Uses::Only(names) if names.contains(&name) => None,
        Uses::Only([]) => {
            Some((format!("`{folder}` uses `{name}`"), "it may use no other crate of this workspace".to_owned()))
        }
        Uses::Only(names) => {
            let remedy =
                format!("it may use {} only: meet in a port of core, or in the crate `seawall`", names.join(", "));
            Some((format!("`{folder}` uses `{name}`"), remedy))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reports(folder: &str, rest: &str) -> Vec<String> {
        let text = format!("[package]\nname = \"{folder}\"\n[lints]\nworkspace = true\n{rest}");
        check(&Tree::of(&[(&format!("crates/{folder}/Cargo.toml"), &text)])).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_use_outside_the_layout_is_found() {
        assert_eq!(
            reports(
                "seawall-guards",
                "[dependencies]\nseawall-core.workspace = true\nseawall-config.workspace = true\n"
            ),
            [
                "crates/seawall-guards/Cargo.toml:7: `seawall-guards` uses `seawall-config`; it may use seawall-core only: meet in a port of core, or in the crate `seawall`"
            ]
        );
        assert_eq!(reports("seawall-core", "[dependencies]\nseawall-store.workspace = true\n").len(), 1);
        assert_eq!(reports("seawall-jobs", "[dependencies]\nseawall-identity.workspace = true\n").len(), 1);
        assert_eq!(reports("seawall-config", "[build-dependencies]\nseawall.workspace = true\n").len(), 1);
    }

    #[test]
    fn permitted_uses_and_uses_in_tests_pass() {
        assert!(reports("seawall-proxy", "[dependencies]\nseawall-guards.workspace = true\n").is_empty());
        assert!(reports("seawall", "[dependencies]\nseawall-config.workspace = true\n").is_empty());
        assert!(reports("seawall-testkit", "[dependencies]\nseawall.workspace = true\n").is_empty());
        assert!(reports("seawall-core", "[dev-dependencies]\nseawall-testkit.workspace = true\n").is_empty());
    }

    #[test]
    fn the_testkit_in_a_build_is_found() {
        assert_eq!(
            reports("seawall", "[dependencies]\nseawall-testkit.workspace = true\n"),
            ["crates/seawall/Cargo.toml:6: `seawall` is built with `seawall-testkit`; move it to [dev-dependencies]"]
        );
    }

    #[test]
    fn a_crate_that_the_layout_does_not_know_is_found() {
        assert_eq!(reports("seawall-common", "").len(), 1);
    }

    #[test]
    fn a_folder_of_another_name_is_found() {
        let tree = Tree::of(&[(
            "crates/seawall-core/Cargo.toml",
            "[package]\nname = \"seawall-x\"\n[lints]\nworkspace = true\n",
        )]);
        let reports: Vec<String> = check(&tree).iter().map(ToString::to_string).collect();
        assert_eq!(
            reports,
            ["crates/seawall-core/Cargo.toml:2: package `seawall-x` in the folder `seawall-core`; call both the same"]
        );
    }

    #[test]
    fn a_crate_without_the_workspace_lints_is_found() {
        let tree = Tree::of(&[
            ("xtask/Cargo.toml", "[package]\nname = \"xtask\"\n[lints]\nworkspace = false\n"),
            ("Cargo.toml", "[workspace]\n"),
        ]);
        assert_eq!(check(&tree).len(), 1);
    }
}
