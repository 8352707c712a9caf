//! Credentials of names that have none: always the same for a name, so that asking does not tell who there is, nor who has passkeys.

use crate::attempts::AttemptsKey;

/// Lengths of ids that real authenticators make, in bytes.
const LENGTHS: [usize; 4] = [16, 20, 32, 64];

/// The made-up ids of a name: one, or two of them now and then.
pub(crate) fn ids(key: &AttemptsKey, name: &str) -> Vec<Vec<u8>> {
    let drawn = key.made_for("how many made-up passkeys", &[name.as_bytes()]);
    let byte = |at: usize| drawn.get(at).copied().unwrap_or_default();
    let count: u8 = if byte(0) % 4 == 0 { 2 } else { 1 };
    let one = |which: u8| {
        let length = LENGTHS.get(usize::from(byte(1 + usize::from(which)) % 4)).copied().unwrap_or(32);
        let parts = (0_u8..2).flat_map(|part| key.made_for("made-up passkeys", &[name.as_bytes(), &[which, part]]));
        parts.take(length).collect()
    };
    (0..count).map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_the_same_always_and_another_has_others() {
        let key = AttemptsKey::of(&"secret".to_owned().into());
        assert_eq!(ids(&key, "ann"), ids(&key, "ann"));
        assert_ne!(ids(&key, "ann"), ids(&key, "bob"));
        assert_ne!(ids(&key, "ann"), ids(&AttemptsKey::of(&"other".to_owned().into()), "ann"));
        let all: Vec<_> = (0..64).flat_map(|number| ids(&key, &format!("user{number}"))).collect();
        assert!(all.iter().all(|id| LENGTHS.contains(&id.len())));
        assert!(LENGTHS.iter().all(|length| all.iter().any(|id| id.len() == *length)));
    }
}
