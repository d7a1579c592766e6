//! What an asset is, and where its jobs run: the two words that every other module sorts by.

use crate::words::words;

words! {
    /// What an asset is.
    AssetKind {
        /// An image; gets WebP variants.
        Image = "image",
        /// A video; gets HLS, MP4 and stills.
        Video = "video",
        /// Audio; gets HLS and MP4.
        Audio = "audio",
        /// A document that is only stored.
        Document = "document",
        /// A package that is only stored.
        Package = "package",
    }
}

words! {
    /// Where a job runs.
    RunsOn {
        /// By the queue's consumer at the edge.
        Edge = "edge",
        /// By a native worker.
        Native = "native",
    }
}
