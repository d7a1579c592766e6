//! Converts samples of every depth to bytes.

/// Number of bits of a sample, and their meaning.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    /// 1, 2 or 4 bits, several per byte. Each row starts at a byte.
    Packed(u16),
    Eight,
    Sixteen,
    ThirtyTwo,
    /// 32-bit float: 0 is black and 1 is white.
    Float,
}

impl Depth {
    /// The depth for the bits per sample and the sample format of a TIFF: 1 is unsigned, 3 is float.
    pub(crate) const fn new(bits: u16, format: u16) -> Option<Self> {
        match (bits, format) {
            (1 | 2 | 4, 1) => Some(Self::Packed(bits)),
            (8, 1) => Some(Self::Eight),
            (16, 1) => Some(Self::Sixteen),
            (32, 1) => Some(Self::ThirtyTwo),
            (32, 3) => Some(Self::Float),
            _ => None,
        }
    }

    pub(crate) const fn bits(self) -> u16 {
        match self {
            Self::Packed(bits) => bits,
            Self::Eight => 8,
            Self::Sixteen => 16,
            Self::ThirtyTwo | Self::Float => 32,
        }
    }

    /// The factor that makes the largest grey sample white, which is 255.
    pub(crate) const fn scale(self) -> u8 {
        match self {
            Self::Packed(1) => 255,
            Self::Packed(2) => 85,
            Self::Packed(_) => 17,
            Self::Eight | Self::Sixteen | Self::ThirtyTwo | Self::Float => 1,
        }
    }

    /// Converts the samples of a row to one byte each. `row` has the byte order of this machine. Samples of less than 8
    /// bits keep their value.
    pub(crate) fn bytes(self, row: &[u8], bytes: &mut Vec<u8>) {
        bytes.clear();
        match self {
            Self::Packed(bits) => {
                let mask = (1 << bits) - 1;
                bytes.extend(row.iter().flat_map(|&byte| {
                    (0..8 / bits)
                        .rev()
                        .map(move |sample| (byte >> (sample * bits)) & mask)
                }));
            }
            Self::Eight => bytes.extend_from_slice(row),
            Self::Sixteen => bytes.extend(row.as_chunks().0.iter().map(|&sample| {
                let rounded = (u32::from(u16::from_ne_bytes(sample)) + 128) / 257;
                u8::try_from(rounded).unwrap_or(u8::MAX)
            })),
            Self::ThirtyTwo => bytes.extend(row.as_chunks().0.iter().map(|&sample| {
                let [high, ..] = u32::from_ne_bytes(sample).to_be_bytes();
                high
            })),
            Self::Float => bytes.extend(
                row.as_chunks()
                    .0
                    .iter()
                    .map(|&sample| of_unit(f32::from_ne_bytes(sample))),
            ),
        }
    }
}

/// Converts a grey level from 0 to 1 to a byte. Other values are clamped, and NaN becomes black.
#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the value is clamped to 0..=255 first, and the cast makes NaN 0"
)]
fn of_unit(level: f32) -> u8 {
    (level.clamp(0.0, 1.0) * 255.0).round() as u8
}
