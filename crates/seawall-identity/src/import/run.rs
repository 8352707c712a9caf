//! Imports, as [`People`] carry them out.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use seawall_core::principal::Role;
use seawall_store::{Cause, Lane, Parameters, StoreError, ToValue, Tx, audit::Entry};
use serde_json::{Map, Value, json};

use super::{
    ImportError,
    examples::{self, kind},
    existing::There,
    prepared::{self, Kept, Prepared},
    progress::{ForeignId, Progress},
    report::{self, BatchReport, FormatCount, Reject},
    row::{Batch, Existing, Fault, ImportOptions, MOST_ROWS},
    table::{self, Namesake},
};
use crate::{
    mail::Email,
    password::{Hasher, PoolError},
    people::People,
    sessions::table::Which,
    users::{roles, table as users},
};

/// A batch whose rows are read and whose passwords are as they will be kept.
struct Ready {
    rows: Vec<Prepared>,
    rejected: Vec<Reject>,
    formats: Vec<FormatCount>,
    options: ImportOptions,
}

/// What a batch does in its transaction.
#[derive(Default)]
struct Plan<'a> {
    fresh: Vec<(String, &'a Prepared)>,
    /// Users that get what their rows say.
    changed: Vec<(&'a Namesake, &'a Prepared)>,
    skipped: u64,
    rejected: Vec<Reject>,
}

impl People {
    /// Begins an import, or goes on with one: answers where it is. `again` lets one begin anew; users that it made stay.
    ///
    /// # Errors
    /// [`ImportError`].
    pub async fn begin_import(
        &self,
        cause: &Cause,
        fingerprint: String,
        source: String,
        again: bool,
    ) -> Result<Progress, ImportError> {
        if fingerprint.is_empty() || fingerprint.len() > 128 || source.len() > 512 {
            return Err(ImportError::Invalid("a fingerprint has 1 to 128 bytes, a source 512 at most".to_owned()));
        }
        let begun = self.write(cause.clone(), move |tx| {
            let id = match table::by_fingerprint(tx, &fingerprint)? {
                Some(known) if !again => return Ok(known),
                Some(known) => {
                    table::begin_again(tx, &known.id)?;
                    known.id
                }
                None => {
                    let id = tx.fresh_id()?;
                    table::begin(tx, &id, &fingerprint, &source)?;
                    id
                }
            };
            let after = Map::from_iter([("source".to_owned(), json!(source)), ("again".to_owned(), json!(again))]);
            tx.audit(Entry::new("import.began", "import", &*id).made(after))?;
            table::by_id(tx, &id)?.ok_or(StoreError::NoRow)
        });
        Ok(begun.await?)
    }

    /// Writes a batch, all of it and where the import is then, or nothing.
    ///
    /// # Errors
    /// [`ImportError::Moved`] when the import is not where the batch begins.
    pub async fn import(&self, cause: &Cause, id: String, batch: Batch) -> Result<BatchReport, ImportError> {
        let (from, to) = (batch.from.clone(), batch.to.clone());
        let ready = Arc::new(self.ready(batch, true).await?);
        let (people, import) = (self.clone(), id.clone());
        let outcome = self
            .write(cause.clone(), move |tx| {
                let Some(known) = table::by_id(tx, &import)? else {
                    return Ok(Err(ImportError::NoImport(import.clone())));
                };
                if !table::moves(tx, &import, &from, &to)? {
                    return Ok(Err(ImportError::Moved));
                }
                people.write_batch(tx, &known, &ready).map(Ok)
            })
            .await;
        match outcome {
            // Another added a user of one of these names in between: the position has not moved, so the batch comes again.
            Err(StoreError::Conflict(_)) => Err(ImportError::Moved),
            other => other?,
        }
    }

