//! `seawall check`: is the configuration right, what does it change, and does git hold a secret?

use std::fmt::Write;

use seawall_config::{Config, KeptSecret, Which};
use seawall_core::Environment;
use seawall_outbound::llm;
use serde_json::json;

use super::{
    CliError, Next, World,
    arguments::CheckOptions,
    configuration,
    git::{self, Tracked},
    paint::Paint,
};
use crate::app::{
    AppError, Loaded, documents, encryption, sites,
    supervised::{self, SupervisedSettings},
};

/// Checks the configuration. With `--json` the outcome is on the standard output, whatever it is.
pub(super) fn check(options: &CheckOptions, world: &mut World<'_>) -> Result<Next, CliError> {
    match judge(options, world) {
        Err(error) if options.json => {
            world.say(&error.json().to_string())?;
            Ok(Next::Exit(error.exit_code()))
        }
        judged => judged,
    }
}

fn judge(options: &CheckOptions, world: &mut World<'_>) -> Result<Next, CliError> {
    let loaded = configuration::read(&options.file, Vec::new(), options.json, world)?;
    sites::verify(&loaded.config, &loaded.directory)?;
    if supervised::both_named(&loaded.config).map_err(AppError::Setting)? {
        return Err(AppError::TwoUpstreams.into());
    }
    let encrypted = encryption::verify(&loaded.config, &loaded.directory)?;
    let mut notes = refuse_tracked_secrets(&loaded)?;
    notes.extend(encrypted);
    notes.extend(missing_variables(&loaded.config, world)?);
    notes.extend(unfetched(&loaded.config)?);
    notes.extend(logged_prompts(&loaded.config)?);
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

/// What the application would miss if it were started here. Another environment may have it, so it is no mistake.
fn missing_variables(config: &Config, world: &World<'_>) -> Result<Option<String>, CliError> {
    let settings = SupervisedSettings::read(config).map_err(AppError::Setting)?;
    let missing = settings.map(|settings| supervised::missing(&settings, &world.variables)).unwrap_or_default();
    let names = missing.join(", ");
    let note = format!("{names} must be set where seawall runs, and here is not; the application would not be started");
    Ok((!missing.is_empty()).then_some(note))
}

/// The documents that are not looked at here, because only the running application gives them.
fn unfetched(config: &Config) -> Result<Option<String>, CliError> {
    let paths = documents::fetched(config).map_err(AppError::Setting)?;
    let names = paths.keys().map(|path| format!("upstream:{path}")).collect::<Vec<_>>().join(", ");
    let note = format!(
        "{names} is fetched from the application when Seawall starts or reloads, and not here; what is in it was not checked"
    );
    Ok((!paths.is_empty()).then_some(note))
}

/// The routes whose prompts are logged where real people write them.
fn logged_prompts(config: &Config) -> Result<Option<String>, CliError> {
    let routes = llm::logging_routes(config.entries(&llm::ROUTES)).map_err(AppError::Setting)?;
    let names = routes.iter().map(|name| format!("[llm.route.{name}]")).collect::<Vec<_>>().join(", ");
    let note = format!(
        "{names} logs prompts: whoever reads the log reads what people ask and are answered, and only what names itself a secret is hidden; \
         remove log_prompts when you are done"
    );
    Ok((config.environment() == Environment::Production && !routes.is_empty()).then_some(note))
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
            notes.push("git could not be asked (it is not installed, or the repository belongs to somebody else), so whether a secret is tracked was not checked".to_owned());
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
    for key in encryption::settings(&loaded.config, &loaded.directory)?.into_iter().flat_map(|tls| tls.certificates) {
        let key = key.key.display().to_string();
        refuse(
            key.as_ref(),
            &format!("{key} is a private key"),
            &format!(
                "take it out with: git rm --cached {key}; then get a certificate with another key, and let the old one be revoked"
            ),
        )?;
    }
    for KeptSecret { key, file, named } in loaded.config.secrets_in_files() {
        match (file, &loaded.file) {
            (Some(file), _) => refuse(
                &loaded.directory.join(&file),
                &format!("{file} holds the secret {key}"),
                &format!("take it out with: git rm --cached {file}; then change the secret"),
            )?,
            (None, Some(file)) => {
                let help = if named {
                    format!("keep it in a file: {key}_file = \"PATH\"; then change the secret")
                } else {
                    let variable = key.to_uppercase().replace('.', "__");
                    format!(
                        "keep it in a file or a variable: {key}_file = \"PATH\", or the variable SEAWALL__{variable}; then change the secret"
                    )
                };
                refuse(file, &format!("{} holds the secret {key}", file.display()), &help)?;
            }
            (None, None) => {}
        }
    }
    notes.dedup();
    Ok(notes)
}
