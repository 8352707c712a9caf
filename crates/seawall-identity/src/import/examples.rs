//! Examples of the formats that imported users have, so that the time of a failure hides which one it is from the first sign-in on.
//!
//! Some users stand for each format and cost. Whoever of them has signed in meanwhile has a hash of today, and stands for nothing.

use std::collections::BTreeMap;

use seawall_store::{Db, Lane, StoreError, Tx};

use crate::password::Stored;

/// Users that stand for one format and cost.
const MOST: i64 = 8;

/// Examples that are looked at.
const MOST_READ: u32 = 1_024;

/// What a stored password's format and cost are kept as.
pub(super) fn kind(stored: &Stored) -> String {
    format!("{}/{}", stored.format(), stored.magnitude())
}

/// Notes that so many users have passwords of a kind, and one of them.
pub(super) fn note(tx: &mut Tx<'_>, kind: &str, user_id: &str, users: i64) -> Result<(), StoreError> {
    let sql = "UPDATE password_examples SET users = users + $2 WHERE kind = $1 AND user_id = (SELECT MIN(user_id) FROM password_examples WHERE kind = $1)";
    tx.execute(sql, &[&kind, &users])?;
    let (there,): (i64,) = tx.one("SELECT COUNT(*) FROM password_examples WHERE kind = $1", &[&kind])?;
    if there >= MOST {
        return Ok(());
    }
    let users = if there == 0 { users } else { 0 };
    let sql = "INSERT INTO password_examples (kind, user_id, users) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
    tx.execute(sql, &[&kind, &user_id, &users]).map(drop)
}

/// One stored password of each kind that an import brought and somebody still has, and how many had it.
pub(crate) async fn present(db: &Db) -> Result<Vec<(Stored, u64)>, StoreError> {
    let rows: Vec<(String, i64, String)> = db
        .read::<_, StoreError>(Lane::Interactive, |tx| {
            tx.all(
                "SELECT e.kind, e.users, u.password_hash FROM password_examples e JOIN users u ON u.id = e.user_id
                 WHERE u.password_hash IS NOT NULL ORDER BY e.kind, e.user_id LIMIT $1",
                &[&MOST_READ],
            )
        })
        .await?;
    let mut kinds: BTreeMap<String, (Option<Stored>, u64)> = BTreeMap::new();
    for (name, users, hash) in rows {
        let of = kinds.entry(name.clone()).or_default();
        of.1 += u64::try_from(users).unwrap_or_default();
        if of.0.is_none() {
            // What cannot be read stands for nothing, as what is of another kind does.
            of.0 = Stored::parse(&hash).ok().filter(|stored| kind(stored) == name);
        }
    }
    Ok(kinds.into_values().filter_map(|(stored, users)| Some((stored?, users))).collect())
}
