//! Where the strips or tiles of a page lie. A strip is a tile of the image's width.

use tiff::TiffResult;
use tiff::decoder::ChunkType;
use tiff::tags::Tag;

use super::tags::Tags;

/// All strips or tiles.
pub(crate) struct Grid {
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// Where in the file each starts, and its length there.
    spans: Vec<(u64, u64)>,
}

/// A strip or tile.
pub(crate) struct Part {
    /// Where its first pixel lies in the image.
    pub(crate) left: u32,
    pub(crate) top: u32,
    /// Pixels across that it has, of which a tile may have some outside the image.
    pub(crate) width: u32,
    /// Rows inside the image.
    pub(crate) height: u32,
    /// Where it lies in the file, and its length there.
    pub(crate) at: u64,
    pub(crate) length: u64,
}

impl Grid {
    /// Reads the tags.
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

    /// Length in the file of the longest part.
    pub(crate) fn longest(&self) -> u64 {
        let lengths = self.spans.iter().map(|&(_, length)| length);
        lengths.max().unwrap_or(0)
    }

    /// All parts, row by row, of an image of this size.
    pub(crate) fn parts(&self, width: u32, height: u32) -> impl Iterator<Item = Part> {
        // Neither is 0: the `tiff` crate has refused that.
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
