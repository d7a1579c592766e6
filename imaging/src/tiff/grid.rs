//! The positions of the strips or tiles of a page. A strip is a tile that is as wide as the image.

use tiff::TiffResult;
use tiff::decoder::ChunkType;
use tiff::tags::Tag;

use super::tags::Tags;

/// All strips or tiles of a page.
pub(crate) struct Grid {
    /// Width of a strip or tile, in pixels.
    pub(crate) width: u32,
    /// Height of a strip or tile, in pixels.
    pub(crate) height: u32,
    /// Offset in the file and length in bytes of each.
    spans: Vec<(u64, u64)>,
}

/// A strip or tile.
pub(crate) struct Part {
    /// Column of its first pixel in the image.
    pub(crate) left: u32,
    /// Row of its first pixel in the image.
    pub(crate) top: u32,
    /// Width in pixels. A tile may reach beyond the right edge of the image.
    pub(crate) width: u32,
    /// Number of rows within the image.
    pub(crate) height: u32,
    /// Offset in the file, in bytes.
    pub(crate) at: u64,
    /// Length in the file, in bytes.
    pub(crate) length: u64,
}

impl Grid {
    /// Reads the tags of a page of `width` × `height` pixels.
    pub(crate) fn read(tags: &mut Tags<'_>, width: u32, height: u32) -> TiffResult<Self> {
        let is_tiled = tags.get_chunk_type() == ChunkType::Tile;
        let (starts, lengths) = if is_tiled {
            (Tag::TileOffsets, Tag::TileByteCounts)
        } else {
            (Tag::StripOffsets, Tag::StripByteCounts)
        };
        let starts = tags.get_tag_u64_vec(starts)?;
        let lengths = tags.get_tag_u64_vec(lengths)?;
        let (part_width, part_height) = tags.chunk_dimensions();
        Ok(Self {
            width: if is_tiled { part_width } else { width },
            height: if is_tiled {
                part_height
            } else {
                part_height.min(height)
            },
            spans: starts.into_iter().zip(lengths).collect(),
        })
    }

    /// Length of the longest strip or tile in the file, in bytes.
    pub(crate) fn longest(&self) -> u64 {
        let lengths = self.spans.iter().map(|&(_, length)| length);
        lengths.max().unwrap_or(0)
    }

    /// All strips or tiles of an image of this size, row by row.
    pub(crate) fn parts(&self, width: u32, height: u32) -> impl Iterator<Item = Part> {
        // Neither is 0: the `tiff` crate has rejected that.
        let across = width.div_ceil(self.width.max(1)).max(1);
        (0..)
            .zip(&self.spans)
            .map_while(move |(index, &(at, length))| {
                let top = (index / across).checked_mul(self.height)?;
                Some(Part {
                    left: (index % across).checked_mul(self.width)?,
                    top,
                    width: self.width,
                    height: height.checked_sub(top)?.min(self.height),
                    at,
                    length,
                })
            })
    }
}
