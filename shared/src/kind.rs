//! The kinds of assets, and where jobs run.

use crate::words::words;

words! {
    /// Kind of an asset.
    AssetKind {
        /// Image: gets WebP variants.
        Image = "image",
        /// Video: gets HLS, MP4, a poster and a storyboard.
        Video = "video",
        /// Audio: gets HLS and MP4.
        Audio = "audio",
        /// Document: only stored.
        Document = "document",
        /// Package: only stored.
        Package = "package",
    }
}

words! {
    /// Where a job runs.
    RunsOn {
        /// At the edge, in the queue consumer.
        Edge = "edge",
        /// On a native worker.
        Native = "native",
    }
}
