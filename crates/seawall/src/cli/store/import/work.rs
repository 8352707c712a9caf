//! Carrying an import out: rows are read, sent in batches, and what was not taken is written where it can be mended.

use std::{
    fs::{File, OpenOptions},
    io::{BufWriter, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use seawall_identity::import::{Batch, BatchReport, FormatCount, ImportOptions, ImportRow, Progress, Reject};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{
    PAGE, UsersOptions,
    mapping::Mapping,
    shown::{self, Bar, SHOWN},
    source::{Said, Source},
};
use crate::cli::{CliError, paint::Paint, store::access::PeopleHolder};

/// Rows in one batch.
const ROWS: usize = 500;

/// The exit code when rows were not taken.
const SOME_REJECTED: u8 = 1;

/// A source whose columns are chosen.
pub(super) struct Prepared {
    source: Source,
    mapping: Mapping,
}

/// Opens the source and finds out which column is what.
pub(super) async fn prepare(options: &UsersOptions, directory: &Path) -> Result<Prepared, CliError> {
    let said = Said {
        table: options.table.as_deref(),
        select: options.select.as_deref(),
        key: options.key.as_deref(),
        columns: &options.columns,
    };
    let mut source = Source::open(&options.source, &said, directory).await?;
    let usage = |why: String| CliError::Usage(format!("error: {why}\n"));
    let mapping = Mapping::new(&source.columns(), &options.map, &options.format).map_err(usage)?;
    source.choose(&mapping.columns, mapping.id()).await?;
    Ok(Prepared { source, mapping })
}

pub(super) async fn run(
    options: &UsersOptions,
    prepared: Prepared,
    holder: &PeopleHolder,
    (directory, paint): (&Path, Paint),
    out: &mut dyn Write,
) -> Result<u8, CliError> {
    let Prepared { mut source, mapping } = prepared;
    if !options.json {
        writeln!(out, "columns: {}", mapping.shown())?;
    }
    if options.dry_run {
        return try_out(options, source, &mapping, holder, paint, out).await;
    }
    let fingerprint = source.fingerprint()?.with(&mapping.shown()).with(&options.format).digits();
    let name: String = source.name().chars().take(128).collect();
    let begun = json!({ "fingerprint": fingerprint, "source": name, "again": options.again });
    let mut progress: Progress = read(holder.have_done("/api/imports", &begun).await?)?;
    if progress.finished_at.is_some() && !source.grows() {
        if !options.json {
            writeln!(out, "{name} was imported already; use --again to begin anew")?;
        }
    } else {
        if !progress.position.is_empty() {
            source.go_on(&progress.position)?;
        }
        send(options, &mut source, &mapping, holder, &progress).await?;
        progress = read(holder.have_done(&format!("/api/imports/{}/finish", progress.id), &json!({})).await?)?;
    }
    let rejects = options.rejects.clone().map_or_else(|| source.rejects(directory), |path| directory.join(path));
    told(options, &mut source, &progress, holder, (&rejects, directory, paint), out).await
}

/// Sends all rows that are left.
async fn send(
    options: &UsersOptions,
    source: &mut Source,
    mapping: &Mapping,
    holder: &PeopleHolder,
    progress: &Progress,
) -> Result<(), CliError> {
    let bar = Bar::new(options.json, source.total().await?);
    let (mut from, path) = (progress.position.clone(), format!("/api/imports/{}/rows", progress.id));
    let (mut seen, mut this_run) = (progress.seen, 0_u64);
    while let Some((rows, to)) = rows(source, mapping).await? {
        let count = rows.len();
        let batch = Batch { from: from.clone(), to: to.clone(), options: for_all(options, mapping), rows };
        let _report: BatchReport = read(holder.have_done(&path, &json!(batch)).await?)?;
        (seen, this_run) = (seen + i64::try_from(count).unwrap_or_default(), this_run + count as u64);
        bar.show(source.done(&to).unwrap_or_else(|| u64::try_from(seen).unwrap_or_default()), seen, this_run);
        from = to;
    }
    Ok(())
}

/// Looks at all rows as an import would.
async fn try_out(
    options: &UsersOptions,
    mut source: Source,
    mapping: &Mapping,
    holder: &PeopleHolder,
    paint: Paint,
    out: &mut dyn Write,
) -> Result<u8, CliError> {
    let bar = Bar::new(options.json, source.total().await?);
    let mut sum = Progress {
        id: String::new(),
        position: String::new(),
        run: 0,
        seen: 0,
        added: 0,
        updated: 0,
        skipped: 0,
        rejected: 0,
        without_password: 0,
        formats: Vec::new(),
        finished_at: None,
    };
    let mut first = Vec::new();
    while let Some((rows, to)) = rows(&mut source, mapping).await? {
        let count = rows.len();
        let batch = Batch { from: String::new(), to: to.clone(), options: for_all(options, mapping), rows };
        let report: BatchReport = read(holder.have_done("/api/imports/check", &json!(batch)).await?)?;
        let room = SHOWN.saturating_sub(first.len());
        first.extend(report.rejected.iter().take(room).cloned());
        take_in(&mut sum, count, report);
        let seen = u64::try_from(sum.seen).unwrap_or_default();
        bar.show(source.done(&to).unwrap_or(seen), sum.seen, seen);
    }
    drop(bar);
    let report = json!({ "dry_run": true, "import": sum, "first_rejected": first });
    if let Some(path) = &options.report {
        writeln!(private(path)?, "{report}")?;
    }
    if options.json {
        writeln!(out, "{report}")?;
    } else {
        shown::summary(&sum, true, paint, out)?;
        first.iter().try_for_each(|one| shown::reject(one, paint, out))?;
        writeln!(out, "nothing was written")?;
    }
    Ok(if sum.rejected > 0 { SOME_REJECTED } else { 0 })
}

fn take_in(sum: &mut Progress, rows: usize, report: BatchReport) {
    let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    sum.seen += number(rows as u64);
    sum.added += number(report.added);
    sum.updated += number(report.updated);
    sum.skipped += number(report.skipped);
    sum.rejected += number(report.rejected.len() as u64);
    sum.without_password += number(report.without_password);
    for count in report.formats {
        let same = |known: &&mut FormatCount| known.format == count.format && known.cost == count.cost;
        match sum.formats.iter_mut().find(same) {
            Some(known) => {
                known.rows += count.rows;
                known.wrapped += count.wrapped;
            }
            None => sum.formats.push(count),
        }
    }
}

/// Says what became of the rows, and writes those that were not taken where they can be mended.
async fn told(
    options: &UsersOptions,
    source: &mut Source,
    progress: &Progress,
    holder: &PeopleHolder,
    (rejects, directory, paint): (&Path, &Path, Paint),
    out: &mut dyn Write,
) -> Result<u8, CliError> {
    let mut report = options.report.as_ref().map(|path| private(&directory.join(path))).transpose()?;
    let summary = json!({ "import": progress });
    if let Some(report) = &mut report {
        writeln!(report, "{summary}")?;
    }
    if options.json {
        writeln!(out, "{summary}")?;
    } else {
        shown::summary(progress, false, paint, out)?;
    }
    if progress.rejected == 0 {
        return Ok(0);
    }
    let mut file = private(rejects)?;
    file.write_all(&source.header())?;
    let (mut shown_so_far, mut after) = (0, String::new());
    loop {
        let page = holder.look(&format!("/api/imports/{}/rejects?limit={PAGE}{after}", progress.id)).await?;
        let data: Vec<Reject> = read(page.get("data").cloned().unwrap_or_default())?;
        for one in &data {
            file.write_all(&source.raw(&one.position).await?)?;
            let line = json!({ "place": one.place, "field": one.field, "reason": one.reason });
            if let Some(report) = &mut report {
                writeln!(report, "{line}")?;
            }
            if options.json {
                writeln!(out, "{line}")?;
            } else if shown_so_far < SHOWN {
                shown::reject(one, paint, out)?;
            }
            shown_so_far += 1;
        }
        match page.get("next").and_then(Value::as_str) {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    file.flush()?;
    if !options.json {
        let more = shown_so_far.saturating_sub(SHOWN);
        if more > 0 {
            writeln!(out, "  and {more} more; --report FILE has all reasons")?;
        }
        writeln!(out, "the rejected rows are in {}; mend them there and import that file", rejects.display())?;
    }
    Ok(SOME_REJECTED)
}

/// The next rows and where they end; nothing at the end of the source.
async fn rows(source: &mut Source, mapping: &Mapping) -> Result<Option<(Vec<ImportRow>, String)>, CliError> {
    let records = source.next(ROWS).await?;
    let Some(to) = records.last().map(|record| record.after.clone()) else { return Ok(None) };
    Ok(Some((records.into_iter().map(|record| mapping.row(record)).collect(), to)))
}

fn for_all(options: &UsersOptions, mapping: &Mapping) -> ImportOptions {
    ImportOptions { roles: options.roles.clone(), format: mapping.format.clone(), existing: options.existing.into() }
}

/// A file that only its owner may read: stored passwords go there.
fn private(path: &Path) -> Result<BufWriter<File>, CliError> {
    let opened = OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(path);
    opened
        .map(BufWriter::new)
        .map_err(|error| CliError::Missing(format!("{} cannot be written: {error}", path.display())))
}

fn read<T: DeserializeOwned>(said: Value) -> Result<T, CliError> {
    let unread = |error| {
        CliError::Missing(format!(
            "the server answers otherwise than this program expects: {error}; use the same version"
        ))
    };
    serde_json::from_value(said).map_err(unread)
}
