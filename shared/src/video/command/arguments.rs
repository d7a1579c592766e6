//! Builder of argument lists, with the guards for every input.

/// Demuxers that may open an upload, by their names in ffmpeg 5.1 (one name of each is enough).
///
/// Invariant: the list contains no demuxer that opens other files or URLs (hls, dash, concat, imf, image2, sdp, rtsp), runs
/// a
/// filter graph (lavfi) or renders any text as video (tty).
pub const FORMAT_WHITELIST: &str =
    "mov,matroska,mpegts,mpeg,avi,flv,asf,mxf,ogg,mp3,wav,w64,aiff,caf,flac,aac,ac3,eac3,amr";

/// Protocols that ffmpeg may use: no network protocol.
pub const PROTOCOL_WHITELIST: &str = "file,pipe";

/// Largest number of pixels of a frame that a decoder accepts, independent of the header that ffprobe read: 8192 × 8192.
const MAX_PIXELS: &str = "67108864";

/// Builder of an argument list.
#[derive(Debug, Default)]
pub(super) struct Arguments(pub(super) Vec<String>);

impl Arguments {
    /// Starts with the options of every run of ffmpeg: one line on stderr per error, progress on stdout.
    pub(super) fn new() -> Self {
        let mut list = Self::default();
        list.flag("-hide_banner").flag("-nostdin").flag("-y");
        // `repeat`: print repeated errors instead of summarizing them, so that each one is counted.
        list.pair("-loglevel", "repeat+level+error");
        // Progress is reported every 0.1 s.
        list.pair("-progress", "pipe:1")
            .pair("-stats_period", "0.1");
        list.flag("-nostats");
        list
    }

    pub(super) fn flag(&mut self, flag: &str) -> &mut Self {
        self.0.push(flag.to_owned());
        self
    }

    pub(super) fn pair(&mut self, option: &str, value: impl Into<String>) -> &mut Self {
        self.0.push(option.to_owned());
        self.0.push(value.into());
        self
    }

    /// Adds an upload as input, with the guards. `file:` prevents a path with a colon from being parsed as a protocol.
    pub(super) fn input(&mut self, path: &str) -> &mut Self {
        self.guards().pair("-max_pixels", MAX_PIXELS);
        self.pair("-i", format!("file:{path}"))
    }

    pub(super) fn guards(&mut self) -> &mut Self {
        self.pair("-protocol_whitelist", PROTOCOL_WHITELIST);
        self.pair("-format_whitelist", FORMAT_WHITELIST)
    }

    /// Keeps the source's tags and chapters out of an output.
    pub(super) fn strip(&mut self) -> &mut Self {
        self.pair("-map_metadata", "-1").pair("-map_chapters", "-1")
    }
}
