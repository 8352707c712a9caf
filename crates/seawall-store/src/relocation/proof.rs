//! Proving that two databases hold the same.

use aws_lc_rs::digest::{Context, SHA256};

use super::{
    Moved, Progress, RelocationError,
    cells::{Cell, Cells},
    copy::batch,
    table::Table,
};
use crate::{Db, Lane, StoreError, hex::hex};

/// Reads a table in both databases, row by row in the order of its key, and compares hashes.
pub(super) async fn equal(
    source: &Db,
    target: &Db,
    table: Table,
    tell: &mut impl FnMut(&Progress),
) -> Result<Moved, RelocationError> {
    let (rows, hash) = summed(source, table, tell).await?;
    let (target_rows, target_hash) = summed(target, table, tell).await?;
    if (rows, &hash) != (target_rows, &target_hash) {
        return Err(RelocationError::Differs { table: table.name.to_owned(), source_rows: rows, target_rows });
    }
    Ok(Moved { table: table.name.to_owned(), rows, hash })
}

/// How many rows a table has, and the hash over all of them.
async fn summed(db: &Db, table: Table, tell: &mut impl FnMut(&Progress)) -> Result<(u64, String), StoreError> {
    let (of,): (i64,) = db.read::<_, StoreError>(Lane::Background, move |tx| tx.one(table.count, &[])).await?;
    let of = u64::try_from(of).unwrap_or_default();
    let (mut rows, mut hash, mut last) = (0_u64, Context::new(&SHA256), None);
    loop {
        let batch = batch(db, table, last.take()).await?;
        let Some(end) = batch.last() else { break };
        batch.iter().for_each(|row| take_in(&mut hash, row));
        rows += batch.len() as u64;
        last = Some(end.clone());
        tell(&Progress { table: table.name.to_owned(), comparing: true, done: rows, of });
    }
    Ok((rows, hex(hash.finish().as_ref())))
}

/// Every cell goes in with its kind and its length, so that no two rows are the same bytes.
fn take_in(hash: &mut Context, row: &Cells) {
    for cell in &row.0 {
        let (kind, bytes): (u8, &[u8]) = match cell {
            Cell::Null => (0, &[]),
            Cell::Integer(integer) => (1, &integer.to_be_bytes()),
            Cell::Real(real) => (2, &real.to_bits().to_be_bytes()),
            Cell::Text(text) => (3, text.as_bytes()),
            Cell::Bytes(bytes) => (4, bytes),
        };
        hash.update(&[kind]);
        hash.update(&(bytes.len() as u64).to_be_bytes());
        hash.update(bytes);
    }
}