    /// Looks at a batch as [`People::import`] does, and writes nothing. Nothing is hashed either: the report says how much would be.
    ///
    /// # Errors
    /// [`ImportError`].
    pub async fn try_import(&self, batch: Batch) -> Result<BatchReport, ImportError> {
        let ready = Arc::new(self.ready(batch, false).await?);
        let looked = self.db().read::<_, StoreError>(Lane::Background, move |tx| {
            let there = There::read(tx, "", &ready.rows)?;
            let plan = plan(&ready, &there, 0, || Ok(String::new()))?;
            Ok(told(&plan, &ready))
        });
        Ok(looked.await?)
    }

    /// Notes that an import has come to the end of its source. From here on the time of failures hides the formats it brought.
    ///
    /// # Errors
    /// [`ImportError::NoImport`].
    pub async fn finish_import(&self, cause: &Cause, id: String) -> Result<Progress, ImportError> {
        let wanted = id.clone();
        let finished = self.write(cause.clone(), move |tx| {
            let Some(sum) = table::by_id(tx, &wanted)? else { return Ok(None) };
            table::finish(tx, &wanted)?;
            let after =
                json!({ "added": sum.added, "updated": sum.updated, "skipped": sum.skipped, "rejected": sum.rejected });
            tx.audit(Entry::new("import.finished", "import", &*wanted).made(object(after)))?;
            table::by_id(tx, &wanted)
        });
        let progress = finished.await?.ok_or(ImportError::NoImport(id))?;
        self.present_formats().await?;
        Ok(progress)
    }

    /// Rows that an import did not take, from a number on.
    ///
    /// # Errors
    /// [`ImportError::NoImport`].
    pub async fn import_rejects(&self, id: String, from: i64, limit: u32) -> Result<Vec<Reject>, ImportError> {
        let wanted = id.clone();
        let read = self.db().read::<_, StoreError>(Lane::Interactive, move |tx| {
            // One that has rejects is there.
            let rejects = table::rejects(tx, &wanted, from, limit)?;
            let known = !rejects.is_empty() || table::by_id(tx, &wanted)?.is_some();
            Ok(known.then_some(rejects))
        });
        read.await?.ok_or(ImportError::NoImport(id))
    }

    /// Under which ids other systems knew users, in the order of the users' ids, behind one.
    ///
    /// # Errors
    /// [`ImportError::Store`].
    pub async fn foreign_ids(&self, after: [String; 2], limit: u32) -> Result<Vec<ForeignId>, ImportError> {
        let [user, import] = after;
        let read = move |tx: &mut seawall_store::ReadTx<'_>| table::foreign_ids(tx, (&user, &import), limit);
        Ok(self.db().read::<_, StoreError>(Lane::Interactive, read).await?)
    }

    /// Reads the rows and, when they will be written, puts fast hashes beneath argon2id.
    async fn ready(&self, batch: Batch, wrap: bool) -> Result<Ready, ImportError> {
        let Batch { rows: given, options, .. } = batch;
        if given.len() > MOST_ROWS {
            return Err(ImportError::Invalid(format!("a batch has {MOST_ROWS} rows at most")));
        }
        let for_all = prepared::default_roles(&options).map_err(ImportError::Invalid)?;
        let (mut rows, mut rejected) = (Vec::new(), Vec::new());
        for row in &given {
            match prepared::read(row, &for_all, &options) {
                Ok(row) => rows.push(row),
                Err(reject) => rejected.push(reject),
            }
        }
        if wrap {
            let (with, kept): (Vec<usize>, Vec<&mut Kept>) =
                rows.iter_mut().enumerate().filter_map(|(place, row)| Some((place, row.password.as_mut()?))).unzip();
            let faults: BTreeMap<usize, _> = with.into_iter().zip(self.imports().wrap(kept).await?).collect();
            let refuse = |(place, row): (usize, Prepared)| match faults.get(&place) {
                Some(Some(error)) => Err(refused(&row, Fault::new("password", error.to_string()))),
                _ => Ok(row),
            };
            let (good, bad): (Vec<_>, Vec<_>) = rows.into_iter().enumerate().map(refuse).partition(Result::is_ok);
            rows = good.into_iter().flatten().collect();
            rejected.extend(bad.into_iter().filter_map(Result::err));
        }
        let formats = self.counted(&rows).await?;
        Ok(Ready { rows, rejected, formats, options })
    }

