//! Filter graphs.

use crate::video::plan::{Filter, VideoPlan};
use crate::video::source::DynamicRange;

/// Filters for every frame before it is split, of `size` after a tone map. What ends as 8-bit 4:2:0 in limited range.
pub(super) fn before_split(video: &VideoPlan, (width, height): (u32, u32)) -> String {
    let mut steps: Vec<String> = video
        .filters
        .iter()
        .map(|filter| step(*filter, width, height))
        .collect();
    steps.push("format=yuv420p".to_owned());
    steps.join(",")
}

/// The same for one frame at some time: without the even rate.
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
        // `start_time=0` repeats the first frame back to zero where the picture starts late, and drops what is before.
        Filter::Fps(fps) => format!("fps=fps={fps}:start_time=0"),
        Filter::Hold(ms) => format!("tpad=stop_mode=clone:stop_duration={ms}ms"),
        Filter::FullRange => "scale=in_range=full:out_range=limited".to_owned(),
        // 5.1 converts but does not say so: without the tags a player would guess, by size.
        Filter::Rgb => {
            let tags = "colorspace=bt709:color_primaries=bt709:color_trc=bt709:range=limited";
            format!(
                "scale=out_color_matrix=bt709:out_range=limited,format=yuv420p,setparams={tags}"
            )
        }
        Filter::ToneMap(range) => tone_map(range, width, height),
    }
}

/// To the wanted size (fewer pixels in floating point; and zscale takes no odd sides of 4:2:0), to linear light, to the
/// smaller gamut, through the curve, and back. What the file says of itself may be incomplete, so the input is told in full.
fn tone_map(range: DynamicRange, width: u32, height: u32) -> String {
    let transfer = match range {
        DynamicRange::Pq => "smpte2084",
        DynamicRange::Hlg => "arib-std-b67",
        DynamicRange::Sdr => return "null".to_owned(),
    };
    [
        &format!("scale={width}:{height}:flags=bicubic"),
        "format=yuv420p10le",
        // Trap: zscale's own `tin`, `min` and `pin` leave the output's unnamed, and then there is "no path between colorspaces".
        &format!("setparams=color_primaries=bt2020:color_trc={transfer}:colorspace=bt2020nc"),
        "zscale=t=linear:npl=100",
        "format=gbrpf32le",
        "zscale=p=bt709",
        "tonemap=tonemap=hable:desat=0",
        "zscale=t=bt709:m=bt709:r=limited",
    ]
    .join(",")
}

/// Scales to a JPEG's colours: full range, the matrix of JFIF.
pub(super) fn jpeg(width: u32, height: u32) -> String {
    format!(
        "scale={width}:{height}:flags=bicubic:out_color_matrix=bt601:out_range=full,setsar=1,format=yuvj420p"
    )
}
