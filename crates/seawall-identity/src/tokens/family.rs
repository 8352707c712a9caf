//! A family of refresh tokens: a session, and how often its token was replaced. What a token comes to is decided without IO.

use seawall_store::{FromRow, ReadTx, Row, StoreError, Tx, meta};

use crate::sessions::{Digest, digest};

/// How long a token that was replaced is answered with its successor: two tabs, or an answer that was lost.
const RACE_US: i64 = 10 * 1_000_000;

/// What is known of a family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Family {
    pub(crate) user_id: String,
    /// Whether its session holds, apart from time.
    pub(crate) holds: bool,
    pub(crate) idle_us: i64,
    pub(crate) idle_at: i64,
    pub(crate) expires_at: i64,
    /// The token that is to be shown next, and when it took its predecessor's place.
    pub(crate) counter: i64,
    pub(crate) rotated_at: i64,
    /// The first token that was replaced in the latest ten seconds of replacing, and when.
    pub(crate) window_counter: i64,
    pub(crate) window_at: i64,
}

impl FromRow for Family {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let (used_at, idle_us): (i64, i64) = (row.at(2)?, row.at(3)?);
        Ok(Self {
            user_id: row.at(0)?,
            holds: row.at(1)?,
            idle_us,
            idle_at: used_at.saturating_add(idle_us),
            expires_at: row.at(4)?,
            counter: row.at(5)?,
            rotated_at: row.at(6)?,
            window_counter: row.at(7)?,
            window_at: row.at(8)?,
        })
    }
}

/// What a token comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Judged {
    /// It is replaced.
    Rotate,
    /// It was replaced a moment ago: its asker gets what took its place.
    Again,
    /// It was replaced long ago: two have it, and nobody knows which of them is the thief.
    Replayed,
    /// The session has ended.
    Over,
}

/// What the token of this turn comes to. Idle and absolute ends hold however often it is refreshed (ASVS 5.0, 10.4.8).
pub(crate) fn judge(family: &Family, counter: i64, now_us: i64) -> Judged {
    if !family.holds || now_us >= family.idle_at || now_us >= family.expires_at || counter > family.counter {
        return Judged::Over;
    }
    if counter == family.counter {
        return Judged::Rotate;
    }
    let recent = |at: i64| now_us.saturating_sub(at) <= RACE_US;
    let just_replaced = counter + 1 == family.counter && recent(family.rotated_at);
    if just_replaced || (counter >= family.window_counter && recent(family.window_at)) {
        return Judged::Again;
    }
    Judged::Replayed
}

/// By what the session of tokens is found in memory and in the table. No cookie has this digest: what it is made of is no token.
pub(crate) fn digest_of_session(session_id: &str) -> Digest {
    digest(format!("the session of tokens {session_id}").as_bytes())
}

/// The family of a session.
pub(crate) fn family(tx: &mut ReadTx<'_>, session_id: &str) -> Result<Option<Family>, StoreError> {
    let epoch = meta::epoch(tx)?;
    tx.find(
        "SELECT user_id, ended_at IS NULL AND epoch = $2 AND NOT disabled, used_at, idle_us, expires_at,
                counter, rotated_at, window_counter, window_at
         FROM token_families JOIN sessions ON sessions.id = session_id JOIN users ON users.id = user_id
         WHERE session_id = $1",
        &[&session_id, &epoch],
    )
}

/// Makes a session one of tokens; answers whether it still held.
pub(crate) fn give(tx: &mut Tx<'_>, session_id: &str, idle_us: i64) -> Result<bool, StoreError> {
    let digest = digest_of_session(session_id);
    let held = tx.execute(
        "UPDATE sessions SET token_digest = $2, idle_us = $3 WHERE id = $1 AND ended_at IS NULL",
        &[&session_id, &digest, &idle_us],
    )?;
    if held == 0 {
        return Ok(false);
    }
    let now = tx.at_us();
    tx.execute(
        "INSERT INTO token_families (session_id, counter, rotated_at, window_counter, window_at) VALUES ($1, 0, $2, 0, 0)",
        &[&session_id, &now],
    )?;
    Ok(true)
}

/// Replaces the token of this turn; answers whether nobody else has meanwhile.
pub(crate) fn rotate(tx: &mut Tx<'_>, session_id: &str, counter: i64) -> Result<bool, StoreError> {
    let now = tx.at_us();
    let replaced = tx.execute(
        "UPDATE token_families SET counter = counter + 1, rotated_at = $3,
                window_counter = CASE WHEN window_at < $4 THEN counter ELSE window_counter END,
                window_at = CASE WHEN window_at < $4 THEN $3 ELSE window_at END
         WHERE session_id = $1 AND counter = $2",
        &[&session_id, &counter, &now, &now.saturating_sub(RACE_US)],
    )?;
    if replaced == 0 {
        return Ok(false);
    }
    tx.execute("UPDATE sessions SET used_at = $2 WHERE id = $1 AND used_at < $2", &[&session_id, &now])?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: i64 = 1_000_000;

    #[test]
    fn what_a_token_comes_to_is_said_by_its_turn_and_the_time() {
        let family = Family {
            user_id: "u1".to_owned(),
            holds: true,
            idle_us: 10_000 * S,
            idle_at: 10_000 * S,
            expires_at: 20_000 * S,
            counter: 5,
            rotated_at: 1_008 * S,
            window_counter: 3,
            window_at: 1_000 * S,
        };
        for (counter, at, judged) in [
            (5, 1_009, Judged::Rotate),
            (4, 1_009, Judged::Again),
            (4, 1_018, Judged::Again),
            (4, 1_019, Judged::Replayed),
            (3, 1_010, Judged::Again),
            (3, 1_011, Judged::Replayed),
            (2, 1_009, Judged::Replayed),
            (6, 1_009, Judged::Over),
            // A clock that another node is ahead of.
            (4, 1_000, Judged::Again),
            (5, 9_999, Judged::Rotate),
            (5, 10_000, Judged::Over),
            (2, 10_000, Judged::Over),
        ] {
            assert_eq!(judge(&family, counter, at * S), judged, "{counter} at {at}");
        }
        let used = Family { idle_at: 30_000 * S, ..family.clone() };
        assert_eq!(judge(&used, 5, 20_000 * S), Judged::Over, "use does not put off the absolute end");
        assert_eq!(judge(&Family { holds: false, ..family }, 5, 1_009 * S), Judged::Over);
    }
}