    /// Counts formats, each with what verifying what is kept of it takes.
    async fn counted(&self, rows: &[Prepared]) -> Result<Vec<FormatCount>, ImportError> {
        let mut counts = Vec::new();
        for kept in rows.iter().filter_map(|row| row.password.as_ref()) {
            // What is put beneath argon2id takes what that takes.
            let verify_us = if kept.stored.fast() {
                self.imports().verification_us(&Hasher::default().decoy().map_err(PoolError::from)?).await?
            } else {
                self.imports().verification_us(&kept.stored).await?
            };
            let format = kept.stored.format().name().to_owned();
            let wrapped = u64::from(kept.stored.fast());
            counts.push(FormatCount { format, cost: kept.stored.magnitude(), rows: 1, wrapped, verify_us });
        }
        Ok(report::added(&[], &counts))
    }

    fn write_batch(&self, tx: &mut Tx<'_>, before: &Progress, ready: &Ready) -> Result<BatchReport, StoreError> {
        let there = There::read(tx, &before.id, &ready.rows)?;
        let at_us = tx.at_us();
        let plan = {
            let tx = &*tx;
            plan(ready, &there, before.run, || tx.fresh_id())?
        };
        add(tx, before, &plan.fresh, at_us)?;
        for (user, row) in &plan.changed {
            self.change_to(tx, before, user, row)?;
        }
        table::reject(tx, &before.id, before.rejected, &plan.rejected)?;
        note_examples(tx, &plan)?;
        let told = told(&plan, ready);
        table::count(tx, &summed(before.clone(), &told, ready))?;
        tx.audit(Entry::new("import.batch", "import", &*before.id).made(audited(&plan, &told)))?;
        Ok(told)
    }

    /// Gives a user what its row says.
    fn change_to(&self, tx: &mut Tx<'_>, import: &Progress, user: &Namesake, row: &Prepared) -> Result<(), StoreError> {
        let given = if row.told_roles { &row.roles } else { &user.roles };
        let email = row.email.as_ref().map(Email::as_str).or(user.email.as_deref());
        let key = email.and_then(|email| Email::parse(email).ok()).map(|email| email.key().to_owned());
        let disabled = row.disabled.unwrap_or(user.disabled);
        let hash = row.password.as_ref().map(|kept| &kept.text);
        users::hold(tx, &user.id)?;
        let another_hash =
            hash.is_some() && users::by_id(tx, &user.id)?.and_then(|known| known.password_hash).as_ref() != hash;
        tx.execute(
            "UPDATE users SET email = $2, roles = $3, disabled = $4, password_hash = COALESCE($5, password_hash),
                 email_verified_at = CASE WHEN email_key IS NOT DISTINCT FROM $6 THEN email_verified_at END, email_key = $6,
                 version = version + 1
             WHERE id = $1",
            &[&user.id, &email, &roles::write(given), &disabled, &hash, &key],
        )?;
        tx.execute(
            "INSERT INTO foreign_ids (import_id, user_id, foreign_id, run) VALUES ($1, $2, $3, $4)
             ON CONFLICT (import_id, user_id) DO UPDATE SET run = excluded.run, foreign_id = excluded.foreign_id",
            &[&import.id, &user.id, &row.id, &import.run],
        )?;
        let kept_out = disabled && !user.disabled;
        if kept_out || *given != user.roles {
            self.forget_and_close(tx, &user.id)?;
        } else {
            self.forget(tx, &user.id)?;
        }
        if kept_out {
            self.end_sessions(tx, &user.id, &Which::All, "user disabled")?;
        } else if another_hash {
            self.end_sessions(tx, &user.id, &Which::All, "password imported")?;
        }
        if another_hash || email != user.email.as_deref() {
            Self::void_given(tx, &user.id)?;
        }
        let mut after = shown(given, email, disabled);
        after.insert("another_hash".to_owned(), json!(another_hash));
        let mut before = shown(&user.roles, user.email.as_deref(), user.disabled);
        before.insert("another_hash".to_owned(), json!(false));
        if before == after {
            return Ok(());
        }
        tx.audit(Entry::new("user.imported", "user", &*user.id).changed(before, after).personal(&*user.id, &["email"]))
    }
}

