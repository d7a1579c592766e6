//! Checked reads of numbers from untrusted bytes. A read outside the data is `None`.

/// The `N` bytes that start at `at`.
pub(crate) fn array<const N: usize>(data: &[u8], at: usize) -> Option<[u8; N]> {
    data.get(at..at.checked_add(N)?)?.try_into().ok()
}

/// Big-endian, 16 bits.
pub(crate) fn be16(data: &[u8], at: usize) -> Option<u16> {
    array(data, at).map(u16::from_be_bytes)
}

/// Big-endian, 32 bits.
pub(crate) fn be32(data: &[u8], at: usize) -> Option<u32> {
    array(data, at).map(u32::from_be_bytes)
}

/// Little-endian, 16 bits.
pub(crate) fn le16(data: &[u8], at: usize) -> Option<u16> {
    array(data, at).map(u16::from_le_bytes)
}

/// Little-endian, 24 bits.
pub(crate) fn le24(data: &[u8], at: usize) -> Option<u32> {
    array(data, at).map(|[low, middle, high]| u32::from_le_bytes([low, middle, high, 0]))
}

/// Little-endian, 32 bits.
pub(crate) fn le32(data: &[u8], at: usize) -> Option<u32> {
    array(data, at).map(u32::from_le_bytes)
}
