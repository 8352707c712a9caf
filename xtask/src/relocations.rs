//! How the released program says where its addresses are, which the loader reads whole at each start.
//!
//! One address takes 24 bytes in the common table, and a bit in the packed one (ELF's RELR): a megabyte of memory less. Loaders know that
//! table since glibc 2.36; an older one refuses the program, so it is only packed on machines that have such a loader themselves.

use std::process::Command;

/// The first glibc whose loader reads the packed table.
const FIRST: (u32, u32) = (2, 36);

/// What the compiler has to be told for this machine.
pub(crate) fn words() -> Option<String> {
    let said = Command::new("getconf").arg("GNU_LIBC_VERSION").output().ok()?;
    let packs = version(&String::from_utf8_lossy(&said.stdout))? >= FIRST;
    packs.then(|| "-Clink-arg=-Wl,-z,pack-relative-relocs".to_owned())
}

/// Out of what getconf(1) prints, such as `glibc 2.36`.
fn version(said: &str) -> Option<(u32, u32)> {
    let (major, minor) = said.trim().strip_prefix("glibc ")?.split_once('.')?;
    Some((major.parse().ok()?, minor.split('.').next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machines_glibc_is_read() {
        assert_eq!(version("glibc 2.36\n"), Some((2, 36)));
        assert_eq!(version("glibc 2.9.1"), Some((2, 9)));
        assert!((2, 9) < FIRST && (2, 41) >= FIRST);
        assert_eq!(version("undefined"), None);
        assert_eq!(version(""), None);
    }
}
