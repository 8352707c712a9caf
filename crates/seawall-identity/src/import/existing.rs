//! Who is there already: users by many names, and by many ids of the other system, in few statements.

use std::{
    collections::{HashMap, HashSet},
    sync::LazyLock,
};

use seawall_store::{ReadTx, StoreError, ToValue, Tx};

use super::{prepared::Prepared, table::Namesake};

/// Values in one statement.
const AT_ONCE: usize = 50;

static BY_NAME: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT u.id, u.name_key, u.email, u.roles, u.disabled, f.foreign_id, f.run FROM users u
         LEFT JOIN foreign_ids f ON f.user_id = u.id AND f.import_id = $1 WHERE u.name_key IN ({})",
        places()
    )
});

static BY_FOREIGN_ID: LazyLock<String> = LazyLock::new(|| {
    format!("SELECT foreign_id FROM foreign_ids WHERE import_id = $1 AND foreign_id IN ({})", places())
});

/// Users that have a name, or an id of the other system, that is among those of a batch.
pub(super) struct There {
    pub(super) by_name: HashMap<String, Namesake>,
    pub(super) foreign_ids: HashSet<String>,
}

impl There {
    pub(super) fn read(tx: &mut ReadTx<'_>, import: &str, rows: &[Prepared]) -> Result<Self, StoreError> {
        let mut there = Self { by_name: HashMap::new(), foreign_ids: HashSet::new() };
        let names: Vec<&str> = rows.iter().map(|row| row.name.key()).collect();
        for some in names.chunks(AT_ONCE) {
            let found: Vec<Namesake> = tx.all(BY_NAME.as_str(), &parameters(&import, some))?;
            there.by_name.extend(found.into_iter().map(|one| (one.name_key.clone(), one)));
        }
        let ids: Vec<&str> = rows.iter().filter_map(|row| row.id.as_deref()).collect();
        for some in ids.chunks(AT_ONCE) {
            let found: Vec<(String,)> = tx.all(BY_FOREIGN_ID.as_str(), &parameters(&import, some))?;
            there.foreign_ids.extend(found.into_iter().map(|(id,)| id));
        }
        Ok(there)
    }
}

/// `$2, $3, …`
fn places() -> String {
    (2..AT_ONCE + 2).map(|number| format!("${number}")).collect::<Vec<_>>().join(", ")
}

/// The import, and always as many values: the last stands for those that are missing.
fn parameters<'a>(import: &'a &'a str, some: &'a [&'a str]) -> Vec<&'a dyn ToValue> {
    let last = some.last().into_iter().cycle();
    let values = some.iter().chain(last).take(AT_ONCE).map(|value| value as &dyn ToValue);
    std::iter::once(import as &dyn ToValue).chain(values).collect()
}

/// Forgets what other systems called a user who is deleted.
pub(crate) fn forget(tx: &mut Tx<'_>, user_id: &str) -> Result<(), StoreError> {
    tx.execute("DELETE FROM foreign_ids WHERE user_id = $1", &[&user_id]).map(drop)
}