/// Decides about each row by who is there already, in the store or earlier in the batch.
fn plan<'a>(
    ready: &'a Ready,
    there: &'a There,
    run: i64,
    fresh_id: impl Fn() -> Result<String, StoreError>,
) -> Result<Plan<'a>, StoreError> {
    let mut plan = Plan { rejected: ready.rejected.clone(), ..Plan::default() };
    let (mut names, mut ids) = (HashSet::new(), HashSet::new());
    for row in &ready.rows {
        let fault = |field: &str, reason: &str| refused(row, Fault::new(field, reason));
        let twice = "another row of this source has the same name, case and width aside; give one of them another";
        if !names.insert(row.name.key()) {
            plan.rejected.push(fault("name", twice));
            continue;
        }
        let namesake = there.by_name.get(row.name.key());
        let id_taken = row.id.as_deref().is_some_and(|id| {
            let own = namesake
                .and_then(|user| user.known.as_ref())
                .is_some_and(|(foreign, _)| foreign.as_deref() == Some(id));
            !ids.insert(id) || (there.foreign_ids.contains(id) && !own)
        });
        match namesake {
            _ if id_taken => {
                plan.rejected.push(fault("id", "another row of this source has the same id; give one of them another"));
            }
            None => plan.fresh.push((fresh_id()?, row)),
            Some(user) if other_row(user, row, run) => plan.rejected.push(fault("name", twice)),
            Some(user) => match ready.options.existing {
                Existing::Skip => plan.skipped += 1,
                Existing::Update => plan.changed.push((user, row)),
                Existing::Fail => plan
                    .rejected
                    .push(fault("name", "a user has this name already; rename one of them, or use --existing")),
            },
        }
    }
    Ok(plan)
}

/// Whether this import made the user from another row: by its id, or, without ids, because rows come once in a run.
fn other_row(user: &Namesake, row: &Prepared, run: i64) -> bool {
    match (&user.known, &row.id) {
        (None, _) => false,
        (Some((Some(foreign), _)), Some(id)) => foreign != id,
        (Some((_, since)), _) => *since == run,
    }
}

fn refused(row: &Prepared, Fault { field, reason }: Fault) -> Reject {
    Reject { position: row.position.clone(), place: row.place.clone(), field, reason }
}

fn add(tx: &mut Tx<'_>, import: &Progress, fresh: &[(String, &Prepared)], at_us: i64) -> Result<(), StoreError> {
    let written: Vec<(String, Option<&str>, bool)> = fresh
        .iter()
        .map(|(_, row)| {
            let hash = row.password.as_ref().map(|kept| kept.text.as_str());
            (roles::write(&row.roles), hash, row.disabled.unwrap_or(false))
        })
        .collect();
    let shown: Vec<(&str, &str)> = fresh.iter().map(|(_, row)| (row.name.shown(), row.name.key())).collect();
    let emails: Vec<(Option<&str>, Option<&str>)> = fresh
        .iter()
        .map(|(_, row)| (row.email.as_ref().map(Email::as_str), row.email.as_ref().map(Email::key)))
        .collect();
    let rows = fresh.iter().zip(&written).zip(&shown);
    let rows: Vec<[&dyn ToValue; 9]> = rows
        .zip(&emails)
        .map(|((((id, _), (given, hash, disabled)), (name, key)), (email, email_key))| {
            [id as &dyn ToValue, name, key, email, hash, given, disabled, &at_us, email_key]
        })
        .collect();
    let rows: Vec<Parameters<'_>> = rows.iter().map(<[_; 9]>::as_slice).collect();
    let sql = "INSERT INTO users (id, name, name_key, email, password_hash, roles, disabled, created_at, email_key) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    tx.execute_each(sql, &rows)?;
    let rows: Vec<[&dyn ToValue; 4]> =
        fresh.iter().map(|(id, row)| [&import.id as &dyn ToValue, id, &row.id, &import.run]).collect();
    let rows: Vec<Parameters<'_>> = rows.iter().map(<[_; 4]>::as_slice).collect();
    tx.execute_each("INSERT INTO foreign_ids (import_id, user_id, foreign_id, run) VALUES ($1, $2, $3, $4)", &rows)
}

