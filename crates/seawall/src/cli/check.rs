//! `seawall check`: is the configuration right, what does it change, and does git hold a secret?

use std::fmt::Write;

use seawall_config::{Source, Which};
use serde_json::json;

use super::{
    CliError, Next, World,
    arguments::CheckOptions,
    configuration::{self, Loaded},
    git::{self, Tracked},
    paint::Paint,
};
use crate::app::{catalogue, sites};

/// Checks the configuration.
pub(super) fn check(options: &CheckOptions, world: &mut World<'_>) -> Result<Next, CliError> {
    let loaded = configuration::read(&options.file, Vec::new(), options.json, world)?;
    sites::verify(&loaded.config)?;
    let notes = refuse_tracked_secrets(&loaded)?;
    let which = if options.all { Which::All } else { Which::Differences };
    let printed = loaded.config.print(which);
    if options.json {
        let file = loaded.file.as_ref().map(|file| file.display().to_string());
        let body = json!({ "valid": true, "file": file, "environment": loaded.config.environment().word(), "configuration": printed, "notes": notes });
        world.say(&body.to_string())?;
        return Ok(Next::Exit(0));
    }
    let paint = Paint { colours: world.colours };
    let name = loaded
        .file
        .as_ref()
        .and_then(|file| file.file_name())
        .map_or_else(|| "the configuration (no file, all defaults)".into(), |name| name.to_string_lossy());
    let mut text = format!("{} {name} is valid for {}\n", paint.good("ok"), loaded.config.environment().word());
    for note in notes {
        let _infallible = writeln!(text, "note: {note}");
    }
    if printed.trim().is_empty() {
        text.push_str("Everything is as by default. See all values with: seawall check --all\n");
    } else {
        let title = if options.all { "The whole configuration" } else { "What differs from the defaults" };
        let _infallible = write!(text, "\n{}:\n\n{printed}", paint.bold(title));
    }
    world.say(&text)?;
    Ok(Next::Exit(0))
}

/// Refuses a `.env` or a secret that git shares with everybody who has the repository (checklist PL-5). What cannot be
/// asked is noted.
fn refuse_tracked_secrets(loaded: &Loaded) -> Result<Vec<String>, CliError> {
    let mut notes = Vec::new();
    let mut refuse = |path: &std::path::Path, what: &str, help: &str| match git::tracks(path) {
        Tracked::Yes => Err(CliError::Refused(format!(
            "{what}, and git shares it with everybody who has the repository\n  help: {help}"
        ))),
        Tracked::No => Ok(()),
        Tracked::Unknown => {
            notes.push("git is not installed, so whether a secret is tracked was not checked".to_owned());
            Ok(())
        }
    };
    if let Some(dotenv) = &loaded.dotenv {
        let name = dotenv.display();
        refuse(
            dotenv,
            &format!("{name} holds settings for this machine"),
            "take it out with: git rm --cached .env && echo .env >> .gitignore; then change the secrets in it",
        )?;
    }
    if let Some(file) = &loaded.file
        && let Some(key) = inline_secret(loaded)
    {
        let help = format!(
            "keep it in a file or a variable: {key}_file = \"PATH\", or the variable SEAWALL__{}; then change the secret",
            key.to_uppercase().replace('.', "__")
        );
        refuse(file, &format!("{} holds the secret {key}", file.display()), &help)?;
    }
    notes.dedup();
    Ok(notes)
}

/// The first secret that stands in the configuration file itself.
fn inline_secret(loaded: &Loaded) -> Option<String> {
    let text = std::fs::read_to_string(loaded.file.as_ref()?).ok()?;
    let file_name = loaded.file.as_ref()?.file_name()?.to_string_lossy().into_owned();
    for section in catalogue::schema().sections {
        for field in section.fields.iter().filter(|field| field.secret()) {
            let Source::File { name, line } = loaded.config.source(section, field.key, None) else { continue };
            let written =
                text.lines().nth(line.saturating_sub(1)).and_then(|line| line.split('=').next()).unwrap_or_default();
            if name.ends_with(&file_name) && !written.trim().ends_with("_file") {
                return Some(format!("{}.{}", section.name, field.key));
            }
        }
    }
    None
}
