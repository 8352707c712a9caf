//! Argon2, RFC 9106.

use argon2::{Algorithm, Params, Version};

use crate::password::{Format, Memory, PasswordError};

/// Upper bounds of what a stored hash may demand. 256 MiB in 20 passes take some seconds.
pub(crate) const MOST_MEMORY_KIB: u32 = 256 * 1024;
pub(crate) const MOST_PASSES: u32 = 20;
pub(crate) const MOST_LANES: u32 = 16;

/// The order in which memory is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Variant {
    D,
    I,
    Id,
}

/// Argon2 with its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Argon2 {
    variant: Variant,
    version: Version,
    params: Params,
    salt: Vec<u8>,
}

/// The parameters as a stored hash has them.
pub(crate) struct Demand {
    pub(crate) variant: Variant,
    pub(crate) version: u32,
    pub(crate) memory_kib: u32,
    pub(crate) passes: u32,
    pub(crate) lanes: u32,
    pub(crate) salt: Vec<u8>,
}

impl Argon2 {
    /// Argon2 as demanded, within the bounds.
    pub(crate) fn new(format: Format, demand: Demand) -> Result<Self, PasswordError> {
        format.bound("memory in KiB", demand.memory_kib, MOST_MEMORY_KIB)?;
        format.bound("a number of passes", demand.passes, MOST_PASSES)?;
        format.bound("a parallelism", demand.lanes, MOST_LANES)?;
        let version = Version::try_from(demand.version).map_err(|_| format.malformed("it has an unknown version"))?;
        let params = Params::new(demand.memory_kib, demand.passes, demand.lanes, None)
            .map_err(|_| format.malformed("its cost parameters do not fit together"))?;
        if !(argon2::MIN_SALT_LEN..=128).contains(&demand.salt.len()) {
            return Err(format.malformed("its salt has less than 8 or more than 128 bytes"));
        }
        Ok(Self { variant: demand.variant, version, params, salt: demand.salt })
    }

    pub(super) fn compute(&self, password: &[u8], length: usize, memory: &mut Memory) -> Option<Vec<u8>> {
        let algorithm = match self.variant {
            Variant::D => Algorithm::Argon2d,
            Variant::I => Algorithm::Argon2i,
            Variant::Id => Algorithm::Argon2id,
        };
        let mut out = vec![0; length];
        let blocks = memory.blocks(self.params.block_count());
        let argon2 = argon2::Argon2::new(algorithm, self.version, self.params.clone());
        argon2.hash_password_into_with_memory(password, &self.salt, &mut out, blocks).ok()?;
        Some(out)
    }

    /// Argon2id of the version of the standard.
    pub(crate) fn standard(&self) -> bool {
        self.variant == Variant::Id && self.version == Version::V0x13
    }

    pub(crate) fn memory_kib(&self) -> u32 {
        self.params.m_cost()
    }

    pub(crate) fn passes(&self) -> u32 {
        self.params.t_cost()
    }

    pub(crate) fn lanes(&self) -> u32 {
        self.params.p_cost()
    }

    pub(crate) fn salt(&self) -> &[u8] {
        &self.salt
    }
}
