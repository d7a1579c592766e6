//! Filter graphs.

use crate::video::plan::{Filter, VideoPlan};
use crate::video::source::DynamicRange;

/// Filters that run before the frames are split into rungs. The result is 8-bit 4:2:0 in limited range; a tone map also
/// scales
/// to `width` × `height`.
pub(super) fn before_split(video: &VideoPlan, (width, height): (u32, u32)) -> String {
    let mut steps: Vec<String> = video
        .filters
        .iter()
        .map(|filter| step(*filter, width, height))
        .collect();
    steps.push("format=yuv420p".to_owned());
    steps.join(",")
}

/// The same filters for a single frame: without those that change the frame rate or the end.
pub(super) fn single_frame(video: &VideoPlan, (width, height): (u32, u32)) -> String {
    let steps = video.filters.iter().filter(|filter| match filter {
        Filter::Fps(_) | Filter::Hold(_) => false,
        Filter::Deinterlace | Filter::FullRange | Filter::Rgb | Filter::ToneMap(_) => true,
    });
    let mut steps: Vec<String> = steps.map(|filter| step(*filter, width, height)).collect();
    steps.push("format=yuv420p".to_owned());
    steps.join(",")
}

fn step(filter: Filter, width: u32, height: u32) -> String {
    match filter {
        Filter::Deinterlace => "bwdif=mode=send_frame:deint=interlaced".to_owned(),
        // `start_time=0`: if the video starts late, the first frame is repeated from zero on; frames before zero are
        // dropped.
        Filter::Fps(fps) => format!("fps=fps={fps}:start_time=0"),
        Filter::Hold(ms) => format!("tpad=stop_mode=clone:stop_duration={ms}ms"),
        Filter::FullRange => "scale=in_range=full:out_range=limited".to_owned(),
        // ffmpeg 5.1 converts but does not set the tags; without them, players would guess by the frame size.
        Filter::Rgb => {
            let tags = "colorspace=bt709:color_primaries=bt709:color_trc=bt709:range=limited";
            format!(
                "scale=out_color_matrix=bt709:out_range=limited,format=yuv420p,setparams={tags}"
            )
        }
        Filter::ToneMap(range) => tone_map(range, width, height),
    }
}

/// Tone map: scale to the wanted size (so that fewer pixels are processed in floating point; zscale also does not support
/// odd
/// sides in 4:2:0), convert to linear light, to the smaller gamut, apply the curve, and convert back. The file's own colour
/// tags may be incomplete, so all of them are set.
fn tone_map(range: DynamicRange, width: u32, height: u32) -> String {
    let transfer = match range {
        DynamicRange::Pq => "smpte2084",
        DynamicRange::Hlg => "arib-std-b67",
        DynamicRange::Sdr => return "null".to_owned(),
    };
    [
        &format!("scale={width}:{height}:flags=bicubic"),
        "format=yuv420p10le",
        // Trap: with zscale's `tin`, `min` and `pin`, the output would remain untagged, and zscale then fails with "no path
        // between colorspaces".
        &format!("setparams=color_primaries=bt2020:color_trc={transfer}:colorspace=bt2020nc"),
        "zscale=t=linear:npl=100",
        "format=gbrpf32le",
        "zscale=p=bt709",
        "tonemap=tonemap=hable:desat=0",
        "zscale=t=bt709:m=bt709:r=limited",
    ]
    .join(",")
}

/// Scales and converts to JPEG's colour space: full range, the matrix of JFIF.
pub(super) fn jpeg(width: u32, height: u32) -> String {
    format!(
        "scale={width}:{height}:flags=bicubic:out_color_matrix=bt601:out_range=full,setsar=1,format=yuvj420p"
    )
}
