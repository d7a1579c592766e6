//! Decodes GIF with the `image` crate. Of an animation, it decodes the first frame.

use shared::problem::Failure;

use super::decoded::Decoded;
use super::frame;
use crate::fault;
use crate::format::Format;
use crate::probe::gif::end_of_first_frame;
use crate::reader;

pub(super) fn decode(data: &[u8]) -> Result<Decoded, Failure> {
    if !end_of_first_frame(data) {
        return Err(fault::truncated(Format::Gif));
    }
    frame::decode(reader::gif(data), Format::Gif)
}
