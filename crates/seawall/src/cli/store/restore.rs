//! `seawall restore`: the newest state, or that of a second, from the backups.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use clap::Args;
use jiff::Timestamp;
use seawall_store::{
    OpenError,
    backup::{self, BackupError, Manifest, Moment, PostgresServer, Source, Vault},
};
use serde_json::{Value, json};

use super::{
    super::{CliError, arguments::FileOption, paint::Paint},
    access::Access,
    bar::Bar,
};
use crate::app::store::{
    StorePlace,
    backups::{self, Kept, What},
};

/// What is restored, from when, and where to.
#[derive(Debug, Args)]
pub(crate) struct RestoreOptions {
    /// What [backup.NAME] says, or seawall for the store.
    #[arg(value_name = "NAME", default_value = backup::STORE)]
    name: String,
    /// The state of this second, such as 2026-11-21T14:05:30Z [default: the newest].
    #[arg(long, value_name = "TIME", conflicts_with = "backup")]
    at: Option<Timestamp>,
    /// This backup and nothing after it, as `seawall backup list` names it.
    #[arg(long, value_name = "ID")]
    backup: Option<String>,
    /// Another file, directory or database (postgres://…, or @FILE with the URL in it) than the one that was backed up.
    #[arg(long, value_name = "PATH")]
    into: Option<String>,
    #[command(flatten)]
    file: FileOption,
    /// Answer in JSON.
    #[arg(long)]
    json: bool,
}

impl RestoreOptions {
    pub(super) const fn file(&self) -> &FileOption {
        &self.file
    }

    pub(super) async fn run(
        &self,
        access: &Access,
        directory: &Path,
        paint: Paint,
        out: &mut dyn Write,
    ) -> Result<u8, CliError> {
        if self.into.is_none() && access.served().await {
            return Err(CliError::Missing(
                "a server runs and has the store, so nothing was restored\n  help: stop it first, or restore beside it with --into PATH"
                    .to_owned(),
            ));
        }
        let backups = access.readable_backups().await?;
        let kept = backups.named(&self.name).ok_or_else(|| {
            let names = backups.names();
            CliError::Missing(format!("nothing with the name `{}` is backed up; there is {names}", self.name))
        })?;
        let bar = Bar::new(self.json);
        let outcome = self.restore(kept, access.place(), directory, &bar).await;
        drop(bar);
        let told = outcome?;
        if self.json {
            writeln!(out, "{told}")?;
        } else {
            out.write_all(text(&told, paint).as_bytes())?;
        }
        Ok(0)
    }

    async fn restore(&self, kept: &Kept, place: &StorePlace, directory: &Path, bar: &Bar) -> Result<Value, CliError> {
        let (name, progress, moment) = (&kept.name, &bar.progress(), &self.moment());
        let vault = &self.vault(kept, place);
        let path = |own: &PathBuf| self.into.as_ref().map_or_else(|| own.clone(), |into| directory.join(into));
        match &kept.what {
            What::Store(own) | What::Other(Source::Sqlite(own)) => {
                let into = path(own);
                let restored =
                    backup::restore(vault, name, moment, &into, progress).await.map_err(|error| failed(&error))?;
                let own_store = matches!(kept.what, What::Store(_));
                Ok(target(backups::restored(&restored), &into.display().to_string(), own_store))
            }
            What::Other(Source::Directory(own)) => {
                let into = path(own);
                if into.exists() {
                    return Err(CliError::Missing(format!(
                        "{} is there already, so nothing was restored\n  help: move it away, or choose another directory with --into PATH",
                        into.display()
                    )));
                }
                let done = backup::restore_directory(vault, name, moment, &into, progress)
                    .await
                    .map_err(|error| broken_off(&error))?;
                Ok(target(whole(&done), &into.display().to_string(), false))
            }
            What::Other(Source::Postgres(own)) => {
                let into = self.into.as_deref().map_or_else(|| Ok(own.clone()), |into| server(into, directory))?;
                let done = backup::restore_postgres(vault, name, moment, &into, progress)
                    .await
                    .map_err(|error| broken_off(&error))?;
                Ok(target(whole(&done), "the database", false))
            }
            What::Other(Source::Store(_)) => Err(CliError::Missing("the store is open here".to_owned())),
        }
    }

