//! The table of codes under way, and what a device's question comes to.

use seawall_store::{FromRow, ReadTx, Row, StoreError, Tx};

/// How long a code holds (RFC 8628 section 3.2; ASVS 5.0, 6.5.5).
pub(crate) const LIFE_US: i64 = 10 * 60 * 1_000_000;

/// How long a device waits between two questions, and how much longer after it did not (RFC 8628 section 3.5).
pub(crate) const INTERVAL_US: i64 = 5_000_000;

/// The most codes under way, of one address and of all.
const MOST_OF_AN_ADDRESS: i64 = 10;
const MOST: i64 = 10_000;

/// A code under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pairing {
    pub(crate) code_digest: [u8; 32],
    pub(crate) name: String,
    pub(crate) address: String,
    pub(crate) expires_at: i64,
    polled_at: i64,
    interval_us: i64,
    pub(crate) user_id: Option<String>,
    pub(crate) organisation_id: Option<String>,
}

impl FromRow for Pairing {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            code_digest: row.at(0)?,
            name: row.at(1)?,
            address: row.at(2)?,
            expires_at: row.at(3)?,
            polled_at: row.at(4)?,
            interval_us: row.at(5)?,
            user_id: row.at(6)?,
            organisation_id: row.at(7)?,
        })
    }
}

/// What a device's question comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Polled {
    /// Nobody has approved it yet.
    Pending,
    /// It asks too often, and waits so long from here on.
    SlowDown {
        /// Microseconds.
        interval_us: i64,
    },
    /// Somebody approved it.
    Approved,
}

impl Pairing {
    /// What a question at this time comes to.
    pub(crate) const fn polled(&self, now_us: i64) -> Polled {
        if now_us < self.polled_at.saturating_add(self.interval_us) {
            return Polled::SlowDown { interval_us: self.interval_us.saturating_add(INTERVAL_US) };
        }
        if self.user_id.is_some() { Polled::Approved } else { Polled::Pending }
    }
}

/// Whether a pairing began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Begun {
    Yes,
    /// There are too many.
    Crowded,
    /// There are too many from where it was asked for, the first of which ends then.
    Spent {
        until_us: i64,
    },
}

/// Begins a pairing, unless too many are under way.
pub(crate) fn begin(
    tx: &mut Tx<'_>,
    (code, secret): (&[u8; 32], &[u8; 32]),
    name: &str,
    address: &str,
) -> Result<Begun, StoreError> {
    let now = tx.at_us();
    tx.execute("DELETE FROM device_codes WHERE expires_at <= $1", &[&now])?;
    let (all, own): (i64, i64) = tx.one(
        "SELECT COUNT(*), COALESCE(SUM(CASE WHEN address = $1 THEN 1 ELSE 0 END), 0) FROM device_codes",
        &[&address],
    )?;
    if own >= MOST_OF_AN_ADDRESS {
        let first = "SELECT MIN(expires_at) FROM device_codes WHERE address = $1";
        let (until_us,): (i64,) = tx.one(first, &[&address])?;
        return Ok(Begun::Spent { until_us });
    }
    if all >= MOST {
        return Ok(Begun::Crowded);
    }
    tx.execute(
        "INSERT INTO device_codes (code_digest, secret_digest, name, address, expires_at, polled_at, interval_us)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        &[code, secret, &name, &address, &now.saturating_add(LIFE_US), &now, &INTERVAL_US],
    )?;
    Ok(Begun::Yes)
}

/// The pairing of a code that nobody has approved.
pub(crate) fn by_code(tx: &mut ReadTx<'_>, code: &[u8; 32], now_us: i64) -> Result<Option<Pairing>, StoreError> {
    tx.find(
        "SELECT code_digest, name, address, expires_at, polled_at, interval_us, user_id, organisation_id
         FROM device_codes WHERE code_digest = $1 AND expires_at > $2 AND user_id IS NULL",
        &[code, &now_us],
    )
}

/// The pairing of a device's secret.
pub(crate) fn by_secret(tx: &mut ReadTx<'_>, secret: &[u8; 32], now_us: i64) -> Result<Option<Pairing>, StoreError> {
    tx.find(
        "SELECT code_digest, name, address, expires_at, polled_at, interval_us, user_id, organisation_id
         FROM device_codes WHERE secret_digest = $1 AND expires_at > $2",
        &[secret, &now_us],
    )
}

/// Somebody approves; answers whether nobody had.
pub(crate) fn approve(
    tx: &mut Tx<'_>,
    code: &[u8; 32],
    user_id: &str,
    organisation_id: Option<&str>,
) -> Result<bool, StoreError> {
    let sql = "UPDATE device_codes SET user_id = $2, organisation_id = $3 WHERE code_digest = $1 AND user_id IS NULL";
    Ok(tx.execute(sql, &[code, &user_id, &organisation_id])? > 0)
}

/// Notes a question.
pub(crate) fn note(tx: &mut Tx<'_>, code: &[u8; 32], interval_us: Option<i64>) -> Result<(), StoreError> {
    let now = tx.at_us();
    let sql = "UPDATE device_codes SET polled_at = $2, interval_us = COALESCE($3, interval_us) WHERE code_digest = $1";
    tx.execute(sql, &[code, &now, &interval_us]).map(drop)
}

/// Uses a pairing up; answers whether it was there.
pub(crate) fn take(tx: &mut Tx<'_>, code: &[u8; 32]) -> Result<bool, StoreError> {
    Ok(tx.execute("DELETE FROM device_codes WHERE code_digest = $1", &[code])? > 0)
}

/// Forgets what a user approved and no device has fetched.
pub(crate) fn forget(tx: &mut Tx<'_>, user_id: &str) -> Result<(), StoreError> {
    tx.execute("DELETE FROM device_codes WHERE user_id = $1", &[&user_id]).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_too_soon_waits_longer_each_time() {
        let mut pairing = Pairing {
            code_digest: [0; 32],
            name: "tv".to_owned(),
            address: "192.0.2.1".to_owned(),
            expires_at: LIFE_US,
            polled_at: 0,
            interval_us: INTERVAL_US,
            user_id: None,
            organisation_id: None,
        };
        assert_eq!(pairing.polled(5_000_000), Polled::Pending);
        assert_eq!(pairing.polled(4_999_999), Polled::SlowDown { interval_us: 10_000_000 });
        pairing.interval_us = 10_000_000;
        assert_eq!(pairing.polled(9_999_999), Polled::SlowDown { interval_us: 15_000_000 });
        pairing.user_id = Some("u1".to_owned());
        assert_eq!(pairing.polled(10_000_000), Polled::Approved);
    }
}