/// Notes of each kind of stored password one user who has it.
fn note_examples(tx: &mut Tx<'_>, plan: &Plan<'_>) -> Result<(), StoreError> {
    let fresh = plan.fresh.iter().map(|(id, row)| (id.as_str(), *row));
    let changed = plan.changed.iter().map(|(user, row)| (user.id.as_str(), *row));
    let mut kinds: BTreeMap<String, (&str, i64)> = BTreeMap::new();
    for (id, row) in fresh.chain(changed) {
        if let Some(kept) = &row.password {
            // What was wrapped is kept as something else than it was read as.
            let kept = if kept.wrapped {
                crate::password::Stored::parse(&kept.text).ok()
            } else {
                Some((*kept.stored).clone())
            };
            let Some(kept) = kept else { continue };
            kinds.entry(kind(&kept)).or_insert((id, 0)).1 += 1;
        }
    }
    kinds.into_iter().try_for_each(|(kind, (id, users))| examples::note(tx, &kind, id, users))
}

fn told(plan: &Plan<'_>, ready: &Ready) -> BatchReport {
    let taken = plan.fresh.iter().map(|(_, row)| row).chain(plan.changed.iter().map(|(_, row)| row));
    BatchReport {
        added: plan.fresh.len() as u64,
        updated: plan.changed.len() as u64,
        skipped: plan.skipped,
        without_password: taken.filter(|row| row.password.is_none()).count() as u64,
        formats: ready.formats.clone(),
        rejected: plan.rejected.clone(),
    }
}

fn summed(before: Progress, told: &BatchReport, ready: &Ready) -> Progress {
    let more = |sum: i64, count: u64| sum.saturating_add(i64::try_from(count).unwrap_or(i64::MAX));
    let refused_before = ready.rows.len() + ready.rejected.len();
    Progress {
        seen: more(before.seen, refused_before as u64),
        added: more(before.added, told.added),
        updated: more(before.updated, told.updated),
        skipped: more(before.skipped, told.skipped),
        rejected: more(before.rejected, told.rejected.len() as u64),
        without_password: more(before.without_password, told.without_password),
        formats: report::added(&before.formats, &told.formats),
        ..before
    }
}

/// What the audit log has of a batch: the counts, and the ids of the users that were made, by their roles.
fn audited(plan: &Plan<'_>, told: &BatchReport) -> Map<String, Value> {
    let mut made: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (id, row) in &plan.fresh {
        made.entry(roles::write(&row.roles)).or_default().push(id);
    }
    object(json!({
        "added": told.added,
        "updated": told.updated,
        "skipped": told.skipped,
        "rejected": told.rejected.len(),
        "users_by_roles": made,
    }))
}

fn shown(given: &[Role], email: Option<&str>, disabled: bool) -> Map<String, Value> {
    let given: Vec<_> = given.iter().map(Role::as_str).collect();
    object(json!({ "roles": given, "email": email, "disabled": disabled }))
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}