    /// In the place of the store itself, changes go on that were captured and not shipped. No server runs then that writes more.
    fn vault(&self, kept: &Kept, place: &StorePlace) -> Vault {
        match (&kept.what, place.capture()) {
            (What::Store(_), Some(capture)) if self.into.is_none() => {
                kept.vault.clone().with_unshipped(capture.directory)
            }
            _ => kept.vault.clone(),
        }
    }

    fn moment(&self) -> Moment {
        match (self.at, &self.backup) {
            (Some(at), _) => Moment::At(at.as_microsecond()),
            (None, Some(id)) => Moment::Backup(id.clone()),
            (None, None) => Moment::Newest,
        }
    }
}

fn server(text: &str, directory: &Path) -> Result<PostgresServer, CliError> {
    let held = match text.strip_prefix('@') {
        Some(file) => std::fs::read_to_string(directory.join(file))?,
        None => text.to_owned(),
    };
    PostgresServer::parse(held.trim()).map_err(|error| CliError::Usage(format!("error: --into: {error}\n")))
}

/// What is not restored to a second is the state of its backup.
fn whole(manifest: &Manifest) -> Value {
    let at = Timestamp::from_microsecond(manifest.taken_at_us).map(|at| at.to_string()).unwrap_or_default();
    json!({
        "name": manifest.name,
        "backup": manifest.id,
        "taken_at": at,
        "state_at": at,
        "commits": 0,
        "missing": null,
        "kept": null,
    })
}

fn target(mut told: Value, into: &str, own_store: bool) -> Value {
    if let Some(fields) = told.as_object_mut() {
        fields.insert("into".to_owned(), into.into());
        fields.insert("store".to_owned(), own_store.into());
    }
    told
}

fn text(told: &Value, paint: Paint) -> String {
    let text = |key: &str| told[key].as_str().unwrap_or("?");
    let mut lines = vec![
        format!("{}  {} into {}", paint.good("restored"), text("name"), text("into")),
        format!("  state    of {}; what was written later is not in it", text("state_at")),
        format!("  backup   {} of {}, and {} changes after it", text("backup"), text("taken_at"), told["commits"]),
        format!("  missing  {}", told["missing"].as_str().unwrap_or("nothing before that")),
    ];
    if let Some(kept) = told["kept"].as_str() {
        lines.push(format!("  kept     {kept}: what was there before; delete it when all is well"));
    }
    if told["store"] == true {
        lines.push("  next     start Seawall; everybody signs in again".to_owned());
    }
    lines.join("\n") + "\n"
}

fn failed(error: &BackupError) -> CliError {
    let help = match error {
        BackupError::Open(OpenError::InUse(_)) => {
            "\n  help: stop the process that has it, or restore beside it with --into PATH"
        }
        BackupError::NotCovered { .. } | BackupError::Missing { .. } | BackupError::Damaged { .. } => {
            "\n  help: see which backups there are with: seawall backup list"
        }
        _ => "",
    };
    CliError::Missing(format!("nothing was restored: {}{help}", error.chain()))
}

/// What is written in place may be there in part.
fn broken_off(error: &BackupError) -> CliError {
    match error {
        BackupError::Tool { .. } => CliError::Missing(format!(
            "the restore did not come to its end: {}\n  help: the database has to be there and empty; what was restored by then is in it",
            error.chain()
        )),
        BackupError::File { .. } | BackupError::Abandoned(_) => CliError::Missing(format!(
            "the restore did not come to its end: {}\n  help: what was restored by then was left; remove it before the next try",
            error.chain()
        )),
        other => failed(other),
    }
}
