//! Hashing and verifying, with the costs and peppers of today.

use zeroize::Zeroizing;

use super::{
    Format, MAX_BYTES, Memory, PasswordError, PepperRing, Stored,
    format::{write, write_options},
    prehash::Prehash,
    recipe::{Argon2, Demand, MOST_LANES, MOST_MEMORY_KIB, MOST_PASSES, Recipe, Variant},
    wrapping::Inner,
};

const SALT_BYTES: usize = 16;
const HASH_BYTES: usize = 32;
/// The least memory in KiB for so many passes: OWASP's password storage cheat sheet, ASVS 5.0 appendix C.
const FLOOR: [(u32, u32); 5] = [(1, 47_104), (2, 19_456), (3, 12_288), (4, 9_216), (5, 7_168)];

/// What a hash costs: argon2id's parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

impl Cost {
    /// Memory in KiB, passes over it, and lanes, which are computed one after the other.
    ///
    /// # Errors
    /// It is less than OWASP's floor, or more than a login may take.
    pub fn new(memory_kib: u32, passes: u32, lanes: u32) -> Result<Self, PasswordError> {
        let floor = FLOOR.iter().rev().find(|(least, _)| passes >= *least);
        if floor.is_none_or(|(_, least_kib)| memory_kib < *least_kib) {
            return Err(PasswordError::Setting(
                "the cost is below OWASP's floor: 46 MiB in 1 pass, 19 MiB in 2, 12 MiB in 3, 9 MiB in 4 or 7 MiB in 5",
            ));
        }
        if memory_kib > MOST_MEMORY_KIB || passes > MOST_PASSES || !(1..=MOST_LANES).contains(&lanes) {
            return Err(PasswordError::Setting(
                "the cost is beyond what a login may take: 256 MiB, 20 passes and 16 lanes at most",
            ));
        }
        Ok(Self { memory_kib, passes, lanes })
    }

    pub(super) fn memory_kib(self) -> u32 {
        self.memory_kib
    }
}

/// 19 MiB in 2 passes, 1 lane: 13 to 23 ms of one core.
impl Default for Cost {
    fn default() -> Self {
        Self { memory_kib: 19_456, passes: 2, lanes: 1 }
    }
}

/// Hashes and verifies; pure but for the salts' randomness. Each call takes a core for its time: see [`super::HashingPool`].
#[derive(Clone, Debug, Default)]
pub struct Hasher {
    cost: Cost,
    peppers: PepperRing,
}

impl Hasher {
    /// With this cost and these peppers.
    #[must_use]
    pub fn new(cost: Cost, peppers: PepperRing) -> Self {
        Self { cost, peppers }
    }

    pub(super) fn cost(&self) -> Cost {
        self.cost
    }

    /// A hash to store: a PHC string, after its options if it has a pepper.
    ///
    /// # Errors
    /// The password is too long, or the system gives no random bytes.
    pub fn hash(&self, password: &str, memory: &mut Memory) -> Result<String, PasswordError> {
        if password.len() > MAX_BYTES {
            return Err(PasswordError::TooLong);
        }
        self.finish(&Prehash::Nfc.apply(password), None, memory)
    }

    /// Whether it is the stored password. One of more than [`MAX_BYTES`] is not.
    ///
    /// # Errors
    /// The pepper that it was made with is missing, or many rounds would read a long password too often.
    pub fn verify(&self, stored: &Stored, password: &str, memory: &mut Memory) -> Result<bool, PasswordError> {
        let matched = stored.matches(password, &self.peppers, memory);
        memory.keep_at_most(self.cost.memory_kib);
        matched
    }

    /// Whether it should be hashed anew while the password is at hand: it is in another format, of another cost, or with another pepper.
    #[must_use]
    pub fn needs_upgrade(&self, stored: &Stored) -> bool {
        let Recipe::Argon2(argon2) = stored.recipe() else { return true };
        let cost = Cost { memory_kib: argon2.memory_kib(), passes: argon2.passes(), lanes: argon2.lanes() };
        let own = matches!(stored.format(), Format::Argon2id | Format::Peppered) && argon2.standard();
        let whole = argon2.salt().len() >= SALT_BYTES && stored.expected().len() == HASH_BYTES;
        !(own && whole && cost == self.cost && stored.pepper() == self.peppers.current())
    }

    /// For the import: plaintext becomes a hash, and a fast hash one over it, so that neither is kept. Nothing for what is slow enough.
    ///
    /// # Errors
    /// The plaintext is too long, or the system gives no random bytes.
    pub fn wrap(&self, stored: &Stored, memory: &mut Memory) -> Result<Option<String>, PasswordError> {
        if stored.recipe() == &Recipe::Plain {
            let password =
                std::str::from_utf8(stored.expected()).map_err(|_| Format::Plain.malformed("it is not text"))?;
            return self.hash(password, memory).map(Some);
        }
        if stored.inner().is_some() || stored.prehash() != &Prehash::Nothing {
            return Ok(None);
        }
        let Some(inner) = Inner::of(stored.recipe(), stored.expected().len()) else { return Ok(None) };
        self.finish(stored.expected(), Some(&inner), memory).map(Some)
    }

    /// Work as a hash of today takes, which no password satisfies.
    ///
    /// # Errors
    /// The system gives no random bytes.
    pub fn decoy(&self) -> Result<Stored, PasswordError> {
        let argon2 = self.argon2()?;
        Ok(Stored::new(Format::Argon2id, Prehash::Nfc, Recipe::Argon2(argon2), vec![0; HASH_BYTES]).decoy())
    }

    fn finish(&self, input: &[u8], inner: Option<&Inner>, memory: &mut Memory) -> Result<String, PasswordError> {
        let argon2 = self.argon2()?;
        let recipe = Recipe::Argon2(argon2.clone());
        let mut hash = Zeroizing::new(recipe.compute(Format::Argon2id, input, HASH_BYTES, memory)?);
        let pepper = self.peppers.current();
        if let Some(id) = pepper {
            hash = Zeroizing::new(self.peppers.apply(id, &hash)?);
        }
        Ok(write_options(pepper, inner) + &write(&argon2, &hash))
    }

    fn argon2(&self) -> Result<Argon2, PasswordError> {
        let mut salt = vec![0; SALT_BYTES];
        getrandom::fill(&mut salt).map_err(|_| PasswordError::Random)?;
        let Cost { memory_kib, passes, lanes } = self.cost;
        let demand = Demand { variant: Variant::Id, version: 0x13, memory_kib, passes, lanes, salt };
        Argon2::new(Format::Argon2id, demand)
    }
}
