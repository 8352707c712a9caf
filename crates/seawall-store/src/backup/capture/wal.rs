//! The format of SQLite's write-ahead log (<https://sqlite.org/fileformat2.html#walformat>): a header of 32 bytes, then frames, each
//! a header of 24 bytes and one page.

/// Bytes of the log's header.
pub(super) const HEADER_BYTES: usize = 32;
/// Bytes of a frame's header.
pub(super) const FRAME_HEADER_BYTES: usize = 24;

const MAGIC: u32 = 0x377f_0682;
const FORMAT: u32 = 3_007_000;

/// Two running sums over 32-bit words.
pub(super) type Checksum = [u32; 2];

/// The log's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) page_size: u32,
    /// Changed whenever the log begins anew: the first grows by one, the second is random.
    pub(super) salts: [u32; 2],
    pub(super) checksum: Checksum,
    order: Order,
}

/// The order of bytes in the words that are summed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Big,
    Little,
}

/// A frame's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) page: u32,
    /// The database's size in pages after the commit; 0 for all frames of a transaction but its last.
    pub(super) commit_pages: u32,
}

impl Header {
    /// Reads a header; nothing when it is none, or damaged.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let magic = word(bytes, 0)?;
        let order = match magic ^ MAGIC {
            0 => Order::Little,
            1 => Order::Big,
            _ => return None,
        };
        let checksum = fold(order, [0, 0], bytes.get(..24)?);
        let found = [word(bytes, 24)?, word(bytes, 28)?];
        let header = Self { page_size: word(bytes, 8)?, salts: [word(bytes, 16)?, word(bytes, 20)?], checksum, order };
        // A page size of 65,536 is stored as it is here, unlike in the database's own header.
        let fits = header.page_size.is_power_of_two() && (512..=65_536).contains(&header.page_size);
        (word(bytes, 4)? == FORMAT && fits && found == checksum).then_some(header)
    }

    /// Bytes of one frame.
    pub(super) const fn frame_bytes(&self) -> usize {
        FRAME_HEADER_BYTES + self.page_size as usize
    }

    /// Reads the frame that follows the sum `before`; answers it and the sum after it, or nothing when it does not belong here.
    pub(super) fn frame(&self, before: Checksum, bytes: &[u8]) -> Option<(Frame, Checksum)> {
        let salts = [word(bytes, 8)?, word(bytes, 12)?];
        if salts != self.salts {
            return None;
        }
        let after = fold(self.order, before, bytes.get(..8)?);
        let after = fold(self.order, after, bytes.get(FRAME_HEADER_BYTES..self.frame_bytes())?);
        let found = [word(bytes, 16)?, word(bytes, 20)?];
        (found == after).then_some((Frame { page: word(bytes, 0)?, commit_pages: word(bytes, 4)? }, after))
    }

    /// The sum that stands in a frame's header.
    pub(super) fn checksum_in(bytes: &[u8]) -> Option<Checksum> {
        Some([word(bytes, 16)?, word(bytes, 20)?])
    }
}

/// Adds bytes, a multiple of 8, to a sum.
pub(super) fn fold(order: Order, [mut first, mut second]: Checksum, bytes: &[u8]) -> Checksum {
    let (pairs, _) = bytes.as_chunks::<8>();
    for &[a, b, c, d, e, f, g, h] in pairs {
        let (left, right) = match order {
            Order::Big => (u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h])),
            Order::Little => (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h])),
        };
        first = first.wrapping_add(left).wrapping_add(second);
        second = second.wrapping_add(right).wrapping_add(first);
    }
    [first, second]
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().ok().map(u32::from_be_bytes)
}
