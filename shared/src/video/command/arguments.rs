//! An argument list of ffmpeg, and the guards that every input gets.

/// Demuxers that may open an upload, as ffmpeg 5.1 names them (one name of each is enough).
///
/// Invariant: none that opens other files or URLs (hls, dash, concat, imf, image2, sdp, rtsp), runs a filter graph (lavfi) or
/// takes any text for a picture (tty).
pub const FORMAT_WHITELIST: &str =
    "mov,matroska,mpegts,mpeg,avi,flv,asf,mxf,ogg,mp3,wav,w64,aiff,caf,flac,aac,ac3,eac3,amr";

/// Protocols that ffmpeg may open: never a network.
pub const PROTOCOL_WHITELIST: &str = "file,pipe";

/// Pixels of a frame that a decoder may open, whatever the header said to ffprobe: 8192 × 8192.
const MAX_PIXELS: &str = "67108864";

/// An argument list in the making.
#[derive(Debug, Default)]
pub(super) struct Arguments(pub(super) Vec<String>);

impl Arguments {
    /// The options that every run of ffmpeg starts with: one line on stderr for each error, progress on stdout.
    pub(super) fn new() -> Self {
        let mut list = Self::default();
        list.flag("-hide_banner").flag("-nostdin").flag("-y");
        // `repeat`: the same error twice is two errors.
        list.pair("-loglevel", "repeat+level+error");
        // What is told is a tenth of a second old at most.
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

    /// An upload as input, with its guards. `file:` keeps a path with a colon from being read as a protocol.
    pub(super) fn input(&mut self, path: &str) -> &mut Self {
        self.guards().pair("-max_pixels", MAX_PIXELS);
        self.pair("-i", format!("file:{path}"))
    }

    pub(super) fn guards(&mut self) -> &mut Self {
        self.pair("-protocol_whitelist", PROTOCOL_WHITELIST);
        self.pair("-format_whitelist", FORMAT_WHITELIST)
    }

    /// Nothing of the source's tags and chapters goes into an output.
    pub(super) fn strip(&mut self) -> &mut Self {
        self.pair("-map_metadata", "-1").pair("-map_chapters", "-1")
    }
}
