//! `seawall import`: users of another system.

mod mapping;
mod shown;
mod source;
mod work;

use std::{
    fmt,
    io::Write,
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand, ValueEnum};
use seawall_identity::import::Existing;
use serde_json::Value;

use super::{
    super::{CliError, arguments::FileOption, paint::Paint},
    access::{Access, PeopleHolder},
};

/// Ids asked for at once.
const PAGE: usize = 1_000;

/// What is asked.
#[derive(Debug, Subcommand)]
pub(crate) enum ImportCommand {
    /// Take over users with the passwords they have: from CSV, JSON lines, SQLite or PostgreSQL. An import that was interrupted goes on
    /// where it was.
    Users(Box<UsersOptions>),
    /// Write which id of the other system belongs to which user, as CSV.
    Ids(IdsOptions),
}

#[derive(Args)]
pub(crate) struct UsersOptions {
    /// FILE.csv, FILE.jsonl, sqlite://PATH or postgres://…; or @FILE with the URL in it, so that no list of processes shows a password.
    #[arg(value_name = "SOURCE")]
    source: String,
    /// The table or view of a database [default: users].
    #[arg(long, value_name = "NAME", conflicts_with = "select")]
    table: Option<String>,
    /// A SELECT in place of a table.
    #[arg(long, value_name = "SQL")]
    select: Option<String>,
    /// The column whose order rows are read in: unique, never NULL [default: the primary key].
    #[arg(long, value_name = "COLUMN")]
    key: Option<String>,
    /// Which column is what, such as name=email,password=hash,email=email,roles=role,id=id,active=is_active [default: by usual names].
    #[arg(long, value_name = "FIELD=COLUMN,…")]
    map: Vec<String>,
    /// The columns of a CSV file without a header.
    #[arg(long, value_name = "COLUMN,…", value_delimiter = ',')]
    columns: Vec<String>,
    /// How passwords are stored: auto, plain, md5, sha1, sha256, sha512, a format's name, or a text such as
    /// 'salted:sha256:{salt}:{password}'.
    #[arg(long, value_name = "FORMAT", default_value = "auto")]
    format: String,
    /// A role for every user that is added; give it again for another.
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
    /// What becomes of users there are already.
    #[arg(long, value_enum, default_value_t = WhenThere::Skip)]
    existing: WhenThere,
    /// Do all but hash and write.
    #[arg(long)]
    dry_run: bool,
    /// Begin anew; users that were taken over stay.
    #[arg(long)]
    again: bool,
    /// Where rows go that are not taken, to be mended and imported [default: SOURCE.rejected.csv or .jsonl].
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
    /// Write what became of the rows to a file too, as JSON lines.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    #[command(flatten)]
    file: FileOption,
    /// Answer in JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct IdsOptions {
    #[command(flatten)]
    file: FileOption,
    /// Answer in JSON.
    #[arg(long)]
    json: bool,
}

/// What becomes of users there are already.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum WhenThere {
    /// They stay as they are.
    Skip,
    /// They get what the row says, the password too.
    Update,
    /// The row is rejected.
    Fail,
}

// The source may hold a password.
impl fmt::Debug for UsersOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UsersOptions").field("dry_run", &self.dry_run).finish_non_exhaustive()
    }
}

impl From<WhenThere> for Existing {
    fn from(when: WhenThere) -> Self {
        match when {
            WhenThere::Skip => Self::Skip,
            WhenThere::Update => Self::Update,
            WhenThere::Fail => Self::Fail,
        }
    }
}

impl ImportCommand {
    pub(super) const fn file(&self) -> &FileOption {
        match self {
            Self::Users(options) => &options.file,
            Self::Ids(options) => &options.file,
        }
    }

    pub(super) async fn run(
        &self,
        access: &Access,
        directory: &Path,
        paint: Paint,
        out: &mut dyn Write,
    ) -> Result<u8, CliError> {
        match self {
            Self::Users(options) => {
                let prepared = work::prepare(options, directory).await?;
                let holder = access.people().await?;
                let outcome = work::run(options, prepared, &holder, (directory, paint), out).await;
                holder.close().await;
                outcome
            }
            Self::Ids(options) => {
                let holder = access.people().await?;
                let outcome = ids(options, &holder, out).await;
                holder.close().await;
                outcome.map(|()| 0)
            }
        }
    }
}

async fn ids(options: &IdsOptions, holder: &PeopleHolder, out: &mut dyn Write) -> Result<(), CliError> {
    if !options.json {
        writeln!(out, "foreign_id,user_id,import_id")?;
    }
    let mut after = String::new();
    loop {
        let page = holder.look(&format!("/api/foreign-ids?limit={PAGE}{after}")).await?;
        for row in page.get("data").and_then(Value::as_array).into_iter().flatten() {
            if options.json {
                writeln!(out, "{row}")?;
                continue;
            }
            let text = |name: &str| row[name].as_str().unwrap_or_default().replace('"', "\"\"");
            writeln!(out, "\"{}\",{},{}", text("foreign_id"), text("user"), text("import"))?;
        }
        match page.get("next").and_then(Value::as_str) {
            Some(next) => after = format!("&after={next}"),
            None => return Ok(()),
        }
    }
}
