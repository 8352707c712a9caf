//! Sizes as words: `"10 MB"`, `"64 KiB"`.

use std::fmt;

use super::raw::{Raw, Setting, Shape};

/// A number of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(u64);

const UNITS: &[(&str, u64)] = &[
    ("B", 1),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
];

impl Size {
    /// So many bytes.
    #[must_use]
    pub const fn from_bytes(bytes: u64) -> Self {
        Self(bytes)
    }

    /// The number of bytes.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        self.0
    }

    fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(digits);
        let unit = unit.trim();
        let (_, scale) = UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit))?;
        number.parse::<u64>().ok()?.checked_mul(*scale).map(Self)
    }
}

impl fmt::Display for Size {
    /// The largest unit that divides it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, scale) = UNITS
            .iter()
            .filter(|(_, scale)| self.0 > 0 && self.0.is_multiple_of(*scale))
            .max_by_key(|(_, scale)| *scale)
            .unwrap_or(&("B", 1));
        write!(f, "{} {name}", self.0 / scale)
    }
}

impl Setting for Size {
    const SHAPE: Shape = Shape::Text("size", "10 MB");

    fn read(raw: &Raw) -> Result<Self, String> {
        let Raw::Text(text) = raw else {
            return Err(format!("expected a size as text, such as \"10 MB\", found {}", raw.kind()));
        };
        Self::parse(text).ok_or_else(|| {
            format!(
                "\"{text}\" is not a size; write a whole number and B, KB, MB, GB, KiB, MiB or GiB, such as \"10 MB\""
            )
        })
    }

    fn measure(&self) -> Option<u64> {
        Some(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_as_people_write_them() {
        for (text, bytes) in
            [("10 MB", 10_000_000), ("10mb", 10_000_000), ("64 KiB", 65_536), ("0 B", 0), (" 1 GB ", 1_000_000_000)]
        {
            assert_eq!(Size::parse(text), Some(Size(bytes)), "{text}");
        }
        for text in ["", "10", "MB", "-1 MB", "1.5 MB", "10 M", "99999999999 TB", "1 000 B"] {
            assert_eq!(Size::parse(text), None, "{text}");
        }
    }

    #[test]
    fn sizes_print_as_they_read() {
        for text in ["10 MB", "64 KiB", "0 B", "1 B", "1500 B", "1 GiB"] {
            let size = Size::parse(text).unwrap();
            assert_eq!(Size::parse(&size.to_string()), Some(size), "{text}");
        }
    }
}
